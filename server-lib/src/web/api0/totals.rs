//! What was received, as sums of an organisation's projects and as a series of one project.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use mini_sentry::ratelimit::DataCategory;
use serde_json::{Map, Value, json};

use super::stats;
use crate::model::ids::ProjectId;
use crate::model::outcome::Outcome;
use crate::model::scope::Scope;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::query::{OutcomeFilter, OutcomeRow};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Names, Pairs};
use crate::web::period::{duration, moment, until_now};
use crate::web::present::series::{HOUR, Series};
use crate::web::reading;

const READ: &[Scope] = &[Scope::OrgRead, Scope::ProjectRead];
/// The period when none is given.
const DEFAULT_PERIOD: i64 = Millis::DAY;
/// Intervals of a series at most: a month by hours.
const MAX_INTERVALS: u16 = 750;

/// Sums up what each project received, by category and outcome.
pub(super) async fn summary(
    State(state): State<AppState>,
    caller: Access,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    caller.organisation(&organisation)?;
    let (start, end) = until_now(&query, state.clock.now(), DEFAULT_PERIOD)?;
    let fields = stats::fields(&query)?;
    let projects = stats::projects(&caller, &query)?;
    let filter = OutcomeFilter {
        projects: projects.clone(),
        times: start..=end,
        interval_minutes: 24 * 60,
    };
    reading::settle_list(&state).await;
    let mut rows = state.store.stats.outcomes(&filter).await?;
    rows.retain(|row| {
        let is_asked = |key: &str, value: &str| {
            let mut asked = query.all(key).peekable();
            asked.peek().is_none() || asked.any(|it| it == value)
        };
        is_asked("category", row.category.as_str())
            && is_asked("outcome", row.outcome.as_str())
            && is_asked("reason", &row.reason)
    });
    let shown: Vec<Value> = (projects.iter())
        .filter_map(|id| caller.project_by_id(*id))
        .map(|project| {
            json!({
                "id": project.id.to_string(),
                "slug": project.slug,
                "stats": by_category(project.id, &rows, &fields),
            })
        })
        .collect();
    Ok(Json(json!({
        "start": start.to_rfc3339(),
        "end": end.to_rfc3339(),
        "projects": shown,
    })))
}

fn by_category(project: ProjectId, rows: &[OutcomeRow], fields: &[String]) -> Vec<Value> {
    let own = || rows.iter().filter(|row| row.project == project);
    let categories: BTreeSet<&str> = own().map(|row| row.category.as_str()).collect();
    let sum = |category: &str, is_meant: &dyn Fn(Outcome) -> bool| {
        let meant = own().filter(|row| row.category.as_str() == category && is_meant(row.outcome));
        meant.fold(0_u64, |sum, row| sum.saturating_add(row.quantity))
    };
    let shown = categories.into_iter().map(|category| {
        let mut outcomes = Map::new();
        for outcome in Outcome::ALL {
            let quantity = sum(category, &|it| it == *outcome);
            outcomes.insert(outcome.as_str().to_owned(), json!(quantity));
        }
        let mut totals = Map::new();
        for field in fields {
            totals.insert(field.clone(), json!(sum(category, &|_| true)));
        }
        let dropped = sum(category, &|it| it != Outcome::Accepted);
        totals.insert("dropped".to_owned(), json!(dropped));
        json!({ "category": category, "outcomes": outcomes, "totals": totals })
    });
    shown.collect()
}

/// Which of the errors that arrived are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stat {
    Received,
    Rejected,
    Blacklisted,
    Generated,
}

impl Stat {
    fn of(query: &Pairs) -> Result<Self, ApiError> {
        match query.first("stat").unwrap_or("received") {
            "received" => Ok(Self::Received),
            "rejected" => Ok(Self::Rejected),
            "blacklisted" => Ok(Self::Blacklisted),
            "generated" => Ok(Self::Generated),
            _ => {
                let detail = "stat is one of received, rejected, blacklisted and generated";
                Err(ApiError::invalid("unknown_stat", detail))
            }
        }
    }

