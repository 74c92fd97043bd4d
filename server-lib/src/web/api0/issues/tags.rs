//! What the events of an issue have in common: tags with their values.

use std::cmp::Reverse;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::READ;
use super::find::{self, At};
use crate::model::tag::{TagSummary, TagValue};
use crate::state::AppState;
use crate::store::index::TagScope;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Names, Pairs};
use crate::web::paging::{Listed, Place};
use crate::web::present::tag_values;
use crate::web::reading;

/// Values of each tag that are shown when the caller does not say.
const FEW: u32 = 10;
/// Values of a tag that are looked at for a list.
const MANY: u32 = 10_000;

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Json<Vec<Value>>, ApiError> {
    caller.require(READ)?;
    let wanted: Vec<_> = query.all("key").collect();
    let values = query.parsed("limit")?.unwrap_or(FEW).min(100);
    reading::settle_search(&state).await;
    let issue = find::issue(&state, &caller, &at).await?.issue;
    let scope = TagScope::Issue(issue.id);
    let tags = state.store.index.tags(&scope, None, values).await?;
    let is_wanted = |tag: &&TagSummary| wanted.is_empty() || wanted.contains(&tag.key.as_str());
    Ok(Json(
        tags.iter()
            .filter(is_wanted)
            .map(tag_values::summary)
            .collect(),
    ))
}

pub(super) async fn detail(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    let values = query.parsed("limit")?.unwrap_or(FEW).min(100);
    reading::settle_search(&state).await;
    let issue = find::issue(&state, &caller, &at).await?.issue;
    let scope = TagScope::Issue(issue.id);
    let tags = state
        .store
        .index
        .tags(&scope, Some(&at.key), values)
        .await?;
    let tag = tags.first().ok_or_else(ApiError::not_found)?;
    Ok(Json(tag_values::summary(tag)))
}

pub(super) async fn values(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    reading::settle_search(&state).await;
    let issue = find::issue(&state, &caller, &at).await?.issue;
    let path = at.path(&format!("tags/{}/values/", at.key));
    let place = Place {
        base: &base,
        path: &path,
        query: &query,
    };
    listed(&state, &TagScope::Issue(issue.id), &at.key, &place).await
}

/// Lists the values of a tag: the most frequent first, or by `sort` the latest or first seen. Those
/// that hold the text of `query`, where it is given.
pub(in crate::web::api0) async fn listed(
    state: &AppState,
    scope: &TagScope,
    key: &str,
    place: &Place<'_>,
) -> Result<Listed<Value>, ApiError> {
    let query = place.query;
    let text = query.first("query").unwrap_or_default();
    let text = text.trim_matches('*').to_lowercase();
    let tags = state.store.index.tags(scope, Some(key), MANY).await?;
    let mut values = tags
        .into_iter()
        .next()
        .map(|tag| tag.top)
        .unwrap_or_default();
    values.retain(|value| value.value.to_lowercase().contains(&text));
    match query.first("sort").unwrap_or("-count") {
        "count" | "-count" => {}
        "date" | "-date" | "-last_seen" | "-lastSeen" => {
            values.sort_by_key(|value: &TagValue| Reverse(value.seen.last));
        }
        "age" | "-first_seen" | "-firstSeen" => {
            values.sort_by_key(|value| Reverse(value.seen.first));
        }
        _ => {
            let detail = "sort is one of -count, -date and age";
            return Err(ApiError::invalid("unknown_sort", detail));
        }
    }
    let shown = values.iter().map(|value| tag_values::value(key, value));
    Listed::whole(shown.collect::<Vec<_>>(), query, place)
}
