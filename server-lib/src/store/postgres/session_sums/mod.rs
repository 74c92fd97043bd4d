//! Sums of sessions by project, minute, release and environment, with who had them and how long
//! they took.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use tokio_postgres::Row;

use super::failure::corrupt;
use super::pool::Lease;
use super::row::{get, int, project, projects, text};
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::time::Millis;
use crate::store::health::{
    Detail, Fold, Kept, Moved, Part, ROLLS, Roll, Rolled, STEPS, oldest_kept, together,
};
use crate::store::{HealthFilter, HealthRow, SessionTotals};

/// Rows that are read at once, without what may be large and with it.
const PAGES: (i64, i64) = (5000, 500);
/// Old rows that one step removes.
const REMOVED: i64 = 1000;

/// Where a session is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The minute in which it began.
    pub(super) minute: i64,
    /// Whose it is.
    pub(super) project: i32,
    /// Its release.
    pub(super) release: String,
    /// Its environment.
    pub(super) environment: String,
}

/// Adds to the sums what has moved.
pub(super) async fn add(lease: &mut Lease, moved: BTreeMap<Place, Moved>) -> Result<(), Error> {
    if moved.is_empty() {
        return Ok(());
    }
    let rolled = rolled(lease).await?;
    let mut sums = BTreeMap::<Place, Moved>::new();
    for (place, moved) in moved {
        let minute = rolled.place(place.minute);
        sums.entry(Place { minute, ..place })
            .or_default()
            .add(moved);
    }
    let with_detail = sums.iter().filter(|(_, moved)| moved.has_detail());
    let with_detail: Vec<_> = with_detail.map(|(place, _)| place).collect();
    let mut details = details(lease, &with_detail).await?;
    let mut kept = BTreeMap::new();
    for (place, moved) in &sums {
        let mut detail = None;
        if moved.has_detail() {
            moved.apply(detail.insert(details.remove(place).unwrap_or_default()));
        }
        let counts = [moved.total, moved.errored, moved.abnormal, moved.crashed];
        kept.insert(place.clone(), Kept { counts, detail });
    }
    put(lease, &kept).await
}

/// Adds counts to rows, and sets the details of those that have one.
async fn put(lease: &mut Lease, rows: &BTreeMap<Place, Kept>) -> Result<(), Error> {
    let minutes: Vec<_> = rows.keys().map(|place| place.minute).collect();
    let projects: Vec<_> = rows.keys().map(|place| place.project).collect();
    let releases: Vec<_> = rows.keys().map(|place| &place.release).collect();
    let environments: Vec<_> = rows.keys().map(|place| &place.environment).collect();
    let column = |number: usize| -> Vec<i64> {
        let counts = rows.values().map(|kept| kept.counts.get(number).copied());
        counts.map(Option::unwrap_or_default).collect()
    };
    let details = rows.values().map(|kept| kept.detail.as_ref());
    let details: Vec<_> = details.map(|detail| detail.map(Detail::to_bytes)).collect();
    lease
        .execute(
            include_str!("add.sql"),
            &[
                &minutes,
                &projects,
                &releases,
                &environments,
                &column(0),
                &column(1),
                &column(2),
                &column(3),
                &details,
            ],
        )
        .await?;
    Ok(())
}

async fn details(lease: &mut Lease, places: &[&Place]) -> Result<BTreeMap<Place, Detail>, Error> {
    let mut details = BTreeMap::new();
    if places.is_empty() {
        return Ok(details);
    }
    let minutes: Vec<_> = places.iter().map(|place| place.minute).collect();
    let projects: Vec<_> = places.iter().map(|place| place.project).collect();
    let releases: Vec<_> = places.iter().map(|place| &place.release).collect();
    let environments: Vec<_> = places.iter().map(|place| &place.environment).collect();
    let rows = lease
        .query(
            "SELECT s.minute, s.project, s.release, s.environment, s.detail FROM \
             unnest($1::bigint[], $2::integer[], $3::text[], $4::text[]) \
             AS k (minute, project, release, environment) \
             JOIN session_counts s USING (minute, project, release, environment)",
            &[&minutes, &projects, &releases, &environments],
        )
        .await?;
    for row in &rows {
        let place = place(row)?;
        if let Some(detail) = detail(row, 4)? {
            details.insert(place, detail);
        }
    }
    Ok(details)
}

fn place(row: &Row) -> Result<Place, Error> {
    Ok(Place {
        minute: get(row, 0)?,
        project: get(row, 1)?,
        release: get(row, 2)?,
        environment: get(row, 3)?,
    })
}

fn detail(row: &Row, column: usize) -> Result<Option<Detail>, Error> {
    let bytes: Option<&[u8]> = get(row, column)?;
    let read = bytes.map(|bytes| Detail::from_bytes(bytes).ok_or_else(|| corrupt("detail")));
    read.transpose()
}

fn counts(row: &Row, first: usize) -> Result<[i64; 4], Error> {
    let mut counts = [0; 4];
    for (column, count) in (first..).zip(&mut counts) {
        *count = get(row, column)?;
    }
    Ok(counts)
}

fn sessions(counts: [i64; 4]) -> SessionTotals {
    let [total, errored, abnormal, crashed] = counts.map(|count| u64::try_from(count).unwrap_or(0));
    SessionTotals {
        total,
        errored,
        abnormal,
        crashed,
    }
}

async fn rolled(lease: &mut Lease) -> Result<Rolled, Error> {
    let [hours, days] = ROLLS;
    Ok(Rolled {
        hours: counter(lease, hours).await?,
        days: counter(lease, days).await?,
    })
}

async fn counter(lease: &mut Lease, step: Roll) -> Result<i64, Error> {
    let sql = "SELECT value FROM counters WHERE name = $1";
    get(&lease.query_one(sql, &[&step.counter]).await?, 0)
}