    fn counts(self, outcome: Outcome) -> bool {
        match self {
            Self::Received => outcome != Outcome::ClientDiscard,
            Self::Rejected => matches!(
                outcome,
                Outcome::RateLimited | Outcome::Abuse | Outcome::CardinalityLimited
            ),
            Self::Blacklisted => outcome == Outcome::Filtered,
            Self::Generated => outcome == Outcome::Accepted,
        }
    }
}

/// Counts a project's errors over time: pairs of seconds and numbers.
pub(super) async fn of_project(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name)): Names<(String, String)>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    let project = caller.project(&organisation, &name)?.id;
    let stat = Stat::of(&query)?;
    let series = series(&query, state.clock.now())?;
    let filter = OutcomeFilter {
        projects: vec![project],
        times: series.times(),
        interval_minutes: u32::try_from(series.step() / Millis::MINUTE).unwrap_or(u32::MAX),
    };
    reading::settle_list(&state).await;
    let mut sums = BTreeMap::<Millis, u64>::new();
    for row in state.store.stats.outcomes(&filter).await? {
        let is_error = matches!(
            row.category,
            DataCategory::Error | DataCategory::Default | DataCategory::Security
        );
        if is_error && stat.counts(row.outcome) {
            let sum = sums.entry(row.at).or_default();
            *sum = sum.saturating_add(row.quantity);
        }
    }
    Ok(Json(series.show(sums)))
}

/// Reads `resolution`, and `since` with `until`, or a period.
fn series(query: &Pairs, now: Millis) -> Result<Series, ApiError> {
    let step = match query.first("resolution") {
        None => HOUR,
        Some(text) => duration(text).ok_or_else(|| {
            let detail = "resolution is a length of time, such as 1h or 1d";
            ApiError::invalid("invalid_resolution", detail)
        })?,
    };
    // Sums are kept by the minute.
    let minutes = step.saturating_add(Millis::MINUTE - 1) / Millis::MINUTE;
    let step = minutes.max(1).saturating_mul(Millis::MINUTE);
    let (since, until) = match (moment(query, "since")?, moment(query, "until")?) {
        (None, None) => until_now(query, now, DEFAULT_PERIOD)?,
        (since, until) => {
            let until = until.unwrap_or(now);
            (since.unwrap_or(until.plus(-DEFAULT_PERIOD)), until)
        }
    };
    Ok(Series::over(since, until, step, MAX_INTERVALS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Millis = Millis(1_767_355_200_000);

    fn row(category: DataCategory, outcome: Outcome, quantity: u64) -> OutcomeRow {
        OutcomeRow {
            at: NOON,
            project: ProjectId(1),
            category,
            outcome,
            reason: String::new(),
            quantity,
        }
    }

    #[test]
    fn every_outcome_is_named_and_all_but_accepted_is_dropped() {
        let rows = [
            row(DataCategory::Error, Outcome::Accepted, 5),
            row(DataCategory::Error, Outcome::Filtered, 2),
            row(DataCategory::Session, Outcome::Accepted, 1),
        ];
        let fields = ["sum(quantity)".to_owned()];
        let shown = by_category(ProjectId(1), &rows, &fields);
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[0]["category"], "error");
        assert_eq!(shown[0]["outcomes"]["filtered"], 2);
        assert_eq!(shown[0]["outcomes"]["abuse"], 0);
        assert_eq!(
            shown[0]["totals"],
            json!({ "dropped": 2, "sum(quantity)": 7 })
        );
        assert!(by_category(ProjectId(2), &rows, &fields).is_empty());
    }

    #[test]
    fn a_series_is_by_whole_minutes_at_least() {
        let of = |pairs: &[(&str, &str)]| series(&Pairs::from_iter(pairs.iter().copied()), NOON);
        assert_eq!(of(&[("resolution", "10s")]).unwrap().step(), Millis::MINUTE);
        assert_eq!(of(&[]).unwrap(), Series::until(NOON, HOUR, 25));
        let since = (NOON.0 / 1000 - 7200).to_string();
        let two = of(&[("since", &since), ("resolution", "1h")]).unwrap();
        assert_eq!(two, Series::until(NOON, HOUR, 3));
        assert!(of(&[("resolution", "soon")]).is_err());
    }
}
