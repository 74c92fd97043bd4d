//! What the questions here have in common: projects, times, intervals, and parts of lists.

use serde_json::Value;

use crate::model::ids::ProjectId;
use crate::model::time::Millis;
use crate::store::query::Page;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::Pairs;
use crate::web::paging::{Cursor, Part};
use crate::web::period::{between, duration, moment};
use crate::web::present::series::Series;

/// Returns the projects that a query names; none means all.
pub(super) fn projects(caller: &Access, query: &Pairs) -> Result<Vec<ProjectId>, ApiError> {
    let mut named = query.all("project").peekable();
    if named.peek().is_none() {
        return Ok(caller.projects().map(|project| project.id).collect());
    }
    named
        .map(|name| caller.project_by_name(name).map(|project| project.id))
        .collect()
}

/// Returns the project that a body names, by its slug or number.
pub(super) fn project(caller: &Access, name: &Value) -> Result<ProjectId, ApiError> {
    let name = match name {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => {
            let detail = "project is a slug or a number";
            return Err(ApiError::invalid("invalid_project", detail));
        }
    };
    let found = caller.project_by_name(&name).map_err(|_| {
        let detail = "there is no such project, or the token does not open it";
        ApiError::invalid("unknown_project", detail)
    });
    found.map(|project| project.id)
}

/// Reads `range`, or `from` and `to`; `default` milliseconds until now when the query says nothing.
pub(super) fn times(
    query: &Pairs,
    now: Millis,
    default: i64,
) -> Result<(Millis, Millis), ApiError> {
    if let Some(text) = query.first("range") {
        let length = duration(text).ok_or_else(|| {
            ApiError::invalid("invalid_period", "the query's range is a time such as 24h")
        })?;
        return Ok((now.plus(length.saturating_neg()), now));
    }
    let (from, to) = (moment(query, "from")?, moment(query, "to")?);
    between(from, to)?;
    let end = to.unwrap_or(now).min(now);
    Ok((from.unwrap_or(end.plus(default.saturating_neg())), end))
}

/// Reads `interval` and cuts the times into as many.
pub(super) fn series(
    query: &Pairs,
    (start, end): (Millis, Millis),
    max: u16,
) -> Result<Series, ApiError> {
    let step = match query.first("interval") {
        Some(text) => duration(text)
            .filter(|step| step % Millis::MINUTE == 0)
            .ok_or_else(|| {
                let detail = "the query's interval is a number of minutes, hours or days";
                ApiError::invalid("invalid_interval", detail)
            })?,
        None => 60 * Millis::MINUTE,
    };
    if end.since(start) / step >= i64::from(max) {
        let detail = format!("the period has more than {max} intervals");
        return Err(ApiError::invalid("too_many_intervals", detail));
    }
    Ok(Series::over(start, end, step, max))
}

/// Returns the part of a list that is asked for, and one row more, which tells whether there is a
/// next part.
pub(super) fn page(part: &Part) -> Page {
    Page {
        offset: part.cursor.offset,
        limit: part.limit.saturating_add(1),
    }
}

/// Cuts off the row that tells whether there is a next part.
pub(super) fn cut<T>(part: &Part, rows: &mut Vec<T>) -> (Cursor, bool) {
    let limit = usize::try_from(part.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    (part.next(rows.len()), has_more)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Millis = Millis(1_767_355_200_000);
    const HOUR: i64 = 60 * Millis::MINUTE;

    fn query(pairs: &[(&str, &str)]) -> Pairs {
        Pairs::from_iter(pairs.iter().copied())
    }

    #[test]
    fn times_are_a_range_until_now_or_lie_between_two_moments() {
        let of = |pairs: &[(&str, &str)]| times(&query(pairs), NOON, Millis::DAY);
        assert_eq!(of(&[]).unwrap(), (NOON.plus(-Millis::DAY), NOON));
        assert_eq!(of(&[("range", "1h")]).unwrap(), (NOON.plus(-HOUR), NOON));
        let from = of(&[("from", "2026-01-02T10:00:00")]).unwrap();
        assert_eq!(from, (NOON.plus(-2 * HOUR), NOON));
        let late = of(&[("to", "2030-01-01")]).unwrap();
        assert_eq!(late, (NOON.plus(-Millis::DAY), NOON));
        for pair in [("range", "soon"), ("from", "soon"), ("to", "soon")] {
            assert!(of(&[pair]).is_err(), "{pair:?}");
        }
    }

    #[test]
    fn intervals_are_whole_minutes_and_not_too_many() {
        let day = (NOON.plus(-Millis::DAY), NOON);
        let of = |pairs: &[(&str, &str)]| series(&query(pairs), day, 500);
        assert_eq!(of(&[]).unwrap(), Series::until(NOON, HOUR, 25));
        let fine = of(&[("interval", "5m")]).unwrap();
        assert_eq!(fine, Series::until(NOON, 5 * Millis::MINUTE, 289));
        for interval in ["10s", "1m", "soon"] {
            assert!(of(&[("interval", interval)]).is_err(), "{interval}");
        }
    }
}
