//! The journal on disk.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mini_sentry::protocol::{EventId, Level};
use mini_sentry_server::blob::Blobs;
use mini_sentry_server::clock::Clock;
use mini_sentry_server::config::JournalConfig;
use mini_sentry_server::error::{Error, ErrorKind};
use mini_sentry_server::journal::disk::DiskJournal;
use mini_sentry_server::journal::{Delivery, Journal};
use mini_sentry_server::metrics::Metrics;
use mini_sentry_server::model::event::{EventFacts, EventKind, GroupingKey, Headline};
use mini_sentry_server::model::ids::{PartitionId, ProjectId, Seq};
use mini_sentry_server::model::record::{NewRecord, RecordContext, RecordHead, RecordKind};
use mini_sentry_server::model::tag::Tags;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::store::{DeadRecords, Partition, Upkeep};

mod append;
mod compaction;
mod disk_full;
mod recovery;

const PATIENCE: Duration = Duration::from_secs(20);

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
struct HandClock(AtomicI64);

impl HandClock {
    fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Millis {
        Millis(1_700_000_000_000 + self.0.load(Ordering::Relaxed))
    }
}

/// A data folder and how its journal is opened.
struct Place {
    data: PathBuf,
    config: JournalConfig,
    clock: Arc<HandClock>,
    blobs: Arc<Blobs>,
    keeps_bodies: bool,
}

impl Place {
    fn new(data: &Path) -> Self {
        let mut config = JournalConfig::default();
        config.min_free_bytes = 0;
        Self {
            data: data.to_owned(),
            config,
            clock: Arc::default(),
            blobs: Arc::new(Blobs::open(data.join("blobs")).unwrap()),
            keeps_bodies: true,
        }
    }

    fn open(&self) -> DiskJournal {
        self.open_behind(Seq(0)).unwrap()
    }

    fn open_behind(&self, digested: Seq) -> Result<DiskJournal, Error> {
        DiskJournal::open(
            &self.data,
            &self.config,
            Arc::new(Metrics::new()),
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            digested,
            Arc::clone(&self.blobs),
            self.keeps_bodies,
        )
    }

    /// The segments' files, in order.
    fn segments(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(self.data.join("segments"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "seg"))
            .collect();
        files.sort();
        files
    }

    /// Another folder with the same segments, as a crash would leave them.
    fn copy_to(&self, data: &Path) -> Self {
        let copy = Self::new(data);
        std::fs::create_dir_all(data.join("segments")).unwrap();
        for file in self.segments() {
            let name = file.file_name().unwrap();
            std::fs::copy(&file, data.join("segments").join(name)).unwrap();
        }
        copy
    }
}

/// Marks of the dead, as a store keeps them.
#[derive(Default)]
struct Marks {
    dead: Mutex<DeadRecords>,
    /// Added when `dead` was asked, as if somebody erased meanwhile.
    late: Mutex<Vec<Seq>>,
}

impl Marks {
    fn erase(&self, seqs: impl IntoIterator<Item = u64>) {
        self.dead
            .lock()
            .unwrap()
            .seqs
            .extend(seqs.into_iter().map(Seq));
    }

    fn left(&self) -> Vec<u64> {
        let dead = self.dead.lock().unwrap();
        dead.seqs.iter().map(|seq| seq.0).collect()
    }
}

#[async_trait]
impl Upkeep for Marks {
    async fn dead(&self, seqs: RangeInclusive<Seq>) -> Result<DeadRecords, Error> {
        let mut dead = self.dead.lock().unwrap();
        let mut answer = dead.clone();
        answer.seqs.retain(|seq| seqs.contains(seq));
        dead.seqs.append(&mut self.late.lock().unwrap());
        Ok(answer)
    }

    async fn buried(&self, seqs: RangeInclusive<Seq>) -> Result<(), Error> {
        let mut dead = self.dead.lock().unwrap();
        dead.seqs.retain(|seq| !seqs.contains(seq));
        Ok(())
    }

    async fn partitions(&self) -> Result<Vec<Partition>, Error> {
        Err(elsewhere())
    }

    async fn drop_partition(&self, _: PartitionId) -> Result<(), Error> {
        Err(elsewhere())
    }

    async fn hide_before(&self, _: ProjectId, _: Millis) -> Result<(), Error> {
        Err(elsewhere())
    }

    async fn received_of_nth(&self, _: ProjectId, _: u64) -> Result<Option<Millis>, Error> {
        Err(elsewhere())
    }

    async fn erase(&self, _: &[Seq]) -> Result<u64, Error> {
        Err(elsewhere())
    }

    async fn erase_user(&self, _: ProjectId, _: i64) -> Result<u64, Error> {
        Err(elsewhere())
    }

    async fn sweep(&self, _: u64) -> Result<u64, Error> {
        Err(elsewhere())
    }

    async fn space(&self) -> Result<Vec<(String, u64)>, Error> {
        Err(elsewhere())
    }

    async fn backup(&self, _: &Path) -> Result<(), Error> {
        Err(elsewhere())
    }

    async fn check(&self) -> Result<Vec<String>, Error> {
        Err(elsewhere())
    }

    async fn close(&self) -> Result<(), Error> {
        Err(elsewhere())
    }
}

fn elsewhere() -> Error {
    Error::because(ErrorKind::NotBuilt, "the journal does not ask for this")
}

fn head(project: u32, number: u64) -> RecordHead {
    RecordHead {
        project: ProjectId(project),
        kind: RecordKind::Event,
        event_id: EventId::from_bytes(u128::from(number).to_be_bytes()),
        received: Millis(1_700_000_000_000 + number.cast_signed()),
        context: RecordContext {
            sdk: Some("sentry.python/2.1.0".to_owned()),
            ..RecordContext::default()
        },
    }
}

fn body_of(number: u64) -> String {
    format!(r#"{{"message":"event number {number} of the journal"}}"#)
}

/// An event without facts: digest gets its body.
fn event(number: u64) -> NewRecord {
    NewRecord {
        head: head(1, number),
        facts: None,
        body: Bytes::from(body_of(number)),
    }
}

fn events(numbers: RangeInclusive<u64>) -> Vec<NewRecord> {
    numbers.map(event).collect()
}

fn facts(title: &str) -> Box<EventFacts> {
    Box::new(EventFacts {
        kind: EventKind::Default,
        timestamp: Millis(1),
        level: Level::Error,
        platform: "python".to_owned(),
        environment: String::new(),
        release: String::new(),
        dist: String::new(),
        title: title.to_owned(),
        culprit: String::new(),
        grouping: GroupingKey([7; 16]),
        headline: Headline::default(),
        handled: None,
        former_grouping: None,
        tags: Tags::default(),
        text: String::new(),
        user: None,
    })
}

/// Takes everything after `after` up to the tail.
fn drain(journal: &DiskJournal, after: u64) -> Vec<Delivery> {
    let mut all: Vec<Delivery> = Vec::new();
    loop {
        let reached = all.last().map_or(Seq(after), |delivery| delivery.seq);
        if reached >= journal.tail() {
            return all;
        }
        let some = journal.read_after(reached, 1_000, Duration::ZERO).unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

fn seqs_of(deliveries: &[Delivery]) -> Vec<u64> {
    deliveries.iter().map(|delivery| delivery.seq.0).collect()
}

fn bodies_of(deliveries: &[Delivery]) -> Vec<String> {
    let bodies = deliveries.iter().map(|delivery| delivery.body.as_ref());
    bodies
        .map(|body| String::from_utf8(body.unwrap().to_vec()).unwrap())
        .collect()
}
