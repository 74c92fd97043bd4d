//! What clients ask to be changed in issues, in all the words that they use for it.

use mini_sentry::protocol::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::issue::{Priority, Snooze, Substatus, Threshold};
use crate::model::time::Millis;
use crate::web::error::ApiError;

/// The longest comment, name of a release and the like.
const MAX_TEXT: usize = 500;

/// A change as it comes. What is absent stays.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Wanted {
    pub(super) status: Option<String>,
    pub(super) status_details: Option<Details>,
    substatus: Option<String>,
    #[serde(deserialize_with = "present")]
    pub(super) assigned_to: Option<Value>,
    pub(super) has_seen: Option<bool>,
    pub(super) is_bookmarked: Option<bool>,
    pub(super) is_subscribed: Option<bool>,
    is_public: Option<bool>,
    merge: Option<Value>,
    discard: Option<Value>,
    priority: Option<String>,
    pub(super) inbox: Option<bool>,
    #[serde(flatten)]
    direct: Details,
}

/// How a status is meant. Some clients send these fields beside the status.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Details {
    in_next_release: Option<bool>,
    in_upcoming_release: Option<bool>,
    in_release: Option<String>,
    in_commit: Option<Commit>,
    ignore_duration: Option<u64>,
    snooze_duration: Option<u64>,
    ignore_until: Option<String>,
    ignore_count: Option<u64>,
    ignore_window: Option<u32>,
    ignore_user_count: Option<u64>,
    ignore_user_window: Option<u32>,
    ignore_until_escalating: Option<bool>,
}

/// A commit that resolves an issue.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Commit {
    commit: String,
    repository: String,
}

/// A change of status, read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Status {
    Unresolved,
    Resolved,
    InNextRelease,
    /// In the latest release of each issue's project.
    InLatestRelease,
    InRelease(String),
    InCommit {
        repository: String,
        commit: String,
    },
    Ignored(Snooze),
}

impl Wanted {
    /// Reads the change of status; `None` when there is none.
    pub(super) fn status(&self, now: Millis) -> Result<Option<Status>, ApiError> {
        let substatus = self.substatus.as_deref().map(substatus).transpose()?;
        let status = match (self.status.as_deref(), substatus) {
            (Some(status), _) => status,
            (None, None) => return Ok(None),
            (None, Some(Substatus::Resolved)) => "resolved",
            (
                None,
                Some(
                    Substatus::Forever | Substatus::UntilConditionMet | Substatus::UntilEscalating,
                ),
            ) => "ignored",
            (None, Some(_)) => "unresolved",
        };
        let details = self.details();
        Ok(Some(match status {
            "unresolved" | "reopened" => Status::Unresolved,
            "resolved" => details.resolution()?,
            "resolvedInNextRelease" => Status::InNextRelease,
            "ignored" | "archived" | "muted" => {
                let mut snooze = details.snooze(now)?;
                match substatus {
                    Some(Substatus::UntilEscalating) => snooze.until_escalating = true,
                    Some(Substatus::Forever) => snooze = Snooze::default(),
                    Some(Substatus::UntilConditionMet) if snooze.is_forever() => {
                        let detail = "archived_until_condition_met needs a condition, such as \
                            ignoreCount";
                        return Err(ApiError::invalid("missing_condition", detail));
                    }
                    _ => {}
                }
                Status::Ignored(snooze)
            }
            _ => {
                let detail = "status is one of resolved, unresolved, ignored and \
                    resolvedInNextRelease";
                return Err(ApiError::invalid("unknown_status", detail));
            }
        }))
    }

    fn details(&self) -> Details {
        let Some(details) = self.status_details.clone() else {
            return self.direct.clone();
        };
        if details == Details::default() {
            return self.direct.clone();
        }
        details
    }

