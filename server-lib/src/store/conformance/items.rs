//! Items: everything that is stored and is no event.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use std::cmp::Reverse;

use mini_sentry::ratelimit::DataCategory;

use super::data::{Dice, Feed, event_id, projects};
use super::{NOW, Place, options, partitioned};
use crate::error::Error;
use crate::model::ids::Seq;
use crate::model::item::ItemRow;
use crate::model::outcome::{Outcome, OutcomeCount};
use crate::model::record::RecordKind;
use crate::model::time::Millis;
use crate::store::query::{ItemFilter, OutcomeFilter, Page};

pub async fn an_item_is_read_back_whole(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let item = ItemRow {
        seq: Seq(1),
        project,
        kind: RecordKind::Unknown,
        event_id: event_id(5),
        received: NOW,
        name: "../../it's \u{1F980}.bin".to_owned(),
        content_type: "application/octet-stream; x=\"y\"".to_owned(),
        attachment_type: "event.view_hierarchy".to_owned(),
        bytes: 123_456_789_012,
    };
    let mut feed = Feed::new();
    feed.item(project, |row| *row = item.clone());
    feed.apply(&store).await?;
    let filter = ItemFilter {
        projects: vec![project],
        ..ItemFilter::default()
    };
    assert_eq!(store.events.items(&filter, Page::first(9)).await?, [item]);
    Ok(())
}

pub async fn a_transaction_is_stored_once(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(4)).await?;
    let made = projects(&store, 2).await?;
    let one = made.first().copied().unwrap_or_default();
    let two = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    let send = |feed: &mut Feed, project, number, kind| {
        feed.batch().outcomes.push(OutcomeCount {
            project,
            key: None,
            at: NOW,
            category: DataCategory::Transaction,
            outcome: Outcome::Accepted,
            reason: String::new(),
            quantity: u64::from(kind == RecordKind::Transaction),
        });
        feed.item(project, |item| {
            item.kind = kind;
            item.event_id = event_id(number);
            item.received = NOW;
        })
    };
    let kind = RecordKind::Transaction;
    let first = send(&mut feed, one, 5, kind);
    let in_batch = send(&mut feed, one, 5, kind);
    let profile = send(&mut feed, one, 5, RecordKind::Profile);
    let others = send(&mut feed, two, 5, kind);
    // An event may have the id of a transaction.
    feed.event(one, |event| event.event_id = event_id(5));
    assert_eq!(feed.apply(&store).await?.duplicates, [in_batch]);
    send(&mut feed, one, 6, kind);
    feed.apply(&store).await?;
    let later = send(&mut feed, one, 5, kind);
    assert_eq!(feed.apply(&store).await?.duplicates, [later]);
    store.upkeep.close().await?;

    let store = place.open(partitioned(4)).await?;
    let again = send(&mut feed, two, 5, kind);
    let profile_again = send(&mut feed, one, 5, RecordKind::Profile);
    assert_eq!(feed.apply(&store).await?.duplicates, [again]);
    let filter = ItemFilter {
        projects: made.clone(),
        event_id: Some(event_id(5)),
        ..ItemFilter::default()
    };
    let found = store.events.items(&filter, Page::first(9)).await?;
    let found: Vec<_> = found.iter().map(|item| item.seq).collect();
    assert_eq!(found, [profile_again, others, profile, first]);
    let dead = store.upkeep.dead(Seq(1)..=Seq(100)).await?;
    assert_eq!(dead.seqs, [in_batch, later, again]);
    assert_eq!(store.upkeep.check().await?, [""; 0]);
    let of_one = OutcomeFilter {
        projects: vec![one],
        times: NOW.plus(-Millis::DAY)..=NOW.plus(Millis::DAY),
        interval_minutes: 60 * 24 * 365,
    };
    let counted = store.stats.outcomes(&of_one).await?;
    let counted = counted
        .iter()
        .filter(|row| row.category == DataCategory::Transaction);
    let mut counted: Vec<_> = counted.map(|row| (row.outcome, row.quantity)).collect();
    counted.sort_unstable();
    assert_eq!(counted, [(Outcome::Accepted, 2), (Outcome::Invalid, 2)]);
    Ok(())
}

