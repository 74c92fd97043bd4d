//! A question on sessions, out of a query.

use super::measure::Measure;
use crate::model::ids::ProjectId;
use crate::model::time::Millis;
use crate::store::HealthFilter;
use crate::store::health::Split;
use crate::web::error::ApiError;
use crate::web::extract::Pairs;
use crate::web::period::{duration, until_now};
use crate::web::present::series::{HOUR, Series};

/// The period when none is given.
const DEFAULT_PERIOD: i64 = Millis::DAY;
/// How many intervals an answer may have.
const MAX_INTERVALS: u16 = 5_000;
/// How many groups it may have.
pub(super) const MAX_GROUPS: usize = 1_000;

/// What sums are split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Project,
    Release,
    Environment,
    Ending,
}

impl By {
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("project", Self::Project),
        ("release", Self::Release),
        ("environment", Self::Environment),
        ("session.status", Self::Ending),
    ];

    fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(it, _)| *it == name).map(|(_, by)| by)
    }
}

/// What groups are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Name(By),
    Measure(Measure),
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) series: Series,
    /// Each with the name under which it was asked.
    pub(super) fields: Vec<(String, Measure)>,
    pub(super) by: Vec<By>,
    /// Each with whether the greatest comes first.
    pub(super) order: Vec<(Key, bool)>,
    /// Groups that are shown at most.
    pub(super) groups: usize,
    pub(super) with_series: bool,
    pub(super) with_totals: bool,
    /// The search, as it was written.
    pub(super) search: String,
    releases: Vec<String>,
    environments: Vec<String>,
}

impl Question {
    pub(super) fn of(query: &Pairs, now: Millis, default: &str) -> Result<Self, ApiError> {
        let (start, end) = until_now(query, now, DEFAULT_PERIOD)?;
        let step = step(query.first("interval"))?;
        if end.since(start) / step >= i64::from(MAX_INTERVALS) {
            let detail = format!("the period has more than {MAX_INTERVALS} intervals");
            return Err(ApiError::invalid("too_many_intervals", detail));
        }
        let mut fields: Vec<_> = query.all("field").map(field).collect::<Result<_, _>>()?;
        if fields.is_empty() {
            fields.push(field(default)?);
        }
        let groups = match query.first("per_page") {
            None => MAX_GROUPS,
            Some(text) => text
                .parse()
                .ok()
                .filter(|groups| (1..=MAX_GROUPS).contains(groups))
                .ok_or_else(|| {
                    let detail = format!("per_page is a number from 1 to {MAX_GROUPS}");
                    ApiError::invalid("invalid_per_page", detail)
                })?,
        };
        let is_wanted = |key| query.first(key) != Some("0");
        let mut question = Self {
            series: Series::over(start, end, step, MAX_INTERVALS),
            fields,
            by: query.all("groupBy").map(by).collect::<Result<_, _>>()?,
            order: query.all("orderBy").map(order).collect::<Result<_, _>>()?,
            groups,
            with_series: is_wanted("includeSeries"),
            with_totals: is_wanted("includeTotals"),
            search: query.first("query").unwrap_or_default().to_owned(),
            releases: Vec::new(),
            environments: query.all("environment").map(str::to_owned).collect(),
        };
        question.read_search()?;
        Ok(question)
    }

    /// Returns what the store is asked.
    pub(super) fn filter(&self, projects: Vec<ProjectId>) -> HealthFilter {
        let measures = self.fields.iter().map(|(_, measure)| *measure);
        let ordering = self.order.iter().filter_map(|(key, _)| match key {
            Key::Measure(measure) => Some(*measure),
            Key::Name(_) => None,
        });
        let minutes = self.series.step() / Millis::MINUTE;
        HealthFilter {
            projects,
            times: self.series.times(),
            releases: self.releases.clone(),
            environments: self.environments.clone(),
            interval_minutes: self
                .with_series
                .then(|| u32::try_from(minutes).unwrap_or(u32::MAX)),
            by: Split {
                project: self.by.contains(&By::Project),
                release: self.by.contains(&By::Release),
                environment: self.by.contains(&By::Environment),
            },
            with_detail: measures.chain(ordering).any(Measure::needs_detail),
            most_groups: MAX_GROUPS,
        }
    }

