//! Decides by a name what happens to the value under it.

use std::borrow::Cow;

use crate::scrub::defaults;
use crate::scrub::fold::{Folded, MAX_FOLDED};

/// Where in a name a rule's word must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Anywhere, also inside of a longer word.
    Anywhere,
    /// At the end of a word: `token` in `csrftoken`, not in `tokenizer`.
    Ending,
    /// As one or more whole words: `auth` in `x-auth-id`, not in `author`.
    Whole,
}

/// A name that is denied.
#[derive(Clone, Debug)]
struct KeyRule {
    name: Cow<'static, str>,
    folded: Box<[u8]>,
    letters: u32,
    fit: Fit,
    /// Numbers under the name are counts, as in `input_tokens`.
    spares_numbers: bool,
}

/// All names that are denied, and the exceptions.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyRules {
    rules: Vec<KeyRule>,
    /// The letters of each rule, side by side.
    letters: Vec<u32>,
    allowed: Vec<Box<[u8]>>,
}

/// What a name says about the value under it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    #[default]
    Plain,
    /// An identifier of the protocol: never denied, and digits in it are no card.
    Structural,
    /// The value may be the name of a sibling called `value`.
    Name,
    /// The value belongs to a sibling called `name` or `key`.
    Value,
    /// At the top of an event: packages and their versions.
    Modules,
    /// A list that decides on grouping.
    Fingerprint,
    /// Cookies, by the rule of this number: names stay, values go.
    Cookies(u16),
    /// Secret, by the rule of this number.
    Denied(u16),
}

impl Verdict {
    /// The verdict as a number.
    #[inline(always)]
    pub(super) const fn code(self) -> u32 {
        match self {
            Self::Plain => 0,
            Self::Structural => 1,
            Self::Name => 2,
            Self::Value => 3,
            Self::Modules => 4,
            Self::Fingerprint => 5,
            Self::Cookies(rule) => 6 | (rule as u32) << 16,
            Self::Denied(rule) => 7 | (rule as u32) << 16,
        }
    }

    /// True for the numbers of verdicts by which nothing has to be done about a name.
    #[inline(always)]
    pub(super) fn is_idle(code: u32) -> bool {
        code <= Self::Structural.code()
    }

    /// The verdict of a number.
    #[inline(always)]
    pub(super) fn of_code(code: u32) -> Self {
        let rule = (code >> 16) as u16;
        match code & 0xffff {
            0 => Self::Plain,
            1 => Self::Structural,
            2 => Self::Name,
            3 => Self::Value,
            4 => Self::Modules,
            5 => Self::Fingerprint,
            6 => Self::Cookies(rule),
            _ => Self::Denied(rule),
        }
    }
}

impl KeyRules {
    pub(super) fn deny(&mut self, name: Cow<'static, str>, fit: Fit, spares_numbers: bool) {
        let folded = Folded::new(name.as_bytes());
        if folded.as_bytes().is_empty() || self.rules.len() >= usize::from(u16::MAX) {
            return;
        }
        self.letters.push(folded.letters());
        self.rules.push(KeyRule {
            name,
            folded: folded.as_bytes().into(),
            letters: folded.letters(),
            fit,
            spares_numbers,
        });
    }

    pub(super) fn allow(&mut self, name: &str) {
        let folded = Folded::new(name.as_bytes());
        if !folded.as_bytes().is_empty() {
            self.allowed.push(folded.as_bytes().into());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(super) fn name(&self, rule: u16) -> Option<&str> {
        self.rules
            .get(usize::from(rule))
            .map(|rule| rule.name.as_ref())
    }

    pub(super) fn spares_numbers(&self, rule: u16) -> bool {
        self.rules
            .get(usize::from(rule))
            .is_some_and(|rule| rule.spares_numbers)
    }

    /// The verdict on a name without escapes.
    pub(super) fn judge(&self, name: &[u8]) -> Verdict {
        if self.may_deny(name) {
            self.judge_folded(name)
        } else {
            part(name)
        }
    }

    /// False when the name lacks letters that every rule has; more bytes change no yes to a no.
    pub(super) fn may_deny(&self, name: &[u8]) -> bool {
        let missing = !name.iter().fold(0, |set, byte| set | 1_u32 << (byte & 31));
        let fitting = |count, rule: &u32| count + u32::from(rule & missing == 0);
        // What an escape such as `%70` stands for is not among the letters.
        self.letters.iter().fold(0, fitting) > 0 || name.contains(&b'%')
    }

    fn judge_folded(&self, name: &[u8]) -> Verdict {
        let whole = Folded::new(name);
        let folded = match name.len() {
            0..=MAX_FOLDED => whole.as_bytes(),
            _ => b"",
        };
        if defaults::is_structural(name) || self.allowed.iter().any(|known| **known == *folded) {
            return part(name);
        }
        match Folded::parts(name).find_map(|part| self.find(&part)) {
            Some(rule) if matches!(folded, b"cookie" | b"cookies") => Verdict::Cookies(rule),
            Some(rule) => Verdict::Denied(rule),
            None => part(name),
        }
    }

    /// The rule that denies the name, if one does.
    pub(super) fn denies(&self, name: &[u8]) -> Option<u16> {
        match self.judge(name) {
            Verdict::Cookies(rule) | Verdict::Denied(rule) => Some(rule),
            Verdict::Plain
            | Verdict::Structural
            | Verdict::Name
            | Verdict::Value
            | Verdict::Modules
            | Verdict::Fingerprint => None,
        }
    }

    fn find(&self, name: &Folded) -> Option<u16> {
        let missing = !name.letters();
        let at = self
            .rules
            .iter()
            .position(|rule| rule.letters & missing == 0 && rule.fits(name))?;
        u16::try_from(at).ok()
    }
}

impl KeyRule {
    fn fits(&self, name: &Folded) -> bool {
        let len = self.folded.len();
        name.as_bytes()
            .windows(len)
            .enumerate()
            .any(|(at, window)| {
                *window == *self.folded
                    && match self.fit {
                        Fit::Anywhere => true,
                        Fit::Ending => name.is_boundary(at + len),
                        Fit::Whole => name.is_boundary(at) && name.is_boundary(at + len),
                    }
            })
    }
}

/// The part that a name plays when it is not denied.
fn part(name: &[u8]) -> Verdict {
    match name {
        b"name" | b"key" | b"Name" | b"Key" => Verdict::Name,
        b"value" | b"Value" => Verdict::Value,
        b"modules" => Verdict::Modules,
        b"fingerprint" => Verdict::Fingerprint,
        _ if defaults::is_structural(name) => Verdict::Structural,
        _ => Verdict::Plain,
    }
}
