//! Sessions: how each stands, and the sums of all.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Row;

use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::session::{SessionChange, SessionState, SessionTally};
use crate::model::time::Millis;
use crate::store::health::{Known, Moved, SESSION_AGE, turn};
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::{Sixteen, big, coded, count, get, int, text};
use crate::store::postgres::session_sums::{Place, add};

/// Old sessions that one step forgets.
const FORGOTTEN: i64 = 1000;

type Name = (i32, Sixteen);

/// Writes what updates and sums change.
pub(super) async fn apply(
    lease: &mut Lease,
    changes: &[SessionChange],
    tallies: &[SessionTally],
) -> Result<(), Error> {
    let mut moved = BTreeMap::<Place, Moved>::new();
    if !changes.is_empty() {
        update(lease, changes, &mut moved).await?;
    }
    for tally in tallies {
        let place = Place {
            project: int(tally.project.0),
            minute: tally.started.minute(),
            release: text(&tally.release).into_owned(),
            environment: text(&tally.environment).into_owned(),
        };
        moved.entry(place).or_default().tally(tally);
    }
    add(lease, moved).await
}

/// Applies updates, in order.
async fn update(
    lease: &mut Lease,
    changes: &[SessionChange],
    moved: &mut BTreeMap<Place, Moved>,
) -> Result<(), Error> {
    let mut standing = standing(lease, changes).await?;
    let mut changed = BTreeMap::new();
    for change in changes {
        let name = (int(change.project.0), Sixteen(change.sid));
        let place = || {
            Ok(Place {
                project: name.0,
                minute: change.started.minute(),
                release: text(&change.release).into_owned(),
                environment: text(&change.environment).into_owned(),
            })
        };
        if let Some(now) = turn(standing.get(&name), change, place, moved)? {
            changed.insert(name, now.clone());
            standing.insert(name, now);
        }
    }
    write(lease, &changed).await
}

async fn standing(
    lease: &mut Lease,
    changes: &[SessionChange],
) -> Result<BTreeMap<Name, Known<Place>>, Error> {
    let names = changes.iter();
    let names = names.map(|change| (int(change.project.0), Sixteen(change.sid)));
    let names: BTreeSet<Name> = names.collect();
    let (projects, sids): (Vec<_>, Vec<_>) = names.into_iter().unzip();
    let rows = lease
        .query(include_str!("find_sessions.sql"), &[&projects, &sids])
        .await?;
    let mut standing = BTreeMap::new();
    for row in &rows {
        standing.insert((get(row, 0)?, get(row, 1)?), known(row)?);
    }
    Ok(standing)
}

fn known(row: &Row) -> Result<Known<Place>, Error> {
    Ok(Known {
        place: Place {
            project: get(row, 0)?,
            minute: Millis(get(row, 5)?).minute(),
            release: get(row, 9)?,
            environment: get(row, 10)?,
        },
        told: coded(row, 3, SessionState::from_code)?,
        sequence: count(row, 2)?,
        errors: count(row, 4)?,
        begun: get(row, 6)?,
        user: get(row, 7)?,
        duration_ms: get::<Option<i64>>(row, 8)?.map(i64::unsigned_abs),
        received: Millis(get(row, 11)?),
    })
}

/// Erases up to `most` sessions of a person, and takes them out of the sums; returns how many.
pub(in crate::store::postgres) async fn erase(
    lease: &mut Lease,
    project: ProjectId,
    person: i64,
    most: i64,
) -> Result<u64, Error> {
    let rows = lease
        .query(
            include_str!("erase_sessions.sql"),
            &[&int(project.0), &person, &most],
        )
        .await?;
    let mut moved = BTreeMap::<Place, Moved>::new();
    for row in &rows {
        let known = known(row)?;
        moved.entry(known.place.clone()).or_default().erase(&known);
    }
    add(lease, moved).await?;
    Ok(rows.len() as u64)
}

/// Forgets some sessions that were not heard of for long.
pub(in crate::store::postgres) async fn forget(
    lease: &mut Lease,
    now: Millis,
) -> Result<(), Error> {
    lease
        .execute(
            "DELETE FROM sessions WHERE (project, sid) IN (SELECT project, sid FROM sessions \
             WHERE received < $1 ORDER BY received LIMIT $2)",
            &[&now.plus(-SESSION_AGE).0, &FORGOTTEN],
        )
        .await?;
    Ok(())
}

async fn write(lease: &mut Lease, changed: &BTreeMap<Name, Known<Place>>) -> Result<(), Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let (projects, sids): (Vec<_>, Vec<_>) = changed.keys().copied().unzip();
    let all = || changed.values();
    let people: Vec<_> = all().map(|known| known.user).collect();
    let sequences: Vec<_> = all().map(|known| big(known.sequence)).collect();
    let states: Vec<_> = all().map(|known| i16::from(known.told.code())).collect();
    let errors: Vec<_> = all().map(|known| big(known.errors)).collect();
    let started: Vec<_> = all()
        .map(|known| known.place.minute.saturating_mul(Millis::MINUTE))
        .collect();
    let received: Vec<_> = all().map(|known| known.received.0).collect();
    let durations: Vec<_> = all().map(|known| known.duration_ms.map(big)).collect();
    let releases: Vec<_> = all().map(|known| &known.place.release).collect();
    let environments: Vec<_> = all().map(|known| &known.place.environment).collect();
    let begun: Vec<_> = all().map(|known| known.begun).collect();
    lease
        .execute(
            include_str!("update_sessions.sql"),
            &[
                &projects,
                &sids,
                &people,
                &sequences,
                &states,
                &errors,
                &started,
                &received,
                &durations,
                &releases,
                &environments,
                &begun,
            ],
        )
        .await?;
    Ok(())
}