    /// Reads the search: names with one value or several in brackets, of releases and environments.
    fn read_search(&mut self) -> Result<(), ApiError> {
        let search = self.search.clone();
        let mut rest = search.trim_start();
        while !rest.is_empty() {
            let (key, behind) = rest.split_once(':').ok_or_else(unsupported)?;
            let wanted = match key {
                "release" => &mut self.releases,
                "environment" => &mut self.environments,
                _ => return Err(unsupported()),
            };
            rest = match behind.strip_prefix('[') {
                None => {
                    let (value, rest) = value(behind)?;
                    wanted.push(value);
                    rest
                }
                Some(mut list) => loop {
                    let (one, behind) = value(list.trim_start())?;
                    wanted.push(one);
                    let behind = behind.trim_start();
                    if let Some(rest) = behind.strip_prefix(']') {
                        break rest;
                    }
                    list = behind.strip_prefix(',').ok_or_else(unsupported)?;
                },
            };
            if !(rest.is_empty() || rest.starts_with(char::is_whitespace)) {
                return Err(unsupported());
            }
            rest = rest.trim_start();
            // What is asked of two names holds for both anyway.
            rest = rest.strip_prefix("AND ").unwrap_or(rest).trim_start();
        }
        Ok(())
    }
}

/// Takes a value off the front, in quotation marks or up to a space, comma or bracket.
fn value(text: &str) -> Result<(String, &str), ApiError> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (value, rest) = quoted.split_once('"').ok_or_else(unsupported)?;
        return Ok((value.to_owned(), rest));
    }
    let is_end = |char: char| char.is_whitespace() || matches!(char, ',' | ']' | '"');
    let end = text.find(is_end).unwrap_or(text.len());
    let (value, rest) = text.split_at_checked(end).ok_or_else(unsupported)?;
    if value.is_empty() || value.contains('*') {
        return Err(unsupported());
    }
    Ok((value.to_owned(), rest))
}

fn unsupported() -> ApiError {
    let detail = "sessions are searched by release: and environment: only, each with a value or \
                  several in brackets";
    ApiError::invalid("unsupported_search", detail)
}

/// Reads the interval. Sums are by the minute: what is finer becomes a minute, what is between two
/// minutes the longer of them.
fn step(interval: Option<&str>) -> Result<i64, ApiError> {
    let Some(text) = interval else {
        return Ok(HOUR);
    };
    let step = duration(text).ok_or_else(|| {
        let detail = "the query's interval is a number of seconds, minutes, hours, days or weeks";
        ApiError::invalid("invalid_interval", detail)
    })?;
    let rest = step.rem_euclid(Millis::MINUTE);
    let more = if rest == 0 {
        0
    } else {
        Millis::MINUTE.saturating_sub(rest)
    };
    Ok(step.saturating_add(more))
}

fn field(name: &str) -> Result<(String, Measure), ApiError> {
    let measure = Measure::named(name).ok_or_else(|| {
        let detail = format!("the fields are {}", Measure::names());
        ApiError::invalid("unknown_field", detail)
    })?;
    Ok((name.to_owned(), measure))
}

fn by(name: &str) -> Result<By, ApiError> {
    By::named(name).ok_or_else(|| {
        let detail = "groupBy is one of project, release, environment and session.status";
        ApiError::invalid("unknown_group", detail)
    })
}

fn order(text: &str) -> Result<(Key, bool), ApiError> {
    let (name, is_descending) = match text.strip_prefix('-') {
        Some(name) => (name, true),
        None => (text, false),
    };
    let key = match By::named(name) {
        Some(by) => Key::Name(by),
        None => Key::Measure(field(name)?.1),
    };
    Ok((key, is_descending))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Millis = Millis(1_767_355_200_000);

    fn question(pairs: &[(&'static str, &'static str)]) -> Result<Question, ApiError> {
        Question::of(
            &Pairs::from_iter(pairs.iter().copied()),
            NOON,
            "sum(session)",
        )
    }

    #[test]
    fn a_question_that_is_too_large_or_not_known_is_refused() {
        for (key, value) in [
            ("interval", "soon"),
            ("groupBy", "weather"),
            ("field", "count()"),
            ("orderBy", "-weather"),
            ("per_page", "0"),
            ("per_page", "many"),
            ("statsPeriod", "5000w"),
            ("query", "crash"),
            ("query", "level:error"),
            ("query", "release:1.*"),
            ("query", "release:["),
            ("query", "release:\"1"),
            ("query", "release:[1,2"),
            ("query", "release:"),
        ] {
            assert!(question(&[(key, value)]).is_err(), "{key}={value}");
        }
    }

    #[test]
    fn a_search_names_releases_and_environments() {
        let search = "release:[a@1, \"b 2\"] AND environment:production release:3";
        let read = question(&[("query", search), ("environment", "staging")]).unwrap();
        let filter = read.filter(Vec::new());
        assert_eq!(filter.releases, ["a@1", "b 2", "3"]);
        assert_eq!(filter.environments, ["staging", "production"]);
        assert!(!filter.with_detail);
    }

    #[test]
    fn an_interval_is_a_minute_at_least() {
        for (interval, minutes) in [("10s", 1), ("90s", 2), ("5m", 5), ("1d", 24 * 60)] {
            let read = question(&[("interval", interval)]).unwrap();
            assert_eq!(read.filter(Vec::new()).interval_minutes, Some(minutes));
        }
    }
}
