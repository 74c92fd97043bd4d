//! Partitions, hiding, erasing and sweeping.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use std::time::Duration;

use super::data::{Feed, event_id, projects};
use super::{NOW, Place, assert_refused, missing, options, partitioned};
use crate::error::{Error, ErrorKind};
use crate::model::ids::{ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::Store;
use crate::store::query::{EventFilter, ItemFilter, Page};

const ALL: std::ops::RangeInclusive<Seq> = Seq(0)..=Seq(i64::MAX as u64);

/// Returns the places of a project's visible events and items, oldest first.
async fn visible(store: &Store, project: ProjectId) -> Result<(Vec<u64>, Vec<u64>), Error> {
    let events = EventFilter {
        projects: vec![project],
        ..EventFilter::default()
    };
    let items = ItemFilter {
        projects: vec![project],
        ..ItemFilter::default()
    };
    let rows = store.events.list(&events, Page::first(10_000)).await?;
    assert_eq!(store.events.count(&events).await?, rows.len() as u64);
    let mut events: Vec<_> = rows.iter().map(|row| row.seq.0).collect();
    events.sort_unstable();
    let rows = store.events.items(&items, Page::first(10_000)).await?;
    let mut items: Vec<_> = rows.iter().map(|row| row.seq.0).collect();
    items.sort_unstable();
    Ok((events, items))
}

/// Writes batches of ten events of the project each.
async fn batches(
    store: &Store,
    feed: &mut Feed,
    project: ProjectId,
    count: u32,
) -> Result<(), Error> {
    for _ in 0..count {
        for _ in 0..10 {
            feed.event(project, |_| ());
        }
        feed.apply(store).await?;
    }
    Ok(())
}

pub async fn a_full_partition_is_followed_by_another(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(20)).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    batches(&store, &mut feed, project, 6).await?;
    let partitions = store.upkeep.partitions().await?;
    assert_eq!(partitions.iter().map(|one| one.events).sum::<u64>(), 60);
    assert!(partitions.len() >= 3, "{partitions:?}");
    assert_eq!(partitions.first().map(|one| one.first), Some(Seq(1)));
    assert_eq!(partitions.last().map(|one| one.last), Some(Seq(60)));
    for (one, next) in partitions.iter().zip(partitions.iter().skip(1)) {
        assert_eq!(one.last.next(), next.first, "{partitions:?}");
        assert!(one.id != next.id && one.newest < next.opened);
        assert!(one.opened < one.newest && one.events <= 30);
    }
    Ok(())
}

pub async fn an_old_partition_is_followed_by_another(place: &dyn Place) -> Result<(), Error> {
    let mut options = options();
    options.partition_age = Duration::from_secs(60);
    let store = place.open(options).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    for second in [0, 59, 61, 90, 200] {
        feed.event(project, |event| event.received = NOW.plus(second * 1000));
        feed.apply(&store).await?;
    }
    let partitions = store.upkeep.partitions().await?;
    let seqs: Vec<_> = partitions
        .iter()
        .map(|one| (one.first.0, one.last.0))
        .collect();
    assert_eq!(seqs, [(1, 2), (3, 4), (5, 5)]);
    let times: Vec<_> = partitions.iter().map(|one| one.newest.since(NOW)).collect();
    assert_eq!(times, [59_000, 90_000, 200_000]);
    Ok(())
}

pub async fn a_dropped_partition_is_gone(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(10)).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    feed.item(project, |_| ());
    batches(&store, &mut feed, project, 3).await?;
    let partitions = store.upkeep.partitions().await?;
    let first = partitions.first().ok_or_else(|| missing("a partition"))?;
    store.upkeep.drop_partition(first.id).await?;
    let left = store.upkeep.partitions().await?;
    assert_eq!(left.as_slice(), partitions.get(1..).unwrap_or_default());
    let (events, items) = visible(&store, project).await?;
    assert_eq!(events, (first.last.0 + 1..=31).collect::<Vec<_>>());
    assert_eq!(items, [0; 0]);
    assert_eq!(store.events.get(Seq(2)).await?, None);
    assert_eq!(store.events.find(event_id(2), &[project]).await?, []);
    assert_refused(
        store.upkeep.drop_partition(first.id).await,
        ErrorKind::NotFound,
    );
    assert_eq!(store.upkeep.check().await?, [""; 0]);
    Ok(())
}

