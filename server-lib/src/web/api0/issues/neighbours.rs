//! Events of an issue by their place among the others: the latest, the oldest, the most telling
//! one, and those beside one.

use mini_sentry::protocol::EventId;

use super::find::Found;
use crate::model::event::EventRow;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::query::{EventFilter, Page};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::present::WholeEvent;
use crate::web::reading;

/// Rows that are read to find one among them.
const FEW: u64 = 50;
/// Events of which the most telling one is chosen.
const CHOICE: u64 = 10;

/// Returns the event that happened last.
pub(super) async fn latest(
    state: &AppState,
    filter: &EventFilter,
) -> Result<Option<EventRow>, ApiError> {
    let rows = state.store.events.list(filter, Page::first(1)).await?;
    Ok(rows.into_iter().next())
}

/// Returns the event that happened first, of those that are kept.
pub(super) async fn oldest(
    state: &AppState,
    filter: &EventFilter,
    found: &Found,
) -> Result<Option<EventRow>, ApiError> {
    let times = found.issue.first_seen..=found.issue.last_seen;
    let mut rows = first_of(state, filter, times, 1).await?;
    match rows.pop() {
        Some(row) => Ok(Some(row)),
        None => latest(state, filter).await,
    }
}

/// Returns the event of the latest ones that tells most; of equal ones the latest.
pub(super) async fn recommended(
    state: &AppState,
    caller: &Access,
    filter: &EventFilter,
) -> Result<Option<EventRow>, ApiError> {
    let rows = state.store.events.list(filter, Page::first(CHOICE)).await?;
    let project_of = |id| caller.project_by_id(id).cloned();
    let show = |whole: &WholeEvent| (worth(whole), whole.row.clone());
    let shown = reading::show_all(&*state.bodies, rows, project_of, show).await?;
    let best = shown.into_iter().rev().max_by_key(|(worth, _)| *worth);
    Ok(best.map(|(_, row)| row))
}

fn worth(whole: &WholeEvent) -> u32 {
    let event = &whole.event;
    let has_own_frames = event
        .exception
        .values
        .iter()
        .filter_map(|exception| exception.stacktrace.as_ref())
        .any(|stack| stack.frames.iter().any(|frame| frame.in_app == Some(true)));
    u32::from(has_own_frames) * 8
        + u32::from(!event.breadcrumbs.values.is_empty()) * 4
        + u32::from(event.request.is_some()) * 2
        + u32::from(event.user.is_some()) * 2
        + u32::from(event.contexts.contains_key("trace"))
        + u32::from(!whole.row.release.is_empty())
}

/// Returns the ids of the events before and after one, by the time at which they happened.
pub(super) async fn beside(
    state: &AppState,
    filter: &EventFilter,
    row: &EventRow,
    found: &Found,
) -> Result<(Option<EventId>, Option<EventId>), ApiError> {
    let earlier = EventFilter {
        times: Some(Millis(i64::MIN)..=row.timestamp),
        ..filter.clone()
    };
    let earlier = state.store.events.list(&earlier, Page::first(FEW)).await?;
    let place = earlier.iter().position(|it| it.seq == row.seq);
    let before = place.and_then(|place| earlier.get(place.checked_add(1)?));
    let last = found.issue.last_seen.max(row.timestamp);
    let later = first_of(state, filter, row.timestamp..=last, 2).await?;
    let place = later.iter().position(|it| it.seq == row.seq);
    let after = place.and_then(|place| later.get(place.checked_sub(1)?));
    Ok((before.map(|it| it.event_id), after.map(|it| it.event_id)))
}

/// Returns the earliest events of a time, newest first: `least` of them or more, and few. The end
/// of the time is halved until few are left, as lists begin with the newest.
async fn first_of(
    state: &AppState,
    filter: &EventFilter,
    times: std::ops::RangeInclusive<Millis>,
    least: u64,
) -> Result<Vec<EventRow>, ApiError> {
    let until = |end: Millis| EventFilter {
        times: Some(*times.start()..=end),
        ..filter.clone()
    };
    let mut end = *times.end();
    let mut count = state.store.events.count(&until(end)).await?;
    let mut low = times.start().plus(-1);
    while count > FEW && end.since(low) > 1 {
        let middle = low.plus(end.since(low) / 2);
        let in_first_half = state.store.events.count(&until(middle)).await?;
        if in_first_half >= least {
            (end, count) = (middle, in_first_half);
        } else {
            low = middle;
        }
    }
    let page = Page {
        offset: count.saturating_sub(FEW),
        limit: FEW,
    };
    Ok(state.store.events.list(&until(end), page).await?)
}
