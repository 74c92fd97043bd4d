//! How backends keep the state of issues in columns, and what opens an issue again.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::model::activity::ActivityKind;
use crate::model::issue::{
    Issue, IssueState, IssueStatus, Resolution, Snooze, StatusChange, Substatus, Threshold,
};
use crate::model::release::{Placed, order};
use crate::model::time::Millis;

/// Releases of one issue that one batch looks at, to see whether it comes again.
pub(super) const MAX_RELEASES: usize = 16;

#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    events: Option<(u64, Option<u32>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    users: Option<(u64, Option<u32>)>,
    #[serde(default)]
    escalating: bool,
}

/// Reads the conditions under which an ignored issue comes back.
pub(super) fn read_snooze(text: Option<&str>) -> Option<Snooze> {
    let kept: Kept = serde_json::from_str(text?).ok()?;
    let threshold = |(count, window_minutes)| Threshold {
        count,
        window_minutes,
    };
    Some(Snooze {
        until: kept.until.map(Millis),
        events: kept.events.map(threshold),
        users: kept.users.map(threshold),
        until_escalating: kept.escalating,
    })
}

/// Writes the conditions under which an ignored issue comes back.
pub(super) fn write_snooze(snooze: &Snooze) -> String {
    let threshold = |threshold: Threshold| (threshold.count, threshold.window_minutes);
    let kept = Kept {
        until: snooze.until.map(|at| at.0),
        events: snooze.events.map(threshold),
        users: snooze.users.map(threshold),
        escalating: snooze.until_escalating,
    };
    serde_json::to_string(&kept).unwrap_or_default()
}

/// Reads what resolved an issue from its columns.
pub(super) fn read_resolution(
    code: Option<i64>,
    of: Option<String>,
    within: Option<String>,
) -> Option<Resolution> {
    let of = of.unwrap_or_default();
    match code? {
        2 => Some(Resolution::NextRelease { after: of }),
        3 => Some(Resolution::Release(of)),
        4 => Some(Resolution::Commit {
            repository: within.unwrap_or_default(),
            commit: of,
        }),
        _ => Some(Resolution::Now),
    }
}

/// Returns the columns of what resolved an issue.
pub(super) fn resolution_columns(resolution: &Resolution) -> (i64, Option<&str>, Option<&str>) {
    match resolution {
        Resolution::Now => (1, None, None),
        Resolution::NextRelease { after } => (2, Some(after), None),
        Resolution::Release(release) => (3, Some(release), None),
        Resolution::Commit { repository, commit } => (4, Some(commit), Some(repository)),
    }
}

/// Returns what the history says of a resolution.
fn entry_of(resolution: &Resolution) -> (ActivityKind, serde_json::Value) {
    match resolution {
        Resolution::NextRelease { after } => (
            ActivityKind::ResolvedInRelease,
            json!({ "after": after, "version": "" }),
        ),
        Resolution::Release(version) => (
            ActivityKind::ResolvedInRelease,
            json!({ "version": version }),
        ),
        Resolution::Commit { repository, commit } => (
            ActivityKind::ResolvedInCommit,
            json!({ "commit": commit, "repository": repository }),
        ),
        Resolution::Now => (ActivityKind::Resolved, json!({})),
    }
}

/// What a change of status makes of an issue: how it stands then, and what its history says of it.
pub(super) type Changed = (IssueState, ActivityKind, serde_json::Value);

/// Returns what a change of status makes of an issue; `None` when nothing is different then. What
/// resolves it is told whole, with what the store knows of it.
pub(super) fn changed(issue: &Issue, change: &StatusChange, at: Millis) -> Option<Changed> {
    let begun = |status, substatus| IssueState {
        status,
        substatus,
        since: at,
        resolution: None,
        snooze: None,
    };
    let (state, kind, data) = match change {
        StatusChange::Unresolve => {
            let state = begun(IssueStatus::Unresolved, Substatus::Ongoing);
            (state, ActivityKind::Unresolved, json!({}))
        }
        StatusChange::Resolve(resolution) => {
            let (kind, data) = entry_of(resolution);
            let mut state = begun(IssueStatus::Resolved, Substatus::Resolved);
            state.resolution = Some(resolution.clone());
            (state, kind, data)
        }
        StatusChange::Ignore(snooze) => {
            let mut state = begun(IssueStatus::Ignored, snooze.substatus());
            state.snooze = Some(*snooze);
            let data = serde_json::from_str(&write_snooze(snooze)).unwrap_or_default();
            (state, ActivityKind::Ignored, data)
        }
    };
    let is_same = state.status == issue.state.status
        && state.resolution == issue.state.resolution
        && state.snooze == issue.state.snooze;
    (!is_same).then_some((state, kind, data))
}

/// Returns what the history says of an assignment.
pub(super) fn assigned(assignee: Option<&str>) -> (ActivityKind, serde_json::Value) {
    match assignee {
        Some(name) => (ActivityKind::Assigned, json!({ "assignee": name })),
        None => (ActivityKind::Unassigned, json!({})),
    }
}

/// How many events an ignored issue may have, and since when they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventBound {
    /// At so many it comes back.
    pub(super) events: u64,
    /// When the interval began; `None` without intervals and before the first.
    pub(super) from: Option<Millis>,
}

