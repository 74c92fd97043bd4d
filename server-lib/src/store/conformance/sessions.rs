//! Who had sessions, how long these took, and how finely their sums are kept.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use super::data::{Feed, projects};
use super::stats::{change, totals, update};
use super::{NOW, Place, missing, opened_at, options, partitioned};
use crate::error::{Error, ErrorKind};
use crate::model::ids::ProjectId;
use crate::model::session::{Hang, SessionChange, SessionState, SessionTally};
use crate::model::time::Millis;
use crate::store::health::{DurationTotals, PeopleTotals, Split};
use crate::store::{Health, HealthFilter, HealthRow, Store};

const HOUR: i64 = 60 * Millis::MINUTE;

/// Asks for all sessions of a project around [`NOW`].
fn all(project: ProjectId, by: Split) -> HealthFilter {
    HealthFilter {
        projects: vec![project],
        times: NOW.plus(-500 * Millis::DAY)..=NOW.plus(Millis::DAY),
        releases: Vec::new(),
        environments: Vec::new(),
        interval_minutes: None,
        by,
        with_detail: true,
        most_groups: 100,
    }
}

async fn whole(store: &Store, project: ProjectId) -> Result<Health, Error> {
    let rows = store
        .releases
        .health(&all(project, Split::default()))
        .await?;
    Ok(rows.first().map(|row| row.whole).unwrap_or_default())
}

fn of(user: i64, change: SessionChange) -> SessionChange {
    SessionChange {
        user: Some(user),
        ..change
    }
}

fn in_release(release: &str, change: SessionChange) -> SessionChange {
    SessionChange {
        release: release.to_owned(),
        ..change
    }
}

fn tally(project: ProjectId, user: i64, started: Millis) -> SessionTally {
    SessionTally {
        project,
        started,
        user: Some(user),
        release: "1.0".to_owned(),
        environment: "production".to_owned(),
        exited: 1,
        errored: 0,
        abnormal: 0,
        crashed: 0,
    }
}

async fn tallied(store: &Store, feed: &mut Feed, tallies: Vec<SessionTally>) -> Result<(), Error> {
    feed.record();
    feed.batch().tallies = tallies;
    feed.apply(store).await.map(drop)
}

pub async fn a_person_is_counted_once_whatever_is_added_up(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let project = made.first().copied().unwrap_or_default();
    let other = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    let hung = SessionChange {
        hang: Some(Hang::InFront),
        ..change(project, 5, 0, SessionState::Abnormal)
    };
    let changes = vec![
        of(1, change(project, 1, 0, SessionState::Ok)),
        of(1, change(project, 2, 0, SessionState::Exited)),
        in_release("2.0", of(1, change(project, 3, 0, SessionState::Ok))),
        of(2, change(project, 4, 0, SessionState::Errored)),
        of(3, hung),
        SessionChange {
            user: None,
            ..change(project, 6, 0, SessionState::Crashed)
        },
        of(9, change(other, 1, 0, SessionState::Ok)),
    ];
    update(&store, &mut feed, changes).await?;
    // The end does not say whose it is; the beginning did.
    let end = SessionChange {
        user: None,
        ..change(project, 3, 1, SessionState::Crashed)
    };
    update(&store, &mut feed, vec![in_release("2.0", end)]).await?;
    let tallies = vec![tally(project, 1, NOW), tally(project, 4, NOW)];
    tallied(&store, &mut feed, tallies).await?;

    let expected = PeopleTotals {
        total: 4,
        healthy: 1,
        errored: 1,
        abnormal: 1,
        crashed: 1,
        hung: 1,
        hung_in_front: 1,
        is_exact: true,
    };
    assert_eq!(whole(&store, project).await?.people, expected);
    let by = Split {
        release: true,
        ..Split::default()
    };
    let rows = store.releases.health(&all(project, by)).await?;
    let told = |row: &HealthRow| (row.whole.people.total, row.whole.people.crashed);
    assert_eq!(rows.iter().map(told).collect::<Vec<_>>(), [(4, 0), (1, 1)]);
    let both = HealthFilter {
        projects: made.clone(),
        interval_minutes: Some(60),
        ..all(project, Split::default())
    };
    let rows = store.releases.health(&both).await?;
    let row = rows.first().ok_or_else(|| missing("sums"))?;
    assert_eq!((row.whole.people.total, row.series.len()), (5, 1));
    let few = HealthFilter {
        most_groups: 1,
        ..all(project, by)
    };
    let refused = store
        .releases
        .health(&few)
        .await
        .map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::Invalid));
    Ok(())
}