pub async fn the_last_partition_is_not_dropped(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(10)).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    batches(&store, &mut Feed::new(), project, 2).await?;
    let partitions = store.upkeep.partitions().await?;
    let last = partitions.last().ok_or_else(|| missing("a partition"))?;
    assert_refused(
        store.upkeep.drop_partition(last.id).await,
        ErrorKind::Conflict,
    );
    assert_eq!(store.upkeep.partitions().await?, partitions);
    Ok(())
}

pub async fn hidden_events_and_items_are_not_shown(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(10)).await?;
    let made = projects(&store, 2).await?;
    let project = made.first().copied().unwrap_or_default();
    let other = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    for _ in 0..4 {
        for _ in 0..5 {
            feed.event(project, |_| ());
            feed.item(project, |_| ());
            feed.event(other, |_| ());
        }
        feed.apply(&store).await?;
    }
    store.upkeep.hide_before(project, NOW.plus(22)).await?;
    let shown = visible(&store, project).await?;
    let events: Vec<_> = (1..=60).step_by(3).filter(|seq| *seq > 22).collect();
    let items: Vec<_> = (2..=60).step_by(3).filter(|seq| *seq > 22).collect();
    assert_eq!(shown, (events, items));
    assert_eq!(visible(&store, other).await?.0.len(), 20);
    assert_eq!(store.events.get(Seq(22)).await?, None);
    assert_eq!(store.events.find(event_id(1), &[project]).await?, []);
    assert!(store.events.get(Seq(25)).await?.is_some());

    // A mark further back does not bring anything to light.
    store.upkeep.hide_before(project, NOW).await?;
    assert_eq!(visible(&store, project).await?, shown);
    let dead = store.upkeep.dead(ALL).await?;
    assert_eq!(dead.projects, [(project, NOW.plus(22))]);
    while store.upkeep.sweep(4).await? > 0 {}
    assert_eq!(visible(&store, project).await?, shown);
    assert_eq!(store.upkeep.dead(ALL).await?.projects, dead.projects);
    Ok(())
}

pub async fn the_arrival_of_the_nth_newest_event_is_known(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(10)).await?;
    let made = projects(&store, 2).await?;
    let project = made.first().copied().unwrap_or_default();
    let other = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    for _ in 0..5 {
        for _ in 0..5 {
            feed.event(project, |event| event.facts.timestamp = NOW.plus(-5));
            feed.event(other, |_| ());
        }
        feed.apply(&store).await?;
    }
    for (newer, seq) in [(0, 49), (1, 47), (7, 35), (24, 1)] {
        let received = store.upkeep.received_of_nth(project, newer).await?;
        assert_eq!(received, Some(NOW.plus(seq)), "{newer}");
    }
    for newer in [25, 26, u64::MAX] {
        assert_eq!(store.upkeep.received_of_nth(project, newer).await?, None);
    }
    // What is hidden does not count.
    store.upkeep.hide_before(project, NOW.plus(41)).await?;
    assert_eq!(
        store.upkeep.received_of_nth(project, 3).await?,
        Some(NOW.plus(43))
    );
    assert_eq!(store.upkeep.received_of_nth(project, 4).await?, None);
    Ok(())
}

