use std::fs;

use rusqlite::params;
use tempfile::TempDir;

use super::*;
use crate::model::ids::Seq;
use crate::model::time::Millis;
use crate::store::Batch;
use crate::store::sqlite::connection::{self, Role};
use crate::store::sqlite::migrate::migrate;
use crate::store::sqlite::partition;
use crate::store::sqlite::writer::{PartitionLimits, set_counter};

const SMALL: Sizes = Sizes {
    run_entries: 64,
    filter_bytes: 1024 * 1024,
};

/// A database with rows of events, and an index of their ids.
struct Rows {
    dir: TempDir,
    connection: Connection,
    ids: Ids,
    last: u64,
}

impl Rows {
    fn new(sizes: Sizes) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.db");
        connection::create(&path).unwrap();
        let mut connection = connection::open(&path, Role::Writer).unwrap();
        migrate(&mut connection, Millis(0)).unwrap();
        Self {
            ids: Ids::sized(&path, 1, sizes),
            dir,
            connection,
            last: 0,
        }
    }

    /// Adds so many events in batches of 20.
    fn add(&mut self, count: u64) {
        let end = self.last + count;
        while self.last < end {
            let first = self.last + 1;
            let last = end.min(self.last + 20);
            self.ids.search(&self.connection, &[0]).unwrap();
            let batch = Batch {
                first: Seq(first),
                last: Seq(last),
                ..Batch::default()
            };
            let limits = PartitionLimits {
                rows: 500,
                age: std::time::Duration::MAX,
            };
            let transaction = self.connection.transaction().unwrap();
            let mut span = partition::for_batch(&transaction, &batch, limits).unwrap();
            let insert = format!(
                "INSERT INTO events_{} VALUES (?1, 1, 1, 0, 0, 0, 0, 0, 0, NULL, ?2)",
                span.id
            );
            for seq in first..=last {
                let id = id_of(seq);
                transaction
                    .execute(&insert, params![seq.cast_signed(), id.as_bytes()])
                    .unwrap();
            }
            span.last = Seq(last);
            span.events += last - first + 1;
            partition::grown(&transaction, &span).unwrap();
            set_counter(&transaction, "position", last.cast_signed()).unwrap();
            transaction.commit().unwrap();
            let entries = (first..=last).map(|seq| Entry {
                hash: hash_of(id_of(seq)),
                seq,
            });
            self.ids.add(&entries.collect::<Vec<_>>(), last);
            self.last = last;
        }
    }

    fn reopen(&mut self, store: i64, sizes: Sizes) {
        self.ids.close();
        self.ids = Ids::sized(&self.dir.path().join("test.db"), store, sizes);
    }

    fn place(&self, seq: u64) -> Vec<u64> {
        let found = self.ids.search(&self.connection, &[hash_of(id_of(seq))]);
        found.unwrap().into_iter().map(|(_, seq)| seq).collect()
    }

    fn assert_complete(&self, first: u64) {
        for seq in first..=self.last {
            assert_eq!(self.place(seq), [seq]);
        }
        for seq in self.last + 1..self.last + 500 {
            assert_eq!(self.place(seq), [0; 0]);
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let listed = fs::read_dir(self.ids.dir()).unwrap();
        let mut files: Vec<_> = listed.map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }
}

fn id_of(seq: u64) -> EventId {
    EventId::from_bytes((u128::from(seq) << 7).to_be_bytes())
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn ids_are_found_wherever_they_are() {
    let mut rows = Rows::new(SMALL);
    for _ in 0..10 {
        rows.add(170);
        rows.assert_complete(1);
    }
    rows.reopen(1, SMALL);
    rows.assert_complete(1);
    rows.add(50);
    rows.assert_complete(1);
}

#[test]
fn runs_are_merged() {
    let mut rows = Rows::new(SMALL);
    rows.add(6000);
    rows.ids.close();
    let files = rows.files();
    assert!((1..20).contains(&files.len()), "{files:?}");
    rows.assert_complete(1);
}

#[test]
fn filters_that_are_not_kept_in_memory_answer_alike() {
    let mut rows = Rows::new(Sizes {
        filter_bytes: 0,
        ..SMALL
    });
    rows.add(1000);
    rows.ids.close();
    rows.assert_complete(1);
    let state = rows.ids.shared.state();
    assert!(!state.runs.is_empty());
    assert!(state.runs.iter().all(|run| run.filter_bytes() == 0));
}

#[test]
fn missing_runs_are_made_from_rows() {
    let mut rows = Rows::new(SMALL);
    rows.add(2000);
    rows.reopen(1, SMALL);
    fs::remove_dir_all(rows.ids.dir()).unwrap();
    rows.assert_complete(1);
    rows.add(200);
    rows.reopen(1, SMALL);
    let files = rows.files();
    fs::remove_file(&files[0]).unwrap();
    rows.assert_complete(1);
}

#[test]
fn a_damaged_run_is_made_again() {
    for damage in [0, 5, 4096] {
        let mut rows = Rows::new(SMALL);
        rows.add(1500);
        rows.reopen(1, SMALL);
        for path in rows.files() {
            let length = fs::read(&path).unwrap().len();
            // In the entries, in the footer, in the filter.
            flip(&path, if damage == 5 { length - 5 } else { damage });
        }
        rows.assert_complete(1);
        assert_eq!(rows.ids.check(), [""; 0]);
    }
}

#[test]
fn a_run_that_was_cut_short_is_made_again() {
    let mut rows = Rows::new(SMALL);
    rows.add(1500);
    rows.reopen(1, SMALL);
    for (path, length) in rows.files().iter().zip([0, 63, 4096, 5000]) {
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(length).unwrap();
    }
    rows.assert_complete(1);
}

#[test]
fn runs_of_another_database_are_not_believed() {
    let mut rows = Rows::new(SMALL);
    rows.add(1000);
    rows.reopen(2, SMALL);
    rows.assert_complete(1);
}

#[test]
fn runs_ahead_of_the_database_are_not_believed() {
    let mut rows = Rows::new(SMALL);
    rows.add(1000);
    rows.reopen(1, SMALL);
    // As after power loss: the last batches are gone, and other events took their places.
    for span in partition::all(&rows.connection).unwrap() {
        let delete = format!("DELETE FROM events_{} WHERE seq > 700", span.id);
        rows.connection.execute(&delete, []).unwrap();
    }
    set_counter(&rows.connection, "position", 700).unwrap();
    rows.last = 700;
    rows.assert_complete(1);
}

#[test]
fn runs_below_the_floor_are_removed() {
    let mut rows = Rows::new(SMALL);
    rows.add(1000);
    rows.ids.close();
    let before = rows.files();
    rows.ids.raise_floor(800);
    assert!(rows.files().len() < before.len());
    rows.assert_complete(800);
}

#[test]
fn an_id_of_two_projects_has_two_places() {
    let mut rows = Rows::new(SMALL);
    rows.add(10);
    let hash = hash_of(id_of(3));
    rows.ids
        .add(&[Entry { hash, seq: 11 }, Entry { hash, seq: 3 }], 11);
    assert_eq!(rows.place(3), [3, 11]);
}
