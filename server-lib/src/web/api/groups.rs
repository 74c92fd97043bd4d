//! Groups, which Sentry's API calls issues: a list with a search, and what people do with one.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked;
use crate::model::activity::ActivityKind;
use crate::model::ids::{IssueId, ProjectId};
use crate::model::issue::{
    Issue, IssueChange, IssueStatus, MarkChange, Resolution, Snooze, StatusChange,
};
use crate::model::scope::Scope;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::NewActivity;
use crate::store::query::IssueCursor;
use crate::web::access::Access;
use crate::web::actors::{self, Directory};
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Names, Pairs};
use crate::web::issue_audit;
use crate::web::issue_search::{self, Asked};
use crate::web::paging::{Listed, MAX_PAGE, Part, Place};
use crate::web::present::own_group;
use crate::web::reading;

const READ: &[Scope] = &[Scope::EventRead];
const WRITE: &[Scope] = &[Scope::EventWrite];
/// How far back pages are counted out, where a cursor tells no more than how many rows are before.
const MAX_BACK: u64 = 10_000;
/// The longest comment.
const MAX_CHARS: usize = 20_000;

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let projects = asked::projects(&caller, &query)?;
    let part = Part::of(&query)?;
    reading::settle_search(&state).await;
    let asked = question(&state, &caller, &projects, &query).await?;
    let place = Place {
        base: &base,
        path: "/api/groups/",
        query: &query,
    };
    let after = match part.cursor.at {
        Some((value, id)) => Some(IssueCursor {
            value: value.0,
            id: IssueId(id),
        }),
        None => match counted_out(&state, &asked, part.cursor.offset).await? {
            Ok(after) => after,
            Err(Beyond) => return Ok(Listed::new(vec![], &part, part.next(0), false, &place)),
        },
    };
    let limit = u32::try_from(part.limit).unwrap_or(u32::MAX);
    let page = asked.page(&state, after, limit).await?;
    let mut next = part.next(page.issues.len());
    next.at = page.next.map(|next| (Millis(next.value), next.id.0));
    let shown = show(&state, &caller, &page.issues).await?;
    Ok(Listed::new(shown, &part, next, page.next.is_some(), &place))
}

/// Puts the question together: `q`, `status`, and the times under their names here.
async fn question(
    state: &AppState,
    caller: &Access,
    projects: &[ProjectId],
    query: &Pairs,
) -> Result<Asked, ApiError> {
    let mut renamed: Vec<_> = query
        .iter()
        .map(|(key, value)| match key {
            "from" => ("start", value),
            "to" => ("end", value),
            key => (key, value),
        })
        .collect();
    if query.first("from").is_none() {
        renamed.push(("start", "1970-01-01"));
    }
    let renamed = Pairs::from_iter(renamed);
    let text = query.first("q").unwrap_or_default().trim();
    let asked = Asked::of(state, caller, projects, text, &renamed).await?;
    Ok(match status(query)? {
        Some(status) => asked.of_status(status),
        None => asked,
    })
}

fn status(query: &Pairs) -> Result<Option<IssueStatus>, ApiError> {
    Ok(match query.first("status") {
        None | Some("all") => None,
        Some("open" | "unresolved") => Some(IssueStatus::Unresolved),
        Some("closed" | "resolved") => Some(IssueStatus::Resolved),
        Some("ignored" | "archived") => Some(IssueStatus::Ignored),
        Some(_) => {
            let detail = "status is one of open, resolved, ignored and all";
            return Err(ApiError::invalid("unknown_status", detail));
        }
    })
}

/// There are fewer rows.
struct Beyond;

/// Finds the place that has so many rows before it.
async fn counted_out(
    state: &AppState,
    asked: &Asked,
    offset: u64,
) -> Result<Result<Option<IssueCursor>, Beyond>, ApiError> {
    if offset > MAX_BACK {
        let detail = "Invalid cursor parameter.";
        return Err(ApiError::invalid("invalid_cursor", detail));
    }
    let mut after = None;
    let mut left = offset;
    while left > 0 {
        let step = u32::try_from(left.min(MAX_PAGE)).unwrap_or(u32::MAX);
        let page = asked.page(state, after, step).await?;
        left = left.saturating_sub(page.issues.len() as u64);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(Err(Beyond)),
        }
    }
    Ok(Ok(after))
}

