//! What the events of an issue have in common: tags with their values.

use std::cmp::Reverse;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::READ;
use super::find::{self, At};
use crate::model::issue::Issue;
use crate::model::tag::{Seen, TagSummary, TagValue};
use crate::state::AppState;
use crate::store::index::{Measures, PartKey, Split, SplitBy, TagScope};
use crate::store::query::{EventPredicate, EventQuery, Expr, TagTest, TextPattern};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Names, Pairs};
use crate::web::paging::{Listed, Place};
use crate::web::period::{period, whole_hours};
use crate::web::present::tag_values;
use crate::web::reading;

/// Values of each tag that are shown when the caller does not say.
const FEW: u32 = 10;
/// Values of a tag that are looked at for a list.
const MANY: u32 = 10_000;
/// Tags with values that are counted where some of the events are meant.
const MOST: u32 = 200;

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
    let mut tags = state.store.index.tags(&scope, None, values).await?;
    let is_wanted = |tag: &&TagSummary| wanted.is_empty() || wanted.contains(&tag.key.as_str());
    tags.retain(|tag| is_wanted(&tag));
    if let Some(part) = part_of(&state, &issue, &query)? {
        tags = narrowed(&state, part, tags).await?;
    }
    Ok(Json(tags.iter().map(tag_values::summary).collect()))
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
    let part = part_of(&state, &issue, &query)?;
    let looked_at = if part.is_some() { MOST } else { values };
    let key = Some(at.key.as_str());
    let mut tags = state.store.index.tags(&scope, key, looked_at).await?;
    let known = tags.first().ok_or_else(ApiError::not_found)?.clone();
    if let Some(part) = part {
        tags = narrowed(&state, part, tags).await?;
    }
    let mut tag = tags.pop().unwrap_or(TagSummary {
        total: 0,
        unique: 0,
        others: 0,
        top: Vec::new(),
        ..known
    });
    tag.top
        .truncate(usize::try_from(values).unwrap_or(usize::MAX));
    Ok(Json(tag_values::summary(&tag)))
}

/// Returns the question for some of an issue's events: of environments, or of a period. `None` when
/// all are meant.
fn part_of(state: &AppState, issue: &Issue, query: &Pairs) -> Result<Option<EventQuery>, ApiError> {
    let times = period(query, state.clock.now())?;
    let is = |name: &str| {
        let value = TagTest::Value(TextPattern::Equals(name.to_owned()));
        Expr::Is(EventPredicate::Tag("environment".to_owned(), value))
    };
    let environments: Vec<_> = query.all("environment").map(is).collect();
    if times.is_none() && environments.is_empty() {
        return Ok(None);
    }
    let mut filter = Expr::Is(EventPredicate::Issue(vec![issue.id]));
    if !environments.is_empty() {
        filter = filter.and(Expr::Any(environments));
    }
    Ok(Some(EventQuery {
        projects: vec![issue.project],
        filter,
        times: times.map(|times| whole_hours(&times)),
        after: None,
        limit: 0,
    }))
}

/// Counts tags in some events only, each by its most frequent values of all.
async fn narrowed(
    state: &AppState,
    part: EventQuery,
    mut tags: Vec<TagSummary>,
) -> Result<Vec<TagSummary>, ApiError> {
    let mut sets = 0_u32;
    let mut asked = Vec::new();
    for tag in &mut tags {
        let room = usize::try_from(MOST.saturating_sub(sets)).unwrap_or(usize::MAX);
        tag.top.truncate(room.saturating_sub(1));
        sets = sets
            .saturating_add(u32::try_from(tag.top.len()).unwrap_or(u32::MAX))
            .saturating_add(1);
        let values = tag.top.iter().map(|value| value.value.clone());
        asked.push((tag.key.clone(), values.collect()));
        if sets >= MOST {
            break;
        }
    }
    tags.truncate(asked.len());
    let split = Split {
        by: vec![SplitBy::Tags(asked)],
        measures: Measures {
            first: true,
            last: true,
            ..Measures::default()
        },
        ..Split::default()
    };
    let found = state.store.index.split(&part, &split).await?;
    for tag in &mut tags {
        let (mut total, mut top) = (0, Vec::new());
        for part in &found.parts {
            match part.key.as_slice() {
                [PartKey::TagOf(key, None)] if *key == tag.key => total = part.events,
                [PartKey::TagOf(key, Some(value))] if *key == tag.key => top.push(TagValue {
                    value: value.clone(),
                    seen: Seen {
                        count: part.events,
                        first: part.first.unwrap_or_default(),
                        last: part.last.unwrap_or_default(),
                    },
                }),
                _ => {}
            }
        }
        top.sort_by(|one, two| {
            let by_count = two.seen.count.cmp(&one.seen.count);
            by_count.then_with(|| one.value.cmp(&two.value))
        });
        let told = top.iter().map(|value| value.seen.count);
        let told = told.fold(0_u64, u64::saturating_add);
        tag.total = total;
        tag.unique = top.len() as u64;
        tag.others = total.saturating_sub(told);
        tag.top = top;
    }
    tags.retain(|tag| tag.total > 0);
    tags.sort_by(|one, two| (two.total.cmp(&one.total)).then_with(|| one.key.cmp(&two.key)));
    Ok(tags)
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
