//! The rules, and the two ways to apply them.

use std::borrow::Cow;

use crate::scrub::defaults;
use crate::scrub::find::Found;
use crate::scrub::find::token::{Beginnings, TokenIndex};
use crate::scrub::keys::{Fit, KeyRules};
use crate::scrub::marks::{Marks, marks};
use crate::scrub::memo::Memos;
use crate::scrub::pattern::Pattern;
use crate::scrub::report::ScrubReport;
use crate::scrub::walk::Walk;

/// What stands where something was removed.
pub const FILTERED: &str = "[Filtered]";

/// Rules for what is secret. Cheap to share, not so cheap to clone.
///
/// ```
/// use mini_sentry::scrub::{ScrubReport, Scrubber};
///
/// let scrubber = Scrubber::new().allow_key("reset_token_url");
/// let json = br#"{"reset_token_url":"/help","reset_token":"k4f"}"#;
/// assert_eq!(
///     scrubber.scrub(json, &mut ScrubReport::default()).as_ref(),
///     br#"{"reset_token_url":"/help","reset_token":"[Filtered]"}"#
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Scrubber {
    pub(super) keys: KeyRules,
    /// What `keys` said to names.
    pub(super) memos: Memos,
    pub(super) patterns: Vec<Pattern>,
    pub(super) tokens: TokenIndex,
    /// How tokens begin; `None` when some begin in a way that a sweep would not see.
    beginnings: Option<Beginnings>,
    /// Numbers of the patterns that are no tokens.
    forms: Vec<usize>,
    /// Marks that some rule starts from.
    pub(super) wanted: Marks,
    /// Marks that every text gets, because some rule has none.
    pub(super) given: Marks,
}

impl Default for Scrubber {
    fn default() -> Self {
        Self::new()
    }
}

impl Scrubber {
    /// Starts from the rules that suit most programs.
    pub fn new() -> Self {
        let mut scrubber = Self::empty();
        for (name, fit, spares_numbers) in defaults::KEYS {
            scrubber
                .keys
                .deny(Cow::Borrowed(name), *fit, *spares_numbers);
        }
        for name in defaults::ALLOWED_KEYS {
            scrubber.keys.allow(name);
        }
        scrubber.patterns = defaults::patterns();
        scrubber.prepare();
        scrubber
    }

    /// Starts without rules: nothing is removed.
    pub fn empty() -> Self {
        Self {
            keys: KeyRules::default(),
            memos: Memos::default(),
            patterns: Vec::new(),
            tokens: TokenIndex::default(),
            beginnings: None,
            forms: Vec::new(),
            wanted: Marks::NONE,
            given: Marks::NONE,
        }
    }

    /// Removes the values under all names that contain this one, wherever in the name it is:
    /// `password` hits `user_password`, `Password2` and `OLDPASSWORD`.
    ///
    /// The case of ASCII letters does not matter, nor do hyphens, underscores, spaces and other
    /// signs. A name without letters and digits denies nothing.
    pub fn deny_key(self, name: &str) -> Self {
        self.deny(name, Fit::Anywhere)
    }

    /// Like [`deny_key`](Self::deny_key), but for whole words only: `auth` hits `x-auth-id` and
    /// `userAuth`, not `author`.
    pub fn deny_word(self, name: &str) -> Self {
        self.deny(name, Fit::Whole)
    }

    /// Keeps the values under exactly this name, whatever is denied. Case and separators do not
    /// matter. Patterns still apply.
    pub fn allow_key(mut self, name: &str) -> Self {
        self.keys.allow(name);
        self.prepare();
        self
    }

    /// Removes what has the form of this pattern from all texts.
    ///
    /// A pattern whose matches may be shorter than sixteen bytes, or hold bytes other than
    /// letters, digits, `_` and `-`, has to be searched for in every text, which costs more
    /// than half of the speed.
    pub fn pattern(mut self, pattern: Pattern) -> Self {
        self.patterns.push(pattern);
        self.prepare();
        self
    }

