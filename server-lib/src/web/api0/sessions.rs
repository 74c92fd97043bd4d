//! Sums of sessions, split by project, release, environment and how they ended.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::stats;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::{HealthFilter, HealthRow, SessionTotals};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Names, Pairs};
use crate::web::period::{duration, until_now};
use crate::web::present::own_release::{add, crash_free};
use crate::web::present::series::{HOUR, Series};
use crate::web::reading;
use crate::web::releases::READ;

/// The period when none is given.
const DEFAULT_PERIOD: i64 = Millis::DAY;
/// How many intervals an answer may have.
const MAX_INTERVALS: u16 = 5_000;
/// How many groups it may have.
const MAX_GROUPS: usize = 1_000;

/// What is asked of each group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Sum,
    CrashRate,
    CrashFreeRate,
}

impl Field {
    const ALL: [(&'static str, Self); 3] = [
        ("sum(session)", Self::Sum),
        ("crash_rate(session)", Self::CrashRate),
        ("crash_free_rate(session)", Self::CrashFreeRate),
    ];

    fn name(self) -> &'static str {
        let mut all = Self::ALL.into_iter();
        all.find(|(_, field)| *field == self)
            .map_or("", |(name, _)| name)
    }

    fn value(self, sum: &SessionTotals, ending: Option<Ending>) -> Value {
        match self {
            Self::Sum => json!(ending.map_or(sum.total, |ending| ending.of(sum))),
            Self::CrashFreeRate => json!(crash_free(sum)),
            Self::CrashRate => json!(crash_free(sum).map(|rate| 1.0 - rate)),
        }
    }
}

/// How sessions ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Healthy,
    Errored,
    Abnormal,
    Crashed,
}

impl Ending {
    const ALL: [(&'static str, Self); 4] = [
        ("abnormal", Self::Abnormal),
        ("crashed", Self::Crashed),
        ("errored", Self::Errored),
        ("healthy", Self::Healthy),
    ];

    fn of(self, sum: &SessionTotals) -> u64 {
        match self {
            Self::Healthy => sum
                .total
                .saturating_sub(sum.errored)
                .saturating_sub(sum.abnormal)
                .saturating_sub(sum.crashed),
            Self::Errored => sum.errored,
            Self::Abnormal => sum.abnormal,
            Self::Crashed => sum.crashed,
        }
    }
}

/// What sums are split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Project,
    Release,
    Environment,
    Ending,
}

#[derive(Debug)]
struct Question {
    series: Series,
    fields: Vec<Field>,
    by: Vec<By>,
}

impl Question {
    fn of(query: &Pairs, now: Millis) -> Result<Self, ApiError> {
        let (start, end) = until_now(query, now, DEFAULT_PERIOD)?;
        let step = match query.first("interval") {
            None => HOUR,
            Some(text) => duration(text)
                .filter(|step| step % Millis::MINUTE == 0)
                .ok_or_else(|| {
                    let detail = "the query's interval is a number of minutes, hours or days";
                    ApiError::invalid("invalid_interval", detail)
                })?,
        };
        if end.since(start) / step >= i64::from(MAX_INTERVALS) {
            let detail = format!("the period has more than {MAX_INTERVALS} intervals");
            return Err(ApiError::invalid("too_many_intervals", detail));
        }
        let mut fields: Vec<_> = query.all("field").map(field).collect::<Result<_, _>>()?;
        if fields.is_empty() {
            fields.push(Field::Sum);
        }
        Ok(Self {
            series: Series::over(start, end, step, MAX_INTERVALS),
            fields,
            by: query.all("groupBy").map(by).collect::<Result<_, _>>()?,
        })
    }

    /// Adds rows up to the answer's groups.
    fn answer(&self, rows: &[HealthRow]) -> Result<Value, ApiError> {
        let mut groups: BTreeMap<String, (Map<String, Value>, Vec<SessionTotals>)> =
            BTreeMap::new();
        for row in rows {
            let Some(place) = self.series.place(row.at) else {
                continue;
            };
            let mut by = Map::new();
            for part in &self.by {
                match part {
                    By::Project => by.insert("project".to_owned(), json!(row.project.0)),
                    By::Release => by.insert("release".to_owned(), json!(row.release)),
                    By::Environment => by.insert("environment".to_owned(), json!(row.environment)),
                    By::Ending => None,
                };
            }
            let key = Value::Object(by.clone()).to_string();
            if groups.len() >= MAX_GROUPS && !groups.contains_key(&key) {
                let detail = format!("the answer has more than {MAX_GROUPS} groups");
                return Err(ApiError::invalid("too_many_groups", detail));
            }
            let new = || (by, vec![SessionTotals::default(); self.series.len()]);
            let (_, sums) = groups.entry(key).or_insert_with(new);
            if let Some(sum) = sums.get_mut(place) {
                add(sum, &row.sessions);
            }
        }
        let endings: Vec<_> = match self.by.contains(&By::Ending) {
            true => Ending::ALL.into_iter().map(Some).collect(),
            false => vec![None],
        };
        let mut shown = Vec::new();
        for (by, sums) in groups.values() {
            for ending in &endings {
                shown.push(self.group(by, sums, *ending));
            }
        }
        let intervals: Vec<_> = self.series.starts().map(Millis::to_rfc3339).collect();
        let times = self.series.times();
        Ok(json!({
            "start": times.start().to_rfc3339(),
            "end": times.end().plus(1).to_rfc3339(),
            "intervals": intervals,
            "groups": shown,
            "query": "",
        }))
    }

