//! PostgreSQL as a store: the cases of every store, and those of a server that comes and goes.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use mini_sentry::protocol::EventId;
use mini_sentry_server::blob::Blobs;
use mini_sentry_server::block::{BlockBuilder, Packer};
use mini_sentry_server::clock::SystemClock;
use mini_sentry_server::error::{Error, ErrorKind};
use mini_sentry_server::journal::JournalBlock;
use mini_sentry_server::model::event::{
    EventFacts, EventKind, GroupingKey, Headline, Level, NewEvent,
};
use mini_sentry_server::model::ids::{ProjectId, Seq};
use mini_sentry_server::model::item::ItemRow;
use mini_sentry_server::model::record::{RecordContext, RecordHead, RecordKind};
use mini_sentry_server::model::settings::ProjectSettings;
use mini_sentry_server::model::tag::Tags;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::store::conformance::Place;
use mini_sentry_server::store::open::StoreOptions;
use mini_sentry_server::store::query::{EventFilter, ItemFilter, Page};
use mini_sentry_server::store::{Batch, Bodies, NewProject, Store, postgres};
use mini_sentry_server::testkit::postgres::{Cluster, Server};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

const AT: Millis = Millis(1_790_000_000_000);

/// The server that tests share, or `None` where there is no PostgreSQL. In CI that is a failure.
fn server() -> Option<Server> {
    let given = std::env::var("MINI_SENTRY_TEST_POSTGRES").ok();
    let server = Server::shared(given).unwrap();
    found(server.is_some());
    server
}

/// A server of a test's own, which it may stop.
fn own_server() -> Option<Arc<Cluster>> {
    let cluster = Cluster::start_new().unwrap();
    found(cluster.is_some());
    cluster.map(Arc::new)
}

fn found(there_is_one: bool) {
    if !there_is_one {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI must have PostgreSQL: install the package postgresql"
        );
        println!("skipped: there is no PostgreSQL here");
    }
}

/// A database that is made when it is first opened, and that keeps the server running.
struct Database {
    server: Server,
    uri: OnceCell<String>,
}

#[async_trait]
impl Place for Database {
    async fn open(&self, options: StoreOptions) -> Result<Store, Error> {
        let uri = self.uri.get_or_try_init(|| self.server.database()).await?;
        open(uri, options).await
    }
}

macro_rules! place {
    () => {
        match server() {
            Some(server) => Database {
                server,
                uri: OnceCell::new(),
            },
            None => return Ok(()),
        }
    };
}

mini_sentry_server::store_conformance!(place!());

/// Opens a store whose large bodies nobody looks at.
async fn open(uri: &str, options: StoreOptions) -> Result<Store, Error> {
    postgres::open(uri, Path::new("no such folder"), options).await
}

fn options(partition_events: u64) -> StoreOptions {
    StoreOptions {
        partition_events,
        partition_age: Duration::from_secs(3600),
        clock: Arc::new(SystemClock),
    }
}

fn body(seq: Seq) -> Bytes {
    Bytes::from(format!("{{\"message\":\"body of {seq}\"}}"))
}

/// A batch of so many events with their bodies, in blocks of ten that may reach beyond it.
fn batch(project: ProjectId, first: u64, count: u64) -> Batch {
    let last = first + count - 1;
    let mut batch = Batch {
        first: Seq(first),
        last: Seq(last),
        received: AT.plus(last as i64),
        ..Batch::default()
    };
    for seq in (first..=last).map(Seq) {
        batch.events.push(NewEvent {
            seq,
            project,
            event_id: event_id(seq),
            received: AT.plus(seq.0 as i64),
            facts: EventFacts {
                kind: EventKind::Error,
                timestamp: AT.plus(seq.0 as i64),
                level: Level::Error,
                platform: "rust".to_owned(),
                environment: "production".to_owned(),
                release: "1.0".to_owned(),
                dist: String::new(),
                title: "Error".to_owned(),
                culprit: String::new(),
                grouping: GroupingKey([u8::try_from(seq.0 % 7).unwrap(); 16]),
                headline: Headline::default(),
                handled: None,
                former_grouping: None,
                tags: Tags::default(),
                text: String::new(),
                user: None,
            },
        });
    }
    let mut start = (first - 1) / 10 * 10 + 1;
    while start <= last {
        batch.blocks.push(block(project, start));
        start += 10;
    }
    batch
}

fn event_id(seq: Seq) -> EventId {
    EventId::from_bytes((u128::from(seq.0) << 64 | 7).to_be_bytes())
}

