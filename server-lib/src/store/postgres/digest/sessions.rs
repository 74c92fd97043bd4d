//! Sessions: how each stands, and those that SDKs have added up.

use std::collections::BTreeMap;

use super::super::pool::Lease;
use super::super::row::{Sixteen, big, count, get, indexed, int, text};
use crate::error::Error;
use crate::model::session::{SessionChange, SessionState, SessionTally};

type Name = (i32, Sixteen);

/// What decides whether an update counts.
struct Standing {
    sequence: i64,
    is_final: bool,
    errors: i64,
    started: i64,
    begun: bool,
}

/// Applies updates, in order. An update that is not after the last one, or that follows an end,
/// changes nothing but that the session has begun, where it tells that.
pub(super) async fn update(lease: &mut Lease, changes: &[SessionChange]) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut standing = standing(lease, changes).await?;
    let mut latest: BTreeMap<Name, &SessionChange> = BTreeMap::new();
    let mut begun = Vec::new();
    for change in changes {
        let name = name(change);
        let sequence = big(change.sequence);
        let before = standing.get_mut(&name);
        if let Some(before) = before
            && (before.is_final || before.sequence >= sequence)
        {
            if change.begins && !before.begun {
                before.begun = true;
                begun.push(name);
            }
            continue;
        }
        let before = standing.get(&name);
        // An errored session had an error, whatever the count says.
        let least = i64::from(change.state == SessionState::Errored);
        let errors = before.map_or(least, |before| before.errors.max(least));
        let now = Standing {
            sequence,
            is_final: change.state.is_final(),
            errors: errors.max(big(change.errors)),
            started: before.map_or(change.started.0, |before| before.started),
            begun: change.begins || before.is_some_and(|before| before.begun),
        };
        standing.insert(name, now);
        latest.insert(name, change);
    }
    begin(lease, &begun).await?;
    write(lease, &latest, &standing).await
}

/// Notes that sessions have begun of which only later updates had come.
async fn begin(lease: &mut Lease, begun: &[Name]) -> Result<(), Error> {
    if begun.is_empty() {
        return Ok(());
    }
    let (projects, sids): (Vec<_>, Vec<_>) = begun.iter().copied().unzip();
    lease
        .execute(
            "UPDATE sessions s SET begun = true \
             FROM unnest($1::integer[], $2::uuid[]) AS k (project, sid) \
             WHERE s.project = k.project AND s.sid = k.sid",
            &[&projects, &sids],
        )
        .await?;
    Ok(())
}

async fn standing(
    lease: &mut Lease,
    changes: &[SessionChange],
) -> Result<BTreeMap<Name, Standing>, Error> {
    let (projects, sids): (Vec<_>, Vec<_>) = changes.iter().map(name).unzip();
    let rows = lease
        .query(
            "SELECT DISTINCT s.project, s.sid, s.sequence, s.state, s.errors, s.started, s.begun \
             FROM unnest($1::integer[], $2::uuid[]) AS k (project, sid) \
             JOIN sessions s ON s.project = k.project AND s.sid = k.sid",
            &[&projects, &sids],
        )
        .await?;
    let mut standing = BTreeMap::new();
    for row in &rows {
        let state = super::super::row::coded(row, 3, SessionState::from_code)?;
        let found = Standing {
            sequence: big(count(row, 2)?),
            is_final: state.is_final(),
            errors: get(row, 4)?,
            started: get(row, 5)?,
            begun: get(row, 6)?,
        };
        standing.insert((get(row, 0)?, get(row, 1)?), found);
    }
    Ok(standing)
}

async fn write(
    lease: &mut Lease,
    latest: &BTreeMap<Name, &SessionChange>,
    standing: &BTreeMap<Name, Standing>,
) -> Result<(), Error> {
    let rows: Vec<_> = latest
        .iter()
        .filter_map(|(name, change)| Some((name, *change, standing.get(name)?)))
        .collect();
    let projects: Vec<_> = rows.iter().map(|(name, ..)| name.0).collect();
    let sids: Vec<_> = rows.iter().map(|(name, ..)| name.1).collect();
    let changes = || rows.iter().map(|(_, change, _)| *change);
    let people: Vec<_> = changes().map(|change| change.user).collect();
    let sequences: Vec<_> = rows.iter().map(|(.., now)| now.sequence).collect();
    let states: Vec<_> = changes()
        .map(|change| i16::from(change.state.code()))
        .collect();
    let errors: Vec<_> = rows.iter().map(|(.., now)| now.errors).collect();
    let started: Vec<_> = rows.iter().map(|(.., now)| now.started).collect();
    let received: Vec<_> = changes().map(|change| change.received.0).collect();
    let durations: Vec<_> = changes()
        .map(|change| change.duration_ms.map(big))
        .collect();
    let releases: Vec<_> = changes().map(|change| text(&change.release)).collect();
    let environments: Vec<_> = changes().map(|change| text(&change.environment)).collect();
    let begun: Vec<_> = rows.iter().map(|(.., now)| now.begun).collect();
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

/// Adds sessions that SDKs have added up.
pub(super) async fn add_tallies(lease: &mut Lease, tallies: &[SessionTally]) -> Result<(), Error> {
    let mut sums: BTreeMap<_, [i64; 4]> = BTreeMap::new();
    for tally in tallies {
        let key = (
            int(tally.project.0),
            tally.started.minute(),
            indexed(&tally.release),
            indexed(&tally.environment),
        );
        let more = [tally.exited, tally.errored, tally.abnormal, tally.crashed];
        for (sum, more) in sums.entry(key).or_default().iter_mut().zip(more) {
            *sum = sum.saturating_add(big(more));
        }
    }
    if sums.is_empty() {
        return Ok(());
    }
    let projects: Vec<_> = sums.keys().map(|key| key.0).collect();
    let minutes: Vec<_> = sums.keys().map(|key| key.1).collect();
    let releases: Vec<_> = sums.keys().map(|key| &key.2).collect();
    let environments: Vec<_> = sums.keys().map(|key| &key.3).collect();
    let [exited, errored, abnormal, crashed] =
        [0, 1, 2, 3].map(|place| column(sums.values(), place));
    lease
        .execute(
            include_str!("add_tallies.sql"),
            &[
                &projects,
                &minutes,
                &releases,
                &environments,
                &exited,
                &errored,
                &abnormal,
                &crashed,
            ],
        )
        .await?;
    Ok(())
}

fn column<'a>(rows: impl Iterator<Item = &'a [i64; 4]>, place: usize) -> Vec<i64> {
    rows.map(|row| row.get(place).copied().unwrap_or_default())
        .collect()
}

fn name(change: &SessionChange) -> Name {
    (int(change.project.0), Sixteen(change.sid))
}
