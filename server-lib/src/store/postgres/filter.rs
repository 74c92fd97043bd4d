//! From filters to SQL, and counting by them.

use tokio_postgres::types::ToSql;

use super::pool::Lease;
use super::row::{count, get, indexed, level, level_code, projects, text};
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::time::Millis;
use crate::store::query::{EventFilter, LevelCounts, Minutes};

type Value = Box<dyn ToSql + Sync + Send>;

/// A condition on events to be of an issue, up to its number; two brackets close it.
pub(super) const OF_ISSUE: &str = "x.group_id IN (SELECT g.id FROM groups g WHERE g.issue = \
    (SELECT COALESCE(i.merged_into, i.id) FROM issues i WHERE i.id = ";

/// Which projects are asked for, and from which arrival on each is shown.
#[derive(Debug)]
pub(super) struct Scope(Vec<(i32, i64)>);

impl Scope {
    /// Looks up the marks of the projects. Deleted ones are left out, and so are repetitions.
    pub(super) async fn of(lease: &mut Lease, asked: &[ProjectId]) -> Result<Self, Error> {
        if asked.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let mut asked = projects(asked);
        asked.sort_unstable();
        asked.dedup();
        let rows = lease
            .query(
                "SELECT p.project, COALESCE(h.received, -9223372036854775808) \
                 FROM unnest($1::integer[]) AS p (project) \
                 LEFT JOIN hidden h ON h.project = p.project",
                &[&asked],
            )
            .await?;
        let mut shown = Vec::with_capacity(rows.len());
        for row in &rows {
            let floor: i64 = get(row, 1)?;
            if floor < i64::MAX {
                shown.push((get(row, 0)?, floor));
            }
        }
        Ok(Self(shown))
    }

    /// Reports whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the projects.
    pub(super) fn projects(&self) -> Vec<i32> {
        self.0.iter().map(|(project, _)| *project).collect()
    }

    /// Returns the marks, in the order of the projects.
    pub(super) fn floors(&self) -> Vec<i64> {
        self.0.iter().map(|(_, floor)| *floor).collect()
    }

    /// Returns only the projects that have a mark.
    fn marked(&self) -> Self {
        Self(
            self.0
                .iter()
                .copied()
                .filter(|(_, floor)| *floor > i64::MIN)
                .collect(),
        )
    }
}

/// Conditions, and the values that they name as `$1`, `$2`, ….
pub(super) struct Where {
    sql: String,
    values: Vec<Value>,
}

impl Where {
    /// Begins with the values that the statement names itself.
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self {
            sql: String::new(),
            values,
        }
    }

    /// Adds a condition on a value, which stands between the two texts.
    pub(super) fn add(
        &mut self,
        before: &'static str,
        value: impl ToSql + Sync + Send + 'static,
        after: &'static str,
    ) {
        self.values.push(Box::new(value));
        let place = self.values.len();
        self.sql.push_str(&format!(" AND {before}${place}{after}"));
    }

    /// Adds a value, and returns how a statement names it.
    fn value(&mut self, value: i64) -> String {
        self.values.push(Box::new(value));
        format!("${}", self.values.len())
    }

    /// Adds a condition without a value.
    pub(super) fn add_text(&mut self, condition: &'static str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    /// Returns the conditions, each behind an `AND`.
    pub(super) fn sql(&self) -> &str {
        &self.sql
    }

    /// Returns the values.
    pub(super) fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values
            .iter()
            .map(|value| -> &(dyn ToSql + Sync) { value.as_ref() })
            .collect()
    }
}

/// Whole minutes are read from sums, and the rest of the first and the last minute from rows.
struct Span {
    minutes: Option<(i64, i64)>,
    edges: Vec<(i64, i64)>,
}

impl Span {
    fn of(first: i64, last: i64) -> Self {
        let minute = Millis::MINUTE;
        let from = first.saturating_add(minute - 1).div_euclid(minute);
        let upto = last.saturating_add(1).div_euclid(minute).saturating_sub(1);
        if first > last {
            return Self {
                minutes: None,
                edges: Vec::new(),
            };
        }
        if from > upto {
            return Self {
                minutes: None,
                edges: vec![(first, last)],
            };
        }
        let before = (first, from.saturating_mul(minute).saturating_sub(1));
        let after = (upto.saturating_add(1).saturating_mul(minute), last);
        Self {
            minutes: Some((from, upto)),
            edges: [before, after]
                .into_iter()
                .filter(|(first, last)| first <= last)
                .collect(),
        }
    }
}

