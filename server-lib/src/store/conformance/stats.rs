//! Outcomes and sessions.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use mini_sentry::ratelimit::DataCategory;

use super::data::{Feed, projects};
use super::{NOW, Place, options};
use crate::error::Error;
use crate::model::ids::{KeyId, ProjectId};
use crate::model::outcome::{Outcome, OutcomeCount};
use crate::model::session::{SessionChange, SessionState, SessionTally};
use crate::model::time::Millis;
use crate::store::query::OutcomeFilter;
use crate::store::{SessionTotals, Store};

fn outcome(project: ProjectId, at: Millis, reason: &str, quantity: u64) -> OutcomeCount {
    OutcomeCount {
        project,
        key: Some(KeyId(1)),
        at,
        category: DataCategory::Error,
        outcome: Outcome::RateLimited,
        reason: reason.to_owned(),
        quantity,
    }
}

pub async fn outcomes_of_a_minute_add_up(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let one = made.first().copied().unwrap_or_default();
    let two = made.last().copied().unwrap_or_default();
    let minute = Millis(NOW.minute() * Millis::MINUTE);
    let mut filtered = outcome(one, minute, "it's \u{1F980}", 7);
    filtered.outcome = Outcome::Filtered;
    filtered.category = DataCategory::Attachment;
    let mut keyless = outcome(one, minute.plus(1), "key_quota", 4);
    keyless.key = None;
    let counts = [
        outcome(one, minute, "key_quota", 1),
        outcome(one, minute.plus(59_999), "key_quota", 2),
        outcome(one, minute.plus(60_000), "key_quota", 100),
        outcome(two, minute, "key_quota", 1000),
        keyless,
        filtered,
    ];
    store.stats.add_outcomes(&counts).await?;
    store
        .stats
        .add_outcomes(&[outcome(one, minute, "key_quota", 8)])
        .await?;
    store.stats.add_outcomes(&[]).await?;

    // The same in a batch.
    let mut feed = Feed::new();
    feed.record();
    feed.batch()
        .outcomes
        .push(outcome(one, minute, "key_quota", 16));
    feed.apply(&store).await?;

    let filter = OutcomeFilter {
        projects: vec![one],
        times: minute..=minute.plus(59_999),
        interval_minutes: 1,
    };
    let mut rows = store.stats.outcomes(&filter).await?;
    rows.sort_by_key(|row| row.category);
    let rows: Vec<_> = (rows.iter())
        .map(|row| {
            (
                row.at,
                row.category,
                row.outcome,
                row.reason.as_str(),
                row.quantity,
            )
        })
        .collect();
    let expected = [
        (
            minute,
            DataCategory::Error,
            Outcome::RateLimited,
            "key_quota",
            31,
        ),
        (
            minute,
            DataCategory::Attachment,
            Outcome::Filtered,
            "it's \u{1F980}",
            7,
        ),
    ];
    assert_eq!(rows, expected);
    let none = OutcomeFilter {
        projects: Vec::new(),
        ..filter
    };
    assert_eq!(store.stats.outcomes(&none).await?, []);
    Ok(())
}

pub async fn outcomes_are_summed_by_interval(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let hour = Millis(NOW.0.div_euclid(3_600_000) * 3_600_000);
    let counts: Vec<_> = (0..180)
        .map(|minute| outcome(project, hour.plus(minute * Millis::MINUTE), "disabled", 1))
        .collect();
    store.stats.add_outcomes(&counts).await?;
    let filter = OutcomeFilter {
        projects: vec![project],
        times: hour.plus(30 * Millis::MINUTE)..=hour.plus(3 * 60 * Millis::MINUTE),
        interval_minutes: 60,
    };
    let rows = store.stats.outcomes(&filter).await?;
    let mut rows: Vec<_> = rows.iter().map(|row| (row.at, row.quantity)).collect();
    rows.sort_unstable();
    let second = hour.plus(60 * Millis::MINUTE);
    let third = hour.plus(120 * Millis::MINUTE);
    assert_eq!(rows, [(hour, 30), (second, 60), (third, 60)]);
    Ok(())
}

