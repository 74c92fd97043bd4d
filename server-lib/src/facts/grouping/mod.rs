//! Under which key an event is put together with others: the core's grouping, over what a scan
//! borrowed.
//!
//! Keys are kept in databases, and only versions and rules change them. While a project goes over
//! from one way to another, an event has both keys, and an issue that its old key names is its own.

use mini_sentry::grouping::{
    ExceptionPart, Explanation, FingerprintRules, FramePart, Grouper, InApp, StackRules, Subject,
};

use super::{FrameRules, Scan, ScannedException, ScannedFrame};
use crate::model::event::GroupingKey;
use crate::model::settings::{GroupingRules, GroupingSettings};
use crate::model::time::Millis;

/// How a project's events are put together, its rules read.
#[derive(Clone, Debug, Default)]
pub struct GroupingPlan {
    now: Grouper,
    previous: Option<(Grouper, Millis)>,
}

/// What a plan makes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouped {
    /// Its key.
    pub key: GroupingKey,
    /// The title that a rule gives.
    pub title: Option<String>,
}

impl GroupingPlan {
    /// Reads what a project's settings say. Lines that are no rules are refused where settings
    /// change, so here they only count for nothing.
    #[must_use]
    pub fn from_settings(settings: &GroupingSettings) -> Self {
        Self {
            now: grouper(&settings.now),
            previous: settings
                .previous
                .as_ref()
                .map(|previous| (grouper(&previous.rules), previous.until)),
        }
    }

    /// Groups an event.
    #[must_use]
    pub fn group(&self, scan: &Scan<'_>, rules: &FrameRules) -> Grouped {
        let grouping = self.now.group(&subject(scan, rules));
        Grouped {
            key: GroupingKey(grouping.key.0),
            title: grouping.title,
        }
    }

    /// Returns the key that an event had before the last change, while that still counts; `None`
    /// when it is the same.
    #[must_use]
    pub fn previous_key(
        &self,
        scan: &Scan<'_>,
        rules: &FrameRules,
        received: Millis,
    ) -> Option<GroupingKey> {
        let (grouper, until) = self.previous.as_ref()?;
        if received >= *until {
            return None;
        }
        let subject = subject(scan, rules);
        let key = grouper.group(&subject).key;
        (key != self.now.group(&subject).key).then_some(GroupingKey(key.0))
    }

    /// Says why an event has its key.
    #[must_use]
    pub fn explain(&self, scan: &Scan<'_>, rules: &FrameRules) -> Explanation {
        self.now.explain(&subject(scan, rules))
    }
}

/// Makes what rules ask for; lines that are no rules count for nothing.
#[must_use]
pub fn grouper(rules: &GroupingRules) -> Grouper {
    Grouper::new(rules.version)
        .fingerprint_rules(FingerprintRules::parse_lenient(&rules.fingerprint_rules))
        .stack_rules(StackRules::parse_lenient(&rules.stack_rules))
}

/// Lends a scan to the core.
#[must_use]
pub fn subject<'s>(scan: &'s Scan<'_>, rules: &FrameRules) -> Subject<'s> {
    let mut subject = Subject::default();
    subject.platform = scan.platform.as_deref();
    subject.level = scan.level.as_deref();
    subject.logger = scan.logger.as_deref();
    subject.transaction = scan.transaction.as_deref();
    subject.release = scan.release.as_deref();
    subject.environment = scan.environment.as_deref();
    subject.sdk = scan.sdk_name.as_deref();
    subject.message = scan.message.as_deref();
    subject.template = scan.message_template.as_deref();
    subject.fingerprint = scan.fingerprint.iter().map(|part| &**part).collect();
    subject.exceptions = scan
        .exceptions
        .iter()
        .map(|exception| exception_part(exception, rules))
        .collect();
    subject.frames = frame_parts(&scan.frames, rules);
    subject.tags = scan.tags.iter().map(|(k, v)| (&**k, &**v)).collect();
    subject.url = scan.url.as_deref();
    subject.method = scan.method.as_deref();
    subject
}

fn exception_part<'s>(
    exception: &'s ScannedException<'_>,
    rules: &FrameRules,
) -> ExceptionPart<'s> {
    let mut part = ExceptionPart::default();
    part.kind = exception.kind.as_deref();
    part.value = exception.value.as_deref();
    part.frames = frame_parts(&exception.frames, rules);
    part.mechanism = exception.mechanism.as_deref();
    part.is_synthetic = exception.is_synthetic;
    part.is_group = exception.is_group;
    part
}

fn frame_parts<'s>(frames: &'s [ScannedFrame<'_>], rules: &FrameRules) -> Vec<FramePart<'s>> {
    frames
        .iter()
        .map(|frame| {
            let mut part = FramePart::default();
            part.function = frame.function.as_deref();
            part.module = frame.module.as_deref();
            part.filename = frame.filename.as_deref();
            part.abs_path = frame.abs_path.as_deref();
            part.context_line = frame.context_line.as_deref();
            part.package = frame.package.as_deref();
            part.in_app = match rules.ruling(frame.place()) {
                Some(ruling) => InApp::Ruled(ruling),
                None => frame.in_app.into(),
            };
            part
        })
        .collect()
}

#[cfg(test)]
mod tests;
