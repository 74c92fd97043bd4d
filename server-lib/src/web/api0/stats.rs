//! Outcomes as numbers: what was accepted, filtered, limited or dropped, and why.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use crate::model::ids::ProjectId;
use crate::model::scope::Scope;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::query::{OutcomeFilter, OutcomeRow};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Names, Pairs};
use crate::web::period::{duration, until_now};
use crate::web::reading;

/// The period when none is given.
const DEFAULT_PERIOD: i64 = Millis::DAY;
/// The interval when none is given.
const DEFAULT_INTERVAL: i64 = 60 * Millis::MINUTE;
/// How many intervals an answer may have.
const MAX_INTERVALS: i64 = 5000;

/// What sums are split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Outcome,
    Category,
    Reason,
    Project,
}

impl By {
    const ALL: &[Self] = &[Self::Outcome, Self::Category, Self::Reason, Self::Project];

    fn as_str(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Category => "category",
            Self::Reason => "reason",
            Self::Project => "project",
        }
    }

    fn value(self, row: &OutcomeRow) -> Value {
        match self {
            Self::Outcome => json!(row.outcome.as_str()),
            Self::Category => json!(row.category.as_str()),
            Self::Reason if row.reason.is_empty() => json!("none"),
            Self::Reason => json!(row.reason),
            Self::Project => json!(row.project.0),
        }
    }
}

/// A question: which sums, over which intervals.
#[derive(Debug)]
struct Question {
    start: Millis,
    end: Millis,
    interval: i64,
    fields: Vec<String>,
    by: Vec<By>,
    categories: Vec<String>,
    outcomes: Vec<String>,
    reasons: Vec<String>,
}

impl Question {
    fn of(query: &Pairs, now: Millis) -> Result<Self, ApiError> {
        let (start, end) = until_now(query, now, DEFAULT_PERIOD)?;
        let interval = match query.first("interval") {
            Some(text) => duration(text).ok_or_else(|| {
                ApiError::invalid("invalid_interval", "the query's interval is no time")
            })?,
            None => DEFAULT_INTERVAL,
        };
        // Sums are kept by the minute.
        let minutes = interval.saturating_add(Millis::MINUTE - 1) / Millis::MINUTE;
        let interval = minutes.saturating_mul(Millis::MINUTE);
        let floor = |time: Millis| Millis(time.0.div_euclid(interval).saturating_mul(interval));
        let (start, last) = (floor(start), floor(end));
        let end = last.plus(interval);
        if end.since(start) / interval > MAX_INTERVALS {
            let detail = format!("the period has more than {MAX_INTERVALS} intervals");
            return Err(ApiError::invalid("too_many_intervals", detail));
        }
        Ok(Self {
            start,
            end,
            interval,
            fields: fields(query)?,
            by: groups(query)?,
            categories: all(query, "category"),
            outcomes: all(query, "outcome"),
            reasons: all(query, "reason"),
        })
    }

    fn intervals(&self) -> impl Iterator<Item = Millis> {
        let count = self.end.since(self.start) / self.interval;
        (0..count).map(|index| self.start.plus(index.saturating_mul(self.interval)))
    }

    fn wants(&self, row: &OutcomeRow) -> bool {
        let in_list =
            |list: &[String], value: &str| list.is_empty() || list.iter().any(|it| it == value);
        in_list(&self.categories, row.category.as_str())
            && in_list(&self.outcomes, row.outcome.as_str())
            && in_list(&self.reasons, &row.reason)
    }

    /// Adds rows up to the answer's groups.
    fn answer(&self, rows: &[OutcomeRow]) -> Value {
        let count = self.intervals().count();
        let mut groups: BTreeMap<String, (Value, Vec<u64>)> = BTreeMap::new();
        for row in rows.iter().filter(|row| self.wants(row)) {
            let by: Map<_, _> = self
                .by
                .iter()
                .map(|by| (by.as_str().to_owned(), by.value(row)))
                .collect();
            let by = Value::Object(by);
            let (_, series) = groups
                .entry(by.to_string())
                .or_insert_with(|| (by, vec![0; count]));
            let index = row.at.since(self.start) / self.interval;
            let slot = usize::try_from(index).ok().and_then(|i| series.get_mut(i));
            if let Some(slot) = slot {
                *slot = slot.saturating_add(row.quantity);
            }
        }
        let groups: Vec<_> = groups
            .into_values()
            .map(|(by, series)| {
                let total: u64 = series.iter().fold(0, |sum, n| sum.saturating_add(*n));
                let each = |value: Value| -> Map<_, _> {
                    let with = |field: &String| (field.clone(), value.clone());
                    self.fields.iter().map(with).collect()
                };
                json!({ "by": by, "totals": each(json!(total)), "series": each(json!(series)) })
            })
            .collect();
        let intervals: Vec<_> = self.intervals().map(Millis::to_rfc3339).collect();
        json!({
            "start": self.start.to_rfc3339(),
            "end": self.end.to_rfc3339(),
            "intervals": intervals,
            "groups": groups,
        })
    }
}