pub async fn items_are_listed_newest_first(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(10)).await?;
    let made = projects(&store, 3).await?;
    let mut dice = Dice::new(6);
    let mut feed = Feed::new();
    let mut given = Vec::new();
    for _ in 0..6 {
        for _ in 0..20 {
            let project = dice.one_of(&made);
            feed.item(project, |item| {
                item.kind = match dice.below(3) {
                    0 => RecordKind::CheckIn,
                    1 => RecordKind::Attachment,
                    _ => RecordKind::Log,
                };
                given.push(item.clone());
            });
            feed.event(project, |_| ());
        }
        feed.apply(&store).await?;
    }
    assert!(store.upkeep.partitions().await?.len() > 2);
    given.sort_by_key(|item| Reverse(item.seq));
    for _ in 0..60 {
        let filter = ItemFilter {
            projects: dice.some_of(&made),
            kinds: dice.some_of(&[RecordKind::CheckIn, RecordKind::Log]),
            event_id: None,
        };
        let offset = dice.below(40);
        let limit = dice.below(30);
        let listed = (store.events)
            .items(&filter, Page { offset, limit })
            .await?;
        let expected: Vec<_> = (given.iter())
            .filter(|item| filter.projects.contains(&item.project))
            .filter(|item| filter.kinds.is_empty() || filter.kinds.contains(&item.kind))
            .skip(usize::try_from(offset).unwrap_or(0))
            .take(usize::try_from(limit).unwrap_or(0))
            .cloned()
            .collect();
        assert_eq!(listed, expected, "{filter:?}");
    }
    Ok(())
}

pub async fn items_are_found_by_kind_and_event(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(3)).await?;
    let made = projects(&store, 2).await?;
    let project = made.first().copied().unwrap_or_default();
    let other = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    let mut of_event = Vec::new();
    for _ in 0..3 {
        of_event.push(feed.item(project, |item| item.event_id = event_id(5)));
        feed.item(project, |item| item.event_id = event_id(6));
        feed.item(other, |item| item.event_id = event_id(5));
        feed.item(project, |item| {
            item.event_id = event_id(5);
            item.kind = RecordKind::ReplayEvent;
        });
        feed.item(project, |_| ());
        feed.apply(&store).await?;
    }
    of_event.reverse();
    let filter = ItemFilter {
        projects: vec![project],
        kinds: vec![RecordKind::Attachment],
        event_id: Some(event_id(5)),
    };
    let listed = store.events.items(&filter, Page::first(9)).await?;
    let listed: Vec<_> = listed.iter().map(|item| item.seq).collect();
    assert_eq!(listed, of_event);
    let filter = ItemFilter {
        kinds: Vec::new(),
        ..filter
    };
    assert_eq!(store.events.items(&filter, Page::first(99)).await?.len(), 6);
    let none = ItemFilter::default();
    assert_eq!(store.events.items(&none, Page::first(9)).await?, []);
    Ok(())
}

pub async fn bodies_are_known_by_arrival_and_length(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(4)).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let mut seqs = Vec::new();
    for number in 0..12 {
        let received = NOW.plus(number * 1000);
        feed.event(project, |event| event.received = received);
        seqs.push(feed.item(project, |item| {
            item.received = received;
            item.bytes = 5_000_000 + u64::try_from(number).unwrap_or(0);
        }));
        feed.apply(&store).await?;
    }
    assert!(store.upkeep.partitions().await?.len() > 2);
    let bodies = [
        (NOW, 5_000_000),
        (NOW.plus(11_000), 5_000_011),
        (NOW.plus(5_000), 5_000_006),
        (NOW.plus(5_001), 5_000_005),
        (NOW.plus(6_000), 5_000_006),
    ];
    let known = store.events.known_bodies(&bodies).await?;
    assert_eq!(known, [true, true, false, false, true]);
    assert_eq!(store.events.known_bodies(&[]).await?, [false; 0]);
    let sixth = seqs.get(6).copied().unwrap_or_default();
    assert_eq!(store.upkeep.erase(&[sixth]).await?, 1);
    let known = store.events.known_bodies(&bodies).await?;
    assert_eq!(known, [true, true, false, false, false]);
    Ok(())
}