    fn group(
        &self,
        by: &Map<String, Value>,
        sums: &[SessionTotals],
        ending: Option<(&'static str, Ending)>,
    ) -> Value {
        let mut by = by.clone();
        if let Some((name, _)) = ending {
            by.insert("session.status".to_owned(), json!(name));
        }
        let ending = ending.map(|(_, ending)| ending);
        let mut total = SessionTotals::default();
        for sum in sums {
            add(&mut total, sum);
        }
        let (mut totals, mut series) = (Map::new(), Map::new());
        for field in &self.fields {
            totals.insert(field.name().to_owned(), field.value(&total, ending));
            let values: Vec<_> = sums.iter().map(|sum| field.value(sum, ending)).collect();
            series.insert(field.name().to_owned(), json!(values));
        }
        json!({ "by": by, "totals": totals, "series": series })
    }
}

fn field(name: &str) -> Result<Field, ApiError> {
    let found = Field::ALL.into_iter().find(|(it, _)| *it == name);
    found.map(|(_, field)| field).ok_or_else(|| {
        let detail =
            "the fields are sum(session), crash_rate(session) and crash_free_rate(session)";
        ApiError::invalid("unknown_field", detail)
    })
}

fn by(name: &str) -> Result<By, ApiError> {
    Ok(match name {
        "project" => By::Project,
        "release" => By::Release,
        "environment" => By::Environment,
        "session.status" => By::Ending,
        _ => {
            let detail = "groupBy is one of project, release, environment and session.status";
            return Err(ApiError::invalid("unknown_group", detail));
        }
    })
}

pub(super) async fn sums(
    State(state): State<AppState>,
    caller: Access,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    caller.organisation(&organisation)?;
    let question = Question::of(&query, state.clock.now())?;
    let mut filter = HealthFilter {
        projects: stats::projects(&caller, &query)?,
        times: question.series.times(),
        releases: Vec::new(),
        environments: query.all("environment").map(str::to_owned).collect(),
        interval_minutes: Some(1),
    };
    for word in query.first("query").unwrap_or_default().split_whitespace() {
        match word.split_once(':') {
            Some(("release", value)) => filter.releases.push(value.trim_matches('"').to_owned()),
            Some(("environment", value)) => {
                filter.environments.push(value.trim_matches('"').to_owned());
            }
            _ => {
                let detail = "sessions are searched by release: and environment: only";
                return Err(ApiError::invalid("unsupported_search", detail));
            }
        }
    }
    reading::settle_list(&state).await;
    let rows = state.store.releases.health(&filter).await?;
    question.answer(&rows).map(Json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::ProjectId;

    const NOON: Millis = Millis(1_767_355_200_000);

    #[test]
    fn sessions_are_split_by_how_they_ended() {
        let query = Pairs::from_iter([
            ("statsPeriod", "2h"),
            ("groupBy", "session.status"),
            ("groupBy", "release"),
            ("field", "sum(session)"),
            ("field", "crash_free_rate(session)"),
        ]);
        let question = Question::of(&query, NOON).unwrap();
        let row = HealthRow {
            project: ProjectId(1),
            release: "1.0".to_owned(),
            environment: String::new(),
            at: NOON.plus(-HOUR),
            sessions: SessionTotals {
                total: 8,
                errored: 1,
                abnormal: 1,
                crashed: 2,
            },
        };
        let answer = question.answer(&[row]).unwrap();
        let groups = answer["groups"].as_array().unwrap();
        assert_eq!(groups.len(), 4);
        assert_eq!(
            groups[3]["by"],
            json!({ "release": "1.0", "session.status": "healthy" })
        );
        assert_eq!(groups[3]["series"]["sum(session)"], json!([0, 4, 0]));
        assert_eq!(groups[1]["totals"]["sum(session)"], 2);
        assert_eq!(groups[1]["totals"]["crash_free_rate(session)"], 0.75);
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
    }
}