/// Counts what a filter lets through. What is hidden and not swept yet is in the sums, and taken
/// off again; that is the only part that grows with the number of events, until they are swept.
pub(super) async fn count_events(lease: &mut Lease, filter: &EventFilter) -> Result<u64, Error> {
    let scope = Scope::of(lease, &filter.projects).await?;
    if scope.is_empty() {
        return Ok(0);
    }
    let span = match &filter.times {
        Some(times) => Span::of(times.start().0, times.end().0),
        None => Span {
            minutes: Some((i64::MIN, i64::MAX)),
            edges: Vec::new(),
        },
    };
    let mut total = 0_u64;
    if let Some((from, upto)) = span.minutes {
        total = sum(lease, filter, &scope, (from, upto)).await?;
        let marked = scope.marked();
        if !marked.is_empty() {
            let first = from.saturating_mul(Millis::MINUTE);
            let last = upto
                .saturating_mul(Millis::MINUTE)
                .saturating_add(Millis::MINUTE - 1);
            let hidden = rows(lease, filter, &marked, (first, last), true).await?;
            total = total.saturating_sub(hidden);
        }
    }
    for edge in span.edges {
        total = total.saturating_add(rows(lease, filter, &scope, edge, false).await?);
    }
    Ok(total)
}

async fn sum(
    lease: &mut Lease,
    filter: &EventFilter,
    scope: &Scope,
    minutes: (i64, i64),
) -> Result<u64, Error> {
    let (source, conditions) = of_sums(filter, scope, minutes);
    let sql = format!("SELECT COALESCE(sum(c.events), 0)::bigint FROM {source}");
    single(lease, &sql, &conditions).await
}

/// Counts what a filter lets through by interval and level.
pub(super) async fn count_series(
    lease: &mut Lease,
    filter: &EventFilter,
    minutes: Minutes,
) -> Result<Vec<LevelCounts>, Error> {
    let mut counts = vec![LevelCounts::default(); minutes.count()];
    let scope = Scope::of(lease, &filter.projects).await?;
    let (begin, end) = minutes.bounds();
    if scope.is_empty() || end <= begin {
        return Ok(counts);
    }
    let (source, mut conditions) = of_sums(filter, &scope, (begin, end.saturating_sub(1)));
    let length = conditions.value(minutes.length());
    let sql = format!(
        "SELECT (c.minute - $2) / {length} AS place, c.level, sum(c.events)::bigint \
         FROM {source} GROUP BY 1, 2"
    );
    for row in &lease.query_text(&sql, &conditions.params()).await? {
        let place = usize::try_from(get::<i64>(row, 0)?).unwrap_or(usize::MAX);
        if let Some(counts) = counts.get_mut(place) {
            counts.add(level(row, 1)?, count(row, 2)?);
        }
    }
    let marked = scope.marked();
    if marked.is_empty() {
        return Ok(counts);
    }
    let times = (
        begin.saturating_mul(Millis::MINUTE),
        end.saturating_mul(Millis::MINUTE).saturating_sub(1),
    );
    let (source, mut conditions) = of_rows(filter, &marked, times, true);
    let length = conditions.value(minutes.length().saturating_mul(Millis::MINUTE));
    let sql = format!(
        "SELECT (x.happened - $3) / {length} AS place, x.level, count(*) FROM {source} GROUP BY 1, 2"
    );
    for row in &lease.query_text(&sql, &conditions.params()).await? {
        let place = usize::try_from(get::<i64>(row, 0)?).unwrap_or(usize::MAX);
        if let Some(counts) = counts.get_mut(place) {
            counts.take(level(row, 1)?, count(row, 2)?);
        }
    }
    Ok(counts)
}

