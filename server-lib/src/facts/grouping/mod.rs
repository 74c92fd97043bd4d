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
    Subject {
        platform: scan.platform.as_deref(),
        level: scan.level.as_deref(),
        logger: scan.logger.as_deref(),
        transaction: scan.transaction.as_deref(),
        release: scan.release.as_deref(),
        environment: scan.environment.as_deref(),
        sdk: scan.sdk_name.as_deref(),
        message: scan.message.as_deref(),
        template: scan.message_template.as_deref(),
        fingerprint: scan.fingerprint.iter().map(|part| &**part).collect(),
        exceptions: scan
            .exceptions
            .iter()
            .map(|exception| exception_part(exception, rules))
            .collect(),
        frames: frame_parts(&scan.frames, rules),
        tags: scan.tags.iter().map(|(k, v)| (&**k, &**v)).collect(),
        url: scan.url.as_deref(),
        method: scan.method.as_deref(),
    }
}

fn exception_part<'s>(
    exception: &'s ScannedException<'_>,
    rules: &FrameRules,
) -> ExceptionPart<'s> {
    ExceptionPart {
        kind: exception.kind.as_deref(),
        value: exception.value.as_deref(),
        frames: frame_parts(&exception.frames, rules),
        mechanism: exception.mechanism.as_deref(),
        is_synthetic: exception.is_synthetic,
        is_group: exception.is_group,
    }
}

fn frame_parts<'s>(frames: &'s [ScannedFrame<'_>], rules: &FrameRules) -> Vec<FramePart<'s>> {
    frames
        .iter()
        .map(|frame| FramePart {
            function: frame.function.as_deref(),
            module: frame.module.as_deref(),
            filename: frame.filename.as_deref(),
            abs_path: frame.abs_path.as_deref(),
            context_line: frame.context_line.as_deref(),
            package: frame.package.as_deref(),
            in_app: match rules.ruling(frame.place()) {
                Some(ruling) => InApp::Ruled(ruling),
                None => frame.in_app.into(),
            },
        })
        .collect()
}

#[cfg(test)]
mod tests;
