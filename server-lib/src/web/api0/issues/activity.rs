//! The history of an issue, and what people say about it.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::find::{self, At};
use super::{ADMIN, READ, WRITE};
use crate::model::activity::{Activity, ActivityKind};
use crate::model::ids::ActivityId;
use crate::model::issue::Issue;
use crate::state::AppState;
use crate::store::NewActivity;
use crate::store::query::Page;
use crate::web::access::Access;
use crate::web::actors::{self, Directory};
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Names, Pairs};
use crate::web::issue_audit;
use crate::web::paging::{Listed, Part, Place};
use crate::web::present::activity;

/// The longest comment.
const MAX_CHARS: usize = 20_000;

/// A comment as clients send it.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    text: String,
}

impl Said {
    fn data(&self) -> Result<String, ApiError> {
        let text = self.text.trim();
        if text.is_empty() || text.chars().count() > MAX_CHARS {
            let detail = format!("a comment has 1 to {MAX_CHARS} characters");
            return Err(ApiError::invalid("invalid_text", detail));
        }
        Ok(json!({ "text": text }).to_string())
    }
}

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    let issue = find::issue(&state, &caller, &at).await?.issue;
    let part = Part::of(&query)?;
    let page = Page {
        offset: part.cursor.offset,
        limit: part.limit,
    };
    let entries = state.store.issues.activity(issue.id, None, page).await?;
    let mut shown = show(&state, &caller, &entries).await?;
    if (entries.len() as u64) < part.limit {
        shown.push(activity::first_seen(&issue));
    }
    Ok(Json(json!({ "activity": shown })))
}

pub(super) async fn notes(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let issue = find::issue(&state, &caller, &at).await?.issue;
    let part = Part::of(&query)?;
    let page = Page {
        offset: part.cursor.offset,
        limit: part.limit.saturating_add(1),
    };
    let kind = Some(ActivityKind::Note);
    let mut entries = state.store.issues.activity(issue.id, kind, page).await?;
    let limit = usize::try_from(part.limit).unwrap_or(usize::MAX);
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    let shown = show(&state, &caller, &entries).await?;
    let next = part.next(shown.len());
    let place = Place {
        base: &base,
        path: &at.path("notes/"),
        query: &query,
    };
    Ok(Listed::new(shown, &part, next, has_more, &place))
}

pub(super) async fn say(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
    Body(said): Body<Said>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require(WRITE)?;
    let data = said.data()?;
    let issue = find::issue(&state, &caller, &at).await?.issue;
    let entry = NewActivity {
        issue: issue.id,
        kind: ActivityKind::Note,
        actor: actors::me(&caller),
        at: state.clock.now(),
        data,
    };
    let entry = state.store.issues.note(entry).await?;
    let told = format!("comment {}", entry.id);
    issue_audit::note(&state, &caller, "comment.create", &[issue], &told).await;
    let shown = show_one(&state, &caller, entry).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

pub(super) async fn edit(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
    Body(said): Body<Said>,
) -> Result<Json<Value>, ApiError> {
    caller.require(WRITE)?;
    let data = said.data()?;
    let issue = find::issue(&state, &caller, &at).await?.issue;
    let id = own(&state, &caller, &issue, &at).await?;
    let entry = state.store.issues.edit_note(issue.id, id, &data).await?;
    let told = format!("comment {id}");
    issue_audit::note(&state, &caller, "comment.edit", &[issue], &told).await;
    Ok(Json(show_one(&state, &caller, entry).await?))
}

pub(super) async fn withdraw(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
) -> Result<StatusCode, ApiError> {
    caller.require(WRITE)?;
    let issue = find::issue(&state, &caller, &at).await?.issue;
    let id = own(&state, &caller, &issue, &at).await?;
    state.store.issues.delete_note(issue.id, id).await?;
    let told = format!("comment {id}");
    issue_audit::note(&state, &caller, "comment.remove", &[issue], &told).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the number of the comment that the path names, when it is the caller's to change: who
/// wrote it, and administrators.
async fn own(
    state: &AppState,
    caller: &Access,
    issue: &Issue,
    at: &At,
) -> Result<ActivityId, ApiError> {
    let id: ActivityId = at.note.parse().map_err(|_| ApiError::not_found())?;
    let found = state.store.issues.entry(issue.id, id).await?;
    let entry = found
        .filter(|entry| entry.kind == ActivityKind::Note)
        .ok_or_else(ApiError::not_found)?;
    let me = actors::me(caller);
    if me.is_none() || entry.actor != me {
        caller.require(ADMIN).map_err(|_| {
            let detail = "A comment is changed by who wrote it, or by an administrator.";
            ApiError::new(StatusCode::FORBIDDEN, "not_yours", detail)
        })?;
    }
    Ok(id)
}

async fn show(
    state: &AppState,
    caller: &Access,
    entries: &[Activity],
) -> Result<Vec<Value>, ApiError> {
    let directory = Directory::of(state, caller, activity::named(entries)).await?;
    let shown = entries
        .iter()
        .map(|entry| activity::activity(entry, &directory));
    Ok(shown.collect())
}

async fn show_one(state: &AppState, caller: &Access, entry: Activity) -> Result<Value, ApiError> {
    let shown = show(state, caller, &[entry]).await?;
    shown.into_iter().next().ok_or_else(ApiError::not_found)
}
