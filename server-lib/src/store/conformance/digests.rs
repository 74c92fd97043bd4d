//! Batches of digest: all or nothing, once, and each event once.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use mini_sentry::ratelimit::DataCategory;

use super::data::{Feed, event_id, grouping, projects, row};
use super::{NOW, Place, missing, options, partitioned};
use crate::error::Error;
use crate::model::event::{EventKind, Level};
use crate::model::ids::{ProjectId, Seq};
use crate::model::outcome::Outcome;
use crate::model::time::Millis;
use crate::store::query::{EventFilter, OutcomeFilter, OutcomeRow, Page};
use crate::store::{Applied, Batch, Store};

fn all_of(project: ProjectId) -> EventFilter {
    EventFilter {
        projects: vec![project],
        ..EventFilter::default()
    }
}

async fn outcomes_of(store: &Store, project: ProjectId) -> Result<Vec<OutcomeRow>, Error> {
    let filter = OutcomeFilter {
        projects: vec![project],
        times: NOW.plus(-Millis::DAY)..=NOW.plus(Millis::DAY),
        interval_minutes: 3 * 24 * 60,
    };
    store.stats.outcomes(&filter).await
}

pub async fn a_new_store_stands_at_zero(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    assert_eq!(store.digests.position().await?, Seq(0));
    assert_eq!(store.upkeep.partitions().await?, []);
    Ok(())
}

pub async fn an_event_is_read_back_whole(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    feed.record();
    let seq = feed.event(project, |event| {
        event.facts.kind = EventKind::Csp;
        event.facts.level = Level::Fatal;
        event.facts.timestamp = NOW.plus(-123_456_789);
        event.facts.environment = "prod 'x' \u{1F980}".to_owned();
        event.facts.release = "r".repeat(5000);
        event.facts.user = Some(i64::MIN);
        event.facts.title = "title with a nul \u{1} and \u{7f}".to_owned();
    });
    let applied = feed.apply(&store).await?;
    let made = *applied.stored.first().ok_or_else(|| missing("an event"))?;
    let (stored, opened) = (made.seq, made.is_new);
    assert_eq!((stored, opened), (seq, true));
    assert_eq!(applied.duplicates, []);
    let given = feed.given().first().ok_or_else(|| missing("an event"))?;
    let expected = row(given, &made);
    assert_eq!(store.events.get(seq).await?, Some(expected.clone()));
    let listed = store.events.list(&all_of(project), Page::first(10)).await?;
    assert_eq!(listed, [expected]);
    assert_eq!(store.events.get(Seq(1)).await?, None);
    assert_eq!(store.events.get(Seq(99)).await?, None);
    Ok(())
}

pub async fn the_same_batch_again_changes_nothing(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    for _ in 0..3 {
        feed.event(project, |_| ());
    }
    let batch = feed.take();
    let first = store.digests.apply(batch.clone().into()).await?;
    assert_eq!(first.stored.len(), 3);
    let outcomes = outcomes_of(&store, project).await?;
    let again = store.digests.apply(batch.into()).await?;
    assert_eq!(again, Applied::default());
    assert_eq!(store.digests.position().await?, Seq(3));
    assert_eq!(store.events.count(&all_of(project)).await?, 3);
    assert_eq!(outcomes_of(&store, project).await?, outcomes);
    let issues = store.issues.list(&[project], Page::first(10)).await?;
    let counts: Vec<_> = issues.iter().map(|issue| issue.events).collect();
    assert_eq!(counts, [3]);
    Ok(())
}

pub async fn a_batch_of_nothing_moves_the_position(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let batch = Batch {
        first: Seq(1),
        last: Seq(7),
        received: NOW,
        ..Batch::default()
    };
    assert_eq!(store.digests.apply(batch.into()).await?.stored, []);
    assert_eq!(store.digests.position().await?, Seq(7));
    Ok(())
}

pub async fn the_position_outlives_the_handle(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    feed.event(project, |_| ());
    feed.event(project, |_| ());
    feed.apply(&store).await?;
    store.upkeep.close().await?;
    let store = place.open(options()).await?;
    assert_eq!(store.digests.position().await?, Seq(2));
    feed.event(project, |_| ());
    feed.apply(&store).await?;
    assert_eq!(store.digests.position().await?, Seq(3));
    assert_eq!(store.events.count(&all_of(project)).await?, 3);
    Ok(())
}

