//! Packing tighter, and removing the dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use mini_sentry_server::block::{Block, MAX_PLAIN_BYTES};
use mini_sentry_server::journal::Journal;
use mini_sentry_server::journal::disk::DiskJournal;
use mini_sentry_server::model::ids::{ProjectId, Seq};
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::store::Bodies;

use super::{Marks, Place, body_of, event, events, head};

const IDLE: i64 = 700_000;

async fn finish(journal: &DiskJournal, marks: &Marks) -> usize {
    let mut steps = 0;
    while journal.compact(marks).await.unwrap() {
        steps += 1;
        assert!(steps < 100, "compaction does not end");
    }
    steps
}

async fn found(journal: &DiskJournal, seqs: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let seqs: Vec<_> = seqs.into_iter().map(Seq).collect();
    let records = journal.read(&seqs).await.unwrap();
    let found = records.iter().flatten();
    found
        .map(|record| {
            assert_eq!(record.body, body_of(record.seq.0).as_bytes());
            assert_eq!(record.head, head(record.head.project.0, record.seq.0));
            record.seq.0
        })
        .collect()
}

/// Everything that the segments hold, unpacked.
fn all_plain_bytes(journal: &DiskJournal) -> Vec<u8> {
    let mut plain = Vec::new();
    for block in journal.blocks(Seq(1), Seq(u64::MAX)).unwrap() {
        let block = Block::parse(block.bytes).unwrap();
        for record in block.unpack(MAX_PLAIN_BYTES).unwrap().records().unwrap() {
            plain.extend_from_slice(&record.body);
            plain.extend_from_slice(format!("{:?}", record.head).as_bytes());
        }
    }
    plain
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

async fn append_one_by_one(journal: &DiskJournal, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        journal.append(vec![event(number)]).await.unwrap();
    }
    journal.commit(journal.tail());
}

#[tokio::test]
async fn idle_segments_are_packed_tighter_and_keep_their_numbers() {
    let data = tempfile::tempdir().unwrap();
    let mut place = Place::new(data.path());
    place.config.segment_bytes = 4_000;
    let journal = place.open();
    append_one_by_one(&journal, 1..=100).await;
    let marks = Marks::default();
    let before = journal.bytes().await.unwrap();
    place.clock.advance(IDLE);
    finish(&journal, &marks).await;

    let after = journal.bytes().await.unwrap();
    assert!(after * 2 < before, "{before} bytes became {after}");
    assert_eq!(
        found(&journal, 1..=100).await,
        (1..=100).collect::<Vec<_>>()
    );
    assert_eq!(finish(&journal, &marks).await, 0);
    drop(journal);
    let journal = place.open_behind(Seq(100)).unwrap();
    assert_eq!(
        found(&journal, 1..=100).await,
        (1..=100).collect::<Vec<_>>()
    );
    assert_eq!(journal.append(vec![event(101)]).await, Ok(Seq(101)));
    assert!(journal.check().unwrap().is_empty());
}

#[tokio::test]
async fn the_erased_are_really_gone_and_the_others_stay() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    append_one_by_one(&journal, 1..=30).await;
    let marks = Marks::default();
    let marker = body_of(17);
    assert!(contains(&all_plain_bytes(&journal), &marker));

    marks.erase([17, 18, 30]);
    finish(&journal, &marks).await;
    let left: Vec<_> = (1..=30)
        .filter(|number| ![17, 18, 30].contains(number))
        .collect();
    assert_eq!(found(&journal, 1..=30).await, left);
    let plain = all_plain_bytes(&journal);
    assert!(!contains(&plain, &marker));
    assert!(!contains(&plain, &format!("{:?}", head(1, 17).event_id)));
    assert!(contains(&plain, &body_of(16)));
    assert_eq!(marks.left(), [0; 0]);

    marks.erase([1]);
    finish(&journal, &marks).await;
    assert!(!contains(&all_plain_bytes(&journal), &body_of(1)));
    assert_eq!(found(&journal, [1, 2]).await, [2]);
    assert_eq!(journal.append(vec![event(31)]).await, Ok(Seq(31)));
}

#[tokio::test]
async fn a_segment_of_nothing_but_dead_goes_altogether() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    append_one_by_one(&journal, 1..=5).await;
    let marks = Marks::default();
    marks.erase(1..=5);
    finish(&journal, &marks).await;
    assert!(place.segments().is_empty());
    assert_eq!(marks.left(), [0; 0]);
    assert_eq!(journal.append(vec![event(6)]).await, Ok(Seq(6)));
}

#[tokio::test]
async fn who_is_erased_while_compaction_runs_is_not_forgotten() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    append_one_by_one(&journal, 1..=10).await;
    let marks = Marks::default();
    marks.erase([3]);
    marks.late.lock().unwrap().push(Seq(7));
    assert!(journal.compact(&marks).await.unwrap());
    assert_eq!(marks.left(), [7]);
    finish(&journal, &marks).await;
    assert_eq!(marks.left(), [0; 0]);
    assert_eq!(found(&journal, 1..=10).await, [1, 2, 4, 5, 6, 8, 9, 10]);
}