/// Returns the bound that holds after further events: another one when its interval has ended.
/// `had` is how many events there were before them, and `last_seen` when the latest of them was.
pub(super) fn bound_after(
    bound: EventBound,
    threshold: Option<Threshold>,
    had: u64,
    last_seen: Millis,
) -> EventBound {
    let Some((count, window)) =
        threshold.and_then(|events| Some((events.count, events.window_minutes?)))
    else {
        return bound;
    };
    let length = i64::from(window).saturating_mul(Millis::MINUTE);
    let is_over = |from: Millis| last_seen.since(from) > length;
    if !bound.from.is_none_or(is_over) {
        return bound;
    }
    EventBound {
        events: had.saturating_add(count),
        from: Some(last_seen),
    }
}

/// Returns the release that decides whether an event opens a resolved issue, and whether the event
/// must be of a later one. `Err` tells that no release has to be looked at.
pub(super) fn deciding_release(resolution: &Resolution) -> Result<(&str, bool), bool> {
    match resolution {
        Resolution::NextRelease { after } if !after.is_empty() => Ok((after, true)),
        Resolution::Release(release) => Ok((release, false)),
        Resolution::Commit { .. } => Err(false),
        Resolution::Now | Resolution::NextRelease { .. } => Err(true),
    }
}

/// Reports whether an event of a release opens an issue of which another release decides; both
/// with when they became known, where they are.
pub(super) fn is_reopened_by(
    event: (&str, Option<Millis>),
    deciding: (&str, Option<Millis>),
    needs_later: bool,
) -> bool {
    // Who tells no release cannot be newer than anything.
    if event.0.is_empty() {
        return false;
    }
    let placed = |(version, created): (_, Option<Millis>)| Placed {
        version,
        created: created.unwrap_or(Millis(i64::MAX)),
    };
    let order = order(placed(event), placed(deciding));
    if needs_later {
        order.is_gt()
    } else {
        order.is_ge()
    }
}

/// The words of a full-text search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// What has to be there: single words, of which others may begin with them, and words that
    /// stand next to each other.
    pub(super) terms: Vec<(String, bool)>,
}

impl Words {
    /// Reads what a person wrote: words, and phrases in quotes.
    pub(super) fn read(text: &str) -> Self {
        let mut terms = Vec::new();
        for (place, part) in text.split('"').enumerate() {
            let clean = |part: &str| {
                let is_word = |c: &char| c.is_alphanumeric();
                let words = part.split(|c| !is_word(&c)).filter(|word| !word.is_empty());
                words.collect::<Vec<_>>().join(" ")
            };
            if place % 2 == 1 {
                terms.push((clean(part), false));
            } else {
                terms.extend(part.split_whitespace().map(|word| (clean(word), true)));
            }
        }
        terms.retain(|(term, _)| !term.is_empty());
        terms.truncate(16);
        Self { terms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_words_and_phrases() {
        let read = |text: &str| Words::read(text).terms;
        assert_eq!(read("  "), []);
        assert_eq!(
            read("time* \"data base\" field_name x"),
            [
                ("time".to_owned(), true),
                ("data base".to_owned(), false),
                ("field name".to_owned(), true),
                ("x".to_owned(), true)
            ]
        );
        assert_eq!(read("\" OR ' --"), [("OR".to_owned(), false)]);
    }

    #[test]
    fn conditions_survive_the_database() {
        let snooze = Snooze {
            until: Some(Millis(5)),
            events: Some(Threshold {
                count: 10,
                window_minutes: Some(60),
            }),
            users: None,
            until_escalating: true,
        };
        assert_eq!(read_snooze(Some(&write_snooze(&snooze))), Some(snooze));
        assert_eq!(read_snooze(None), None);
    }

    #[test]
    fn events_are_counted_in_intervals_that_begin_with_an_event() {
        let bound = EventBound {
            events: 15,
            from: None,
        };
        let minutes = |minutes| Millis(minutes * Millis::MINUTE);
        let within = |window_minutes| {
            Some(Threshold {
                count: 10,
                window_minutes,
            })
        };
        assert_eq!(bound_after(bound, within(None), 8, minutes(1)), bound);
        assert_eq!(bound_after(bound, None, 8, minutes(1)), bound);
        let first = bound_after(bound, within(Some(60)), 8, minutes(1));
        assert_eq!((first.events, first.from), (18, Some(minutes(1))));
        assert_eq!(bound_after(first, within(Some(60)), 12, minutes(61)), first);
        let next = bound_after(first, within(Some(60)), 14, minutes(62));
        assert_eq!((next.events, next.from), (24, Some(minutes(62))));
    }

    #[test]
    fn an_event_opens_an_issue_by_its_release() {
        let at = |at| Some(Millis(at));
        assert!(is_reopened_by(("1.1", at(1)), ("1.0", at(2)), true));
        assert!(!is_reopened_by(("1.0", at(1)), ("1.0", at(1)), true));
        assert!(is_reopened_by(("1.0", at(1)), ("1.0", at(1)), false));
        assert!(!is_reopened_by(("0.9", at(9)), ("1.0", at(1)), false));
        assert!(!is_reopened_by(("", None), ("1.0", at(1)), false));
        assert!(is_reopened_by(("beef", at(2)), ("cafe", at(1)), true));
    }
}
