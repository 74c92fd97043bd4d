//! After a crash, and on damaged disks.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use mini_sentry_server::block::BlockHeader;
use mini_sentry_server::journal::Journal;
use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::model::record::NewRecord;
use mini_sentry_server::store::Bodies;

use super::{PATIENCE, Place, drain, event, events, head, seqs_of};

/// Where the blocks of a segment are.
fn blocks_of(path: &Path) -> Vec<(usize, BlockHeader)> {
    let bytes = std::fs::read(path).unwrap();
    let mut at = 64;
    let mut blocks = Vec::new();
    while at < bytes.len() {
        let header = BlockHeader::peek(&bytes[at..]).unwrap();
        blocks.push((at, header));
        at += usize::try_from(header.total_bytes()).unwrap();
    }
    blocks
}

fn flip(path: &Path, at: usize) {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).unwrap();
    file.write_all_at(&[byte[0] ^ 0x55], at as u64).unwrap();
}

/// A body that does not pack well.
fn noise(number: u64, length: usize) -> NewRecord {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let body: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(length)
    .collect();
    NewRecord {
        head: head(1, number),
        facts: None,
        body: Bytes::from(body),
    }
}

#[tokio::test]
async fn a_write_cut_off_anywhere_leaves_what_was_answered_before() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    journal.append(events(1..=3)).await.unwrap();
    journal.append(events(4..=6)).await.unwrap();
    journal.append(events(7..=8)).await.unwrap();
    drop(journal);
    let segment = place.segments().remove(0);
    let whole = std::fs::read(&segment).unwrap();
    let blocks = blocks_of(&segment);
    let last = blocks.last().unwrap().0;

    for cut in last..whole.len() {
        std::fs::write(&segment, &whole[..cut]).unwrap();
        let journal = place.open();
        assert_eq!(journal.tail(), Seq(6), "cut at {cut}");
        assert_eq!(std::fs::metadata(&segment).unwrap().len(), last as u64);
        if cut % 16 == 0 {
            assert_eq!(journal.append(vec![event(70)]).await, Ok(Seq(7)));
            let seqs = seqs_of(&drain(&journal, 0));
            assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7], "cut at {cut}");
        }
    }
    for cut in 0..64 {
        std::fs::write(&segment, &whole[..cut]).unwrap();
        let journal = place.open();
        assert_eq!(journal.tail(), Seq(0), "cut at {cut}");
        if cut % 16 == 0 {
            assert_eq!(journal.append(vec![event(1)]).await, Ok(Seq(1)));
            drop(journal);
            assert_eq!(place.open().tail(), Seq(1));
        }
    }
}

#[tokio::test]
async fn a_last_write_with_wrong_bytes_is_cut_off() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    journal.append(events(1..=3)).await.unwrap();
    journal.append(events(4..=6)).await.unwrap();
    drop(journal);
    let segment = place.segments().remove(0);
    let whole = std::fs::read(&segment).unwrap();
    let last = blocks_of(&segment)[1].0;
    for at in last..whole.len() {
        std::fs::write(&segment, &whole).unwrap();
        flip(&segment, at);
        assert_eq!(place.open().tail(), Seq(3), "byte {at}");
    }
}

#[tokio::test]
async fn a_write_that_broke_off_in_a_prepared_file_is_cut_off_with_the_zeros() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    journal.append(events(1..=3)).await.unwrap();
    journal.append(events(4..=6)).await.unwrap();
    drop(journal);
    let segment = place.segments().remove(0);
    let whole = std::fs::read(&segment).unwrap();
    let last = blocks_of(&segment).last().unwrap().0;

    for zeros in [1_000, 3 * 1024 * 1024] {
        let prepared = |written: &[u8]| {
            let mut bytes = written.to_vec();
            bytes.resize(whole.len() + zeros, 0);
            std::fs::write(&segment, bytes).unwrap();
        };
        for cut in (last..whole.len()).step_by(7) {
            prepared(&whole[..cut]);
            assert_eq!(place.open().tail(), Seq(3), "cut at {cut}");
            assert_eq!(std::fs::metadata(&segment).unwrap().len(), last as u64);
        }
        // What was written in another order than meant: the end is there, the beginning is not.
        let mut torn = whole.clone();
        torn[last..last + 100].fill(0);
        prepared(&torn);
        assert_eq!(place.open().tail(), Seq(3));
        prepared(&whole);
        let journal = place.open();
        assert_eq!(journal.tail(), Seq(6));
        let length = std::fs::metadata(&segment).unwrap().len();
        assert_eq!(length, whole.len() as u64);
        drop(journal);
        std::fs::write(&segment, &whole).unwrap();
    }
}

