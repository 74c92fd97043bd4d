//! Tokens that tell their kind by how they begin.

use crate::scrub::find::{Found, Rule};
use crate::scrub::pattern::{Form, Pattern, Token};

/// Which patterns begin with which byte.
#[derive(Clone, Debug)]
pub(in crate::scrub) struct TokenIndex {
    /// By byte: a bit for each pattern; the last bit stands for all from that number on.
    firsts: Box<[u64; 256]>,
}

/// The number of the bit that stands for all further patterns.
const LAST_BIT: usize = 63;

impl Default for TokenIndex {
    fn default() -> Self {
        Self {
            firsts: Box::new([0; 256]),
        }
    }
}

impl TokenIndex {
    pub(in crate::scrub) fn new(patterns: &[Pattern]) -> Self {
        let mut index = Self::default();
        for (at, pattern) in patterns.iter().enumerate() {
            let Form::Token(token) = &pattern.form else {
                continue;
            };
            let bit = 1_u64 << at.min(LAST_BIT);
            for (byte, slot) in (0..=u8::MAX).zip(index.firsts.iter_mut()) {
                let begins = match token.prefix.first() {
                    Some(first) => *first == byte,
                    None => token.charset.contains(byte),
                };
                if begins {
                    *slot |= bit;
                }
            }
        }
        index
    }

    /// Finds the tokens of a text.
    pub(in crate::scrub) fn find(&self, text: &[u8], patterns: &[Pattern], found: &mut Vec<Found>) {
        let mut in_word = false;
        let mut skip_to = 0;
        for (at, byte) in text.iter().enumerate() {
            let continues = in_word;
            in_word = byte.is_ascii_alphanumeric();
            if continues && in_word || at < skip_to {
                continue;
            }
            let begins = self
                .firsts
                .get(usize::from(*byte))
                .copied()
                .unwrap_or_default();
            if begins == 0 {
                continue;
            }
            if let Some(hit) = first_match(begins, text, at, patterns) {
                skip_to = hit.end;
                found.push(hit);
            }
        }
    }
}

/// A quick test for places where a token may begin.
#[derive(Clone, Debug)]
pub(in crate::scrub) struct Beginnings {
    /// A bit for each first three bytes, by [`slot`](Self::slot).
    threes: Box<[u64; 64]>,
    /// The bytes before the dot of tokens whose long part begins behind a dot.
    before_dots: [bool; 256],
    with_digits: bool,
}

impl Beginnings {
    /// `None` when a pattern may match what has no long run, no two first bytes, or a sign other
    /// than a dot in front of the run.
    pub(in crate::scrub) fn new(patterns: &[Pattern]) -> Option<Self> {
        let mut beginnings = Self {
            threes: Box::new([0; 64]),
            before_dots: [false; 256],
            with_digits: false,
        };
        for pattern in patterns {
            match &pattern.form {
                Form::Token(token) if token.always_marked() => beginnings.add(&token.prefix)?,
                Form::Token(_) => return None,
                Form::WebToken => beginnings.add(b"eyJ")?,
                Form::PaymentCard
                | Form::PrivateKeyBlock
                | Form::AuthorizationScheme
                | Form::UrlPassword => {}
            }
        }
        Some(beginnings)
    }

    fn add(&mut self, prefix: &[u8]) -> Option<()> {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        match prefix.iter().rposition(|byte| !is_word(byte)) {
            Some(sign) => {
                let before = prefix.get(sign.checked_sub(1)?)?;
                *self.before_dots.get_mut(usize::from(*before))? = true;
                (prefix.get(sign) == Some(&b'.')).then_some(())
            }
            None => {
                let [first, second, rest @ ..] = prefix else {
                    return None;
                };
                self.with_digits |= first.is_ascii_digit();
                let thirds = rest.first().map_or(0..=u8::MAX, |third| *third..=*third);
                for third in thirds {
                    let (word, bit) = Self::slot([*first, *second, third]);
                    *self.threes.get_mut(word)? |= bit;
                }
                first.is_ascii_alphanumeric().then_some(())
            }
        }
    }

    /// True when some token begins with a digit.
    #[inline(always)]
    pub(in crate::scrub) fn with_digits(&self) -> bool {
        self.with_digits
    }

    /// False when no token begins, and no part of one behind a dot, at the offset.
    #[inline(always)]
    pub(in crate::scrub) fn begin(&self, bytes: &[u8], at: usize) -> bool {
        let three = bytes.get(at..).and_then(<[u8]>::first_chunk);
        let (word, bit) = Self::slot(three.copied().unwrap_or_default());
        self.threes.get(word).is_some_and(|bits| bits & bit != 0) || self.dotted(bytes, at)
    }

    #[inline(always)]
    fn dotted(&self, bytes: &[u8], at: usize) -> bool {
        let before = |by| at.checked_sub(by).and_then(|at| bytes.get(at)).copied();
        before(1) == Some(b'.')
            && before(2).is_some_and(|byte| self.before_dots.get(usize::from(byte)) == Some(&true))
    }

    /// Where the bit for three bytes is; few of the other threes share it.
    #[inline(always)]
    fn slot([first, second, third]: [u8; 3]) -> (usize, u64) {
        let mixed = u32::from_le_bytes([first, second, third, 0]).wrapping_mul(0x9e37_79b1);
        ((mixed >> 26) as usize, 1 << (mixed >> 20 & 63))
    }
}

fn first_match(mut begins: u64, text: &[u8], at: usize, patterns: &[Pattern]) -> Option<Found> {
    while begins != 0 {
        let bit = begins.trailing_zeros() as usize;
        begins &= begins - 1;
        let numbers = bit..if bit == LAST_BIT {
            patterns.len()
        } else {
            bit + 1
        };
        for number in numbers {
            if let Some(end) = token(patterns, number).and_then(|token| token.match_at(text, at)) {
                return Some(Found {
                    start: at,
                    end,
                    rule: Rule::Pattern(number),
                });
            }
        }
    }
    None
}

fn token(patterns: &[Pattern], number: usize) -> Option<&Token> {
    match &patterns.get(number)?.form {
        Form::Token(token) => Some(token),
        Form::PaymentCard
        | Form::PrivateKeyBlock
        | Form::WebToken
        | Form::AuthorizationScheme
        | Form::UrlPassword => None,
    }
}
