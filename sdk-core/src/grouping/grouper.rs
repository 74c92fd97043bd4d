//! From an event to its key.

use super::explanation::{Explanation, Variant};
use super::record::Record;
use super::rules::{Facts, FingerprintRules, StackRules, Template};
use super::subject::Subject;
use super::version::GroupingVersion;
use super::{GroupKey, v1};

/// Puts events together: by a version, and by the rules of a project.
#[derive(Clone, Debug, Default)]
pub struct Grouper {
    version: GroupingVersion,
    fingerprints: FingerprintRules,
    stacks: StackRules,
}

/// Under what an event is put together with others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grouping {
    /// Equal keys, one issue.
    pub key: GroupKey,
    /// The title that a rule gives.
    pub title: Option<String>,
}

impl Grouper {
    /// Makes one without rules.
    #[must_use]
    pub fn new(version: GroupingVersion) -> Self {
        Self {
            version,
            ..Self::default()
        }
    }

    /// Sets the fingerprint rules.
    #[must_use]
    pub fn fingerprint_rules(mut self, rules: FingerprintRules) -> Self {
        self.fingerprints = rules;
        self
    }

    /// Sets the stack rules.
    #[must_use]
    pub fn stack_rules(mut self, rules: StackRules) -> Self {
        self.stacks = rules;
        self
    }

    /// Returns the version.
    #[must_use]
    pub fn version(&self) -> GroupingVersion {
        self.version
    }

    /// Groups an event.
    ///
    /// ```
    /// use mini_sentry::grouping::{Grouper, Subject};
    /// use mini_sentry::protocol::{Event, Level};
    /// let grouper = Grouper::default();
    /// let key = |text: &str| {
    ///     let event = Event::from_message(text, Level::Error);
    ///     grouper.group(&Subject::of_event(&event)).key
    /// };
    /// assert_eq!(key("user 42 is gone"), key("user 7 is gone"));
    /// assert_ne!(key("user 42 is gone"), key("user 42 is back"));
    /// ```
    #[must_use]
    pub fn group(&self, subject: &Subject<'_>) -> Grouping {
        let mut record = Record::new(self.version.as_str(), false);
        let decision = self.walk(subject, &mut record);
        Grouping {
            key: GroupKey(record.finish().0),
            title: decision.title,
        }
    }

    /// Says why an event has its key, by the same walk.
    #[must_use]
    pub fn explain(&self, subject: &Subject<'_>) -> Explanation {
        let mut record = Record::new(self.version.as_str(), true);
        let decision = self.walk(subject, &mut record);
        let (key, parts) = record.finish();
        Explanation {
            version: self.version,
            key: GroupKey(key),
            variant: decision.variant,
            rule: decision.rule.map(str::to_owned),
            title: decision.title,
            parts,
        }
    }

    fn walk(&self, subject: &Subject<'_>, record: &mut Record) -> Decision<'_> {
        if !self.fingerprints.is_empty()
            && let Some(found) = self.fingerprints.find(subject)
        {
            let title = found.title();
            self.append_parts(found.parts(), &found.facts(), record);
            return Decision {
                variant: Variant::Rule,
                rule: Some(found.into_text()),
                title,
            };
        }
        let variant = if subject.fingerprint.is_empty() {
            self.append_default(subject, record)
        } else {
            let texts = subject.fingerprint.iter();
            let parts: Vec<_> = texts.map(|text| Template::of_client(text)).collect();
            let variant = self.append_parts(&parts, &Facts::of(subject), record);
            // To ask for nothing but the default is to ask for nothing.
            variant
                .filter(|_| parts.len() == 1)
                .unwrap_or(Variant::ClientFingerprint)
        };
        Decision {
            variant,
            rule: None,
            title: None,
        }
    }

    /// Appends parts of a fingerprint; returns what the default part was decided by.
    fn append_parts(
        &self,
        parts: &[Template],
        facts: &Facts<'_, '_>,
        record: &mut Record,
    ) -> Option<Variant> {
        let mut of_default = None;
        for part in parts {
            if part.is_default() {
                of_default = Some(self.append_default(facts.subject, record));
            } else {
                record.push("fingerprint", &part.fill(facts));
            }
        }
        of_default
    }

    fn append_default(&self, subject: &Subject<'_>, record: &mut Record) -> Variant {
        match self.version {
            GroupingVersion::V1 => v1::append_default(subject, &self.stacks, record),
        }
    }
}

/// What a walk came to.
struct Decision<'r> {
    variant: Variant,
    rule: Option<&'r str>,
    title: Option<String>,
}