pub(super) async fn detail(
    State(state): State<AppState>,
    caller: Access,
    Names(name): Names<String>,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    let found = find(&state, &caller, &name).await?;
    show_one(&state, &caller, found).await
}

/// Finds a group by its number or short id.
async fn find(state: &AppState, caller: &Access, name: &str) -> Result<Issue, ApiError> {
    reading::settle_list(state).await;
    let found = match name.parse::<IssueId>() {
        Ok(id) => state.store.issues.get(&[id]).await?.pop(),
        Err(_) => issue_search::by_short_id(state, caller, name).await?,
    };
    found
        .filter(|issue| caller.project_by_id(issue.project).is_some())
        .ok_or_else(ApiError::not_found)
}

pub(super) async fn resolve(
    State(state): State<AppState>,
    caller: Access,
    Names(name): Names<String>,
) -> Result<Json<Value>, ApiError> {
    let to = StatusChange::Resolve(Resolution::Now);
    set_status(&state, &caller, &name, to).await
}

pub(super) async fn unresolve(
    State(state): State<AppState>,
    caller: Access,
    Names(name): Names<String>,
) -> Result<Json<Value>, ApiError> {
    set_status(&state, &caller, &name, StatusChange::Unresolve).await
}

pub(super) async fn ignore(
    State(state): State<AppState>,
    caller: Access,
    Names(name): Names<String>,
) -> Result<Json<Value>, ApiError> {
    let to = StatusChange::Ignore(Snooze::default());
    set_status(&state, &caller, &name, to).await
}

async fn set_status(
    state: &AppState,
    caller: &Access,
    name: &str,
    to: StatusChange,
) -> Result<Json<Value>, ApiError> {
    let change = IssueChange {
        status: Some(to),
        ..IssueChange::default()
    };
    change_one(state, caller, name, change).await
}

/// Who a group is to be given to.
#[derive(Debug, Deserialize)]
pub(super) struct Assignment {
    #[serde(default)]
    assignee: Value,
}

pub(super) async fn assign(
    State(state): State<AppState>,
    caller: Access,
    Names(name): Names<String>,
    Body(to): Body<Assignment>,
) -> Result<Json<Value>, ApiError> {
    caller.require(WRITE)?;
    let change = IssueChange {
        assignee: Some(actors::assignee(&caller, &to.assignee)?),
        ..IssueChange::default()
    };
    change_one(&state, &caller, &name, change).await
}

async fn change_one(
    state: &AppState,
    caller: &Access,
    name: &str,
    change: IssueChange,
) -> Result<Json<Value>, ApiError> {
    caller.require(WRITE)?;
    let issue = find(state, caller, name).await?;
    let (me, now) = (actors::me(caller), state.clock.now());
    let (ids, told) = ([issue.id], issue_audit::change(&change));
    let changed = state.store.issues.change(&ids, change, me.as_ref(), now);
    changed.await?;
    if let Some(told) = told {
        issue_audit::note(state, caller, "issue.edit", &[issue], &told).await;
    }
    let [id] = ids;
    again(state, caller, id).await
}

pub(super) async fn bookmark(
    State(state): State<AppState>,
    caller: Access,
    Names(name): Names<String>,
) -> Result<Json<Value>, ApiError> {
    set_bookmark(&state, &caller, &name, true).await
}

pub(super) async fn unbookmark(
    State(state): State<AppState>,
    caller: Access,
    Names(name): Names<String>,
) -> Result<Json<Value>, ApiError> {
    set_bookmark(&state, &caller, &name, false).await
}

async fn set_bookmark(
    state: &AppState,
    caller: &Access,
    name: &str,
    is_bookmarked: bool,
) -> Result<Json<Value>, ApiError> {
    caller.require(WRITE)?;
    let issue = find(state, caller, name).await?;
    if let Some(me) = actors::me(caller) {
        let change = MarkChange {
            is_bookmarked: Some(is_bookmarked),
            ..MarkChange::default()
        };
        state.store.issues.mark(&[issue.id], &me, change).await?;
    }
    again(state, caller, issue.id).await
}

