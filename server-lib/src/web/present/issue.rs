//! Issues as Sentry's clients read them: numbers are text, counts of events too, counts of people
//! are numbers.

use serde_json::{Map, Value, json};

use crate::address::BaseUrl;
use crate::model::catalog::{Organisation, Project};
use crate::model::issue::{Issue, IssueStatus, Mark, Resolution, Snooze};
use crate::model::short_id;
use crate::web::actors::Directory;

/// An issue with all that it is shown from.
#[derive(Clone, Copy, Debug)]
pub struct IssueView<'a> {
    /// The issue.
    pub issue: &'a Issue,
    /// Whose it is.
    pub project: &'a Project,
    /// Whose that is.
    pub owner: &'a Organisation,
    /// What the caller thinks of it.
    pub mark: Mark,
    /// Names of people.
    pub directory: &'a Directory,
    /// The server's address.
    pub base: &'a BaseUrl,
}

/// Shows an issue as lists and details have it, without counts over time.
#[must_use]
pub fn issue(view: &IssueView<'_>) -> Value {
    let IssueView { issue, mark, .. } = view;
    let count = issue.events.to_string();
    let (first, last) = (issue.first_seen.to_rfc3339(), issue.last_seen.to_rfc3339());
    json!({
        "id": issue.id.to_string(),
        "shareId": null,
        "shortId": short_id::write(&view.project.slug, issue.number),
        "title": issue.title,
        "culprit": issue.culprit,
        "permalink": permalink(view),
        "logger": null,
        "level": issue.level.as_str(),
        "status": issue.state.status.as_str(),
        "statusDetails": status_details(issue),
        "substatus": substatus(issue),
        "isPublic": false,
        "platform": issue.platform,
        "project": project(view.project),
        "type": issue.kind.as_str(),
        "metadata": metadata(issue),
        "numComments": issue.comments,
        "assignedTo": issue.assignee.as_ref().map(|actor| view.directory.assignee(actor)),
        "isBookmarked": mark.is_bookmarked,
        "isSubscribed": mark.is_subscribed.unwrap_or(false),
        "subscriptionDetails": null,
        "hasSeen": has_seen(issue, *mark),
        "annotations": [],
        "issueType": "error",
        "issueCategory": "error",
        "priority": issue.priority.as_str(),
        "priorityLockedAt": null,
        "isUnhandled": issue.is_unhandled,
        "count": count,
        "userCount": issue.affected.users,
        "userCountIsExact": issue.affected.is_exact,
        "firstSeen": first,
        "lastSeen": last,
        "lifetime": {
            "count": count,
            "userCount": issue.affected.users,
            "firstSeen": first,
            "lastSeen": last,
            "stats": null,
        },
        "filtered": null,
    })
}

/// Shows the address of an issue's page.
#[must_use]
pub fn permalink(view: &IssueView<'_>) -> String {
    let path = format!(
        "/organizations/{}/issues/{}/",
        view.owner.slug, view.issue.id
    );
    view.base.join(&path)
}

/// Shows the project of an issue.
#[must_use]
pub fn project(project: &Project) -> Value {
    json!({
        "id": project.id.to_string(),
        "name": project.name,
        "slug": project.slug,
        "platform": project.platform.as_deref().unwrap_or_default(),
    })
}

/// Reports whether the caller has looked at an issue since it was opened.
#[must_use]
pub fn has_seen(issue: &Issue, mark: Mark) -> bool {
    mark.seen.is_some_and(|seen| seen >= issue.state.since)
}

fn substatus(issue: &Issue) -> Option<&'static str> {
    (issue.state.status != IssueStatus::Resolved).then(|| issue.state.substatus.as_str())
}

fn metadata(issue: &Issue) -> Value {
    let headline = &issue.headline;
    if headline.error_type.is_empty() {
        return json!({ "title": issue.title, "value": headline.value });
    }
    json!({
        "type": headline.error_type,
        "value": headline.value,
        "filename": headline.filename,
        "function": headline.function,
    })
}