fn block(project: ProjectId, first: u64) -> JournalBlock {
    let mut builder = BlockBuilder::new();
    for seq in (first..first + 10).map(Seq) {
        builder.push(seq, &head(project, seq), &body(seq)).unwrap();
    }
    finished(&mut builder)
}

fn head(project: ProjectId, seq: Seq) -> RecordHead {
    RecordHead {
        project,
        kind: RecordKind::Event,
        event_id: event_id(seq),
        received: AT.plus(seq.0 as i64),
        context: RecordContext::default(),
    }
}

fn finished(builder: &mut BlockBuilder) -> JournalBlock {
    let mut bytes = Vec::new();
    let mut packer = Packer::new(1).unwrap();
    let header = builder.finish(&mut packer, 0, false, &mut bytes).unwrap();
    JournalBlock {
        first: header.first,
        last: header.last,
        bytes: Bytes::from(bytes),
    }
}

async fn project(store: &Store) -> Result<ProjectId, Error> {
    let acme = store
        .catalog
        .create_organisation("acme", "Acme", AT)
        .await?;
    let project = NewProject {
        organisation: acme.id,
        slug: "shop".to_owned(),
        name: "Shop".to_owned(),
        platform: None,
        ingest_token: "token".to_owned(),
        settings: ProjectSettings::default(),
        at: AT,
    };
    Ok(store.catalog.create_project(project).await?.id)
}

async fn listed(store: &Store, project: ProjectId) -> Result<Vec<u64>, Error> {
    let filter = EventFilter {
        projects: vec![project],
        ..EventFilter::default()
    };
    let rows = store.events.list(&filter, Page::first(100_000)).await?;
    assert_eq!(store.events.count(&filter).await?, rows.len() as u64);
    let mut seqs: Vec<_> = rows.iter().map(|row| row.seq.0).collect();
    seqs.sort_unstable();
    Ok(seqs)
}

/// Returns which of the records have their bodies, and checks these.
async fn bodies(store: &Store, seqs: impl Iterator<Item = u64>) -> Result<Vec<u64>, Error> {
    let seqs: Vec<_> = seqs.map(Seq).collect();
    let records = home(store).read(&seqs).await?;
    let mut there = Vec::new();
    for (seq, record) in seqs.iter().zip(records) {
        if let Some(record) = record {
            assert_eq!((record.seq, record.body), (*seq, body(*seq)));
            there.push(seq.0);
        }
    }
    Ok(there)
}

fn home(store: &Store) -> &dyn Bodies {
    store.bodies.as_deref().unwrap()
}

async fn compact(store: &Store) -> Result<(), Error> {
    while home(store).compact(store.upkeep.as_ref()).await? {}
    Ok(())
}

