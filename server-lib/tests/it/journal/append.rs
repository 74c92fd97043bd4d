//! Taking records and handing them on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mini_sentry_server::block::Block;
use mini_sentry_server::error::ErrorKind;
use mini_sentry_server::journal::{AppendError, Journal};
use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::store::Bodies;

use super::{PATIENCE, Place, bodies_of, body_of, drain, event, events, facts, seqs_of};

#[tokio::test]
async fn what_is_answered_is_on_disk() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    for number in 1..=20 {
        assert_eq!(journal.append(vec![event(number)]).await, Ok(Seq(number)));
        let crashed = tempfile::tempdir().unwrap();
        let copy = place.copy_to(crashed.path()).open();
        assert_eq!(copy.tail(), Seq(number));
        assert_eq!(seqs_of(&drain(&copy, number - 1)), [number]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_together_share_a_write() {
    let data = tempfile::tempdir().unwrap();
    let journal = Arc::new(Place::new(data.path()).open());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=400 {
        let journal = Arc::clone(&journal);
        tasks.spawn(async move { (number, journal.append(vec![event(number)]).await.unwrap()) });
    }
    let mut answers = tasks.join_all().await;
    answers.sort_by_key(|(_, seq)| *seq);
    let seqs: Vec<_> = answers.iter().map(|(_, seq)| seq.0).collect();
    assert_eq!(seqs, (1..=400).collect::<Vec<_>>());

    let blocks = journal.blocks(Seq(1), Seq(400)).unwrap();
    assert!(blocks.len() < 400, "{} blocks", blocks.len());
    let count: u32 = blocks
        .iter()
        .map(|block| Block::parse(block.bytes.clone()).unwrap().header().count)
        .sum();
    assert_eq!(count, 400);
    let numbers = answers.iter().map(|(number, _)| body_of(*number));
    assert_eq!(bodies_of(&drain(&journal, 0)), numbers.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_restart_returns_everything_in_order() {
    let data = tempfile::tempdir().unwrap();
    let mut place = Place::new(data.path());
    place.config.segment_bytes = 2_000;
    let journal = place.open();
    for number in 0..40 {
        let first = number * 5 + 1;
        journal.append(events(first..=first + 4)).await.unwrap();
    }
    drop(journal);
    assert!(place.segments().len() > 3, "{:?}", place.segments());

    let journal = place.open();
    assert_eq!(journal.tail(), Seq(200));
    let all = drain(&journal, 0);
    assert_eq!(seqs_of(&all), (1..=200).collect::<Vec<_>>());
    assert_eq!(bodies_of(&all), (1..=200).map(body_of).collect::<Vec<_>>());
    assert!(
        all.iter()
            .all(|delivery| delivery.head == super::head(1, delivery.seq.0))
    );
    assert_eq!(journal.append(vec![event(201)]).await, Ok(Seq(201)));
    let asked = [Seq(201), Seq(7), Seq(500), Seq(7)];
    let records = journal.read(&asked).await.unwrap();
    let bodies: Vec<_> = records
        .iter()
        .map(|record| record.as_ref().map(|record| record.body.to_vec()))
        .collect();
    let body = |number| Some(body_of(number).into_bytes());
    assert_eq!(bodies, [body(201), body(7), None, body(7)]);
}

#[tokio::test]
async fn fresh_events_come_with_their_facts_and_without_their_bodies() {
    let data = tempfile::tempdir().unwrap();
    let journal = Place::new(data.path()).open();
    let mut known = event(1);
    known.facts = Some(facts("ValueError: bad"));
    let length = known.body.len() as u64;
    journal.append(vec![known, event(2)]).await.unwrap();

    let fresh = journal.read_after(Seq(0), 10, PATIENCE).unwrap();
    assert_eq!(seqs_of(&fresh), [1, 2]);
    assert_eq!(fresh[0].facts, Some(facts("ValueError: bad")));
    assert_eq!((fresh[0].body.clone(), fresh[0].body_bytes), (None, length));
    assert!(fresh[1].facts.is_none() && fresh[1].body.is_some());

    let again = journal.read_after(Seq(0), 10, PATIENCE).unwrap();
    assert!(again[0].facts.is_none());
    assert_eq!(bodies_of(&again), [body_of(1), body_of(2)]);
}

#[tokio::test]
async fn what_memory_has_no_room_for_is_read_from_disk() {
    let data = tempfile::tempdir().unwrap();
    let journal = Place::new(data.path()).open();
    let mut number = 0;
    for _ in 0..20 {
        let mut records = events(number + 1..=number + 1_000);
        for record in &mut records {
            record.facts = Some(facts("from memory"));
        }
        journal.append(records).await.unwrap();
        number += 1_000;
    }
    let all = drain(&journal, 0);
    assert_eq!(seqs_of(&all), (1..=20_000).collect::<Vec<_>>());
    let from_disk = all.iter().filter(|delivery| delivery.facts.is_none());
    let from_disk: Vec<_> = from_disk.map(|delivery| delivery.seq.0).collect();
    assert!(!from_disk.is_empty() && from_disk.len() < 10_000);
    assert!(from_disk[0] > 10_000);

    let mut fresh = event(20_001);
    fresh.facts = Some(facts("from memory again"));
    journal.append(vec![fresh]).await.unwrap();
    let last = drain(&journal, 20_000);
    assert_eq!(last[0].facts, Some(facts("from memory again")));
}

#[tokio::test]
async fn a_reader_is_woken_by_the_next_record() {
    let data = tempfile::tempdir().unwrap();
    let journal = Arc::new(Place::new(data.path()).open());
    let reader = Arc::clone(&journal);
    let waiting = tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        (
            reader.read_after(Seq(0), 10, PATIENCE).unwrap(),
            started.elapsed(),
        )
    });
    journal.append(vec![event(1)]).await.unwrap();
    let (deliveries, took) = waiting.await.unwrap();
    assert_eq!(seqs_of(&deliveries), [1]);
    assert!(took < PATIENCE);
    assert!(
        journal
            .read_after(Seq(1), 10, Duration::ZERO)
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn more_undigested_records_than_allowed_are_refused_until_digest_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let mut place = Place::new(data.path());
    place.config.max_queue_records = 10;
    let journal = place.open();
    journal.append(events(1..=10)).await.unwrap();
    assert_eq!(
        journal.append(vec![event(11)]).await,
        Err(AppendError::Busy)
    );
    journal.commit(Seq(3));
    assert_eq!(journal.append(events(11..=13)).await, Ok(Seq(11)));
    assert_eq!(
        journal.append(vec![event(14)]).await,
        Err(AppendError::Busy)
    );
    assert_eq!(journal.state().committed, Seq(3));
}

#[tokio::test]
async fn a_second_server_on_the_folder_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    let error = place.open_behind(Seq(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        error
            .to_string()
            .contains("another server uses the data folder")
    );
    drop(journal);
    place.open();
}

#[tokio::test]
async fn numbers_go_on_behind_what_the_store_knows() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    journal.append(events(1..=3)).await.unwrap();
    drop(journal);

    let journal = place.open_behind(Seq(100)).unwrap();
    assert_eq!(journal.tail(), Seq(100));
    assert_eq!(journal.append(vec![event(101)]).await, Ok(Seq(101)));
    drop(journal);
    let journal = place.open_behind(Seq(101)).unwrap();
    assert_eq!(journal.tail(), Seq(101));
    assert_eq!(seqs_of(&drain(&journal, 0)), [1, 2, 3, 101]);
}

#[tokio::test]
async fn digested_segments_go_where_the_store_keeps_the_bodies() {
    let data = tempfile::tempdir().unwrap();
    let mut place = Place::new(data.path());
    place.keeps_bodies = false;
    place.config.segment_bytes = 1_000;
    let journal = place.open();
    for number in 1..=50 {
        journal.append(vec![event(number)]).await.unwrap();
    }
    let before = place.segments().len();
    assert!(before > 3);
    let blocks = journal.blocks(Seq(10), Seq(20)).unwrap();
    let first_and_last = (blocks[0].first, blocks.last().unwrap().last);
    assert_eq!(first_and_last, (Seq(10), Seq(20)));
    journal.commit(Seq(25));
    assert!(place.segments().len() < before);
    assert_eq!(seqs_of(&drain(&journal, 25)), (26..=50).collect::<Vec<_>>());
    journal.commit(Seq(50));
    assert!(place.segments().len() <= 1);
    drop(journal);
    let journal = place.open_behind(Seq(50)).unwrap();
    assert_eq!(journal.append(vec![event(51)]).await, Ok(Seq(51)));
}

#[tokio::test]
async fn a_closed_journal_takes_nothing_more_and_has_written_everything() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = Arc::new(place.open());
    let early: Vec<_> = (1..=50)
        .map(|number| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move { journal.append(vec![event(number)]).await })
        })
        .collect();
    tokio::task::yield_now().await;
    journal.close();
    assert_eq!(
        journal.append(vec![event(51)]).await,
        Err(AppendError::Closed)
    );
    let mut written = 0;
    for answer in early {
        written += u64::from(answer.await.unwrap().is_ok());
    }
    drop(journal);
    assert_eq!(place.open().tail(), Seq(written));
}
