//! Functions over events: what each needs to be known, and how it is shown.

use serde_json::{Value, json};

use super::columns::{Dimension, Shows, shown};
use crate::model::time::Millis;
use crate::store::index::Measures;
use crate::store::query::{EventPredicate, Expr, TagTest, TextPattern};
use crate::web::error::ApiError;

/// A function over events.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Function {
    /// How many.
    Count,
    /// How many a minute.
    PerMinute,
    /// How many a second.
    PerSecond,
    /// How many people.
    Users,
    /// How many issues.
    Issues,
    /// How many values of a tag.
    Values(String),
    /// How many projects.
    Projects,
    /// When the first happened.
    First,
    /// When the last happened.
    Last,
    /// How many of them are so.
    CountIf(Expr<EventPredicate>),
    /// Which share of them is so.
    ShareOf(Expr<EventPredicate>),
    /// What errors do not tell, such as durations.
    Unknown(&'static str),
}

/// What is known of several events.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Numbers {
    pub(super) events: u64,
    pub(super) users: u64,
    pub(super) issues: u64,
    pub(super) first: Option<Millis>,
    pub(super) last: Option<Millis>,
    /// What single functions counted, by their places.
    pub(super) own: Vec<(usize, u64)>,
}

impl Function {
    /// Reads a function with its arguments.
    ///
    /// # Errors
    ///
    /// 400 when there is none of the name, or not with such arguments.
    pub(super) fn read(text: &str) -> Result<Self, ApiError> {
        let unknown = || {
            let detail = format!("`{}` is no function", shown(text));
            ApiError::invalid("unknown_function", detail)
        };
        let (name, rest) = text.split_once('(').ok_or_else(unknown)?;
        let inner = rest.strip_suffix(')').ok_or_else(unknown)?.trim();
        let arguments: Vec<&str> = match inner {
            "" => Vec::new(),
            _ => inner.split(',').map(str::trim).collect(),
        };
        let first = arguments.first().copied().unwrap_or_default();
        Ok(match (name.trim(), first) {
            ("count", _) => Self::Count,
            ("epm", _) => Self::PerMinute,
            ("eps", _) => Self::PerSecond,
            ("count_unique", "user" | "user.id" | "user.display") => Self::Users,
            ("count_unique", "issue" | "issue.id") => Self::Issues,
            ("count_unique", "project" | "project.id" | "project.name") => Self::Projects,
            ("count_unique", field) => match dimension(field)? {
                Some(Dimension::Tag(tag)) => Self::Values(tag),
                Some(Dimension::Issue) => Self::Issues,
                Some(Dimension::Project) => Self::Projects,
                None => return Err(arguments_of(text)),
            },
            ("last_seen", _) | ("max", "timestamp") => Self::Last,
            ("first_seen", _) | ("min", "timestamp") => Self::First,
            ("failure_count", _) => Self::CountIf(failures()),
            ("failure_rate", _) => Self::ShareOf(failures()),
            ("count_if", _) => Self::CountIf(condition(text, &arguments)?),
            ("tpm" | "tps" | "spm" | "total.count", _) => Self::Unknown("number"),
            ("apdex" | "user_misery" | "performance_score", _) => Self::Unknown("number"),
            ("opportunity_score" | "var" | "stddev" | "cov" | "corr", _) => Self::Unknown("number"),
            ("count_miserable" | "count_web_vitals", _) => Self::Unknown("integer"),
            ("http_error_rate" | "cache_miss_rate" | "trace_status_rate", _) => {
                Self::Unknown("percentage")
            }
            ("p50" | "p75" | "p90" | "p95" | "p99" | "p100" | "percentile", _)
            | ("avg" | "sum" | "min" | "max" | "median", _) => Self::Unknown("duration"),
            _ => return Err(unknown()),
        })
    }