#[tokio::test]
async fn bodies_are_read_by_place_also_where_a_block_spans_batches() -> Result<(), Error> {
    let place = place!();
    let store = place.open(options(30)).await?;
    let project = project(&store).await?;
    for first in [1, 8, 15, 22, 29, 36, 43] {
        store.digests.apply(batch(project, first, 7).into()).await?;
    }
    let asked = [49, 3, 50, 17, 3, 51, 0];
    assert_eq!(bodies(&store, asked.into_iter()).await?, [49, 3, 50, 17, 3]);
    compact(&store).await?;
    assert_eq!(bodies(&store, 1..=60).await?, (1..=50).collect::<Vec<_>>());
    assert_eq!(store.upkeep.check().await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn bodies_of_many_blocks_do_not_keep_the_blocks_in_memory() -> Result<(), Error> {
    let place = place!();
    let store = place.open(options(1_000)).await?;
    let project = project(&store).await?;
    store.digests.apply(batch(project, 1, 200).into()).await?;
    let one_of_each: Vec<_> = (5..=200).step_by(10).map(Seq).collect();
    for record in home(&store).read(&one_of_each).await? {
        let record = record.unwrap();
        assert!(record.body.is_unique(), "{} shares its memory", record.seq);
    }
    Ok(())
}

#[tokio::test]
async fn erased_bodies_are_gone_after_compaction_and_their_marks_too() -> Result<(), Error> {
    let place = place!();
    let store = place.open(options(30)).await?;
    let project = project(&store).await?;
    for first in [1, 31, 61] {
        store
            .digests
            .apply(batch(project, first, 30).into())
            .await?;
    }
    store.upkeep.erase(&[Seq(5), Seq(65)]).await?;
    compact(&store).await?;
    let kept = (1..=90).filter(|seq| ![5, 65].contains(seq));
    assert_eq!(
        bodies(&store, 1..=90).await?,
        kept.clone().collect::<Vec<_>>()
    );
    let all = Seq(0)..=Seq(1000);
    assert_eq!(store.upkeep.dead(all.clone()).await?.seqs, []);

    // A packed block loses what dies later, and one that was read is not shown from memory.
    store.upkeep.erase(&[Seq(6)]).await?;
    compact(&store).await?;
    let kept = kept.filter(|seq| *seq != 6);
    assert_eq!(bodies(&store, 1..=90).await?, kept.collect::<Vec<_>>());
    assert_eq!(store.upkeep.dead(all).await?.seqs, []);
    assert_eq!(store.upkeep.check().await?, [""; 0]);

    store.catalog.delete_project(project).await?;
    compact(&store).await?;
    assert_eq!(bodies(&store, 1..=90).await?, [0; 0]);
    Ok(())
}

#[tokio::test]
async fn dropped_bodies_are_gone_and_the_others_stay() -> Result<(), Error> {
    let place = place!();
    let store = place.open(options(30)).await?;
    let project = project(&store).await?;
    for first in (1..=91).step_by(15) {
        store
            .digests
            .apply(batch(project, first, 15).into())
            .await?;
    }
    home(&store).drop_through(Seq(45)).await?;
    assert_eq!(
        bodies(&store, 1..=110).await?,
        (41..=110).collect::<Vec<_>>()
    );
    compact(&store).await?;
    home(&store).drop_through(Seq(70)).await?;
    assert!(bodies(&store, 1..=110).await?.contains(&71));
    home(&store).drop_through(Seq(110)).await?;
    assert_eq!(bodies(&store, 1..=110).await?, [0; 0]);
    store.digests.apply(batch(project, 106, 15).into()).await?;
    assert_eq!(
        bodies(&store, 111..=120).await?,
        (111..=120).collect::<Vec<_>>()
    );
    Ok(())
}

#[tokio::test]
async fn a_body_in_a_file_goes_with_its_record() -> Result<(), Error> {
    let Some(server) = server() else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let uri = server.database().await?;
    let store = postgres::open(&uri, folder.path(), options(30)).await?;
    let project = project(&store).await?;
    let blobs = Blobs::open(folder.path().join("blobs"))?;
    let mut kept = Vec::new();
    for first in [1, 31, 61] {
        let mut batch = batch(project, first, 30);
        batch.blocks.clear();
        let mut builder = BlockBuilder::new();
        for seq in first..first + 30 {
            let mut writer = blobs.create(AT)?;
            writer.write(b"large")?;
            let blob = writer.finish()?;
            kept.push(blob.name.clone());
            let mut head = head(project, Seq(seq));
            head.context.blob = Some(blob);
            builder.push(Seq(seq), &head, b"").unwrap();
        }
        batch.blocks.push(finished(&mut builder));
        store.digests.apply(batch.into()).await?;
    }
    let there = || {
        let mut names = blobs.names().unwrap();
        names.sort();
        names
    };
    // In a range that is closed, in the open one, and by dropping.
    store.upkeep.erase(&[Seq(2), Seq(90)]).await?;
    compact(&store).await?;
    kept.remove(89);
    kept.remove(1);
    kept.sort();
    assert_eq!(there(), kept);
    home(&store).drop_through(Seq(60)).await?;
    assert_eq!(there().len(), 29);
    store.catalog.delete_project(project).await?;
    compact(&store).await?;
    assert_eq!(there(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_text_that_the_database_does_not_have_is_stored_all_the_same() -> Result<(), Error> {
    let place = place!();
    let store = place.open(options(1000)).await?;
    let project = project(&store).await?;
    let mut wild = batch(project, 1, 3);
    for event in &mut wild.events {
        event.facts.title = "nul \0 inside".to_owned();
        event.facts.environment = "e\0".repeat(3000);
        event.facts.release = "\0".to_owned();
    }
    wild.items.push(ItemRow {
        seq: Seq(3),
        project,
        kind: RecordKind::Attachment,
        event_id: EventId::nil(),
        received: AT,
        name: "a\0b".to_owned(),
        content_type: String::new(),
        attachment_type: String::new(),
        bytes: 0,
    });
    store.digests.apply(wild.into()).await?;
    assert_eq!(listed(&store, project).await?, [1, 2, 3]);
    let filter = EventFilter {
        projects: vec![project],
        environments: vec!["e\0".repeat(3000)],
        releases: vec!["\0".to_owned()],
        ..EventFilter::default()
    };
    assert_eq!(store.events.count(&filter).await?, 3);
    assert_eq!(store.events.list(&filter, Page::first(9)).await?.len(), 3);
    let filter = ItemFilter {
        projects: vec![project],
        ..ItemFilter::default()
    };
    assert_eq!(store.events.items(&filter, Page::first(9)).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_the_server_is_stopped_and_started() -> Result<(), Error> {
    let Some(cluster) = own_server() else {
        return Ok(());
    };
    let uri = Server::Own(Arc::clone(&cluster)).database().await?;
    let store = open(&uri, options(40)).await?;
    let project = project(&store).await?;
    let mut next = 1;
    for _ in 0..4 {
        // Stopped while batches are being applied, which are tried again until they succeed.
        let stopping = tokio::task::spawn_blocking({
            let cluster = Arc::clone(&cluster);
            move || cluster.stop().and_then(|()| cluster.start())
        });
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut stopping = std::pin::pin!(stopping);
        let mut is_back = false;
        while !is_back || next % 20 != 1 {
            assert!(Instant::now() < deadline, "the store did not recover");
            match store.digests.apply(batch(project, next, 5).into()).await {
                Ok(_) => next += 5,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                    if let Ok(position) = store.digests.position().await {
                        assert!([next - 1, next + 4].contains(&position.0));
                    }
                }
            }
            if !is_back {
                let turn = tokio::time::timeout(Duration::from_millis(1), &mut stopping);
                if let Ok(ended) = turn.await {
                    ended.unwrap()?;
                    is_back = true;
                }
            }
        }
        let expected: Vec<_> = (1..next).collect();
        assert_eq!(listed(&store, project).await?, expected);
        assert_eq!(bodies(&store, 1..next).await?, expected);
    }
    let issues = store.issues.list(&[project], Page::first(10)).await?;
    let counted: u64 = issues.iter().map(|issue| issue.events).sum();
    assert_eq!(counted, next - 1);
    assert_eq!(store.upkeep.check().await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn without_a_server_everything_is_unavailable_and_says_so_soon() -> Result<(), Error> {
    let Some(cluster) = own_server() else {
        return Ok(());
    };
    let store = open(&cluster.url("postgres"), options(40)).await?;
    let project = project(&store).await?;
    cluster.stop()?;
    let kind = |error: Option<Error>| error.map(|error| error.kind());
    let unavailable = Some(ErrorKind::Unavailable);
    assert_eq!(kind(store.digests.position().await.err()), unavailable);
    assert_eq!(kind(store.catalog.version().await.err()), unavailable);
    assert_eq!(kind(listed(&store, project).await.err()), unavailable);
    let opened = open(&cluster.url("postgres"), options(40)).await;
    assert_eq!(kind(opened.err()), unavailable);
    cluster.start()?;
    assert_eq!(store.digests.position().await?, Seq(0));
    Ok(())
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_invalid() -> Result<(), Error> {
    let Some(server) = server() else {
        return Ok(());
    };
    let uri = server.database().await?;
    let opened = open(&format!("{uri}_not"), options(40)).await;
    assert_eq!(
        opened.err().map(|error| error.kind()),
        Some(ErrorKind::Invalid)
    );
    Ok(())
}

#[tokio::test]
async fn many_openers_at_once_migrate_once() -> Result<(), Error> {
    let Some(server) = server() else {
        return Ok(());
    };
    let uri = server.database().await?;
    let opened = || open(&uri, options(40));
    let (one, two, three, four) = tokio::join!(opened(), opened(), opened(), opened());
    let stores = [one?, two?, three?, four?];
    let project = project(&stores[0]).await?;
    for store in &stores {
        assert_eq!(store.catalog.snapshot().await?.projects[0].id, project);
    }
    let steps = admin(&uri).await;
    let row = steps.query_one(
        "SELECT count(*) = max(number) FROM mini_sentry.schema_migrations",
        &[],
    );
    assert!(row.await.unwrap().get::<_, bool>(0));
    Ok(())
}

async fn admin(uri: &str) -> tokio_postgres::Client {
    let (client, driver) = tokio_postgres::connect(uri, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(driver);
    client
}

#[tokio::test]
async fn a_database_of_the_first_schema_is_brought_up_to_date() -> Result<(), Error> {
    const FIRST: &str = include_str!("../../migrations/postgres/0001_init.sql");
    let Some(server) = server() else {
        return Ok(());
    };
    let uri = server.database().await?;
    let client = admin(&uri).await;
    let checksum: String = Sha256::digest(FIRST)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let set_up = format!(
        "CREATE SCHEMA mini_sentry; SET search_path = mini_sentry; {FIRST};
         CREATE TABLE schema_migrations (number integer PRIMARY KEY, name text NOT NULL, \
         checksum text NOT NULL, applied timestamptz NOT NULL DEFAULT now());
         INSERT INTO schema_migrations (number, name, checksum) VALUES (1, 'init', '{checksum}');
         INSERT INTO organisations VALUES (1, 'acme', 'Acme', 5);
         INSERT INTO dead VALUES (3)"
    );
    client.batch_execute(&set_up).await.unwrap();
    let store = open(&uri, options(40)).await?;
    let catalogue = store.catalog.snapshot().await?;
    assert_eq!(catalogue.organisations[0].slug, "acme");
    assert_eq!(store.upkeep.dead(Seq(0)..=Seq(9)).await?.seqs, [Seq(3)]);
    store
        .digests
        .apply(batch(ProjectId(1), 1, 10).into())
        .await?;
    assert_eq!(bodies(&store, 1..=10).await?.len(), 10);
    Ok(())
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() -> Result<(), Error> {
    let Some(server) = server() else {
        return Ok(());
    };
    let uri = server.database().await?;
    open(&uri, options(40)).await?;
    let client = admin(&uri).await;
    client
        .batch_execute(
            "INSERT INTO mini_sentry.schema_migrations (number, name, checksum) \
             VALUES (9999, 'later', 'x')",
        )
        .await
        .unwrap();
    let error = open(&uri, options(40)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::TooNew);
    assert!(error.to_string().contains("9999"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_copy_made_beside_writers_is_consistent_and_restores() -> Result<(), Error> {
    let Some(server) = server() else {
        return Ok(());
    };
    let uri = server.database().await?;
    let store = open(&uri, options(50)).await?;
    let project = project(&store).await?;
    for first in (1..=181).step_by(20) {
        store
            .digests
            .apply(batch(project, first, 20).into())
            .await?;
    }
    store.upkeep.erase(&[Seq(7), Seq(195)]).await?;
    home(&store).compact(store.upkeep.as_ref()).await?;
    let folder = tempfile::tempdir()?;
    let writing = async {
        for first in (201..=381).step_by(20) {
            store
                .digests
                .apply(batch(project, first, 20).into())
                .await?;
        }
        compact(&store).await
    };
    let (copied, written) = tokio::join!(store.upkeep.backup(folder.path()), writing);
    copied?;
    written?;

    let other = server.database().await?;
    postgres::restore(&other, folder.path()).await?;
    let restored = open(&other, options(50)).await?;
    assert_eq!(
        restored.catalog.snapshot().await?,
        store.catalog.snapshot().await?
    );
    let position = restored.digests.position().await?;
    assert!((200..=400).contains(&position.0));
    let expected: Vec<_> = (1..=position.0)
        .filter(|seq| ![7, 195].contains(seq))
        .collect();
    assert_eq!(listed(&restored, project).await?, expected);
    compact(&restored).await?;
    assert_eq!(bodies(&restored, 1..=position.0).await?, expected);
    assert_eq!(restored.upkeep.check().await?, [""; 0]);
    // It goes on where the copy was made.
    let again = restored
        .digests
        .apply(batch(project, position.0 + 1, 20).into())
        .await?;
    assert_eq!(again.stored.len(), 20);

    let refused = postgres::restore(&other, folder.path()).await;
    assert_eq!(
        refused.map_err(|error| error.kind()),
        Err(ErrorKind::Conflict)
    );
    Ok(())
}

#[tokio::test]
async fn a_damaged_copy_is_not_restored() -> Result<(), Error> {
    let Some(server) = server() else {
        return Ok(());
    };
    let uri = server.database().await?;
    let store = open(&uri, options(50)).await?;
    let project = project(&store).await?;
    store.digests.apply(batch(project, 1, 20).into()).await?;
    let folder = tempfile::tempdir()?;
    store.upkeep.backup(folder.path()).await?;
    let file = folder.path().join("postgres/blocks_1_0");
    let mut bytes = std::fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes)?;
    let other = server.database().await?;
    let refused = postgres::restore(&other, folder.path()).await;
    assert_eq!(
        refused.map_err(|error| error.kind()),
        Err(ErrorKind::Corrupt)
    );
    let empty = open(&other, options(50)).await?;
    assert_eq!(empty.digests.position().await?, Seq(0));
    assert_eq!(empty.catalog.snapshot().await?.projects, []);
    Ok(())
}