#[tokio::test]
async fn the_records_of_a_deleted_project_go() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    for number in 1..=20 {
        let mut record = event(number);
        record.head.project = ProjectId(1 + u32::try_from(number % 2).unwrap());
        journal.append(vec![record]).await.unwrap();
    }
    journal.commit(Seq(20));
    let marks = Marks::default();
    place.clock.advance(IDLE);
    finish(&journal, &marks).await;
    assert_eq!(found(&journal, 1..=20).await.len(), 20);

    let deleted = (ProjectId(2), Millis(i64::MAX));
    marks.dead.lock().unwrap().projects.push(deleted);
    finish(&journal, &marks).await;
    let even: Vec<_> = (1..=20).filter(|number| number % 2 == 0).collect();
    assert_eq!(found(&journal, 1..=20).await, even);
    assert!(!contains(&all_plain_bytes(&journal), &body_of(5)));
    assert_eq!(finish(&journal, &marks).await, 0);
}

#[tokio::test]
async fn small_segments_are_merged_with_their_neighbours() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let marks = Marks::default();
    for round in 0..12 {
        let journal = place.open_behind(Seq(round * 10)).unwrap();
        append_one_by_one(&journal, round * 10 + 1..=round * 10 + 10).await;
        place.clock.advance(IDLE);
        finish(&journal, &marks).await;
    }
    let journal = place.open_behind(Seq(120)).unwrap();
    assert!(place.segments().len() <= 6, "{:?}", place.segments());
    assert_eq!(
        found(&journal, 1..=120).await,
        (1..=120).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_crash_between_merging_and_removing_leaves_each_record_once() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    for first in [1, 6] {
        let journal = place.open_behind(Seq(first - 1)).unwrap();
        append_one_by_one(&journal, first..=first + 4).await;
        journal.commit(journal.tail());
        // Erasing something that is not there closes the segment.
        if first == 1 {
            let marks = Marks::default();
            marks.erase([5]);
            finish(&journal, &marks).await;
        }
    }
    assert_eq!(place.segments().len(), 2);
    let second = std::fs::read(&place.segments()[1]).unwrap();
    let path = place.segments()[1].clone();
    let journal = place.open_behind(Seq(10)).unwrap();
    place.clock.advance(IDLE);
    finish(&journal, &Marks::default()).await;
    assert_eq!(place.segments().len(), 1);
    drop(journal);

    std::fs::write(&path, second).unwrap();
    let journal = place.open_behind(Seq(10)).unwrap();
    assert_eq!(journal.tail(), Seq(10));
    assert_eq!(found(&journal, 1..=10).await, [1, 2, 3, 4, 6, 7, 8, 9, 10]);
    assert_eq!(journal.blocks(Seq(1), Seq(10)).unwrap().len(), 1);
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_every_record_while_segments_are_rewritten() {
    let data = tempfile::tempdir().unwrap();
    let mut place = Place::new(data.path());
    place.config.segment_bytes = 3_000;
    let journal = Arc::new(place.open());
    append_one_by_one(&journal, 1..=200).await;
    let is_done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (journal, is_done) = (Arc::clone(&journal), Arc::clone(&is_done));
        tokio::spawn(async move {
            let mut rounds = 0;
            while !is_done.load(Ordering::Relaxed) || rounds == 0 {
                let all = found(&journal, 1..=200).await;
                assert_eq!(all, (1..=200).collect::<Vec<_>>());
                rounds += 1;
            }
        })
    };
    place.clock.advance(IDLE);
    let marks = Marks::default();
    assert!(finish(&journal, &marks).await > 0);
    is_done.store(true, Ordering::Relaxed);
    reader.await.unwrap();
}

#[tokio::test]
async fn what_is_not_digested_is_not_rewritten() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    journal.append(events(1..=10)).await.unwrap();
    place.clock.advance(IDLE);
    let marks = Marks::default();
    assert_eq!(finish(&journal, &marks).await, 0);
    journal.commit(Seq(10));
    assert_eq!(finish(&journal, &marks).await, 1);
}

#[tokio::test]
async fn dropping_removes_whole_segments_and_their_blobs() {
    let data = tempfile::tempdir().unwrap();
    let mut place = Place::new(data.path());
    place.config.segment_bytes = 1_500;
    let journal = place.open();
    let mut names = Vec::new();
    for number in 1..=40 {
        let mut blob = place.blobs.create(Millis(1)).unwrap();
        blob.write(b"a large attachment").unwrap();
        let blob = blob.finish().unwrap();
        names.push(blob.name.clone());
        let mut record = event(number);
        record.head.context.blob = Some(blob);
        record.body = Bytes::new();
        journal.append(vec![record]).await.unwrap();
    }
    journal.commit(Seq(40));
    let before = place.segments().len();
    journal.drop_through(Seq(20)).await.unwrap();
    assert!(place.segments().len() < before);
    let read = journal.read(&[Seq(1), Seq(21), Seq(40)]).await.unwrap();
    let is_there: Vec<_> = read.iter().map(Option::is_some).collect();
    assert_eq!(is_there, [false, true, true]);
    assert!(place.blobs.read(&names[0]).is_err());
    assert!(place.blobs.read(&names[20]).is_ok());

    let marks = Marks::default();
    marks.erase([40]);
    finish(&journal, &marks).await;
    assert!(place.blobs.read(&names[39]).is_err());
    assert!(place.blobs.read(&names[38]).is_ok());
}
