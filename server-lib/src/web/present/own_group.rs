//! Groups and comments as Mini Sentry's own API shows them.

use serde_json::{Value, json};

use crate::model::activity::Activity;
use crate::model::catalog::Project;
use crate::model::issue::{Actor, Issue, Mark};
use crate::model::short_id;
use crate::web::actors::Directory;

/// Shows a group.
#[must_use]
pub fn group(issue: &Issue, project: &Project, mark: Mark, directory: &Directory) -> Value {
    json!({
        "id": issue.id,
        "short_id": short_id::write(&project.slug, issue.number),
        "project": project.slug,
        "title": issue.title,
        "culprit": issue.culprit,
        "level": issue.level.as_str(),
        "platform": issue.platform,
        "status": issue.state.status.as_str(),
        "substatus": issue.state.substatus.as_str(),
        "priority": issue.priority.as_str(),
        "assignee": issue.assignee.as_ref().map(|actor| name(actor, directory)),
        "is_bookmarked": mark.is_bookmarked,
        "comments": issue.comments,
        "count": issue.events,
        "users": issue.affected.users,
        "users_are_exact": issue.affected.is_exact,
        "first_seen": issue.first_seen.to_rfc3339(),
        "last_seen": issue.last_seen.to_rfc3339(),
        "first_release": issue.first_release,
        "last_release": issue.last_release,
    })
}

/// Shows a comment.
#[must_use]
pub fn comment(entry: &Activity, directory: &Directory) -> Value {
    let noted: Value = serde_json::from_str(&entry.data).unwrap_or_default();
    json!({
        "id": entry.id,
        "group": entry.issue,
        "author": entry.actor.as_ref().map(|actor| name(actor, directory)),
        "text": noted.get("text").and_then(Value::as_str).unwrap_or_default(),
        "created_at": entry.at.to_rfc3339(),
    })
}

fn name(actor: &Actor, directory: &Directory) -> Value {
    let shown = directory.user(actor);
    shown.get("name").cloned().unwrap_or_default()
}