/// Makes an update of a session of user 42.
pub(super) fn change(
    project: ProjectId,
    sid: u8,
    sequence: u64,
    state: SessionState,
) -> SessionChange {
    SessionChange {
        project,
        sid: [sid; 16],
        user: Some(42),
        begins: true,
        sequence,
        state,
        errors: 0,
        started: NOW,
        received: NOW.plus(i64::try_from(sequence).unwrap_or(0)),
        duration_ms: Some(5),
        hang: None,
        release: "1.0".to_owned(),
        environment: "production".to_owned(),
    }
}

/// Applies updates as one batch.
pub(super) async fn update(
    store: &Store,
    feed: &mut Feed,
    changes: Vec<SessionChange>,
) -> Result<(), Error> {
    for change in changes {
        feed.record();
        feed.batch().sessions.push(change);
    }
    feed.apply(store).await.map(drop)
}

/// Sums the sessions of the days around [`NOW`].
pub(super) async fn totals(store: &Store, project: ProjectId) -> Result<SessionTotals, Error> {
    let times = NOW.plus(-Millis::DAY)..=NOW.plus(Millis::DAY);
    store.stats.session_totals(project, times).await
}

pub async fn a_session_is_counted_once_and_moves(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let one = made.first().copied().unwrap_or_default();
    let two = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    assert_eq!(store.stats.session(one, [1; 16]).await?, None);
    let changes = vec![
        change(one, 1, 0, SessionState::Ok),
        change(one, 2, 0, SessionState::Ok),
        change(one, 2, 1, SessionState::Crashed),
        change(two, 1, 0, SessionState::Ok),
    ];
    update(&store, &mut feed, changes).await?;
    let counted = totals(&store, one).await?;
    assert_eq!((counted.total, counted.crashed), (2, 1));
    let state = store.stats.session(one, [1; 16]).await?;
    assert_eq!(state, Some(SessionState::Ok));

    update(
        &store,
        &mut feed,
        vec![change(one, 1, 1, SessionState::Abnormal)],
    )
    .await?;
    let expected = SessionTotals {
        total: 2,
        errored: 0,
        abnormal: 1,
        crashed: 1,
    };
    assert_eq!(totals(&store, one).await?, expected);
    assert_eq!(totals(&store, two).await?.total, 1);
    let state = store.stats.session(two, [1; 16]).await?;
    assert_eq!(state, Some(SessionState::Ok));
    Ok(())
}

pub async fn a_final_state_stays(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let ends = [
        SessionState::Exited,
        SessionState::Abnormal,
        SessionState::Crashed,
    ];
    for (sid, end) in (1..).zip(ends) {
        update(&store, &mut feed, vec![change(project, sid, 3, end)]).await?;
        let late = vec![
            change(project, sid, 4, SessionState::Ok),
            change(project, sid, 5, SessionState::Crashed),
        ];
        update(&store, &mut feed, late).await?;
        let state = store.stats.session(project, [sid; 16]).await?;
        assert_eq!(state, Some(end));
    }
    let expected = SessionTotals {
        total: 3,
        errored: 0,
        abnormal: 1,
        crashed: 1,
    };
    assert_eq!(totals(&store, project).await?, expected);
    Ok(())
}

pub async fn an_old_update_changes_nothing(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let changes = vec![
        change(project, 1, 5, SessionState::Errored),
        change(project, 1, 0, SessionState::Ok),
        change(project, 1, 5, SessionState::Crashed),
        change(project, 1, 2, SessionState::Abnormal),
    ];
    update(&store, &mut feed, changes).await?;
    let state = store.stats.session(project, [1; 16]).await?;
    assert_eq!(state, Some(SessionState::Errored));
    let expected = SessionTotals {
        total: 1,
        errored: 1,
        abnormal: 0,
        crashed: 0,
    };
    assert_eq!(totals(&store, project).await?, expected);
    Ok(())
}