pub async fn the_second_event_of_an_id_is_not_stored(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(2)).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let first = feed.event(project, |event| event.event_id = event_id(77));
    let in_batch = feed.event(project, |event| event.event_id = event_id(77));
    let other = feed.event(project, |_| ());
    let applied = feed.apply(&store).await?;
    assert_eq!(applied.duplicates, [in_batch]);
    let stored: Vec<_> = applied.stored.iter().map(|one| one.seq).collect();
    assert_eq!(stored, [first, other]);

    feed.event(project, |_| ());
    let later = feed.event(project, |event| event.event_id = event_id(77));
    let applied = feed.apply(&store).await?;
    assert_eq!(applied.duplicates, [later]);

    let found = store.events.find(event_id(77), &[project]).await?;
    let found: Vec<_> = found.iter().map(|row| row.seq).collect();
    assert_eq!(found, [first]);
    assert_eq!(store.events.get(in_batch).await?, None);
    assert_eq!(store.events.get(later).await?, None);
    let dead = store.upkeep.dead(Seq(1)..=Seq(100)).await?;
    assert_eq!(dead.seqs, [in_batch, later]);
    Ok(())
}

pub async fn a_duplicate_is_found_after_reopening(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(10)).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    for _ in 0..5 {
        for _ in 0..20 {
            feed.event(project, |_| ());
        }
        feed.apply(&store).await?;
    }
    store.upkeep.close().await?;
    let store = place.open(partitioned(10)).await?;
    let again: Vec<_> = [1, 50, 100]
        .map(|number| feed.event(project, |event| event.event_id = event_id(number)))
        .into();
    let applied = feed.apply(&store).await?;
    assert_eq!(applied.duplicates, again);
    assert_eq!(applied.stored, []);
    Ok(())
}

pub async fn another_project_may_have_the_same_id(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let mut feed = Feed::new();
    for project in &made {
        feed.event(*project, |event| event.event_id = event_id(5));
    }
    let applied = feed.apply(&store).await?;
    assert_eq!(applied.duplicates, []);
    assert_eq!(applied.stored.len(), 2);
    let again: Vec<_> = made
        .iter()
        .map(|project| feed.event(*project, |event| event.event_id = event_id(5)))
        .collect();
    assert_eq!(feed.apply(&store).await?.duplicates, again);
    Ok(())
}

pub async fn a_duplicate_is_counted_as_invalid(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    for _ in 0..3 {
        feed.event(project, |event| event.event_id = event_id(9));
    }
    feed.event(project, |_| ());
    feed.apply(&store).await?;
    let mut counted: Vec<_> = outcomes_of(&store, project)
        .await?
        .into_iter()
        .map(|row| (row.category, row.outcome, row.reason, row.quantity))
        .collect();
    counted.sort_unstable();
    let duplicate = "duplicate".to_owned();
    let expected = [
        (DataCategory::Error, Outcome::Accepted, String::new(), 2),
        (DataCategory::Error, Outcome::Invalid, duplicate, 2),
    ];
    assert_eq!(counted, expected);
    Ok(())
}

pub async fn a_duplicate_leaves_issue_and_counts_alone(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    feed.event(project, |event| event.event_id = event_id(9));
    feed.apply(&store).await?;
    let before = store.issues.list(&[project], Page::first(10)).await?;
    feed.event(project, |event| event.event_id = event_id(9));
    feed.event(project, |event| {
        event.event_id = event_id(9);
        event.facts.grouping = grouping(2);
    });
    feed.apply(&store).await?;
    let after = store.issues.list(&[project], Page::first(10)).await?;
    assert_eq!(after, before);
    assert_eq!(store.events.count(&all_of(project)).await?, 1);
    let partitions = store.upkeep.partitions().await?;
    assert_eq!(partitions.iter().map(|one| one.events).sum::<u64>(), 1);
    Ok(())
}

pub async fn events_of_a_deleted_project_are_not_shown(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let [gone, kept] = *made else {
        return Err(missing("two projects"));
    };
    let mut feed = Feed::new();
    let first = feed.event(gone, |_| ());
    feed.event(kept, |_| ());
    feed.item(gone, |_| ());
    feed.apply(&store).await?;
    store.catalog.delete_project(gone).await?;
    assert_eq!(store.events.get(first).await?, None);
    assert_eq!(store.events.count(&all_of(gone)).await?, 0);

    let late = feed.event(gone, |_| ());
    feed.event(kept, |_| ());
    feed.apply(&store).await?;
    assert_eq!(store.events.get(late).await?, None);
    let both = EventFilter {
        projects: vec![gone, kept],
        ..EventFilter::default()
    };
    assert_eq!(store.events.count(&both).await?, 2);
    let listed = store.events.list(&both, Page::first(10)).await?;
    assert!(listed.iter().all(|row| row.project == kept), "{listed:?}");
    let found = store.events.find(event_id(first.0), &[gone, kept]).await?;
    assert_eq!(found, []);
    Ok(())
}
