//! The groups of an issue: under which keys its events were put together, and taking them apart.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};

use super::find::{self, At};
use super::{READ, WRITE};
use crate::model::event::{EventRow, GroupingKey};
use crate::model::issue::{Group, Issue};
use crate::secret::to_hex;
use crate::state::AppState;
use crate::store::query::{EventFilter, Page};
use crate::web::access::Access;
use crate::web::actors;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Names, Pairs};
use crate::web::issue_audit;
use crate::web::paging::{Listed, Part, Place};
use crate::web::present::event;
use crate::web::reading;

/// Events of one millisecond among which a group's latest is looked for.
const SAME_MOMENT: u64 = 50;

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let issue = find::issue(&state, &caller, &at).await?.issue;
    let groups = state.store.issues.groups(issue.id).await?;
    let part = Part::of(&query)?;
    let (groups, has_more) = part.of_list(groups);
    let mut shown = Vec::with_capacity(groups.len());
    for group in &groups {
        let latest = latest(&state, &issue, group).await?;
        let project_of = |id| caller.project_by_id(id).cloned();
        let rows = latest.into_iter().collect();
        let event = reading::show_all(&*state.bodies, rows, project_of, event::summary).await?;
        shown.push(json!({
            "id": name(group.grouping),
            "latestEvent": event.into_iter().next(),
            "count": group.events.to_string(),
            "firstSeen": group.first_seen.to_rfc3339(),
            "lastSeen": group.last_seen.to_rfc3339(),
            "mergedBySeer": false,
        }));
    }
    let place = Place {
        base: &base,
        path: &at.path("hashes/"),
        query: &query,
    };
    Ok(Listed::new(
        shown,
        &part,
        part.next(groups.len()),
        has_more,
        &place,
    ))
}

/// Takes groups out of the issue; `id` names them, and may repeat.
pub(super) async fn unmerge(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require(WRITE)?;
    let issue = find::issue(&state, &caller, &at).await?.issue;
    let wanted: Vec<_> = query.all("id").map(str::to_ascii_lowercase).collect();
    if wanted.is_empty() {
        return Err(ApiError::invalid("missing_id", "name the hashes by id"));
    }
    let groups = state.store.issues.groups(issue.id).await?;
    let ids: Vec<_> = groups
        .iter()
        .filter(|group| wanted.contains(&name(group.grouping)))
        .map(|group| group.id)
        .collect();
    if ids.is_empty() {
        return Err(ApiError::not_found());
    }
    let me = actors::me(&caller);
    let now = state.clock.now();
    let split = state
        .store
        .issues
        .unmerge(issue.id, &ids, me.as_ref(), now)
        .await?;
    let split: Vec<_> = split.iter().map(ToString::to_string).collect();
    let told = format!("into numbers {}", split.join(", "));
    issue_audit::note(&state, &caller, "issue.unmerge", &[issue], &told).await;
    Ok((StatusCode::ACCEPTED, Json(json!({ "issues": split }))))
}

fn name(grouping: GroupingKey) -> String {
    to_hex(&grouping.0)
}

async fn latest(
    state: &AppState,
    issue: &Issue,
    group: &Group,
) -> Result<Option<EventRow>, ApiError> {
    let filter = EventFilter {
        projects: vec![issue.project],
        issue: Some(issue.id),
        times: Some(group.last_seen..=group.last_seen),
        ..EventFilter::default()
    };
    let rows = state
        .store
        .events
        .list(&filter, Page::first(SAME_MOMENT))
        .await?;
    Ok(rows.into_iter().find(|row| row.group == group.id))
}