    /// Returns the type of its values.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Count | Self::Users | Self::Issues | Self::Projects => "integer",
            Self::Values(_) | Self::CountIf(_) => "integer",
            Self::PerMinute | Self::PerSecond => "rate",
            Self::First | Self::Last => "date",
            Self::ShareOf(_) => "percentage",
            Self::Unknown(kind) => kind,
        }
    }

    /// Returns the unit of its values, where they have one.
    pub(super) fn unit(&self) -> Option<&'static str> {
        match self {
            Self::PerMinute => Some("1/minute"),
            Self::PerSecond => Some("1/second"),
            Self::Unknown("duration") => Some("millisecond"),
            _ => None,
        }
    }

    /// Adds what has to be known for it.
    pub(super) fn needs(&self, measures: &mut Measures) {
        match self {
            Self::Users => measures.users = true,
            Self::Issues => measures.issues = true,
            Self::First => measures.first = true,
            Self::Last => measures.last = true,
            _ => {}
        }
    }

    /// Returns true when counting is enough for it.
    pub(super) fn is_of_counts(&self) -> bool {
        matches!(
            self,
            Self::Count | Self::PerMinute | Self::PerSecond | Self::Unknown(_)
        )
    }

    /// Returns true when the values of parts add up to the value of the whole.
    pub(super) fn adds_up(&self) -> bool {
        matches!(
            self,
            Self::Count | Self::PerMinute | Self::PerSecond | Self::CountIf(_)
        )
    }

    /// Shows its value for events of so many seconds; `nth` is its place.
    pub(super) fn show(&self, nth: usize, numbers: &Numbers, seconds: f64) -> Value {
        match self.value(nth, numbers, seconds) {
            None => Value::Null,
            Some(number) => match self {
                Self::First | Self::Last => {
                    let at = match self {
                        Self::First => numbers.first,
                        _ => numbers.last,
                    };
                    json!(at.map(Millis::to_rfc3339))
                }
                Self::PerMinute | Self::PerSecond | Self::ShareOf(_) => json!(number),
                _ => json!(self.whole(nth, numbers)),
            },
        }
    }

    /// Returns its value as a number to compare by.
    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers of events are compared and divided"
    )]
    pub(super) fn value(&self, nth: usize, numbers: &Numbers, seconds: f64) -> Option<f64> {
        let whole = self.whole(nth, numbers);
        Some(match self {
            Self::Unknown(_) => return None,
            Self::PerMinute => numbers.events as f64 / (seconds / 60.0).max(f64::MIN_POSITIVE),
            Self::PerSecond => numbers.events as f64 / seconds.max(f64::MIN_POSITIVE),
            Self::ShareOf(_) if numbers.events == 0 => 0.0,
            Self::ShareOf(_) => whole as f64 / numbers.events as f64,
            Self::First => numbers.first?.0 as f64,
            Self::Last => numbers.last?.0 as f64,
            _ => whole as f64,
        })
    }

    fn whole(&self, nth: usize, numbers: &Numbers) -> u64 {
        match self {
            Self::Users => numbers.users,
            Self::Issues => numbers.issues,
            Self::Values(_) | Self::Projects | Self::CountIf(_) | Self::ShareOf(_) => {
                let own = numbers.own.iter().find(|(place, _)| *place == nth);
                own.map_or(0, |(_, value)| *value)
            }
            _ => numbers.events,
        }
    }
}

/// Of errors those that are no mere warnings are failures.
fn failures() -> Expr<EventPredicate> {
    Expr::Any(vec![is("level", "error"), is("level", "fatal")])
}

fn is(name: &str, value: &str) -> Expr<EventPredicate> {
    let value = TagTest::Value(TextPattern::Equals(value.to_owned()));
    Expr::Is(EventPredicate::Tag(name.to_owned(), value))
}

/// Reads the arguments of `count_if`: field, comparison, value.
fn condition(text: &str, arguments: &[&str]) -> Result<Expr<EventPredicate>, ApiError> {
    let [field, comparison, value] = arguments else {
        return Err(arguments_of(text));
    };
    let Some(Dimension::Tag(tag)) = dimension(field)? else {
        return Err(arguments_of(text));
    };
    let is = is(&tag, value.trim_matches('"'));
    match *comparison {
        "equals" => Ok(is),
        "notEquals" => Ok(is.negated()),
        _ => Err(arguments_of(text)),
    }
}

fn dimension(field: &str) -> Result<Option<Dimension>, ApiError> {
    match super::columns::Column::read(field)?.shows {
        Shows::What(what) => Ok(what.dimension()),
        Shows::Number(_) => Ok(None),
    }
}

fn arguments_of(text: &str) -> ApiError {
    let detail = format!(
        "`{}` has arguments that events cannot be counted by: count_unique takes a tag, user, issue \
         or project, and count_if a tag, equals or notEquals, and a value",
        shown(text)
    );
    ApiError::invalid("invalid_arguments", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_shows_numbers_as_numbers_and_times_as_text() {
        let numbers = Numbers {
            events: 6,
            users: 2,
            issues: 3,
            first: Some(Millis(0)),
            last: Some(Millis(1_767_323_045_678)),
            own: vec![(7, 3)],
        };
        for (text, expected) in [
            ("count()", json!(6)),
            ("epm()", json!(3.0)),
            ("eps()", json!(0.05)),
            ("count_unique(user)", json!(2)),
            ("count_unique(issue)", json!(3)),
            ("last_seen()", json!("2026-01-02T03:04:05.678Z")),
            ("min(timestamp)", json!("1970-01-01T00:00:00.000Z")),
            ("failure_rate()", json!(0.5)),
            ("count_if(level,equals,error)", json!(3)),
            ("p95()", Value::Null),
        ] {
            let function = Function::read(text).unwrap();
            assert_eq!(function.show(7, &numbers, 120.0), expected, "{text}");
        }
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused() {
        for text in [
            "count_if(level,above,error)",
            "count_if(level)",
            "count_if(title,equals,a)",
            "count_unique(id)",
            "count_unique()",
            "equation|count()",
        ] {
            assert!(Function::read(text).is_err(), "{text}");
        }
    }
}
