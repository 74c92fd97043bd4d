//! What a secret looks like when no name gives it away.

use std::borrow::Cow;

use crate::scrub::marks::{Marks, TOKEN_RUN};

/// A set of ASCII bytes.
///
/// ```
/// use mini_sentry::scrub::Charset;
///
/// let base64 = Charset::ALPHANUMERIC.with(b"+/=");
/// assert!(base64.contains(b'/') && !base64.contains(b'-'));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(u128);

impl Charset {
    /// No byte.
    pub const NONE: Self = Self(0);
    /// `0` to `9`.
    pub const DIGITS: Self = Self::NONE.with(b"0123456789");
    /// `a` to `z`.
    pub const LOWER: Self = Self::NONE.with(b"abcdefghijklmnopqrstuvwxyz");
    /// `A` to `Z`.
    pub const UPPER: Self = Self::NONE.with(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    /// Digits and letters up to `f`, of both cases.
    pub const HEX: Self = Self::DIGITS.with(b"abcdefABCDEF");
    /// Letters and digits.
    pub const ALPHANUMERIC: Self = Self::DIGITS.or(Self::LOWER).or(Self::UPPER);

    const WORD: Self = Self::ALPHANUMERIC.with(b"_-");

    /// With these bytes too; bytes that are not ASCII are passed over.
    #[must_use]
    pub const fn with(self, bytes: &[u8]) -> Self {
        let mut set = self.0;
        let mut rest = bytes;
        while let [byte, others @ ..] = rest {
            if byte.is_ascii() {
                set |= 1 << *byte;
            }
            rest = others;
        }
        Self(set)
    }

    /// With the bytes of another set too.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True when the byte is in the set.
    #[must_use]
    #[inline]
    pub const fn contains(self, byte: u8) -> bool {
        byte.is_ascii() && self.0 >> (byte & 127) & 1 == 1
    }

    const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// A form of secret that is found in any text.
///
/// The five forms that need more than a beginning and a length have constructors; all others
/// are made with [`Pattern::new`].
///
/// ```
/// use mini_sentry::scrub::{Charset, Pattern, ScrubReport, Scrubber};
///
/// let badge = Pattern::new("badge", "EMP-").charset(Charset::DIGITS).at_least(6).at_most(6);
/// let scrubber = Scrubber::new().pattern(badge);
/// let clean = scrubber.scrub_text("scanned EMP-004711 twice", &mut ScrubReport::default());
/// assert_eq!(clean, "scanned [Filtered] twice");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Pattern {
    pub(super) name: Cow<'static, str>,
    pub(super) form: Form,
}

/// How a pattern is searched for.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Token(Token),
    PaymentCard,
    PrivateKeyBlock,
    WebToken,
    AuthorizationScheme,
    UrlPassword,
}

/// A beginning, and bytes of a set behind it.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) prefix: Box<[u8]>,
    pub(super) charset: Charset,
    /// What may follow once the shortest rest was seen.
    pub(super) tail: Charset,
    pub(super) min: usize,
    pub(super) max: usize,
}

impl Pattern {
    /// Finds words that begin with `prefix`, followed by sixteen or more letters and digits.
    ///
    /// A word begins where no letter or digit stands before it. An empty prefix finds words by
    /// their length and bytes alone. The name is what reports call the rule.
    pub fn new(name: impl Into<Cow<'static, str>>, prefix: &str) -> Self {
        Self {
            name: name.into(),
            form: Form::Token(Token {
                prefix: prefix.as_bytes().into(),
                charset: Charset::ALPHANUMERIC,
                tail: Charset::ALPHANUMERIC,
                min: 16,
                max: usize::MAX,
            }),
        }
    }

    /// Finds payment cards: thirteen to nineteen digits, together or in the usual groups with
    /// spaces or hyphens, with the beginning of a known issuer and a right check digit.
    pub const fn payment_card() -> Self {
        Self::of("payment card", Form::PaymentCard)
    }

    /// Finds private keys in PEM form.
    pub const fn private_key_block() -> Self {
        Self::of("private key", Form::PrivateKeyBlock)
    }

    /// Finds JSON web tokens, signed or encrypted.
    pub const fn web_token() -> Self {
        Self::of("web token", Form::WebToken)
    }

    /// Finds what follows `Bearer`, and what follows `Basic` when it is a name and a password.
    pub const fn authorization_scheme() -> Self {
        Self::of("authorization scheme", Form::AuthorizationScheme)
    }

    /// Finds the password of `scheme://user:password@host`.
    pub const fn url_password() -> Self {
        Self::of("url password", Form::UrlPassword)
    }

    /// Sets which bytes follow the prefix.
    pub fn charset(self, charset: Charset) -> Self {
        self.token(|token| {
            token.charset = charset;
            token.tail = charset;
        })
    }

    /// Sets how many bytes follow the prefix at least.
    pub fn at_least(self, bytes: usize) -> Self {
        self.token(|token| token.min = bytes.max(1))
    }

    /// Sets how many bytes follow the prefix at most; a word that goes on longer is no match.
    pub fn at_most(self, bytes: usize) -> Self {
        self.token(|token| token.max = bytes)
    }

    pub(super) fn tail(self, tail: Charset) -> Self {
        self.token(|token| token.tail = tail)
    }

    const fn of(name: &'static str, form: Form) -> Self {
        Self {
            name: Cow::Borrowed(name),
            form,
        }
    }

    fn token(mut self, change: impl FnOnce(&mut Token)) -> Self {
        if let Form::Token(token) = &mut self.form {
            change(token);
        }
        self
    }

    pub(super) const fn is_token(&self) -> bool {
        matches!(self.form, Form::Token(_))
    }

    /// The mark that any text with a match bears; every mark, when there is no such.
    pub(super) fn mark(&self) -> Marks {
        match &self.form {
            Form::Token(token) if token.always_marked() => Marks::RUN,
            Form::Token(_) => Marks::ALL,
            Form::PaymentCard => Marks::DIGITS,
            Form::PrivateKeyBlock => Marks::DASHES,
            Form::WebToken => Marks::RUN,
            Form::AuthorizationScheme => Marks::SCHEME,
            Form::UrlPassword => Marks::AT,
        }
    }
}

impl Token {
    /// True when every match has a run of word bytes that is long enough for a mark.
    pub(super) fn always_marked(&self) -> bool {
        let glued = self
            .prefix
            .iter()
            .rev()
            .take_while(|byte| Charset::WORD.contains(**byte))
            .count();
        self.charset.is_within(Charset::WORD)
            && glued.saturating_add(self.min) >= TOKEN_RUN as usize
    }

    /// The end of the match that begins at the offset.
    pub(super) fn match_at(&self, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..)?.strip_prefix(self.prefix.as_ref())?;
        let first = self.prefix.first().or(rest.first())?;
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        if first.is_ascii_alphanumeric() && before.is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        let limit = self.max.saturating_add(1);
        let core = count(rest.iter().take(limit), self.charset);
        if core < self.min {
            return None;
        }
        let tail = rest.get(core..)?.iter().take(limit.saturating_sub(core));
        let len = core.saturating_add(count(tail, self.tail));
        let goes_on = rest.get(len).is_some_and(u8::is_ascii_alphanumeric);
        (len <= self.max && !goes_on).then(|| at + self.prefix.len() + len)
    }
}

fn count<'a>(bytes: impl Iterator<Item = &'a u8>, set: Charset) -> usize {
    bytes.take_while(|byte| set.contains(**byte)).count()
}