pub async fn the_places_of_items_are_told_step_by_step(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(5)).await?;
    let made = projects(&store, 2).await?;
    let project = made.first().copied().unwrap_or_default();
    let mut dice = Dice::new(9);
    let mut feed = Feed::new();
    let mut expected = Vec::new();
    for _ in 0..8 {
        for _ in 0..5 {
            let owner = dice.one_of(&made);
            let kind = match dice.below(3) {
                0 => RecordKind::Log,
                1 => RecordKind::Span,
                _ => RecordKind::Attachment,
            };
            let seq = feed.item(owner, |item| item.kind = kind);
            let is_wanted = owner == project && kind != RecordKind::Attachment;
            expected.extend(is_wanted.then_some(seq));
        }
        feed.apply(&store).await?;
    }
    let kinds = [RecordKind::Log, RecordKind::Span];
    let mut told = Vec::new();
    loop {
        let after = told.last().copied().unwrap_or_default();
        let step = store.events.item_places(project, &kinds, after, 3).await?;
        assert!(step.len() <= 3);
        if step.is_empty() {
            break;
        }
        told.extend(step);
    }
    assert_eq!(told, expected);
    store.upkeep.hide_before(project, NOW.plus(20)).await?;
    let left = store
        .events
        .item_places(project, &kinds, Seq(0), 99)
        .await?;
    expected.retain(|seq| seq.0 > 20);
    assert_eq!(left, expected);
    Ok(())
}

pub async fn a_report_takes_the_place_of_the_last_on_its_event(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(partitioned(3)).await?;
    let made = projects(&store, 2).await?;
    let project = made.first().copied().unwrap_or_default();
    let other = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    let report = |kind: RecordKind, event: u64| {
        move |item: &mut ItemRow| {
            item.kind = kind;
            item.event_id = event_id(event);
        }
    };
    let (said, written) = (RecordKind::UserReport, RecordKind::Feedback);
    let mut replaced = vec![
        feed.item(project, report(said, 5)),
        feed.item(project, report(written, 5)),
    ];
    let mut kept = vec![
        feed.item(project, report(RecordKind::Attachment, 5)),
        feed.item(project, report(said, 6)),
        feed.item(other, report(said, 5)),
        feed.item(project, |item| item.kind = said),
    ];
    feed.apply(&store).await?;
    // Into another partition, and twice in one batch.
    for _ in 0..9 {
        feed.event(project, |_| ());
    }
    feed.apply(&store).await?;
    kept.push(feed.item(project, |item| item.kind = said));
    replaced.push(feed.item(project, report(said, 5)));
    kept.push(feed.item(project, report(said, 5)));
    kept.push(feed.item(project, report(written, 5)));
    kept.push(feed.item(project, report(RecordKind::Attachment, 5)));
    feed.apply(&store).await?;
    assert!(store.upkeep.partitions().await?.len() > 1);

    kept.sort_unstable_by_key(|seq| Reverse(*seq));
    let filter = ItemFilter {
        projects: made,
        ..ItemFilter::default()
    };
    let listed = store.events.items(&filter, Page::first(99)).await?;
    let listed: Vec<_> = listed.iter().map(|item| item.seq).collect();
    assert_eq!(listed, kept);
    replaced.sort_unstable();
    let all = Seq(0)..=Seq(99);
    assert_eq!(store.upkeep.dead(all).await?.seqs, replaced);
    Ok(())
}
