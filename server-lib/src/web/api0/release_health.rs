//! The health of releases, as clients read it in a release's projects when they ask for it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::sessions::measure::rate;
use crate::model::ids::ProjectId;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::health::Split;
use crate::store::{Health, HealthFilter, HealthRow};
use crate::web::error::ApiError;
use crate::web::extract::Pairs;
use crate::web::period::duration;
use crate::web::present::series::{HOUR, Series};

/// Sums are of so long a time when the caller does not say.
const DEFAULT_SUMMARY: (&str, i64) = ("14d", 14 * Millis::DAY);
/// A series is of so long a time when the caller does not say.
const DEFAULT_STATS: (&str, i64) = ("24h", Millis::DAY);
/// The longest time of both, and the time in which a session shows that there is health at all.
const LONGEST: i64 = 90 * Millis::DAY;
/// A series is by the hour up to this time, then by the day.
const BY_HOUR: i64 = 3 * Millis::DAY;
/// Releases of projects at most, far above what a part of a list has.
const MOST: usize = 100_000;

type Sums = HashMap<(ProjectId, String), HealthRow>;

/// The health of some releases.
#[derive(Debug)]
pub(super) struct Healths {
    /// Of the time that was asked.
    summary: Sums,
    /// Of a day.
    day: Sums,
    /// Of a day, by project.
    day_of_projects: HashMap<ProjectId, Health>,
    /// Of the longest time, without people.
    ever: Sums,
    /// Over the time that was asked.
    series: Sums,
    stats: (String, Series),
    is_of_users: bool,
}

impl Healths {
    /// Reads the health of versions in projects; `None` when nobody asks.
    pub(super) async fn asked(
        state: &AppState,
        query: &Pairs,
        projects: &[ProjectId],
        versions: &[String],
    ) -> Result<Option<Self>, ApiError> {
        if !query
            .first("health")
            .is_some_and(|text| matches!(text, "1" | "true"))
        {
            return Ok(None);
        }
        let now = state.clock.now();
        let (_, summary) = length(query, "summaryStatsPeriod", DEFAULT_SUMMARY)?;
        let (name, stats) = length(query, "healthStatsPeriod", DEFAULT_STATS)?;
        let step = if stats <= BY_HOUR { HOUR } else { Millis::DAY };
        let over = Series::over(now.plus(stats.saturating_neg()), now, step, 100);
        let of = |length: i64, releases: &[String], with_detail| HealthFilter {
            projects: projects.to_vec(),
            times: now.plus(length.saturating_neg())..=now,
            releases: releases.to_vec(),
            environments: query.all("environment").map(str::to_owned).collect(),
            interval_minutes: None,
            by: Split {
                project: true,
                release: true,
                environment: false,
            },
            with_detail,
            most_groups: MOST,
        };
        let of_projects = HealthFilter {
            by: Split {
                project: true,
                ..Split::default()
            },
            ..of(Millis::DAY, &[], true)
        };
        let is_of_users = query.first("healthStat") == Some("users");
        let of_series = HealthFilter {
            times: over.times(),
            interval_minutes: u32::try_from(step / Millis::MINUTE).ok(),
            ..of(stats, versions, is_of_users)
        };
        if versions.is_empty() {
            return Ok(None);
        }
        let day_of_projects = state.store.releases.health(&of_projects).await?;
        let by_project = |row: HealthRow| Some((row.project?, row.whole));
        Ok(Some(Self {
            summary: sums(state, &of(summary, versions, true)).await?,
            day: sums(state, &of(Millis::DAY, versions, true)).await?,
            day_of_projects: day_of_projects.into_iter().filter_map(by_project).collect(),
            ever: sums(state, &of(LONGEST, versions, false)).await?,
            series: sums(state, &of_series).await?,
            stats: (name, over),
            is_of_users,
        }))
    }

    /// Adds the health to the projects of a release, which stand in the order of `of`.
    pub(super) fn show(&self, release: &mut Value, version: &str, of: &[ProjectId]) {
        let projects = release.get_mut("projects").and_then(Value::as_array_mut);
        for (project, shown) in of.iter().zip(projects.into_iter().flatten()) {
            if let Value::Object(shown) = shown {
                let health = self.of(*project, version);
                shown.insert(
                    "hasHealthData".to_owned(),
                    json!(health.get("hasHealthData")),
                );
                shown.insert("healthData".to_owned(), health);
            }
        }
    }

    fn of(&self, project: ProjectId, version: &str) -> Value {
        let key = (project, version.to_owned());
        let whole = |sums: &Sums| sums.get(&key).map(|row| row.whole).unwrap_or_default();
        let (summary, day, ever) = (whole(&self.summary), whole(&self.day), whole(&self.ever));
        let of_project = self.day_of_projects.get(&project);
        let of_project = of_project.copied().unwrap_or_default();
        let percent = |part, all| rate(part, all).map(|rate| rate * 100.0);
        let free = |crashed: u64, all: u64| percent(all.saturating_sub(crashed), all);
        let (sessions, people) = (summary.sessions, summary.people);
        let seconds = |of: fn(&crate::store::health::DurationTotals) -> u64| {
            #[expect(clippy::cast_precision_loss, reason = "a time below a year is exact")]
            let seconds = summary
                .durations
                .map(|durations| of(&durations) as f64 / 1000.0);
            seconds
        };
        let (name, over) = &self.stats;
        let series = self.series.get(&key).map(|row| row.series.as_slice());
        let counts = series.unwrap_or_default().iter().map(|(at, health)| {
            let count = match self.is_of_users {
                true => health.people.total,
                false => health.sessions.total,
            };
            (*at, count)
        });
        let in_day = day.sessions.total;
        json!({
            "hasHealthData": ever.sessions.total > 0 || ever.sessions.crashed > 0,
            "crashFreeSessions": free(sessions.crashed, sessions.total),
            "crashFreeUsers": free(people.crashed, people.total),
            "totalSessions": sessions.total,
            "totalUsers": people.total,
            "totalSessions24h": in_day,
            "totalUsers24h": day.people.total,
            "totalProjectSessions24h": of_project.sessions.total,
            "totalProjectUsers24h": of_project.people.total,
            "adoption": percent(day.people.total, of_project.people.total),
            "sessionsAdoption": percent(in_day, of_project.sessions.total),
            "sessionsCrashed": sessions.crashed,
            "sessionsErrored": sessions.errored,
            "durationP50": seconds(|durations| durations.p50),
            "durationP90": seconds(|durations| durations.p90),
            "stats": { name: over.show(counts) },
        })
    }
}

async fn sums(state: &AppState, filter: &HealthFilter) -> Result<Sums, ApiError> {
    let rows = state.store.releases.health(filter).await?;
    let named = |row: HealthRow| Some(((row.project?, row.release.clone()?), row));
    Ok(rows.into_iter().filter_map(named).collect())
}

/// Reads a length of time with its name.
fn length(
    query: &Pairs,
    key: &'static str,
    (name, default): (&str, i64),
) -> Result<(String, i64), ApiError> {
    let Some(text) = query.first(key) else {
        return Ok((name.to_owned(), default));
    };
    let length = duration(text).filter(|length| (HOUR..=LONGEST).contains(length));
    let length = length.ok_or_else(|| {
        let detail = format!("{key} is a time from 1h to 90d");
        ApiError::invalid("invalid_period", detail)
    })?;
    Ok((text.to_owned(), length))
}