/// Says which sums a filter means.
fn of_sums(filter: &EventFilter, scope: &Scope, (from, upto): (i64, i64)) -> (String, Where) {
    let mut conditions = Where::new(vec![
        Box::new(scope.projects()),
        Box::new(from),
        Box::new(upto),
    ]);
    let source = match filter.issue {
        Some(issue) => {
            conditions.add(
                "s.issue = (SELECT COALESCE(i.merged_into, i.id) FROM issues i WHERE i.id = ",
                issue.to_i64(),
                ")",
            );
            "issue_counts c JOIN groups s ON s.id = c.group_id AND s.project = ANY($1) WHERE true"
        }
        None => "event_counts c WHERE c.project = ANY($1)",
    };
    if !filter.levels.is_empty() {
        let levels: Vec<_> = filter
            .levels
            .iter()
            .map(|level| level_code(*level))
            .collect();
        conditions.add("c.level = ANY(", levels, ")");
    }
    let keys = |values: &[String]| -> Vec<String> {
        values
            .iter()
            .map(|value| indexed(value).into_owned())
            .collect()
    };
    if !filter.environments.is_empty() {
        conditions.add("c.environment = ANY(", keys(&filter.environments), ")");
    }
    if !filter.releases.is_empty() {
        conditions.add("c.release = ANY(", keys(&filter.releases), ")");
    }
    let source = format!(
        "{source} AND c.minute BETWEEN $2 AND $3{}",
        conditions.sql()
    );
    (source, conditions)
}

/// Counts rows themselves: those up to the marks, or those beyond.
async fn rows(
    lease: &mut Lease,
    filter: &EventFilter,
    scope: &Scope,
    times: (i64, i64),
    hidden: bool,
) -> Result<u64, Error> {
    let (source, conditions) = of_rows(filter, scope, times, hidden);
    let sql = format!("SELECT count(*) FROM {source}");
    single(lease, &sql, &conditions).await
}

/// Says which rows a filter means.
fn of_rows(
    filter: &EventFilter,
    scope: &Scope,
    (first, last): (i64, i64),
    hidden: bool,
) -> (String, Where) {
    let mut conditions = Where::new(vec![
        Box::new(scope.projects()),
        Box::new(scope.floors()),
        Box::new(first),
        Box::new(last),
    ]);
    if let Some(issue) = filter.issue {
        conditions.add(OF_ISSUE, issue.to_i64(), "))");
    }
    if !filter.levels.is_empty() {
        let levels: Vec<_> = filter
            .levels
            .iter()
            .map(|level| level_code(*level))
            .collect();
        conditions.add("x.level = ANY(", levels, ")");
    }
    let texts = |values: &[String]| -> Vec<String> {
        values
            .iter()
            .map(|value| text(value).into_owned())
            .collect()
    };
    if !filter.environments.is_empty() {
        conditions.add("x.environment = ANY(", texts(&filter.environments), ")");
    }
    if !filter.releases.is_empty() {
        conditions.add("x.release = ANY(", texts(&filter.releases), ")");
    }
    let side = if hidden { "<=" } else { ">" };
    let source = format!(
        "unnest($1::integer[], $2::bigint[]) AS p (project, floor) \
         JOIN events x ON x.project = p.project AND x.received {side} p.floor \
         WHERE x.happened BETWEEN $3 AND $4{}",
        conditions.sql()
    );
    (source, conditions)
}

async fn single(lease: &mut Lease, sql: &str, conditions: &Where) -> Result<u64, Error> {
    let rows = lease.query_text(sql, &conditions.params()).await?;
    rows.first().map_or(Ok(0), |row| count(row, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_minutes_and_their_edges_cover_a_span_exactly_once() {
        for first in [-61_000, -60_000, 0, 1, 59_999, 60_000, 100_000] {
            for length in [0, 1, 59_999, 60_000, 61_234, 180_000] {
                let last = first + length;
                let span = Span::of(first, last);
                let mut parts = span.edges;
                parts.extend(
                    span.minutes
                        .map(|(from, upto)| (from * 60_000, upto * 60_000 + 59_999)),
                );
                parts.sort_unstable();
                assert_eq!(parts.first().map(|part| part.0), Some(first));
                assert_eq!(parts.last().map(|part| part.1), Some(last));
                let ends = parts.iter().map(|part| part.1 + 1);
                let starts = parts.iter().skip(1).map(|part| part.0);
                assert!(ends.zip(starts).all(|(end, start)| end == start));
            }
        }
        assert!(Span::of(5, 4).edges.is_empty() && Span::of(5, 4).minutes.is_none());
    }
}