    /// Reads the priority.
    pub(super) fn priority(&self) -> Result<Option<Priority>, ApiError> {
        let Some(name) = &self.priority else {
            return Ok(None);
        };
        let found = Priority::from_name(name);
        let unknown = || ApiError::invalid("unknown_priority", "priority is low, medium or high");
        found.map(Some).ok_or_else(unknown)
    }

    /// Reports whether the issues are to become one.
    pub(super) fn merges(&self) -> bool {
        is_set(self.merge.as_ref())
    }

    /// Reports whether the issues are to go, and later events of theirs too.
    pub(super) fn discards(&self) -> bool {
        is_set(self.discard.as_ref())
    }

    /// Refuses what cannot be.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        if self.is_public == Some(true) {
            let detail = "issues are for members only and cannot be made public";
            return Err(ApiError::invalid("not_shared", detail));
        }
        Ok(())
    }
}

impl Details {
    fn resolution(&self) -> Result<Status, ApiError> {
        if self.in_next_release == Some(true) || self.in_upcoming_release == Some(true) {
            return Ok(Status::InNextRelease);
        }
        if let Some(release) = &self.in_release {
            let release = bounded("inRelease", release)?;
            return Ok(match release {
                "latest" => Status::InLatestRelease,
                release => Status::InRelease(release.to_owned()),
            });
        }
        if let Some(it) = &self.in_commit {
            return Ok(Status::InCommit {
                commit: bounded("inCommit", &it.commit)?.to_owned(),
                repository: it.repository.chars().take(MAX_TEXT).collect(),
            });
        }
        Ok(Status::Resolved)
    }

    fn snooze(&self, now: Millis) -> Result<Snooze, ApiError> {
        let minutes = self.ignore_duration.or(self.snooze_duration);
        let until = match (minutes.filter(|minutes| *minutes > 0), &self.ignore_until) {
            (Some(minutes), _) => {
                let minutes = i64::try_from(minutes).unwrap_or(i64::MAX);
                Some(now.plus(minutes.saturating_mul(Millis::MINUTE)))
            }
            (None, Some(text)) => {
                let moment = Timestamp::parse(text).map(Millis::from);
                let unreadable = || ApiError::invalid("invalid_time", "ignoreUntil is no time");
                Some(moment.ok_or_else(unreadable)?)
            }
            (None, None) => None,
        };
        let threshold = |count: Option<u64>, window: Option<u32>| {
            let window_minutes = window.filter(|window| *window > 0);
            count.filter(|count| *count > 0).map(|count| Threshold {
                count,
                window_minutes,
            })
        };
        Ok(Snooze {
            until,
            events: threshold(self.ignore_count, self.ignore_window),
            users: threshold(self.ignore_user_count, self.ignore_user_window),
            until_escalating: self.ignore_until_escalating == Some(true),
        })
    }
}

fn bounded<'a>(name: &str, text: &'a str) -> Result<&'a str, ApiError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_TEXT {
        let detail = format!("{name} has 1 to {MAX_TEXT} characters");
        return Err(ApiError::invalid("invalid_status_details", detail));
    }
    Ok(text)
}

fn substatus(name: &str) -> Result<Substatus, ApiError> {
    Substatus::from_name(name).ok_or_else(|| {
        let detail = "substatus is one of archived_until_escalating, archived_until_condition_met, \
            archived_forever, escalating, ongoing, regressed and new";
        ApiError::invalid("unknown_substatus", detail)
    })
}

/// Clients write `1`, `"1"` and `true`. Nothing else means yes, for what it asks for cannot be undone.
fn is_set(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(truth)) => *truth,
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        Some(Value::String(text)) => matches!(text.as_str(), "1" | "true"),
        _ => false,
    }
}

