//! A disk without room: nothing breaks, and it goes on by itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use mini_sentry_server::journal::{AppendError, Journal, Trouble};
use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::model::record::NewRecord;

use super::{PATIENCE, Place, drain, event, seqs_of};

/// A small file system in memory; needs root.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at)
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(at.to_owned())),
            _ => {
                eprintln!("skipped: a small file system cannot be mounted, which needs root");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Does not pack, so that it takes its length on disk.
fn incompressible(number: u64) -> NewRecord {
    let mut record = event(number);
    let mut state = number | 1;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        state.to_be_bytes()[0]
    });
    record.body = noise.take(100_000).collect::<Vec<_>>().into();
    record
}

/// Appends until it is refused; returns how many it took and how it was refused.
async fn fill(journal: &impl Journal, from: u64) -> (u64, AppendError) {
    let mut number = from;
    loop {
        match journal.append(vec![incompressible(number)]).await {
            Ok(seq) => assert_eq!(seq, Seq(number)),
            Err(error) => return (number - from, error),
        }
        number += 1;
    }
}

async fn append_until_taken(journal: &impl Journal, number: u64) -> Seq {
    let started = Instant::now();
    loop {
        match journal.append(vec![incompressible(number)]).await {
            Ok(seq) => return seq,
            Err(error) => assert_eq!(error, AppendError::Full),
        }
        assert!(started.elapsed() < PATIENCE, "it does not recover");
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_left_by_itself() {
    let data = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(data.path(), "4m") else {
        return;
    };
    let place = Place::new(data.path());
    let ballast = data.path().join("ballast");
    std::fs::write(&ballast, vec![1; 1_000_000]).unwrap();
    let journal = place.open();
    let (taken, error) = fill(&journal, 1).await;
    assert_eq!(error, AppendError::Full);
    assert!(taken > 10, "{taken} records fit");
    assert_eq!(journal.state().trouble, Some(Trouble::Full));
    assert_eq!(journal.tail(), Seq(taken));
    assert_eq!(seqs_of(&drain(&journal, 0)).len() as u64, taken);

    std::fs::remove_file(&ballast).unwrap();
    assert_eq!(
        append_until_taken(&journal, taken + 1).await,
        Seq(taken + 1)
    );
    assert_eq!(journal.state().trouble, None);
    drop(journal);
    let journal = place.open();
    let expected: Vec<_> = (1..=taken + 1).collect();
    assert_eq!(seqs_of(&drain(&journal, 0)), expected);
    assert!(journal.check().unwrap().is_empty());
}

#[tokio::test]
async fn free_space_is_left_for_others() {
    let data = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(data.path(), "8m") else {
        return;
    };
    let mut place = Place::new(data.path());
    place.config.min_free_bytes = 6 * 1024 * 1024;
    let ballast = data.path().join("ballast");
    std::fs::write(&ballast, vec![1; 4_000_000]).unwrap();
    let journal = place.open();
    let refused = journal.append(vec![event(1)]).await;
    assert_eq!(refused, Err(AppendError::Full));
    assert_eq!(journal.state().trouble, Some(Trouble::Full));
    std::fs::remove_file(&ballast).unwrap();
    assert_eq!(append_until_taken(&journal, 1).await, Seq(1));
}

#[tokio::test]
async fn a_full_disk_at_the_start_does_not_keep_it_from_opening() {
    let data = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(data.path(), "2m") else {
        return;
    };
    let place = Place::new(data.path());
    let journal = place.open();
    journal.append(vec![event(1)]).await.unwrap();
    drop(journal);
    let ballast = data.path().join("ballast");
    // As much as fits.
    let _ = std::fs::write(&ballast, vec![1; 4_000_000]);
    let journal = place.open();
    assert_eq!(seqs_of(&drain(&journal, 0)), [1]);
    assert_eq!(fill(&journal, 2).await, (0, AppendError::Full));
    std::fs::remove_file(&ballast).unwrap();
    assert_eq!(append_until_taken(&journal, 2).await, Seq(2));
}
