//! Fingerprint rules: the first that matches decides.

use super::error::{Expected, RuleError};
use super::line::Line;
use super::matcher::{Matcher, Scope};
use super::read_all;
use super::template::{Facts, Template};
use crate::grouping::subject::Subject;
use crate::grouping::v1::frame_states;

/// Rules that give events a fingerprint.
#[derive(Clone, Debug, Default)]
pub struct FingerprintRules {
    rules: Vec<FingerprintRule>,
}

#[derive(Clone, Debug)]
struct FingerprintRule {
    text: String,
    matchers: Vec<Matcher>,
    parts: Vec<Template>,
    title: Option<Template>,
}

/// The rule that an event matches.
#[derive(Clone, Copy)]
pub(in super::super) struct Found<'r, 's, 'a> {
    rule: &'r FingerprintRule,
    subject: &'s Subject<'a>,
}

impl FingerprintRules {
    /// Reads rules, one a line.
    ///
    /// # Errors
    ///
    /// For each line that is no rule: what was expected, and where.
    ///
    /// ```
    /// use mini_sentry::grouping::FingerprintRules;
    /// let text = "error.type:Timeout* -> timeout, {{ transaction }}\nerror.typ:x -> y";
    /// let errors = FingerprintRules::parse(text).unwrap_err();
    /// assert!(errors[0].to_string().starts_with("line 2, column 1: expected a matcher"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, Vec<RuleError>> {
        let (rules, errors) = read_all(text, FingerprintRule::read);
        if errors.is_empty() {
            Ok(Self { rules })
        } else {
            Err(errors)
        }
    }

    /// Reads rules and leaves out lines that are none.
    #[must_use]
    pub fn parse_lenient(text: &str) -> Self {
        let (rules, _) = read_all(text, FingerprintRule::read);
        Self { rules }
    }

    /// Reports whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Finds the first rule that an event matches.
    pub(in super::super) fn find<'r, 's, 'a>(
        &'r self,
        subject: &'s Subject<'a>,
    ) -> Option<Found<'r, 's, 'a>> {
        let rule = self.rules.iter().find(|rule| rule.matches(subject))?;
        Some(Found { rule, subject })
    }
}

impl<'r> Found<'r, '_, '_> {
    pub(in super::super) fn into_text(self) -> &'r str {
        &self.rule.text
    }

    pub(in super::super) fn parts(&self) -> &[Template] {
        &self.rule.parts
    }

    pub(in super::super) fn facts(&self) -> Facts<'_, '_> {
        Facts::of_rule(self.subject, &self.rule.matchers)
    }

    pub(in super::super) fn title(&self) -> Option<String> {
        let title = self.rule.title.as_ref()?.fill(&self.facts());
        (!title.trim().is_empty()).then_some(title)
    }
}

impl FingerprintRule {
    fn read(line: &mut Line<'_>) -> Result<Self, RuleError> {
        let mut matchers = Vec::new();
        loop {
            line.blanks();
            if line.take("->") {
                break;
            }
            if line.rest().is_empty() {
                return Err(line.expected(Expected::Arrow));
            }
            matchers.push(Matcher::read(line)?);
        }
        if matchers.is_empty() {
            return Err(line.expected_at(0, Expected::Matcher));
        }
        let mut parts = Vec::new();
        let mut title = None;
        while !line.is_at_end() {
            if !parts.is_empty() && line.rest().starts_with("title=") {
                title = Some(read_title(line, &matchers)?);
                if !line.is_at_end() {
                    return Err(line.expected(Expected::EndOfLine));
                }
                break;
            }
            parts.push(Template::read(line, &matchers)?);
            line.blanks();
            if line.take(",") && line.is_at_end() {
                return Err(line.expected(Expected::FingerprintPart));
            }
        }
        if parts.is_empty() {
            return Err(line.expected(Expected::FingerprintPart));
        }
        Ok(Self {
            text: line.text().to_owned(),
            matchers,
            parts,
            title,
        })
    }

    /// Reports whether all matchers match: those about exceptions the same exception, those about
    /// frames the same frame.
    fn matches(&self, subject: &Subject<'_>) -> bool {
        let of = |scope| self.matchers.iter().filter(move |m| m.scope() == scope);
        let event = of(Scope::Event).all(|matcher| matcher.matches_event(subject));
        event
            && (of(Scope::Exception).next().is_none()
                || subject.exceptions.iter().any(|exception| {
                    of(Scope::Exception).all(|matcher| matcher.matches_exception(exception))
                }))
            && (of(Scope::Frame).next().is_none()
                || frame_states(subject).any(|(frame, state)| {
                    of(Scope::Frame).all(|matcher| matcher.matches_frame(frame, &state))
                }))
    }
}

fn read_title(line: &mut Line<'_>, matchers: &[Matcher]) -> Result<Template, RuleError> {
    line.take("title=");
    if !line.take("\"") {
        return Err(line.expected(Expected::Attribute));
    }
    let start = line.place();
    let text = line.quoted()?;
    Template::quoted(&text, line, start, matchers)
}