/// A comment as clients send it.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    #[serde(alias = "body", alias = "comment", alias = "message")]
    text: String,
}

pub(super) async fn comments(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(name): Names<String>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let issue = find(&state, &caller, &name).await?;
    let part = Part::of(&query)?;
    let page = asked::page(&part);
    let kind = Some(ActivityKind::Note);
    let mut entries = state.store.issues.activity(issue.id, kind, page).await?;
    let (next, has_more) = asked::cut(&part, &mut entries);
    let people = entries.iter().filter_map(|entry| entry.actor.as_ref());
    let directory = Directory::of(&state, &caller, people).await?;
    let shown = entries.iter().map(|it| own_group::comment(it, &directory));
    let place = Place {
        base: &base,
        path: &format!("/api/groups/{name}/comments/"),
        query: &query,
    };
    Ok(Listed::new(shown.collect(), &part, next, has_more, &place))
}

pub(super) async fn say(
    State(state): State<AppState>,
    caller: Access,
    Names(name): Names<String>,
    Body(said): Body<Said>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require(WRITE)?;
    let text = said.text.trim();
    if text.is_empty() || text.chars().count() > MAX_CHARS {
        let detail = format!("a comment has 1 to {MAX_CHARS} characters");
        return Err(ApiError::invalid("invalid_text", detail));
    }
    let issue = find(&state, &caller, &name).await?;
    let entry = NewActivity {
        issue: issue.id,
        kind: ActivityKind::Note,
        actor: actors::me(&caller),
        at: state.clock.now(),
        data: json!({ "text": text }).to_string(),
    };
    let entry = state.store.issues.note(entry).await?;
    let told = format!("comment {}", entry.id);
    issue_audit::note(&state, &caller, "comment.create", &[issue], &told).await;
    let directory = Directory::of(&state, &caller, entry.actor.as_ref()).await?;
    let shown = own_group::comment(&entry, &directory);
    Ok((StatusCode::CREATED, Json(shown)))
}

async fn again(state: &AppState, caller: &Access, id: IssueId) -> Result<Json<Value>, ApiError> {
    let found = state.store.issues.get(&[id]).await?.pop();
    show_one(state, caller, found.ok_or_else(ApiError::not_found)?).await
}

async fn show_one(
    state: &AppState,
    caller: &Access,
    issue: Issue,
) -> Result<Json<Value>, ApiError> {
    let shown = show(state, caller, &[issue]).await?;
    let shown = shown.into_iter().next();
    shown.map(Json).ok_or_else(ApiError::not_found)
}

/// Shows groups; those of projects that the caller may not see are left out.
pub(super) async fn show(
    state: &AppState,
    caller: &Access,
    issues: &[Issue],
) -> Result<Vec<Value>, ApiError> {
    let ids: Vec<_> = issues.iter().map(|issue| issue.id).collect();
    let people = issues.iter().filter_map(|issue| issue.assignee.as_ref());
    let directory = Directory::of(state, caller, people).await?;
    let marks = match actors::me(caller) {
        Some(me) => state.store.issues.marks(&ids, &me).await?,
        None => Vec::new(),
    };
    let marks: HashMap<_, _> = ids.into_iter().zip(marks).collect();
    let shown = issues.iter().filter_map(|issue| {
        let project = caller.project_by_id(issue.project)?;
        let mark = marks.get(&issue.id).copied().unwrap_or_default();
        Some(own_group::group(issue, project, mark, &directory))
    });
    Ok(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_is_another_word_for_unresolved() {
        let of = |text: &str| status(&Pairs::from_iter([("status", text)]));
        assert_eq!(of("open").unwrap(), Some(IssueStatus::Unresolved));
        assert_eq!(of("ignored").unwrap(), Some(IssueStatus::Ignored));
        assert_eq!(of("all").unwrap(), None);
        assert!(of("odd").is_err());
        assert_eq!(status(&Pairs::default()).unwrap(), None);
    }
}