/// Sums sessions up.
pub(super) async fn health(
    lease: &mut Lease,
    filter: &HealthFilter,
) -> Result<Vec<HealthRow>, Error> {
    let texts = |texts: &[String]| -> Vec<String> {
        texts.iter().map(|one| text(one).into_owned()).collect()
    };
    let (releases, environments) = (texts(&filter.releases), texts(&filter.environments));
    let of = projects(&filter.projects);
    let (without, with) = PAGES;
    let most = if filter.with_detail { with } else { without };
    let mut after = Place {
        minute: filter.times.start().minute(),
        project: i32::MIN,
        release: String::new(),
        environment: String::new(),
    };
    let mut fold = Fold::new(filter);
    loop {
        let rows = lease
            .query(
                include_str!("page.sql"),
                &[
                    &after.minute,
                    &filter.times.end().minute(),
                    &after.project,
                    &after.release,
                    &after.environment,
                    &of,
                    &releases,
                    &environments,
                    &filter.with_detail,
                    &most,
                ],
            )
            .await?;
        for row in &rows {
            let part = Part {
                minute: get(row, 0)?,
                sessions: sessions(counts(row, 4)?),
                detail: detail(row, 8)?,
            };
            let names: (String, String) = (get(row, 2)?, get(row, 3)?);
            fold.add(project(row, 1)?, (&names.0, &names.1), &part)?;
        }
        match rows.last() {
            Some(last) if i64::try_from(rows.len()).is_ok_and(|read| read >= most) => {
                after = place(last)?;
            }
            _ => return fold.finish(Ok),
        }
    }
}

/// Returns sums of the sessions that began in the minutes of the times.
pub(super) async fn totals(
    lease: &mut Lease,
    of: ProjectId,
    times: &RangeInclusive<Millis>,
) -> Result<SessionTotals, Error> {
    let row = lease
        .query_one(
            "SELECT COALESCE(sum(total), 0)::bigint, COALESCE(sum(errored), 0)::bigint, \
             COALESCE(sum(abnormal), 0)::bigint, COALESCE(sum(crashed), 0)::bigint \
             FROM session_counts WHERE project = $1 AND minute BETWEEN $2 AND $3",
            &[&int(of.0), &times.start().minute(), &times.end().minute()],
        )
        .await?;
    Ok(sessions(counts(&row, 0)?))
}

/// Forgets a person in up to `most` rows behind a place; returns the last place that was looked at,
/// if there may be more.
pub(super) async fn forget_person(
    lease: &mut Lease,
    (of, person): (ProjectId, i64),
    after: Option<Place>,
    most: i64,
) -> Result<Option<Place>, Error> {
    let after = after.unwrap_or(Place {
        minute: i64::MIN,
        project: int(of.0),
        release: String::new(),
        environment: String::new(),
    });
    let rows = lease
        .query(
            "SELECT minute, project, release, environment, detail FROM session_counts \
             WHERE project = $2 AND (minute, release, environment) > ($1, $3, $4) \
             AND detail IS NOT NULL ORDER BY minute, release, environment LIMIT $5",
            &[
                &after.minute,
                &after.project,
                &after.release,
                &after.environment,
                &most,
            ],
        )
        .await?;
    let mut changed = BTreeMap::new();
    for row in &rows {
        let Some(mut detail) = detail(row, 4)? else {
            continue;
        };
        if detail.forget(person) {
            let kept = Kept {
                counts: [0; 4],
                detail: Some(detail),
            };
            changed.insert(place(row)?, kept);
        }
    }
    if !changed.is_empty() {
        put(lease, &changed).await?;
    }
    let is_whole = i64::try_from(rows.len()).is_ok_and(|read| read < most);
    rows.last().filter(|_| !is_whole).map(place).transpose()
}

/// Puts some old sums together, and removes some that are too old.
pub(super) async fn roll(lease: &mut Lease, now: Millis) -> Result<(), Error> {
    for step in ROLLS {
        for _ in 0..STEPS {
            if !roll_piece(lease, step, now).await? {
                break;
            }
        }
    }
    lease
        .execute(
            "DELETE FROM session_counts WHERE minute IN (SELECT minute FROM session_counts \
             WHERE minute < $1 ORDER BY minute LIMIT $2)",
            &[&oldest_kept(now), &REMOVED],
        )
        .await?;
    Ok(())
}

/// Puts the next hour or day together; false when there is none.
async fn roll_piece(lease: &mut Lease, step: Roll, now: Millis) -> Result<bool, Error> {
    let from = counter(lease, step).await?;
    let sql = "SELECT min(minute) FROM session_counts WHERE minute >= $1";
    let oldest: Option<i64> = get(&lease.query_one(sql, &[&from]).await?, 0)?;
    let Some((first, last)) = oldest.and_then(|oldest| step.piece(oldest, now)) else {
        return Ok(false);
    };
    let rows = lease
        .query(
            "DELETE FROM session_counts WHERE minute BETWEEN $1 AND $2 RETURNING minute, project, \
             release, environment, total, errored, abnormal, crashed, detail",
            &[&first, &last],
        )
        .await?;
    let mut kept = Vec::with_capacity(rows.len());
    for row in &rows {
        let place = Place {
            minute: first,
            ..place(row)?
        };
        let counts = counts(row, 4)?;
        let detail = detail(row, 8)?;
        kept.push((place, Kept { counts, detail }));
    }
    put(lease, &together(kept)).await?;
    lease
        .execute(
            "UPDATE counters SET value = $2 WHERE name = $1",
            &[&step.counter, &last.saturating_add(1)],
        )
        .await?;
    Ok(true)
}