    /// Drops all patterns of this name, as reports call them.
    ///
    /// ```
    /// use mini_sentry::scrub::{ScrubReport, Scrubber};
    ///
    /// let scrubber = Scrubber::new().without_pattern("payment card");
    /// let text = "test card 4111 1111 1111 1111";
    /// assert_eq!(scrubber.scrub_text(text, &mut ScrubReport::default()), text);
    /// ```
    pub fn without_pattern(mut self, name: &str) -> Self {
        self.patterns.retain(|pattern| pattern.name != name);
        self.prepare();
        self
    }

    /// Removes what the rules find from one JSON text; borrowed when they find nothing.
    ///
    /// Never fails and never panics. Of valid JSON it makes valid JSON; of anything else it
    /// changes only what reads like a member, a pair or a string with something secret in it.
    pub fn scrub<'a>(&self, json: &'a [u8], report: &mut ScrubReport) -> Cow<'a, [u8]> {
        if self.wanted == Marks::NONE {
            return Cow::Borrowed(json);
        }
        if let Some(beginnings) = &self.beginnings {
            let mut walk = Walk::new(self, json);
            if walk.sweep(beginnings) {
                return walk.finish(report);
            }
        }
        self.walk(json, report)
    }

    /// What [`scrub`](Self::scrub) does, from string to string: slower, but whatever the input.
    pub(super) fn walk<'a>(&self, json: &'a [u8], report: &mut ScrubReport) -> Cow<'a, [u8]> {
        Walk::new(self, json).run(report)
    }

    /// Removes what the rules find from a text that is not JSON, such as a line of a log.
    pub fn scrub_text<'a>(&self, text: &'a str, report: &mut ScrubReport) -> Cow<'a, str> {
        let marks = marks(text.as_bytes(), 0, text.len());
        let mut found = Vec::new();
        self.find(text.as_bytes(), marks, &mut found);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut clean = String::with_capacity(text.len());
        let mut copied = 0;
        for hit in &found {
            clean.push_str(text.get(copied..hit.start).unwrap_or_default());
            clean.push_str(FILTERED);
            copied = hit.end;
            self.count(hit, report);
        }
        clean.push_str(text.get(copied..).unwrap_or_default());
        Cow::Owned(clean)
    }

    pub(super) fn count(&self, hit: &Found, report: &mut ScrubReport) {
        if let Some(name) = hit.rule.name(self) {
            report.add(name, 1);
        }
    }

    /// The patterns that are no tokens, with their numbers.
    pub(super) fn forms(&self) -> impl Iterator<Item = (usize, &Pattern)> {
        let pattern = |at: &usize| Some((*at, self.patterns.get(*at)?));
        self.forms.iter().filter_map(pattern)
    }

    fn deny(mut self, name: &str, fit: Fit) -> Self {
        self.keys.deny(Cow::Owned(name.to_owned()), fit, false);
        self.prepare();
        self
    }

    /// Works out what depends on all rules together.
    fn prepare(&mut self) {
        self.memos = Memos::default();
        self.tokens = TokenIndex::new(&self.patterns);
        self.beginnings = Beginnings::new(&self.patterns);
        self.forms = (0..self.patterns.len())
            .filter(|at| !self.patterns.get(*at).is_some_and(Pattern::is_token))
            .collect();
        self.wanted = Marks::NONE;
        self.given = Marks::NONE;
        if !self.keys.is_empty() {
            self.wanted = Marks::EQUALS.with(Marks::QUOTE);
        }
        for pattern in &self.patterns {
            let mark = pattern.mark();
            if mark == Marks::ALL {
                self.given = self.given.with(Marks::RUN);
                self.wanted = self.wanted.with(Marks::RUN);
            } else {
                self.wanted = self.wanted.with(mark);
            }
        }
    }
}
