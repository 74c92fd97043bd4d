//! Counts of an issue's events over time.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::READ;
use super::find::{self, At};
use crate::model::time::Millis;
use crate::state::AppState;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Names, Pairs};
use crate::web::period::{duration, moment, period};
use crate::web::present::series::{HOUR, Series};
use crate::web::reading;

/// Intervals that an answer has at most: a month by hours.
const MAX_INTERVALS: u16 = 744;

pub(super) async fn show(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    let series = series(&query, state.clock.now())?;
    reading::settle_search(&state).await;
    let issue = find::issue(&state, &caller, &at).await?.issue;
    let rows = state.store.index.hours(&[issue.id], series.times()).await?;
    Ok(Json(
        series.show(rows.iter().map(|row| (row.at, row.events))),
    ))
}

/// Reads `resolution`, and `since` with `until`, or a period: a day by default.
fn series(query: &Pairs, now: Millis) -> Result<Series, ApiError> {
    let step = match query.first("resolution") {
        None => HOUR,
        Some(text) => match duration(text) {
            Some(step) if step >= HOUR && step % HOUR == 0 => step,
            _ => {
                let detail = "resolution is a number of hours or days, such as 1h or 1d";
                return Err(ApiError::invalid("invalid_resolution", detail));
            }
        },
    };
    let (since, until) = match (moment(query, "since")?, moment(query, "until")?) {
        (None, None) => match period(query, now)? {
            Some(times) => (*times.start(), (*times.end()).min(now)),
            None => (now.plus(HOUR.saturating_sub(Millis::DAY)), now),
        },
        (since, until) => {
            let until = until.unwrap_or(now);
            let default = until.plus(HOUR.saturating_sub(Millis::DAY));
            (since.unwrap_or(default), until)
        }
    };
    Ok(Series::over(since, until, step, MAX_INTERVALS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Millis = Millis(1_767_355_200_000);

    #[test]
    fn a_day_by_hours_is_what_nobody_asks_otherwise() {
        let of = |pairs: &[(&str, &str)]| series(&Pairs::from_iter(pairs.iter().copied()), NOON);
        assert_eq!(of(&[]).unwrap(), Series::until(NOON, HOUR, 24));
        let month = of(&[("resolution", "1d"), ("statsPeriod", "29d")]).unwrap();
        assert_eq!(month, Series::until(NOON, Millis::DAY, 30));
        let since = (NOON.0 / 1000 - 7200).to_string();
        assert_eq!(
            of(&[("since", &since)]).unwrap(),
            Series::until(NOON, HOUR, 3)
        );
        for resolution in ["10s", "90m", "soon"] {
            assert!(of(&[("resolution", resolution)]).is_err(), "{resolution}");
        }
    }
}