pub async fn a_session_with_errors_counts_as_errored(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let mut running = change(project, 1, 0, SessionState::Ok);
    running.errors = 2;
    update(&store, &mut feed, vec![running]).await?;
    assert_eq!(totals(&store, project).await?.errored, 1);
    let state = store.stats.session(project, [1; 16]).await?;
    assert_eq!(state, Some(SessionState::Errored));

    // An end that forgets the errors does not undo them.
    update(
        &store,
        &mut feed,
        vec![change(project, 1, 1, SessionState::Exited)],
    )
    .await?;
    assert_eq!(totals(&store, project).await?.errored, 1);
    let late = vec![change(project, 1, 2, SessionState::Crashed)];
    update(&store, &mut feed, late).await?;
    assert_eq!(totals(&store, project).await?.crashed, 0);

    // One that crashes after errors is crashed only.
    let mut errors = change(project, 2, 0, SessionState::Ok);
    errors.errors = 1;
    let mut crash = change(project, 2, 1, SessionState::Crashed);
    crash.errors = 2;
    update(&store, &mut feed, vec![errors, crash]).await?;
    let expected = SessionTotals {
        total: 2,
        errored: 1,
        abnormal: 0,
        crashed: 1,
    };
    assert_eq!(totals(&store, project).await?, expected);
    Ok(())
}

pub async fn tallies_and_updates_add_up(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let tally = SessionTally {
        project,
        started: NOW,
        user: None,
        release: "1.0".to_owned(),
        environment: "production".to_owned(),
        exited: 1000,
        errored: 200,
        abnormal: 30,
        crashed: 4,
    };
    feed.record();
    feed.batch().tallies = vec![tally.clone(), tally];
    feed.apply(&store).await?;
    update(
        &store,
        &mut feed,
        vec![change(project, 1, 0, SessionState::Crashed)],
    )
    .await?;
    let expected = SessionTotals {
        total: 2469,
        errored: 400,
        abnormal: 60,
        crashed: 9,
    };
    assert_eq!(totals(&store, project).await?, expected);
    Ok(())
}

pub async fn sessions_are_counted_when_they_began(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let minute = Millis(NOW.minute() * Millis::MINUTE);
    let mut feed = Feed::new();
    let mut begin = change(project, 1, 0, SessionState::Ok);
    begin.started = minute.plus(1000);
    let mut end = change(project, 1, 1, SessionState::Crashed);
    end.started = minute.plus(10 * Millis::MINUTE);
    update(&store, &mut feed, vec![begin, end]).await?;
    let of_minute = async |first: Millis| {
        let times = first..=first.plus(Millis::MINUTE - 1);
        store.stats.session_totals(project, times).await
    };
    assert_eq!(of_minute(minute).await?.crashed, 1);
    let later = of_minute(minute.plus(10 * Millis::MINUTE)).await?;
    assert_eq!(later, SessionTotals::default());
    Ok(())
}

pub async fn a_session_is_in_the_total_once_its_beginning_was_told(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let later = |sid, sequence, state| SessionChange {
        begins: false,
        ..change(project, sid, sequence, state)
    };
    let changes = vec![
        later(1, 5, SessionState::Crashed),
        later(2, 5, SessionState::Errored),
        later(3, 5, SessionState::Ok),
    ];
    update(&store, &mut feed, changes).await?;
    let mut expected = SessionTotals {
        total: 0,
        errored: 1,
        abnormal: 0,
        crashed: 1,
    };
    assert_eq!(totals(&store, project).await?, expected);

    // The beginning comes late, and twice, and changes nothing else.
    for _ in 0..2 {
        let begin = |sid| change(project, sid, 0, SessionState::Ok);
        update(&store, &mut feed, vec![begin(1), begin(3), begin(3)]).await?;
        expected.total = 2;
        assert_eq!(totals(&store, project).await?, expected);
    }
    let state = store.stats.session(project, [1; 16]).await?;
    assert_eq!(state, Some(SessionState::Crashed));

    // In one batch, in either order.
    let changes = vec![
        later(4, 2, SessionState::Exited),
        change(project, 4, 0, SessionState::Ok),
        change(project, 5, 0, SessionState::Ok),
        later(5, 1, SessionState::Abnormal),
        later(2, 6, SessionState::Exited),
    ];
    update(&store, &mut feed, changes).await?;
    expected.total = 4;
    expected.abnormal = 1;
    assert_eq!(totals(&store, project).await?, expected);
    Ok(())
}
