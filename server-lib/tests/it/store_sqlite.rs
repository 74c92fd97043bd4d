//! The store on SQLite: the suite of all stores, and what only a file has.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use mini_sentry::protocol::EventId;
use mini_sentry::ratelimit::DataCategory;
use mini_sentry_server::clock::Clock;
use mini_sentry_server::error::Error;
use mini_sentry_server::model::event::{
    EventFacts, EventKind, GroupingKey, Headline, Level, NewEvent,
};
use mini_sentry_server::model::ids::{ProjectId, Seq};
use mini_sentry_server::model::outcome::{Outcome, OutcomeCount};
use mini_sentry_server::model::settings::ProjectSettings;
use mini_sentry_server::model::tag::Tags;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::store::conformance::{NOW, Place, options, partitioned};
use mini_sentry_server::store::open::{StoreOptions, open};
use mini_sentry_server::store::query::{EventFilter, OutcomeFilter};
use mini_sentry_server::store::{Batch, NewProject, Store};
use mini_sentry_server::store_conformance;
use tempfile::TempDir;

/// A folder that is removed at the end.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }
}

#[async_trait]
impl Place for Folder {
    async fn open(&self, options: StoreOptions) -> Result<Store, Error> {
        open("sqlite", self.0.path(), options).await
    }
}

store_conformance!(Folder::new());

async fn project(store: &Store) -> ProjectId {
    let organisation = store.catalog.create_organisation("acme", "Acme", NOW).await;
    let project = NewProject {
        organisation: organisation.unwrap().id,
        slug: "shop".to_owned(),
        name: "Shop".to_owned(),
        platform: None,
        ingest_token: "token".to_owned(),
        settings: ProjectSettings::default(),
        at: NOW,
    };
    store.catalog.create_project(project).await.unwrap().id
}

/// Makes a batch of so many events after a place; the event at a place always has the same id.
fn batch(project: ProjectId, after: u64, count: u64) -> Batch {
    let event = |seq: u64| NewEvent {
        seq: Seq(seq),
        project,
        event_id: event_id(seq),
        received: NOW.plus(seq.cast_signed()),
        facts: EventFacts {
            kind: EventKind::Error,
            timestamp: NOW.plus(seq.cast_signed()),
            level: Level::Error,
            platform: "rust".to_owned(),
            environment: "production".to_owned(),
            release: "1.0".to_owned(),
            dist: String::new(),
            title: format!("title-of-{seq}."),
            culprit: format!("culprit-of-{seq}."),
            grouping: GroupingKey(u128::from(seq % 50).to_be_bytes()),
            headline: Headline::default(),
            handled: None,
            former_grouping: None,
            tags: Tags::default(),
            text: String::new(),
            user: None,
        },
    };
    Batch {
        first: Seq(after + 1),
        last: Seq(after + count),
        received: NOW.plus((after + count).cast_signed()),
        events: (after + 1..=after + count).map(event).collect(),
        ..Batch::default()
    }
}

fn event_id(seq: u64) -> EventId {
    EventId::from_bytes((u128::from(seq) << 64 | 7).to_be_bytes())
}

async fn count(store: &Store, project: ProjectId) -> u64 {
    let filter = EventFilter {
        projects: vec![project],
        ..EventFilter::default()
    };
    store.events.count(&filter).await.unwrap()
}

fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|file| {
        let path = file.unwrap().path();
        path.is_file() && memchr::memmem::find(&fs::read(path).unwrap(), text.as_bytes()).is_some()
    })
}

#[tokio::test]
async fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    let store = folder.open(options()).await.unwrap();
    project(&store).await;
    let mut seen = 0;
    for file in fs::read_dir(folder.0.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        seen += 1;
    }
    // The database, its log, and the log's index.
    assert_eq!(seen, 3);
}

#[tokio::test]
async fn a_database_may_lie_anywhere() {
    let folder = Folder::new();
    let path = folder.0.path().join("elsewhere.db");
    let uri = format!("sqlite://{}", path.display());
    let store = open(&uri, Path::new("/nowhere"), options()).await.unwrap();
    project(&store).await;
    assert!(path.is_file());
    let odd = open("sqlite:x.db?mode=memory", folder.0.path(), options()).await;
    assert!(odd.is_err());
    let missing = open("sqlite", Path::new("/nowhere/at/all"), options()).await;
    assert!(missing.is_err());
}

#[tokio::test]
async fn a_backup_that_is_taken_while_others_write_is_whole() {
    let folder = Folder::new();
    let store = folder.open(partitioned(700)).await.unwrap();
    let project = project(&store).await;
    store
        .digests
        .apply(batch(project, 0, 500).into())
        .await
        .unwrap();
    let into = Folder::new();
    let (copied, ()) = tokio::join!(store.upkeep.backup(into.0.path()), async {
        for round in 1..20 {
            let batch = batch(project, round * 500, 500);
            store.digests.apply(batch.into()).await.unwrap();
        }
    });
    copied.unwrap();
    assert_eq!(count(&store, project).await, 10_000);

    let copy = into.open(partitioned(700)).await.unwrap();
    let position = copy.digests.position().await.unwrap();
    assert!(position >= Seq(500));
    assert_eq!(count(&copy, project).await, position.0);
    assert_eq!(copy.upkeep.check().await.unwrap(), [""; 0]);
    let found = copy.events.find(event_id(3), &[project]).await.unwrap();
    assert_eq!(found.len(), 1);
    // The copy goes on where it stands, and knows the ids that it has.
    let mut next = batch(project, position.0, 2);
    next.events
        .iter_mut()
        .for_each(|event| event.event_id = event_id(42));
    let applied = copy.digests.apply(next.into()).await.unwrap();
    assert_eq!(applied.duplicates.len(), 2);
    // A second backup replaces the first.
    store.upkeep.backup(into.0.path()).await.unwrap();
}

