//! What the audit log is told of issues: which of them, and what was done. Marks, which are each
//! person's own, are not told, and neither is what comments say.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::access::Access;
use crate::model::ids::ProjectId;
use crate::model::issue::{Actor, Issue, IssueChange, Resolution, StatusChange};
use crate::model::short_id;
use crate::state::AppState;

/// Issues that an entry names; of more it tells the number.
const MAX_NAMED: usize = 20;
/// Characters of what an entry tells of a change.
const MAX_CHARS: usize = 200;

/// Notes what was done with issues: one entry for each project. `how` may be empty.
pub async fn note(state: &AppState, caller: &Access, action: &str, issues: &[Issue], how: &str) {
    let mut by_project: BTreeMap<ProjectId, Vec<&Issue>> = BTreeMap::new();
    for issue in issues {
        by_project.entry(issue.project).or_default().push(issue);
    }
    for (project, issues) in by_project {
        let slug = caller.project_by_id(project).map(|found| &*found.slug);
        let target = told(slug.unwrap_or("?"), &issues, how);
        caller.note(state, action, target, Some(project)).await;
    }
}

fn told(slug: &str, issues: &[&Issue], how: &str) -> String {
    let named = issues.iter().take(MAX_NAMED);
    let named: Vec<_> = named
        .map(|issue| short_id::write(slug, issue.number))
        .collect();
    let mut told = named.join(", ");
    let more = issues.len().saturating_sub(MAX_NAMED);
    // Writing into a `String` cannot fail.
    if more > 0 {
        let _ = write!(told, " and {more} more");
    }
    if !how.is_empty() {
        told.push_str(": ");
        told.extend(how.chars().take(MAX_CHARS));
    }
    told
}

/// Tells a change of issues in a few words; `None` when nothing changes.
#[must_use]
pub fn change(change: &IssueChange) -> Option<String> {
    let status = change.status.as_ref().map(status);
    let assignee = change.assignee.as_ref().map(|assignee| {
        let name = assignee.as_ref().map_or("nobody", Actor::as_str);
        format!("assigned to {name}")
    });
    let priority = change.priority;
    let priority = priority.map(|priority| format!("priority {}", priority.as_str()));
    let all: Vec<_> = [status, assignee, priority].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn status(change: &StatusChange) -> String {
    match change {
        StatusChange::Unresolve => "unresolved".to_owned(),
        StatusChange::Ignore(_) => "ignored".to_owned(),
        StatusChange::Resolve(resolution) => match resolution {
            Resolution::Now => "resolved".to_owned(),
            Resolution::NextRelease { .. } => "resolved in the next release".to_owned(),
            Resolution::Release(version) => format!("resolved in {version}"),
            Resolution::Commit { commit, .. } => format!("resolved in commit {commit}"),
        },
    }
}