/// Tells null from absence.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(input).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_767_323_045_678);

    fn status(json: &str) -> Result<Option<Status>, ApiError> {
        serde_json::from_str::<Wanted>(json).unwrap().status(NOW)
    }

    #[test]
    fn every_way_to_resolve_is_understood() {
        for (json, expected) in [
            (r#"{"status":"resolved"}"#, Status::Resolved),
            (
                r#"{"status":"resolved","statusDetails":{}}"#,
                Status::Resolved,
            ),
            (
                r#"{"status":"resolvedInNextRelease"}"#,
                Status::InNextRelease,
            ),
            (
                r#"{"status":"resolved","statusDetails":{"inNextRelease":true}}"#,
                Status::InNextRelease,
            ),
            (
                r#"{"status":"resolved","statusDetails":{"inRelease":"latest"}}"#,
                Status::InLatestRelease,
            ),
            (
                r#"{"status":"resolved","statusDetails":{"inRelease":"a@1"}}"#,
                Status::InRelease("a@1".to_owned()),
            ),
            (
                r#"{"status":"resolved","statusDetails":{"inCommit":{"commit":"cafe","repository":"r"}}}"#,
                Status::InCommit {
                    repository: "r".to_owned(),
                    commit: "cafe".to_owned(),
                },
            ),
            (r#"{"status":"unresolved"}"#, Status::Unresolved),
            (r#"{"substatus":"ongoing"}"#, Status::Unresolved),
        ] {
            assert_eq!(status(json).unwrap(), Some(expected), "{json}");
        }
        assert_eq!(status("{}").unwrap(), None);
    }

    #[test]
    fn every_way_to_ignore_is_understood() {
        let snooze = |json: &str| match status(json).unwrap() {
            Some(Status::Ignored(snooze)) => snooze,
            other => panic!("{json}: {other:?}"),
        };
        assert!(snooze(r#"{"status":"ignored"}"#).is_forever());
        assert!(snooze(r#"{"status":"archived","substatus":"archived_forever"}"#).is_forever());
        let hour = Some(NOW.plus(60 * Millis::MINUTE));
        for json in [
            r#"{"status":"ignored","statusDetails":{"ignoreDuration":60}}"#,
            r#"{"status":"ignored","ignoreDuration":60}"#,
            r#"{"status":"ignored","snoozeDuration":60}"#,
        ] {
            assert_eq!(snooze(json).until, hour, "{json}");
        }
        let counted = snooze(
            r#"{"status":"ignored","statusDetails":{"ignoreCount":10,"ignoreWindow":60,
                "ignoreUserCount":3,"ignoreUserWindow":0}}"#,
        );
        let ten = Threshold {
            count: 10,
            window_minutes: Some(60),
        };
        assert_eq!(counted.events, Some(ten));
        assert_eq!(counted.users.unwrap().window_minutes, None);
        assert!(snooze(r#"{"substatus":"archived_until_escalating"}"#).until_escalating);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for json in [
            r#"{"status":"gone"}"#,
            r#"{"substatus":"asleep"}"#,
            r#"{"substatus":"archived_until_condition_met"}"#,
            r#"{"status":"resolved","statusDetails":{"inRelease":" "}}"#,
            r#"{"status":"ignored","statusDetails":{"ignoreUntil":"soon"}}"#,
        ] {
            assert!(status(json).is_err(), "{json}");
        }
        let wanted: Wanted = serde_json::from_str(r#"{"isPublic":true}"#).unwrap();
        assert!(wanted.check().is_err());
        for json in [r#"{"merge":1}"#, r#"{"merge":"1"}"#, r#"{"merge":true}"#] {
            assert!(serde_json::from_str::<Wanted>(json).unwrap().merges());
        }
        let wanted: Wanted = serde_json::from_str(r#"{"merge":0,"assignedTo":null}"#).unwrap();
        assert!(!wanted.merges());
        for json in [
            r#"{"discard":"x"}"#,
            r#"{"discard":2}"#,
            r#"{"discard":[]}"#,
        ] {
            assert!(!serde_json::from_str::<Wanted>(json).unwrap().discards());
        }
        assert_eq!(wanted.assigned_to, Some(Value::Null));
    }
}