#[tokio::test]
async fn what_an_erased_event_said_is_in_no_file() {
    let folder = Folder::new();
    let store = folder.open(options()).await.unwrap();
    let project = project(&store).await;
    store
        .digests
        .apply(batch(project, 0, 40).into())
        .await
        .unwrap();
    assert!(holds(folder.0.path(), "title-of-7."));
    store.upkeep.erase(&[Seq(7)]).await.unwrap();
    assert!(!holds(folder.0.path(), "title-of-7."));
    assert!(!holds(folder.0.path(), "culprit-of-7."));
    assert!(holds(folder.0.path(), "title-of-8."));

    store.catalog.delete_project(project).await.unwrap();
    while store.upkeep.sweep(1000).await.unwrap() > 0 {}
    assert!(!holds(folder.0.path(), "title-of-8."));
}

#[tokio::test]
async fn duplicates_are_found_among_very_many() {
    let folder = Folder::new();
    let store = folder.open(partitioned(20_000)).await.unwrap();
    let project = project(&store).await;
    for round in 0..45 {
        let batch = batch(project, round * 1000, 1000);
        let applied = store.digests.apply(batch.into()).await.unwrap();
        assert_eq!(applied.duplicates, []);
    }
    store.upkeep.close().await.unwrap();
    assert!(folder.0.path().join("mini-sentry.db-ids").is_dir());
    let store = folder.open(partitioned(20_000)).await.unwrap();
    let mut again = batch(project, 45_000, 900);
    for event in &mut again.events {
        event.event_id = event_id((event.seq.0 - 45_000) * 50);
    }
    let applied = store.digests.apply(again.into()).await.unwrap();
    assert_eq!(applied.duplicates.len(), 900);
    assert_eq!(applied.stored, []);
}

#[tokio::test]
async fn a_store_that_rests_gives_its_log_back() {
    let folder = Folder::new();
    let store = folder.open(options()).await.unwrap();
    let project = project(&store).await;
    store
        .digests
        .apply(batch(project, 0, 500).into())
        .await
        .unwrap();
    let log = folder.0.path().join("mini-sentry.db-wal");
    assert!(log.metadata().unwrap().len() > 0);
    for _ in 0..2 {
        assert_eq!(store.upkeep.sweep(100).await.unwrap(), 0);
    }
    assert_eq!(log.metadata().unwrap().len(), 0);
    store
        .digests
        .apply(batch(project, 500, 5).into())
        .await
        .unwrap();
    assert_eq!(count(&store, project).await, 505);
}

/// A clock that is set.
#[derive(Debug)]
struct SetClock(Millis);

impl Clock for SetClock {
    fn now(&self) -> Millis {
        self.0
    }
}

#[tokio::test]
async fn old_outcomes_are_put_together_and_stay_counted() {
    let folder = Folder::new();
    let mut late = options();
    late.clock = Arc::new(SetClock(NOW.plus(60 * Millis::DAY)));
    let store = folder.open(late).await.unwrap();
    let project = project(&store).await;
    let minute = |minute: i64| OutcomeCount {
        project,
        key: None,
        at: NOW.plus(minute * Millis::MINUTE),
        category: DataCategory::Error,
        outcome: Outcome::Accepted,
        reason: String::new(),
        quantity: 1,
    };
    // Every seventh minute of sixty days.
    let counts: Vec<_> = (0..60 * 24 * 60).step_by(7).map(minute).collect();
    store.stats.add_outcomes(&counts).await.unwrap();
    let filter = OutcomeFilter {
        projects: vec![project],
        times: NOW.plus(-Millis::DAY)..=NOW.plus(70 * Millis::DAY),
        interval_minutes: 24 * 60,
    };
    let before = store.stats.outcomes(&filter).await.unwrap();
    for _ in 0..200 {
        assert_eq!(store.upkeep.sweep(100).await.unwrap(), 0);
    }
    assert_eq!(store.stats.outcomes(&filter).await.unwrap(), before);
    store.upkeep.close().await.unwrap();
    let file = rusqlite::Connection::open(folder.0.path().join("mini-sentry.db")).unwrap();
    let rows = "SELECT count(*) FROM outcomes";
    let rows: i64 = file.query_row(rows, [], |row| row.get(0)).unwrap();
    // Thirty days, nearly as many of hours, and the minutes of the last.
    assert!((1300..1500).contains(&rows), "{rows} of {}", counts.len());
}
