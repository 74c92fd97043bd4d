//! Makes changes in issues, and says what was changed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::change::{Status, Wanted};
use crate::model::ids::{IssueId, ProjectId};
use crate::model::issue::{Actor, Issue, IssueChange, MarkChange, Resolution, StatusChange};
use crate::model::release::{Placed, order};
use crate::state::AppState;
use crate::store::query::{Page, ReleaseFilter};
use crate::web::access::Access;
use crate::web::actors::{self, Directory};
use crate::web::error::ApiError;
use crate::web::issue_audit;
use crate::web::present::issue::snooze;

/// Releases of which the latest is chosen.
const MAX_RELEASES: u64 = 100;

/// Changes issues, all of which the caller may change. Returns what was changed, as clients ask for
/// it; `None` when the issues are gone.
pub(super) async fn apply(
    state: &AppState,
    caller: &Access,
    issues: &[Issue],
    wanted: &Wanted,
) -> Result<Option<Value>, ApiError> {
    wanted.check()?;
    let ids: Vec<_> = issues.iter().map(|issue| issue.id).collect();
    if wanted.discards() {
        state.store.issues.discard(&ids).await?;
        issue_audit::note(state, caller, "issue.discard", issues, "").await;
        tracing::info!(issues = ids.len(), "issues were discarded");
        return Ok(None);
    }
    let now = state.clock.now();
    let status = wanted.status(now)?;
    let priority = wanted.priority()?;
    let assignee = match &wanted.assigned_to {
        Some(value) => Some(actors::assignee(caller, value)?),
        None => None,
    };
    // Nothing is done before everything is known to be right.
    let merged = wanted.merges().then(|| Merge::of(issues)).transpose()?;
    let change = IssueChange {
        status: None,
        assignee: assignee.clone(),
        priority,
    };
    let me = actors::me(caller);
    let told = IssueChange {
        status: status.as_ref().map(stored),
        ..change.clone()
    };
    set(state, issues, status.as_ref(), change, me.as_ref()).await?;
    if let Some(told) = issue_audit::change(&told) {
        issue_audit::note(state, caller, "issue.edit", issues, &told).await;
    }
    let marks = MarkChange {
        is_bookmarked: wanted.is_bookmarked,
        is_subscribed: wanted.is_subscribed,
        seen: wanted.has_seen.map(|has_seen| has_seen.then_some(now)),
    };
    if let Some(me) = &me
        && marks != MarkChange::default()
    {
        state.store.issues.mark(&ids, me, marks).await?;
    }
    let mut done = Map::new();
    let mut tell = |name: &str, value: Value| drop(done.insert(name.to_owned(), value));
    if let Some(status) = &status {
        let (name, details) = shown(status);
        tell("status", json!(name));
        tell("statusDetails", details);
    }
    if let Some(assignee) = &assignee {
        let directory = Directory::of(state, caller, assignee).await?;
        let shown = assignee.as_ref().map(|actor| directory.assignee(actor));
        tell("assignedTo", json!(shown));
    }
    if let Some(priority) = priority {
        tell("priority", json!(priority.as_str()));
    }
    for (name, value) in [
        ("hasSeen", wanted.has_seen),
        ("isBookmarked", wanted.is_bookmarked),
        ("isSubscribed", wanted.is_subscribed),
        ("inbox", wanted.inbox),
    ] {
        if let Some(value) = value {
            tell(name, json!(value));
        }
    }
    if let Some(merge) = merged {
        let by = me.as_ref();
        let merging = state
            .store
            .issues
            .merge(merge.parent, &merge.children, by, now);
        merging.await?;
        let told = format!("into number {}", merge.parent);
        issue_audit::note(state, caller, "issue.merge", issues, &told).await;
        let children: Vec<_> = merge.children.iter().map(ToString::to_string).collect();
        let parent = merge.parent.to_string();
        tell("merge", json!({ "parent": parent, "children": children }));
    }
    Ok(Some(Value::Object(done)))
}