pub async fn erased_events_are_gone_and_marked(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(10)).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    batches(&store, &mut feed, project, 3).await?;
    let item = feed.item(project, |_| ());
    feed.apply(&store).await?;
    let erased = store
        .upkeep
        .erase(&[Seq(3), Seq(30), item, Seq(99)])
        .await?;
    assert_eq!(erased, 3);
    assert_eq!(store.upkeep.erase(&[Seq(3), Seq(30), item]).await?, 0);
    let (events, items) = visible(&store, project).await?;
    assert_eq!((events.len(), items.len()), (28, 0));
    assert!(!events.contains(&3) && !events.contains(&30));
    assert_eq!(store.events.get(Seq(3)).await?, None);
    assert_eq!(store.events.find(event_id(3), &[project]).await?, []);
    let dead = store.upkeep.dead(ALL).await?;
    assert_eq!(dead.seqs, [Seq(3), Seq(30), item]);
    assert_eq!(store.upkeep.dead(Seq(4)..=Seq(30)).await?.seqs, [Seq(30)]);
    Ok(())
}

pub async fn an_erased_event_takes_its_attachments_along(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(2)).await?;
    let made = projects(&store, 2).await?;
    let project = made.first().copied().unwrap_or_default();
    let other = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    let event = feed.event(project, |event| event.event_id = event_id(5));
    let with = feed.item(project, |item| item.event_id = event_id(5));
    feed.apply(&store).await?;
    feed.event(other, |event| event.event_id = event_id(5));
    let others = feed.item(other, |item| item.event_id = event_id(5));
    feed.apply(&store).await?;
    let later = feed.item(project, |item| item.event_id = event_id(5));
    let unrelated = feed.item(project, |_| ());
    feed.apply(&store).await?;
    assert!(store.upkeep.erase(&[event]).await? >= 1);
    assert_eq!(visible(&store, project).await?, (vec![], vec![unrelated.0]));
    assert_eq!(visible(&store, other).await?.1, [others.0]);
    let dead = store.upkeep.dead(ALL).await?;
    assert_eq!(dead.seqs, [event, with, later]);
    Ok(())
}

pub async fn the_events_of_a_user_are_erased(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(20)).await?;
    let made = projects(&store, 2).await?;
    let project = made.first().copied().unwrap_or_default();
    let other = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    for index in 0..60 {
        let owner = if index % 3 == 0 { other } else { project };
        feed.event(owner, |event| {
            event.facts.user = (index % 5 != 0).then_some(i64::from(index) % 5);
        });
        if index % 10 == 9 {
            feed.apply(&store).await?;
        }
    }
    let is_hit = |index: &u64| !index.is_multiple_of(3) && index % 5 == 2;
    let expected: Vec<_> = (0..60).filter(is_hit).map(|index| Seq(index + 1)).collect();
    let erased = store.upkeep.erase_user(project, 2).await?;
    assert_eq!(erased, expected.len() as u64);
    assert_eq!(store.upkeep.erase_user(project, 2).await?, 0);
    assert_eq!(store.upkeep.dead(ALL).await?.seqs, expected);
    assert_eq!(visible(&store, project).await?.0.len(), 40 - expected.len());
    assert_eq!(visible(&store, other).await?.0.len(), 20);
    Ok(())
}

pub async fn sweeping_removes_what_is_hidden_and_ends(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(1000)).await?;
    let made = projects(&store, 2).await?;
    let project = made.first().copied().unwrap_or_default();
    let mut feed = Feed::new();
    for _ in 0..50 {
        for project in &made {
            feed.event(*project, |_| ());
        }
    }
    feed.apply(&store).await?;
    assert_eq!(store.upkeep.sweep(1000).await?, 0);
    store.upkeep.hide_before(project, NOW.plus(60)).await?;
    let mut removed = 0;
    loop {
        let step = store.upkeep.sweep(8).await?;
        assert!(step <= 8);
        if step == 0 {
            break;
        }
        removed += step;
    }
    assert_eq!(removed, 30);
    let partitions = store.upkeep.partitions().await?;
    assert_eq!(partitions.iter().map(|one| one.events).sum::<u64>(), 70);
    // Hidden later, swept again.
    store.upkeep.hide_before(project, NOW.plus(80)).await?;
    assert_eq!(store.upkeep.sweep(1000).await?, 10);
    assert_eq!(store.upkeep.sweep(1000).await?, 0);
    Ok(())
}