/// Shows why an issue has its status, and until when.
#[must_use]
pub fn status_details(issue: &Issue) -> Value {
    let state = &issue.state;
    if let Some(resolution) = &state.resolution {
        return match resolution {
            Resolution::NextRelease { .. } => json!({ "inNextRelease": true }),
            Resolution::Release(version) => json!({ "inRelease": version }),
            Resolution::Commit { repository, commit } => {
                json!({ "inCommit": { "commit": commit, "repository": repository } })
            }
            Resolution::Now => json!({}),
        };
    }
    state.snooze.as_ref().map_or_else(|| json!({}), snooze)
}

/// Shows when an ignored issue comes back.
#[must_use]
pub fn snooze(snooze: &Snooze) -> Value {
    if snooze.is_forever() {
        return json!({});
    }
    let mut shown = Map::new();
    shown.insert(
        "ignoreUntil".to_owned(),
        json!(snooze.until.map(|at| at.to_rfc3339())),
    );
    let events = snooze.events;
    let users = snooze.users;
    shown.insert("ignoreCount".to_owned(), json!(events.map(|it| it.count)));
    let window = events.and_then(|it| it.window_minutes);
    shown.insert("ignoreWindow".to_owned(), json!(window));
    shown.insert(
        "ignoreUserCount".to_owned(),
        json!(users.map(|it| it.count)),
    );
    let window = users.and_then(|it| it.window_minutes);
    shown.insert("ignoreUserWindow".to_owned(), json!(window));
    if snooze.until_escalating {
        shown.insert("ignoreUntilEscalating".to_owned(), json!(true));
    }
    Value::Object(shown)
}

/// Leaves out what the caller does not want.
pub fn collapse(shown: &mut Value, unwanted: &[&str]) {
    let Value::Object(shown) = shown else {
        return;
    };
    for part in unwanted {
        match *part {
            "stats" => drop(shown.remove("stats")),
            "lifetime" => drop(shown.remove("lifetime")),
            "filtered" => drop(shown.remove("filtered")),
            "unhandled" => drop(shown.remove("isUnhandled")),
            "base" => {
                const KEPT: &[&str] = &[
                    "id",
                    "stats",
                    "lifetime",
                    "filtered",
                    "count",
                    "userCount",
                    "firstSeen",
                    "lastSeen",
                    "isUnhandled",
                ];
                shown.retain(|key, _| KEPT.contains(&key.as_str()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::issue::{IssueState, Threshold};
    use crate::model::time::Millis;

    #[test]
    fn an_issue_that_is_ignored_tells_until_when() {
        assert_eq!(snooze(&Snooze::default()), json!({}));
        let until = Snooze {
            until: Some(Millis(1_767_323_045_678)),
            events: Some(Threshold {
                count: 10,
                window_minutes: Some(60),
            }),
            ..Snooze::default()
        };
        assert_eq!(
            snooze(&until),
            json!({
                "ignoreUntil": "2026-01-02T03:04:05.678Z",
                "ignoreCount": 10,
                "ignoreWindow": 60,
                "ignoreUserCount": null,
                "ignoreUserWindow": null,
            })
        );
        let escalating = Snooze {
            until_escalating: true,
            ..Snooze::default()
        };
        assert_eq!(snooze(&escalating)["ignoreUntilEscalating"], true);
    }

    #[test]
    fn unwanted_parts_are_left_out() {
        let whole =
            json!({"id": "1", "title": "t", "stats": {}, "lifetime": {}, "isUnhandled": false});
        let mut shown = whole.clone();
        collapse(&mut shown, &["stats", "unhandled", "nonsense"]);
        assert_eq!(shown, json!({"id": "1", "title": "t", "lifetime": {}}));
        let mut shown = whole;
        collapse(&mut shown, &["base", "lifetime"]);
        assert_eq!(shown, json!({"id": "1", "stats": {}, "isUnhandled": false}));
        assert_eq!(IssueState::new(Millis(0)).snooze, None);
    }
}