/// Writes status, assignee and priority.
async fn set(
    state: &AppState,
    issues: &[Issue],
    status: Option<&Status>,
    change: IssueChange,
    me: Option<&Actor>,
) -> Result<(), ApiError> {
    let now = state.clock.now();
    let ids =
        |issues: &mut dyn Iterator<Item = &Issue>| issues.map(|issue| issue.id).collect::<Vec<_>>();
    if status == Some(&Status::InLatestRelease) {
        let projects: BTreeSet<_> = issues.iter().map(|issue| issue.project).collect();
        let mut latest = BTreeMap::new();
        for project in projects {
            latest.insert(project, latest_release(state, project).await?);
        }
        for (project, release) in latest {
            let resolved = StatusChange::Resolve(Resolution::Release(release));
            let change = IssueChange {
                status: Some(resolved),
                ..change.clone()
            };
            let ids = ids(&mut issues.iter().filter(|issue| issue.project == project));
            state.store.issues.change(&ids, change, me, now).await?;
        }
        return Ok(());
    }
    let change = IssueChange {
        status: status.map(stored),
        ..change
    };
    if change == IssueChange::default() {
        return Ok(());
    }
    let ids = ids(&mut issues.iter());
    state.store.issues.change(&ids, change, me, now).await?;
    Ok(())
}

async fn latest_release(state: &AppState, project: ProjectId) -> Result<String, ApiError> {
    let filter = ReleaseFilter {
        projects: vec![project],
        ..ReleaseFilter::default()
    };
    let all = state
        .store
        .releases
        .list(&filter, Page::first(MAX_RELEASES));
    let all = all.await?;
    let latest = all.iter().max_by(|one, two| {
        let placed = |release: &crate::model::release::Release| release.created;
        order(
            Placed {
                version: &one.version,
                created: placed(one),
            },
            Placed {
                version: &two.version,
                created: placed(two),
            },
        )
    });
    let none = || ApiError::invalid("no_release", "the project has no release yet");
    latest
        .map(|release| release.version.clone())
        .ok_or_else(none)
}

fn stored(status: &Status) -> StatusChange {
    match status {
        Status::Unresolved => StatusChange::Unresolve,
        // The latest release is looked up before.
        Status::Resolved | Status::InLatestRelease => StatusChange::Resolve(Resolution::Now),
        Status::InNextRelease => StatusChange::Resolve(Resolution::NextRelease {
            after: String::new(),
        }),
        Status::InRelease(version) => StatusChange::Resolve(Resolution::Release(version.clone())),
        Status::InCommit { repository, commit } => StatusChange::Resolve(Resolution::Commit {
            repository: repository.clone(),
            commit: commit.clone(),
        }),
        Status::Ignored(snooze) => StatusChange::Ignore(*snooze),
    }
}

/// Shows a change of status.
fn shown(status: &Status) -> (&'static str, Value) {
    match status {
        Status::Unresolved => ("unresolved", json!({})),
        Status::Resolved => ("resolved", json!({})),
        Status::InNextRelease => ("resolved", json!({ "inNextRelease": true })),
        Status::InLatestRelease => ("resolved", json!({ "inRelease": "latest" })),
        Status::InRelease(version) => ("resolved", json!({ "inRelease": version })),
        Status::InCommit { repository, commit } => {
            let commit = json!({ "commit": commit, "repository": repository });
            ("resolved", json!({ "inCommit": commit }))
        }
        Status::Ignored(it) => ("ignored", snooze(it)),
    }
}

/// Issues that are to become one.
struct Merge {
    parent: IssueId,
    children: Vec<IssueId>,
}

impl Merge {
    /// The one with the most events takes the others in.
    fn of(issues: &[Issue]) -> Result<Self, ApiError> {
        let projects: BTreeSet<_> = issues.iter().map(|issue| issue.project).collect();
        if projects.len() > 1 {
            let detail = "issues of several projects cannot be merged";
            return Err(ApiError::invalid("several_projects", detail));
        }
        let greatest = issues
            .iter()
            .max_by_key(|issue| (issue.events, std::cmp::Reverse(issue.id)));
        let few = || ApiError::invalid("one_issue", "merging takes two issues or more");
        let parent = greatest.filter(|_| issues.len() > 1).ok_or_else(few)?.id;
        let children = issues.iter().map(|issue| issue.id);
        Ok(Self {
            parent,
            children: children.filter(|id| *id != parent).collect(),
        })
    }
}
