//! A journal, a store and a digester in a temporary folder.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mini_sentry::protocol::EventId;
use mini_sentry_server::blob::Blobs;
use mini_sentry_server::catalog::CatalogCache;
use mini_sentry_server::clock::{Clock, SystemClock};
use mini_sentry_server::config::Config;
use mini_sentry_server::digest::progress::Progress;
use mini_sentry_server::digest::{DigestHandle, Digester, DigesterParts};
use mini_sentry_server::facts::{FactsInput, FrameRules, Scan, derive};
use mini_sentry_server::journal::Journal;
use mini_sentry_server::journal::disk::DiskJournal;
use mini_sentry_server::metrics::Metrics;
use mini_sentry_server::model::ids::{ProjectId, Seq};
use mini_sentry_server::model::record::{NewRecord, RecordContext, RecordHead, RecordKind};
use mini_sentry_server::model::settings::ProjectSettings;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::store::open::{StoreOptions, open};
use mini_sentry_server::store::{Digests, NewProject, Store};
use tempfile::TempDir;

/// How long a test waits for what has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A store with one project.
pub(crate) struct Index {
    pub(crate) store: Store,
    pub(crate) project: ProjectId,
    pub(crate) catalog: Arc<CatalogCache>,
    _dir: TempDir,
}

impl Index {
    pub(crate) async fn open() -> Self {
        let dir = TempDir::new().unwrap();
        let options = StoreOptions {
            partition_events: 1_000_000,
            partition_age: Duration::from_secs(24 * 60 * 60),
            clock: Arc::new(SystemClock),
        };
        let store = open("sqlite", dir.path(), options).await.unwrap();
        let catalog = &store.catalog;
        let organisation = catalog
            .create_organisation("acme", "Acme", Millis(0))
            .await
            .unwrap();
        let project = NewProject {
            organisation: organisation.id,
            slug: "shop".to_owned(),
            name: "Shop".to_owned(),
            platform: None,
            ingest_token: "0123456789abcdef".to_owned(),
            settings: ProjectSettings::default(),
            at: Millis(0),
        };
        let project = catalog.create_project(project).await.unwrap().id;
        let catalog = CatalogCache::open(Arc::clone(&store.catalog))
            .await
            .unwrap();
        Self {
            store,
            project,
            catalog: Arc::new(catalog),
            _dir: dir,
        }
    }
}

/// Opens the journal of a folder, as a start after a stop or crash does.
pub(crate) fn journal(dir: &Path) -> Arc<DiskJournal> {
    let config = Config::new(dir);
    let journal = DiskJournal::open(
        dir,
        &config.journal,
        Arc::new(Metrics::new()),
        Arc::new(SystemClock),
        Seq(0),
        Arc::new(Blobs::open(dir.join("blobs")).unwrap()),
        true,
    );
    Arc::new(journal.unwrap())
}

/// A digester at work.
pub(crate) struct Running {
    pub(crate) progress: Arc<Progress>,
    pub(crate) metrics: Arc<Metrics>,
    handle: DigestHandle,
}

impl Running {
    pub(crate) fn start(journal: &Arc<DiskJournal>, index: &Index) -> Self {
        Self::start_into(journal, index, Arc::clone(&index.store.digests))
    }

    pub(crate) fn start_into(
        journal: &Arc<DiskJournal>,
        index: &Index,
        store: Arc<dyn Digests>,
    ) -> Self {
        let progress = Arc::new(Progress::new(Seq(0)));
        let metrics = Arc::new(Metrics::new());
        let digester = Digester::new(DigesterParts {
            journal: Arc::clone(journal) as Arc<dyn Journal>,
            store,
            store_keeps_bodies: false,
            catalog: Arc::clone(&index.catalog),
            progress: Arc::clone(&progress),
            on_stored: None,
            metrics: Arc::clone(&metrics),
            clock: Arc::new(SystemClock),
        });
        let handle = digester.start(tokio::runtime::Handle::current()).unwrap();
        Self {
            progress,
            metrics,
            handle,
        }
    }

    /// Waits until all of the journal is digested.
    pub(crate) async fn reach(&self, journal: &DiskJournal) {
        assert!(self.progress.reached(journal.tail(), PATIENCE).await);
    }

    pub(crate) async fn stop(self) -> bool {
        self.stop_within(PATIENCE).await
    }

    pub(crate) async fn stop_within(self, patience: Duration) -> bool {
        self.handle.stop(patience).await
    }
}

/// Digests a journal into a store, to its end.
pub(crate) async fn digest(journal: &Arc<DiskJournal>, index: &Index) {
    let running = Running::start(journal, index);
    running.reach(journal).await;
    assert!(running.stop().await);
}

pub(crate) fn now() -> Millis {
    SystemClock.now()
}

/// Makes an item's record.
pub(crate) fn record(project: ProjectId, kind: RecordKind, body: &str) -> NewRecord {
    NewRecord {
        head: RecordHead {
            project,
            kind,
            event_id: EventId::default(),
            received: now(),
            context: RecordContext::default(),
        },
        facts: None,
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

/// Makes an event's record as accept does: with the facts beside the body.
pub(crate) fn event(project: ProjectId, id: u8, body: &str) -> NewRecord {
    let mut record = record(project, RecordKind::Event, body);
    record.head.event_id = EventId::from_bytes([id; 16]);
    let rules = FrameRules::default();
    let scan = Scan::read(body.as_bytes()).unwrap();
    let facts = derive(&scan, &FactsInput::of_head(&record.head, &rules));
    record.facts = Some(Box::new(facts));
    record
}

/// The events that official SDKs sent, by name.
pub(crate) fn real_events() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/facts");
    let mut events: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    events.sort();
    assert!(events.len() >= 6, "the captured events are missing");
    events
}
