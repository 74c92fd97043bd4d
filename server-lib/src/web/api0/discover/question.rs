//! From a request to a question about events: whose, which, and of what time.

use mini_sentry::protocol::Level;

use super::columns::{Column, shown};
use super::rows::MAX_EVENTS;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::index::TagScope;
use crate::store::query::{EventFilter, EventPredicate, EventQuery, Expr, TagTest, TextPattern};
use crate::store::search::Subject;
use crate::web::access::Access;
use crate::web::api0::stats;
use crate::web::error::ApiError;
use crate::web::event_search::{Bounds, Found, Times};
use crate::web::extract::Pairs;
use crate::web::issue_search::read;
use crate::web::period::{period, whole_hours};
use crate::web::reading;

/// The period when none is given.
const DEFAULT_PERIOD: i64 = 14 * Millis::DAY;
/// Data of errors, by the names that clients have for it.
const ERRORS: &[&str] = &["errors", "discover", "metricsEnhanced"];
/// Data that is not kept in a form that could be asked for.
const OTHERS: &[&str] = &[
    "transactions",
    "spans",
    "spansIndexed",
    "spansMetrics",
    "metrics",
    "logs",
    "ourlogs",
    "tracemetrics",
    "profiles",
    "profileFunctions",
    "profile_functions",
    "replays",
    "issuePlatform",
    "uptimeResults",
    "uptime_results",
    "processing_errors",
    "preprodSize",
];

/// A question about events.
#[derive(Debug)]
pub(super) struct Question {
    /// What the answer calls its data.
    pub(super) dataset: String,
    /// The search; `None` when there are no such data.
    pub(super) search: Option<Found>,
    /// The period, as it was asked for.
    pub(super) times: Times,
}

impl Question {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// 400 when something of it is not readable, 404 when it names a project that is not there.
    pub(super) async fn of(
        state: &AppState,
        caller: &Access,
        query: &Pairs,
    ) -> Result<Self, ApiError> {
        let projects = stats::projects(caller, query)?;
        let now = state.clock.now();
        let times = match period(query, now)? {
            Some(times) => {
                let start = match *times.start() {
                    Millis(i64::MIN) => (*times.end()).min(now).plus(-DEFAULT_PERIOD),
                    start => start,
                };
                start..=(*times.end()).min(now.plus(Millis::DAY))
            }
            None => now.plus(-DEFAULT_PERIOD)..=now,
        };
        let (dataset, has_data) = Self::dataset(query.first("dataset").unwrap_or_default())?;
        let mut question = Self {
            dataset: dataset.to_owned(),
            search: None,
            times,
        };
        if !has_data {
            return Ok(question);
        }
        let text = query.first("query").unwrap_or_default().trim();
        let read = read(text, Subject::Events, now)?;
        let mut bounds = Bounds {
            filter: Expr::everything(),
            times: Some(question.times.clone()),
        };
        bounds.and_tag("environment", query.all("environment"));
        reading::settle_search(state).await;
        question.search = Some(Found::of(state, caller, &projects, &read, bounds).await?);
        Ok(question)
    }

    /// Reads the name of a dataset: returns what answers call it, and whether there are such data.
    ///
    /// # Errors
    ///
    /// 400 when nobody calls any data so.
    pub(super) fn dataset(name: &str) -> Result<(&str, bool), ApiError> {
        match name {
            "" | "default" | "error" => Ok(("errors", true)),
            name if ERRORS.contains(&name) => Ok((name, true)),
            name if OTHERS.contains(&name) => Ok((name, false)),
            name => {
                let detail = format!(
                    "`{}` is no dataset; errors, discover, spans, transactions and logs are some",
                    shown(name)
                );
                Err(ApiError::invalid("unknown_dataset", detail))
            }
        }
    }

