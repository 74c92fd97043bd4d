//! Backup while events arrive, and restore.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mini_sentry_server::testkit::postgres::Server;
use tempfile::tempdir;

use super::{Served, answer, failure, json, send};
use crate::caller::client;

/// Small, so that there are closed segments and an open one.
const SEGMENTS: &str = "journal.segment_bytes=4KiB";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_all_that_was_answered_before_it_began() {
    let dir = tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Served::start(&data, &["--set", SEGMENTS]);
    let (dsn, token) = (server.first("dsn"), server.first("api_token"));
    let load = Load::start(server.url(), &dsn);
    let mut before = Vec::new();
    for name in ["one", "two.tar", "three.tar.zst"] {
        let enough = before.last().copied().unwrap_or(0) + 200;
        load.reached(enough).await;
        before.push(load.answered());
        let to = dir.path().join(name).to_str().unwrap().to_owned();
        let from = data.clone();
        let backup = move || json(&from, &["backup", &to]);
        tokio::task::spawn_blocking(backup).await.unwrap();
    }
    load.stop().await;
    server.stop().await;

    let segments = std::fs::read_dir(dir.path().join("one").join("segments")).unwrap();
    assert!(
        segments.count() > 1,
        "there are closed segments and an open one"
    );

    for (name, at_least) in ["one", "two.tar", "three.tar.zst"].iter().zip(before) {
        let again = dir.path().join(format!("{name}.data"));
        let from = dir.path().join(name);
        json(&again, &["restore", from.to_str().unwrap()]);
        let count = stored(&again, &token, at_least).await;
        assert!(count >= at_least, "{name}: {count} of {at_least}");
    }
    let left = std::fs::read_dir(&data).unwrap();
    let left = left.filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_str()
            .unwrap()
            .contains("backup")
    });
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn a_restored_folder_goes_on_where_the_backup_was_taken() {
    let dir = tempdir().unwrap();
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy"));
    let server = Served::start(&data, &[]);
    let (dsn, token) = (server.first("dsn"), server.first("api_token"));
    let client = client();
    assert_eq!(send(&client, server.url(), &dsn, 1).await, 200);
    json(&data, &["backup", copy.to_str().unwrap()]);
    assert_eq!(send(&client, server.url(), &dsn, 2).await, 200);
    server.stop().await;

    let again = dir.path().join("again");
    json(&again, &["restore", copy.to_str().unwrap()]);
    let server = Served::start(&again, &[]);
    // The same id is new here, and the one of before is known.
    assert_eq!(send(&client, server.url(), &dsn, 1).await, 200);
    assert_eq!(send(&client, server.url(), &dsn, 3).await, 200);
    let url = format!("{}/api/events/", server.url());
    let page = answer(&url, &token, |page| page["count"].as_u64() >= Some(2)).await;
    let mut messages: Vec<_> = page["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["message"].as_str().unwrap())
        .collect();
    messages.sort_unstable();
    assert_eq!(messages, ["event 1", "event 3"]);
}

#[tokio::test]
async fn a_backup_of_postgresql_fills_an_empty_database_and_only_that() {
    let given = std::env::var("MINI_SENTRY_TEST_POSTGRES").ok();
    let Some(databases) = Server::shared(given).unwrap() else {
        assert!(std::env::var_os("CI").is_none(), "CI must have PostgreSQL");
        println!("skipped: there is no PostgreSQL here");
        return;
    };
    let (one, two) = (
        databases.database().await.unwrap(),
        databases.database().await.unwrap(),
    );
    let dir = tempdir().unwrap();
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy.tar"));
    let server = Served::start(&data, &["--store", &one]);
    let (dsn, token) = (server.first("dsn"), server.first("api_token"));
    assert_eq!(send(&client(), server.url(), &dsn, 1).await, 200);
    let url = format!("{}/api/events/", server.url());
    answer(&url, &token, |page| page["count"] == 1).await;
    json(&data, &["backup", copy.to_str().unwrap(), "--store", &one]);
    server.stop().await;

    let (again, from) = (dir.path().join("again"), copy.to_str().unwrap());
    assert_eq!(failure(&again, &["restore", from, "--store", &one]).0, 4);
    assert_eq!(
        failure(&again, &["restore", from]).0,
        2,
        "the backup has no database file"
    );
    json(&again, &["restore", from, "--store", &two]);
    let server = Served::start(&again, &["--store", &two]);
    let url = format!("{}/api/events/", server.url());
    let page = answer(&url, &token, |page| page["count"] == 1).await;
    assert_eq!(page["results"][0]["message"], "event 1");
}

#[test]
fn nothing_is_overwritten_and_a_damaged_backup_is_refused() {
    let dir = tempdir().unwrap();
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy"));
    let (to, again) = (copy.to_str().unwrap(), dir.path().join("again"));
    json(&data, &["init"]);
    json(&data, &["backup", to]);
    assert_eq!(failure(&data, &["backup", to]).0, 4);
    assert_eq!(failure(&data, &["restore", to]).0, 4);

    let nowhere = dir.path().join("nowhere");
    assert_eq!(
        failure(&again, &["restore", nowhere.to_str().unwrap()]).0,
        3
    );
    assert_eq!(
        failure(&again, &["restore", dir.path().to_str().unwrap()]).0,
        2
    );

    let database = copy.join("mini-sentry.db");
    let mut bytes = std::fs::read(&database).unwrap();
    bytes.truncate(bytes.len() - 1);
    std::fs::write(&database, &bytes).unwrap();
    let (exit, detail) = failure(&again, &["restore", to]);
    assert_eq!(exit, 1);
    assert!(
        detail.starts_with("the backup is damaged: mini-sentry.db"),
        "{detail}"
    );
    bytes.fill(0);
    bytes.push(0);
    std::fs::write(&database, &bytes).unwrap();
    let (exit, detail) = failure(&again, &["restore", to]);
    assert_eq!(exit, 1, "{detail}");
    assert!(!again.exists(), "what failed leaves nothing behind");
}

/// Starts a server on a restored folder and returns how many events it has.
async fn stored(data: &Path, token: &str, at_least: u64) -> u64 {
    let server = Served::start(data, &[]);
    let url = format!("{}/api/events/?limit=1", server.url());
    let page = answer(&url, token, |page| page["count"].as_u64() >= Some(at_least)).await;
    let count = page["count"].as_u64().unwrap();
    // Each listed event has its body.
    let url = format!("{}/api/events/?limit=1000", server.url());
    let page = answer(&url, token, |_| true).await;
    for event in page["results"].as_array().unwrap() {
        assert!(
            event["message"].as_str().unwrap().starts_with("event "),
            "{event}"
        );
    }
    count
}

/// Events, one after the other, from some connections at a time.
struct Load {
    answered: Arc<AtomicU64>,
    ends: Arc<AtomicBool>,
    senders: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start(url: &str, dsn: &str) -> Self {
        let answered = Arc::new(AtomicU64::new(0));
        let ends = Arc::new(AtomicBool::new(false));
        let senders = (0..8_u128)
            .map(|lane| {
                let (answered, ends) = (Arc::clone(&answered), Arc::clone(&ends));
                let (url, dsn) = (url.to_owned(), dsn.to_owned());
                let client = client();
                tokio::spawn(async move {
                    let mut id = lane << 64;
                    while !ends.load(Ordering::Relaxed) {
                        id += 1;
                        assert_eq!(send(&client, &url, &dsn, id).await, 200);
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        Self {
            answered,
            ends,
            senders,
        }
    }

    fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }

    async fn reached(&self, count: u64) {
        while self.answered() < count {
            assert!(
                !self
                    .senders
                    .iter()
                    .any(tokio::task::JoinHandle::is_finished)
            );
            tokio::task::yield_now().await;
        }
    }

    async fn stop(self) {
        self.ends.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.await.unwrap();
        }
    }
}