pub async fn arrivals_out_of_order_are_hidden_and_swept(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(4)).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let mut kept = Vec::new();
    // Each batch is a partition, and half of its records began before those of the one before.
    for batch in 0..3 {
        for record in 0..4 {
            let early = record % 2 == 0;
            let at = if early { batch } else { 100 + batch };
            let seq = feed.event(project, |event| event.received = NOW.plus(at));
            if at > 50 {
                kept.push(seq.0);
            }
        }
        feed.apply(&store).await?;
    }
    store.upkeep.hide_before(project, NOW.plus(50)).await?;
    assert_eq!(visible(&store, project).await?.0, kept);
    assert_eq!(store.upkeep.sweep(100).await?, 6);
    assert_eq!(store.upkeep.sweep(100).await?, 0);
    assert_eq!(visible(&store, project).await?.0, kept);
    assert_eq!(store.upkeep.check().await?, [""; 0]);
    Ok(())
}

pub async fn a_deleted_project_is_dead(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(10)).await?;
    let made = projects(&store, 2).await?;
    let gone = made.first().copied().unwrap_or_default();
    let kept = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    batches(&store, &mut feed, gone, 2).await?;
    batches(&store, &mut feed, kept, 2).await?;
    store.upkeep.hide_before(gone, NOW.plus(3)).await?;
    store.catalog.delete_project(gone).await?;
    let dead = store.upkeep.dead(ALL).await?;
    assert_eq!(dead.projects, [(gone, Millis(i64::MAX))]);
    assert_eq!(visible(&store, gone).await?.0, [0; 0]);
    let mut removed = 0;
    loop {
        let step = store.upkeep.sweep(6).await?;
        if step == 0 {
            break;
        }
        removed += step;
    }
    assert!(removed >= 20, "{removed}");
    assert_eq!(visible(&store, kept).await?.0.len(), 20);
    // Bodies are still there until compaction, so the mark stays.
    assert_eq!(store.upkeep.dead(ALL).await?.projects, dead.projects);
    Ok(())
}

pub async fn buried_marks_are_forgotten(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    batches(&store, &mut Feed::new(), project, 2).await?;
    let erased = [Seq(2), Seq(5), Seq(9), Seq(12)];
    store.upkeep.erase(&erased).await?;
    store.upkeep.buried(Seq(3)..=Seq(9)).await?;
    assert_eq!(store.upkeep.dead(ALL).await?.seqs, [Seq(2), Seq(12)]);
    assert_eq!(store.events.get(Seq(5)).await?, None);
    Ok(())
}

pub async fn a_healthy_store_has_no_findings(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(10)).await?;
    assert_eq!(store.upkeep.check().await?, [""; 0]);
    let made = projects(&store, 2).await?;
    let mut feed = Feed::new();
    for project in &made {
        feed.item(*project, |_| ());
        batches(&store, &mut feed, *project, 2).await?;
    }
    let first = made.first().copied().unwrap_or_default();
    store.upkeep.hide_before(first, NOW.plus(5)).await?;
    store.upkeep.erase(&[Seq(8)]).await?;
    assert_eq!(store.upkeep.check().await?, [""; 0]);
    let space = store.upkeep.space().await?;
    assert!(space.iter().map(|(_, bytes)| *bytes).sum::<u64>() > 0);
    assert!(
        space.is_sorted_by(|(_, one), (_, next)| one >= next),
        "{space:?}"
    );
    Ok(())
}

pub async fn a_closed_store_opens_again(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    batches(&store, &mut feed, project, 1).await?;
    store.upkeep.close().await?;
    assert_refused(store.digests.position().await, ErrorKind::Closed);
    let store = place.open(options()).await?;
    assert_eq!(visible(&store, project).await?.0.len(), 10);
    Ok(())
}