    /// Returns the question to the index, of whole hours when the period is long, and whether it
    /// means just the same. Words mean events of issues that have them, unless so few may be meant
    /// that each can be looked at. `None` when there are no data, or each event has to be.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub(super) async fn of_index(
        &self,
        state: &AppState,
    ) -> Result<Option<(EventQuery, bool)>, ApiError> {
        let Some(search) = &self.search else {
            return Ok(None);
        };
        let mut question = search.question();
        let times = question.times.clone().unwrap_or_else(|| self.times.clone());
        question.times = Some(whole_hours(&times));
        if search.is_of_index() {
            return Ok(Some((question, true)));
        }
        let mut required = question.filter.required().into_iter();
        let has_words = required.any(|part| matches!(part, Expr::Is(EventPredicate::GroupText(_))));
        if !has_words || search.count(state).await?.0 <= MAX_EVENTS {
            return Ok(None);
        }
        Ok(Some((question, false)))
    }

    /// Returns how long the period is, in seconds.
    #[expect(clippy::cast_precision_loss, reason = "numbers are divided by it")]
    pub(super) fn seconds(&self) -> f64 {
        let length = self.times.end().since(*self.times.start()).max(1000);
        length as f64 / 1000.0
    }

    /// Refuses names that are neither a field nor a tag of any event.
    ///
    /// # Errors
    ///
    /// 400 when there is one.
    pub(super) async fn check(&self, state: &AppState, columns: &[Column]) -> Result<(), ApiError> {
        let Some(search) = &self.search else {
            return Ok(());
        };
        let scope = TagScope::Projects(search.question().projects);
        for tag in columns.iter().filter_map(Column::doubtful_tag) {
            let found = state.store.index.tags(&scope, Some(tag), 1).await?;
            if found.is_empty() {
                let tag = shown(tag);
                let detail = format!(
                    "`{tag}` is no field, and no event has such a tag; `tags[{tag}]` asks for it \
                     all the same"
                );
                return Err(ApiError::invalid("unknown_field", detail));
            }
        }
        Ok(())
    }
}

/// Returns the same question in terms of what is added up by the minute: environment, release and
/// level. `None` when it asks for more.
pub(super) fn by_minutes(question: &EventQuery) -> Option<EventFilter> {
    let mut filter = EventFilter {
        projects: question.projects.clone(),
        times: question.times.clone(),
        ..EventFilter::default()
    };
    for part in question.filter.required() {
        let any: Vec<_> = match part {
            Expr::Any(parts) => parts.iter().collect(),
            one => vec![one],
        };
        let mut name = None;
        let mut values = Vec::new();
        for one in any {
            let Expr::Is(EventPredicate::Tag(of, TagTest::Value(TextPattern::Equals(value)))) = one
            else {
                return None;
            };
            if *name.get_or_insert(of) != of {
                return None;
            }
            values.push(value.clone());
        }
        match name?.as_str() {
            "environment" if filter.environments.is_empty() => filter.environments = values,
            "release" if filter.releases.is_empty() => filter.releases = values,
            "level" if filter.levels.is_empty() => {
                let levels = values.iter();
                let levels = levels.map(|value| Level::from_name(value));
                filter.levels = levels.collect::<Option<_>>()?;
            }
            _ => return None,
        }
    }
    Some(filter)
}

/// Adds a condition to a question.
pub(super) fn narrowed(question: &EventQuery, more: Expr<EventPredicate>) -> EventQuery {
    EventQuery {
        filter: question.filter.clone().and(more),
        ..question.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::ProjectId;

    fn question(filter: Expr<EventPredicate>) -> EventQuery {
        EventQuery {
            projects: vec![ProjectId(1)],
            filter,
            times: None,
            after: None,
            limit: 0,
        }
    }

    fn tag(name: &str, value: &str) -> Expr<EventPredicate> {
        let value = TagTest::Value(TextPattern::Equals(value.to_owned()));
        Expr::Is(EventPredicate::Tag(name.to_owned(), value))
    }

    #[test]
    fn only_environment_release_and_level_are_added_up_by_the_minute() {
        let any = Expr::Any(vec![tag("environment", "a"), tag("environment", "b")]);
        let filter = by_minutes(&question(any.clone().and(tag("level", "error")))).unwrap();
        assert_eq!(filter.environments, ["a", "b"]);
        assert_eq!(filter.levels.len(), 1);
        for more in [
            tag("feature", "x"),
            tag("level", "loud"),
            tag("release", "1").negated(),
            any.clone(),
            Expr::Any(vec![tag("release", "1"), tag("level", "error")]),
            Expr::Any(Vec::new()),
        ] {
            assert_eq!(by_minutes(&question(any.clone().and(more))), None);
        }
    }
}