pub(super) async fn outcomes(
    State(state): State<AppState>,
    caller: Access,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(&[Scope::OrgRead, Scope::ProjectRead])?;
    caller.organisation(&organisation)?;
    let question = Question::of(&query, state.clock.now())?;
    let filter = OutcomeFilter {
        projects: projects(&caller, &query)?,
        times: question.start..=question.end.plus(-1),
        interval_minutes: u32::try_from(question.interval / Millis::MINUTE).unwrap_or(u32::MAX),
    };
    reading::settle_list(&state).await;
    let rows = state.store.stats.outcomes(&filter).await?;
    Ok(Json(question.answer(&rows)))
}

/// Returns the projects that a query names; none or `-1` means all.
pub(super) fn projects(caller: &Access, query: &Pairs) -> Result<Vec<ProjectId>, ApiError> {
    let named: Vec<_> = query.all("project").collect();
    if named.is_empty() || named.contains(&"-1") {
        return Ok(caller.projects().map(|project| project.id).collect());
    }
    named
        .into_iter()
        .map(|name| caller.project_by_name(name).map(|project| project.id))
        .collect()
}

fn all(query: &Pairs, key: &str) -> Vec<String> {
    query.all(key).map(str::to_owned).collect()
}

/// Returns the sums that a query asks for.
pub(super) fn fields(query: &Pairs) -> Result<Vec<String>, ApiError> {
    let mut fields = all(query, "field");
    if fields.is_empty() {
        fields.push("sum(quantity)".to_owned());
    }
    let is_known = |field: &String| matches!(field.as_str(), "sum(quantity)" | "sum(times_seen)");
    if fields.iter().all(is_known) {
        return Ok(fields);
    }
    let detail = "the fields are sum(quantity) and sum(times_seen)";
    Err(ApiError::invalid("unknown_field", detail))
}

fn groups(query: &Pairs) -> Result<Vec<By>, ApiError> {
    query
        .all("groupBy")
        .map(|name| {
            let found = By::ALL.iter().copied().find(|by| by.as_str() == name);
            found.ok_or_else(|| {
                let detail = "groupBy is one of outcome, category, reason and project";
                ApiError::invalid("unknown_group", detail)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use mini_sentry::ratelimit::DataCategory;

    use super::*;
    use crate::model::outcome::Outcome;

    const NOON: Millis = Millis(1_767_355_200_000);

    fn row(minutes_ago: i64, outcome: Outcome, reason: &str, quantity: u64) -> OutcomeRow {
        let hour = NOON
            .plus(-minutes_ago * Millis::MINUTE)
            .0
            .div_euclid(DEFAULT_INTERVAL);
        OutcomeRow {
            at: Millis(hour * DEFAULT_INTERVAL),
            project: ProjectId(1),
            category: DataCategory::Error,
            outcome,
            reason: reason.to_owned(),
            quantity,
        }
    }

    #[test]
    fn sums_are_split_by_group_and_interval() {
        let query = Pairs::from_iter([
            ("statsPeriod", "3h"),
            ("interval", "1h"),
            ("groupBy", "outcome"),
            ("groupBy", "reason"),
        ]);
        let question = Question::of(&query, NOON).unwrap();
        let answer = question.answer(&[
            row(0, Outcome::Accepted, "", 2),
            row(61, Outcome::Accepted, "", 3),
            row(130, Outcome::Filtered, "localhost", 5),
        ]);
        assert_eq!(answer["intervals"].as_array().unwrap().len(), 4);
        assert_eq!(answer["start"], "2026-01-02T09:00:00.000Z");
        let groups = answer["groups"].as_array().unwrap();
        assert_eq!(groups.len(), 2);
        assert_eq!(
            groups[0],
            json!({
                "by": {"outcome": "accepted", "reason": "none"},
                "totals": {"sum(quantity)": 5},
                "series": {"sum(quantity)": [0, 3, 0, 2]},
            })
        );
        assert_eq!(groups[1]["series"]["sum(quantity)"], json!([5, 0, 0, 0]));
    }

    #[test]
    fn a_question_that_is_too_large_or_not_known_is_refused() {
        for (key, value) in [
            ("interval", "soon"),
            ("groupBy", "weather"),
            ("field", "count()"),
            ("statsPeriod", "5000w"),
        ] {
            let query = Pairs::from_iter([(key, value)]);
            assert!(Question::of(&query, NOON).is_err(), "{key}={value}");
        }
        let backwards = Pairs::from_iter([("start", "2027-01-01")]);
        let question = Question::of(&backwards, NOON).unwrap();
        assert_eq!(question.intervals().count(), 0);
    }
}
