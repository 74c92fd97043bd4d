//! Databases of released versions are opened by this one, and those of newer ones are refused.

use std::path::Path;

use mini_sentry::protocol::EventId;
use mini_sentry_server::error::{Error, ErrorKind};
use mini_sentry_server::model::ids::{ProjectId, Seq};
use mini_sentry_server::store::conformance::{NOW, options};
use mini_sentry_server::store::open::open;
use mini_sentry_server::store::query::{EventFilter, Page};
use mini_sentry_server::store::{Batch, Store};
use rusqlite::Connection;
use tempfile::TempDir;

/// Databases as each version left them; `fixtures/README.md` says how they were made.
const STORED: &[(&str, &str)] = &[("0001", include_str!("fixtures/sqlite-0001.sql"))];

fn stored(sql: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = Connection::open(folder.path().join("mini-sentry.db")).unwrap();
    // A dump has its tables in the order of their names.
    file.pragma_update(None, "foreign_keys", false).unwrap();
    file.execute_batch(sql).unwrap();
    folder
}

async fn reopen(folder: &Path) -> Result<Store, Error> {
    open("sqlite", folder, options()).await
}

fn change(folder: &Path, sql: &str) {
    let file = Connection::open(folder.join("mini-sentry.db")).unwrap();
    file.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_database_of_each_released_version_is_opened() {
    for (version, sql) in STORED {
        let folder = stored(sql);
        let store = reopen(folder.path()).await.unwrap();
        assert_eq!(store.upkeep.check().await.unwrap(), [""; 0], "{version}");
        let catalog = store.catalog.snapshot().await.unwrap();
        let slugs: Vec<_> = catalog
            .projects
            .iter()
            .map(|one| one.slug.as_str())
            .collect();
        assert_eq!(slugs, ["first", "second"], "{version}");
        assert_eq!(catalog.keys.len(), 2, "{version}");

        let position = store.digests.position().await.unwrap();
        assert_eq!(position, Seq(13), "{version}");
        let filter = EventFilter {
            projects: vec![ProjectId(1), ProjectId(2)],
            ..EventFilter::default()
        };
        assert_eq!(store.events.count(&filter).await.unwrap(), 11, "{version}");
        let listed = store.events.list(&filter, Page::first(100)).await.unwrap();
        assert_eq!(listed.len(), 11, "{version}");
        assert!(listed.iter().any(|row| row.environment == "staging"));
        let one = listed.first().unwrap();
        let found = store.events.find(one.event_id, &[one.project]).await;
        assert_eq!(found.unwrap(), std::slice::from_ref(one), "{version}");
        let issues = store.issues.list(&filter.projects, Page::first(9)).await;
        assert_eq!(issues.unwrap().len(), 4, "{version}");

        // What came later has its place.
        let environments = store.events.environments(&filter.projects).await;
        assert_eq!(environments.unwrap(), [], "{version}");

        // It takes what comes next.
        let next = Batch {
            first: Seq(14),
            last: Seq(14),
            received: NOW,
            ..Batch::default()
        };
        store.digests.apply(next.into()).await.unwrap();
        let unknown = EventId::from_bytes([9; 16]);
        let found = store.events.find(unknown, &filter.projects).await;
        assert_eq!(found.unwrap(), [], "{version}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = reopen(folder.path()).await.unwrap();
    store.upkeep.close().await.unwrap();
    let newer = "INSERT INTO migrations SELECT 999, 'later', x'00', 0";
    change(folder.path(), newer);
    let refused = reopen(folder.path()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooNew);
    let text = refused.to_string();
    assert!(text.contains("schema version 999"), "{text}");
    // Nothing was changed.
    change(folder.path(), "DELETE FROM migrations WHERE name = 'later'");
    reopen(folder.path()).await.unwrap();
}

#[tokio::test]
async fn a_step_that_was_edited_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = reopen(folder.path()).await.unwrap();
    store.upkeep.close().await.unwrap();
    change(folder.path(), "UPDATE migrations SET checksum = x'00'");
    let refused = reopen(folder.path()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mini-sentry.db");
    std::fs::write(&path, "not a database".repeat(500)).unwrap();
    let refused = reopen(folder.path()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "not a database".repeat(500)
    );
}

#[tokio::test]
async fn many_may_open_an_empty_folder_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let path = folder.path().to_owned();
        tasks.spawn(async move { reopen(&path).await.map(drop) });
    }
    while let Some(opened) = tasks.join_next().await {
        opened.unwrap().unwrap();
    }
}
