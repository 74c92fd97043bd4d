//! The history of an issue: what was done to it, by whom, and what people say.

use super::ids::{ActivityId, IssueId};
use super::issue::Actor;
use super::outcome::named;
use super::time::Millis;

named! {
    /// What happened. The names are those that Sentry's clients know.
    ActivityKind {
        /// A comment; its text is `text`.
        Note = "note" / 0,
        /// The first event.
        FirstSeen = "first_seen" / 1,
        /// Resolved.
        Resolved = "set_resolved" / 2,
        /// Resolved in a release, in `version`, or the next one, after `after`.
        ResolvedInRelease = "set_resolved_in_release" / 3,
        /// Resolved by a commit, in `commit`.
        ResolvedInCommit = "set_resolved_in_commit" / 4,
        /// Opened by hand.
        Unresolved = "set_unresolved" / 5,
        /// Opened by an event, of the release `version`.
        Regression = "set_regression" / 6,
        /// Ignored; the conditions are in the data.
        Ignored = "set_ignored" / 7,
        /// Back from being ignored; `reason` says why.
        Escalating = "set_escalating" / 8,
        /// Assigned to `assignee`.
        Assigned = "assigned" / 9,
        /// Assigned to nobody.
        Unassigned = "unassigned" / 10,
        /// Took the groups of `issues` in.
        Merge = "merge" / 11,
        /// Gave groups to the issue `to`, or was split from `from`.
        Unmerge = "unmerge_source" / 12,
        /// Priority set to `priority`.
        Priority = "set_priority" / 13,
        /// Later events are dropped.
        Discarded = "discarded" / 14,
        /// Deployed with a release; reserved for integrations.
        Deployed = "deployed" / 15,
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Its number.
    pub id: ActivityId,
    /// The issue.
    pub issue: IssueId,
    /// What happened.
    pub kind: ActivityKind,
    /// Who did it; `None` when nobody did.
    pub actor: Option<Actor>,
    /// When.
    pub at: Millis,
    /// The rest, as a JSON object of texts and numbers; what is in it depends on the kind.
    pub data: String,
}