#[tokio::test]
async fn a_crash_in_a_segment_that_was_made_ahead_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut place = Place::new(data.path());
    place.config.segment_bytes = 256 * 1024;
    let journal = place.open();
    let deadline = Instant::now() + PATIENCE;
    let mut last = 0;
    let is_prepared = |place: &Place| {
        let segments = place.segments();
        segments.len() > 1
            && segments.iter().rev().take(1).all(|last| {
                last.extension().is_some_and(|end| end == "seg")
                    && std::fs::metadata(last).unwrap().len() >= 256 * 1024
            })
    };
    while !is_prepared(&place) {
        assert!(Instant::now() < deadline, "no segment was made ahead");
        last += 1;
        journal.append(vec![noise(last, 20_000)]).await.unwrap();
    }
    last += 1;
    journal.append(vec![noise(last, 20_000)]).await.unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    let crashed = place.copy_to(elsewhere.path());
    let reopened = crashed.open();
    assert_eq!(reopened.tail(), Seq(last));
    reopened.append(vec![event(last + 1)]).await.unwrap();
    let seqs: Vec<_> = (1..=last + 1).collect();
    assert_eq!(seqs_of(&drain(&reopened, 0)), seqs);
    assert!(reopened.check().unwrap().is_empty());

    drop(journal);
    assert!(place.open().check().unwrap().is_empty());
    let lengths = place.segments().into_iter().map(|path| {
        let whole = std::fs::metadata(&path).unwrap().len();
        let end = blocks_of(&path)
            .last()
            .map(|(at, header)| *at as u64 + header.total_bytes());
        (whole, end)
    });
    for (whole, end) in lengths {
        assert_eq!(
            end,
            Some(whole),
            "a closed segment ends with its last block"
        );
    }
}

#[tokio::test]
async fn a_segment_made_ahead_that_somebody_removed_is_not_missed() {
    let data = tempfile::tempdir().unwrap();
    let mut place = Place::new(data.path());
    place.config.segment_bytes = 256 * 1024;
    let journal = place.open();
    let spare = data.path().join("segments/spare.tmp");
    let is_whole = || std::fs::metadata(&spare).is_ok_and(|file| file.len() >= 256 * 1024);
    let deadline = Instant::now() + PATIENCE;
    let mut last = 0;
    let mut removed = 0;
    while removed < 2 {
        assert!(Instant::now() < deadline, "no segment was made ahead");
        if is_whole() {
            std::fs::remove_file(&spare).unwrap();
            removed += 1;
        }
        last += 1;
        let answer = journal.append(vec![noise(last, 20_000)]).await;
        assert_eq!(answer, Ok(Seq(last)));
    }
    drop(journal);
    let seqs: Vec<_> = (1..=last).collect();
    assert_eq!(seqs_of(&drain(&place.open(), 0)), seqs);
}

#[tokio::test]
async fn a_group_of_several_blocks_stays_or_goes_as_one() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    journal.append(vec![event(1)]).await.unwrap();
    let large = (2..=6).map(|number| noise(number, 600_000)).collect();
    journal.append(large).await.unwrap();
    drop(journal);
    let segment = place.segments().remove(0);
    let whole = std::fs::read(&segment).unwrap();
    let blocks = blocks_of(&segment);
    assert_eq!(blocks.len(), 6);
    assert_eq!(place.open().tail(), Seq(6));

    for (block, header) in &blocks[1..] {
        for cut in [*block, block + 10, block + 64, block + 1_000] {
            std::fs::write(&segment, &whole[..cut]).unwrap();
            assert_eq!(place.open().tail(), Seq(1), "cut at {cut}");
        }
        std::fs::write(&segment, &whole).unwrap();
        flip(
            &segment,
            block + usize::try_from(header.total_bytes()).unwrap() / 2,
        );
        assert_eq!(place.open().tail(), Seq(1), "block at {block}");
        std::fs::write(&segment, &whole).unwrap();
        flip(&segment, block + 3);
        assert_eq!(place.open().tail(), Seq(1), "header at {block}");
    }
}

#[tokio::test]
async fn a_damaged_block_in_the_middle_is_reported_and_skipped() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    for first in [1, 4, 7, 10] {
        journal.append(events(first..=first + 2)).await.unwrap();
    }
    assert!(journal.check().unwrap().is_empty());
    drop(journal);
    let segment = place.segments().remove(0);
    let whole = std::fs::read(&segment).unwrap();
    let (second, header) = blocks_of(&segment)[1];
    let end = second + usize::try_from(header.total_bytes()).unwrap();

    for at in second..end {
        std::fs::write(&segment, &whole).unwrap();
        flip(&segment, at);
        let journal = place.open();
        assert_eq!(journal.tail(), Seq(12), "byte {at}");
        let seqs = seqs_of(&drain(&journal, 0));
        assert_eq!(seqs, [1, 2, 3, 7, 8, 9, 10, 11, 12], "byte {at}");
        let records = journal.read(&[Seq(3), Seq(5), Seq(7)]).await.unwrap();
        let found: Vec<_> = records.iter().map(Option::is_some).collect();
        assert_eq!(found, [true, false, true], "byte {at}");
        assert_eq!(journal.check().unwrap().len(), 1, "byte {at}");
    }
}

#[tokio::test]
async fn what_compaction_left_half_done_is_cleaned_up() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::new(data.path());
    let journal = place.open();
    journal.append(events(1..=3)).await.unwrap();
    drop(journal);
    let unfinished = data.path().join("segments/00000000000000000001-9.tmp");
    std::fs::write(&unfinished, b"half a segment").unwrap();
    let journal = place.open();
    assert_eq!(seqs_of(&drain(&journal, 0)), [1, 2, 3]);
    assert!(!unfinished.exists());
}