pub async fn many_people_are_estimated(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    for batch in 0..4 {
        let people = batch * 500..(batch + 2) * 500;
        let tallies = people.map(|user| tally(project, user, NOW.plus(batch * HOUR / 10)));
        tallied(&store, &mut feed, tallies.collect()).await?;
    }
    let health = whole(&store, project).await?;
    assert_eq!(health.sessions.total, 4000);
    assert!(!health.people.is_exact);
    assert!(health.people.total.abs_diff(2500) < 250, "{health:?}");
    assert_eq!(health.people.crashed, 0);
    Ok(())
}

pub async fn sessions_that_ended_well_tell_how_long_they_took(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let long = |ms, change| SessionChange {
        duration_ms: Some(ms),
        ..change
    };
    let changes = vec![
        long(1, change(project, 1, 0, SessionState::Ok)),
        long(10, change(project, 1, 1, SessionState::Exited)),
        long(30, change(project, 2, 0, SessionState::Exited)),
        long(900, change(project, 3, 0, SessionState::Crashed)),
        long(900, change(project, 4, 0, SessionState::Ok)),
    ];
    update(&store, &mut feed, changes).await?;
    // What comes after the end does not count.
    let late = long(5000, change(project, 2, 1, SessionState::Exited));
    update(&store, &mut feed, vec![late]).await?;
    let expected = DurationTotals {
        avg: 20.0,
        p50: 10,
        p75: 30,
        p90: 30,
        p95: 30,
        p99: 30,
        max: 30,
    };
    let told = whole(&store, project).await?;
    assert_eq!(told.durations, Some(expected));
    let without = HealthFilter {
        with_detail: false,
        ..all(project, Split::default())
    };
    let rows = store.releases.health(&without).await?;
    assert!(rows.iter().all(|row| row.whole.durations.is_none()));
    Ok(())
}

pub async fn an_erased_person_is_in_no_sum(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let project = made.first().copied().unwrap_or_default();
    let other = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    let changes = vec![
        of(1, change(project, 1, 0, SessionState::Exited)),
        of(2, change(project, 2, 0, SessionState::Crashed)),
        of(1, change(other, 1, 0, SessionState::Exited)),
    ];
    update(&store, &mut feed, changes).await?;
    // More rows than are looked at in one step, some without people.
    let minutes = (0..1100).map(|minute| SessionTally {
        user: (minute % 2 == 0).then_some(1 + minute % 4),
        ..tally(project, 0, NOW.plus(-minute * Millis::MINUTE))
    });
    tallied(&store, &mut feed, minutes.collect()).await?;
    assert_eq!(whole(&store, project).await?.people.total, 3);
    assert_eq!(store.upkeep.erase_user(project, 1).await?, 1);
    let left = whole(&store, project).await?;
    assert_eq!((left.people.total, left.people.crashed), (2, 1));
    assert_eq!((left.sessions.total, left.durations), (1101, None));
    assert_eq!(whole(&store, other).await?.people.total, 1);
    assert_eq!(store.upkeep.check().await?, [""; 0]);
    Ok(())
}

