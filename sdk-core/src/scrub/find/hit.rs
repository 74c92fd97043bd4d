//! What a search gives back, and the call of all searches that a text's marks ask for.

use crate::scrub::find::{assignment, card, pem, scheme, url, web_token};
use crate::scrub::marks::Marks;
use crate::scrub::pattern::Form;
use crate::scrub::scrubber::Scrubber;

/// The rule that something was found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Rule {
    /// By name: the number of the rule.
    Key(u16),
    /// By pattern: the number of the pattern.
    Pattern(usize),
}

impl Rule {
    pub(in crate::scrub) fn name(self, scrubber: &Scrubber) -> Option<&str> {
        match self {
            Self::Key(rule) => scrubber.keys.name(rule),
            Self::Pattern(at) => scrubber
                .patterns
                .get(at)
                .map(|pattern| pattern.name.as_ref()),
        }
    }
}

/// A range of a text that has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) struct Found {
    pub(in crate::scrub) start: usize,
    pub(in crate::scrub) end: usize,
    pub(in crate::scrub) rule: Rule,
}

impl Scrubber {
    /// Finds everything secret in a text that bears these marks: sorted, without overlaps.
    pub(in crate::scrub) fn find(&self, text: &[u8], marks: Marks, found: &mut Vec<Found>) {
        let marks = marks.with(self.given).and(self.wanted);
        if marks == Marks::NONE {
            return;
        }
        if marks.has(Marks::EQUALS) {
            assignment::find_equals(text, &self.keys, found);
        }
        if marks.has(Marks::QUOTE) {
            assignment::find_quoted_names(text, &self.keys, found);
        }
        if marks.has(Marks::RUN) {
            self.tokens.find(text, &self.patterns, found);
        }
        let others = Marks::AT
            .with(Marks::DASHES)
            .with(Marks::DIGITS)
            .with(Marks::RUN)
            .with(Marks::SCHEME);
        if marks.has(others) {
            for (at, pattern) in self.forms() {
                let rule = Rule::Pattern(at);
                match &pattern.form {
                    Form::Token(_) => {}
                    Form::PaymentCard if marks.has(Marks::DIGITS) => card::find(text, rule, found),
                    Form::PrivateKeyBlock if marks.has(Marks::DASHES) => {
                        pem::find(text, rule, found);
                    }
                    Form::WebToken if marks.has(Marks::RUN) => web_token::find(text, rule, found),
                    Form::AuthorizationScheme if marks.has(Marks::SCHEME) => {
                        scheme::find(text, rule, found);
                    }
                    Form::UrlPassword if marks.has(Marks::AT) => url::find(text, rule, found),
                    Form::PaymentCard
                    | Form::PrivateKeyBlock
                    | Form::WebToken
                    | Form::AuthorizationScheme
                    | Form::UrlPassword => {}
                }
            }
        }
        if found.len() > 1 {
            join(found);
        }
    }
}

/// Sorts, and makes one of those that overlap: the longest of the first beginning names it.
fn join(found: &mut Vec<Found>) {
    found.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
    found.dedup_by(|next, kept| {
        let overlaps = next.start < kept.end;
        if overlaps {
            kept.end = kept.end.max(next.end);
        }
        overlaps
    });
}
