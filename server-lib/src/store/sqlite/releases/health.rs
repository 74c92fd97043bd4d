//! Health of releases: sums of sessions.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::error::Error;
use crate::model::time::Millis;
use crate::store::sqlite::floors::{self, DELETED};
use crate::store::sqlite::names::{self, NameId};
use crate::store::sqlite::row::{counted, rows};
use crate::store::{HealthFilter, HealthRow, SessionTotals};

/// Sums sessions up by project, release, environment and interval.
pub(super) fn sums(
    connection: &Connection,
    filter: &HealthFilter,
) -> Result<Vec<HealthRow>, Error> {
    let releases = ids_of(connection, &filter.releases)?;
    let environments = ids_of(connection, &filter.environments)?;
    let among = |wanted: &Option<Vec<NameId>>, name| {
        wanted.as_ref().is_none_or(|wanted| wanted.contains(&name))
    };
    let (first, last) = (filter.times.start().minute(), filter.times.end().minute());
    let interval = filter
        .interval_minutes
        .map(|minutes| i64::from(minutes.max(1)));
    let select = "SELECT minute, release, environment, total, errored, abnormal, crashed
        FROM session_counts WHERE project = ?1 AND minute BETWEEN ?2 AND ?3";
    let mut projects = filter.projects.clone();
    projects.sort_unstable();
    projects.dedup();
    let mut sums: BTreeMap<_, SessionTotals> = BTreeMap::new();
    for project in projects {
        if floors::of(connection, project)?.received == DELETED {
            continue;
        }
        rows(connection, select, params![project.0, first, last], |row| {
            let (release, environment): (NameId, NameId) = (row.get(1)?, row.get(2)?);
            if !among(&releases, release) || !among(&environments, environment) {
                return Ok(());
            }
            let minute: i64 = row.get(0)?;
            let beginning = interval.map_or(first, |interval| {
                minute.saturating_sub(minute.rem_euclid(interval))
            });
            let sum = sums
                .entry((project, release, environment, beginning))
                .or_default();
            for (total, column) in [
                (&mut sum.total, 3),
                (&mut sum.errored, 4),
                (&mut sum.abnormal, 5),
                (&mut sum.crashed, 6),
            ] {
                *total = total.saturating_add(counted(row.get(column)?));
            }
            Ok(())
        })?;
    }
    let mut found = Vec::with_capacity(sums.len());
    for ((project, release, environment, minute), sessions) in sums {
        found.push(HealthRow {
            project,
            release: names::text(connection, release)?,
            environment: names::text(connection, environment)?,
            at: Millis(minute.saturating_mul(Millis::MINUTE)),
            sessions,
        });
    }
    found.sort_by(|one, two| {
        let key = |row: &HealthRow| (row.at, row.project);
        (key(one).cmp(&key(two)))
            .then_with(|| one.release.cmp(&two.release))
            .then_with(|| one.environment.cmp(&two.environment))
    });
    Ok(found)
}

fn ids_of(connection: &Connection, texts: &[String]) -> Result<Option<Vec<NameId>>, Error> {
    if texts.is_empty() {
        return Ok(None);
    }
    let mut ids = Vec::new();
    for text in texts {
        ids.extend(names::find(connection, text)?);
    }
    Ok(Some(ids))
}