pub async fn old_sessions_are_forgotten_and_stay_counted(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let changes = vec![
        of(1, change(project, 1, 0, SessionState::Crashed)),
        SessionChange {
            received: NOW.plus(2 * Millis::DAY),
            ..of(2, change(project, 2, 0, SessionState::Errored))
        },
    ];
    update(&store, &mut feed, changes).await?;
    let counted = totals(&store, project).await?;
    let health = whole(&store, project).await?;
    store.upkeep.close().await?;

    let store = place.open(opened_at(NOW.plus(11 * Millis::DAY))).await?;
    assert_eq!(store.upkeep.sweep(100).await?, 0);
    assert_eq!(store.stats.session(project, [1; 16]).await?, None);
    let state = store.stats.session(project, [2; 16]).await?;
    assert_eq!(state, Some(SessionState::Errored));
    assert_eq!(totals(&store, project).await?, counted);
    assert_eq!(whole(&store, project).await?, health);

    // What moves now, moves where it is counted.
    let crash = of(2, change(project, 2, 1, SessionState::Crashed));
    update(&store, &mut feed, vec![crash]).await?;
    let health = whole(&store, project).await?;
    assert_eq!((health.sessions.total, health.sessions.crashed), (2, 2));
    assert_eq!((health.sessions.errored, health.people.crashed), (0, 2));
    Ok(())
}

pub async fn old_sums_are_kept_by_the_hour_then_by_the_day_and_then_not(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let day = Millis(NOW.0 - NOW.0.rem_euclid(Millis::DAY));
    let minutes = [1, 2, 61, 62, 63, 24 * 60 + 5];
    let tallies = minutes
        .iter()
        .zip(1..)
        .map(|(minute, user)| tally(project, user % 3, day.plus(minute * Millis::MINUTE)));
    tallied(&store, &mut feed, tallies.collect()).await?;
    store.upkeep.close().await?;

    let first = Millis(day.0);
    let shown = async |at: Millis| {
        let store = place.open(opened_at(at)).await?;
        assert_eq!(store.upkeep.sweep(100).await?, 0);
        let filter = HealthFilter {
            times: first..=first.plus(10 * Millis::DAY),
            interval_minutes: Some(1),
            ..all(project, Split::default())
        };
        let rows = store.releases.health(&filter).await?;
        store.upkeep.close().await?;
        let series = rows.iter().flat_map(|row| &row.series);
        let told = |(at, health): &(Millis, Health)| {
            let minute = at.since(first) / Millis::MINUTE;
            (minute, health.sessions.total, health.people.total)
        };
        Ok::<_, Error>(series.map(told).collect::<Vec<_>>())
    };
    let later = |days: i64| first.plus(days * Millis::DAY);
    let after_days = shown(later(4)).await?;
    assert_eq!(after_days, [(0, 2, 2), (60, 3, 3), (24 * 60 + 5, 1, 1)]);
    let after_weeks = shown(later(31)).await?;
    assert_eq!(after_weeks, [(0, 5, 3), (24 * 60, 1, 1)]);

    // What comes late is put where its day is.
    let store = place.open(options()).await?;
    let late = tally(project, 8, day.plus(62 * Millis::MINUTE));
    tallied(&store, &mut feed, vec![late]).await?;
    store.upkeep.close().await?;
    let after_weeks = shown(later(31)).await?;
    assert_eq!(after_weeks, [(0, 6, 4), (24 * 60, 1, 1)]);
    assert_eq!(shown(later(402)).await?, []);
    Ok(())
}

pub async fn items_fill_a_partition_too(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(6)).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let mut items = Vec::new();
    for _ in 0..4 {
        for _ in 0..3 {
            items.push(feed.item(project, |_| ()));
        }
        feed.event(project, |_| ());
        feed.apply(&store).await?;
    }
    let partitions = store.upkeep.partitions().await?;
    let events: Vec<_> = partitions
        .iter()
        .map(|partition| partition.events)
        .collect();
    assert_eq!(events, [2, 2]);
    // What is erased makes room again.
    assert_eq!(store.upkeep.erase(&items).await?, 12);
    assert_eq!(store.upkeep.check().await?, [""; 0]);
    feed.event(project, |_| ());
    feed.apply(&store).await?;
    assert_eq!(store.upkeep.partitions().await?.len(), 2);
    Ok(())
}
