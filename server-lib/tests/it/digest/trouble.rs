//! Digest over a store that fails: a wrapper around the real one says no at chosen moments.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use mini_sentry::protocol::EventId;
use mini_sentry_server::error::{Error, ErrorKind};
use mini_sentry_server::journal::Journal;
use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::store::query::EventFilter;
use mini_sentry_server::store::{Applied, Batch, Digests};
use tempfile::TempDir;

use super::lab::{Index, Running, event, journal};

struct Failing {
    inner: Arc<dyn Digests>,
    /// So many calls fail before anything is done.
    before: AtomicU32,
    /// So many calls fail although everything is done.
    behind: AtomicU32,
    /// Batches with this event are refused for ever.
    poison: Option<EventId>,
}

impl Failing {
    fn new(index: &Index, before: u32, behind: u32, poison: Option<EventId>) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(&index.store.digests),
            before: AtomicU32::new(before),
            behind: AtomicU32::new(behind),
            poison,
        })
    }
}

fn take(counter: &AtomicU32) -> bool {
    let one_less = |count: u32| count.checked_sub(1);
    counter
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
        .is_ok()
}

fn unavailable() -> Error {
    Error::because(ErrorKind::Unavailable, "the database does not answer")
}

#[async_trait]
impl Digests for Failing {
    async fn position(&self) -> Result<Seq, Error> {
        if take(&self.before) {
            return Err(unavailable());
        }
        self.inner.position().await
    }

    async fn apply(&self, batch: Arc<Batch>) -> Result<Applied, Error> {
        if take(&self.before) {
            return Err(unavailable());
        }
        if batch
            .events
            .iter()
            .any(|event| Some(event.event_id) == self.poison)
        {
            return Err(Error::because(ErrorKind::Invalid, "a value is not allowed"));
        }
        let applied = self.inner.apply(batch).await;
        if take(&self.behind) {
            return Err(unavailable());
        }
        applied
    }
}

async fn count(index: &Index) -> u64 {
    let filter = EventFilter {
        projects: vec![index.project],
        ..EventFilter::default()
    };
    index.store.events.count(&filter).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_for_a_while_loses_and_doubles_nothing() {
    for (before, behind) in [(4, 0), (0, 2), (3, 3)] {
        let index = Index::open().await;
        let dir = TempDir::new().unwrap();
        let journal = journal(dir.path());
        let store = Failing::new(&index, before, behind, None);
        let running = Running::start_into(&journal, &index, store);
        for id in 1..=40 {
            let record = event(index.project, id, r#"{"message":"a"}"#);
            journal.append(vec![record]).await.unwrap();
        }
        running.reach(&journal).await;
        assert_eq!(count(&index).await, 40);
        let failures = running.metrics.digest_failures.get();
        assert!(failures >= u64::from(before + behind.min(1)));
        assert!(running.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_store_refuses_does_not_hold_up_the_others() {
    let index = Index::open().await;
    let dir = TempDir::new().unwrap();
    let journal = journal(dir.path());
    let records = (1..=50)
        .map(|id| event(index.project, id, r#"{"message":"a"}"#))
        .collect();
    journal.append(records).await.unwrap();
    let poison = EventId::from_bytes([23; 16]);
    let store = Failing::new(&index, 0, 0, Some(poison));
    let running = Running::start_into(&journal, &index, store);
    running.reach(&journal).await;
    assert!(running.stop().await);
    assert_eq!(count(&index).await, 49);
    let found = index.store.events.find(poison, &[index.project]).await;
    assert!(found.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_digests_what_is_in_the_journal_and_followers_see_it() {
    let index = Index::open().await;
    let dir = TempDir::new().unwrap();
    let journal = journal(dir.path());
    let running = Running::start(&journal, &index);
    let mut feed = running.progress.follow();
    let records = (1..=200)
        .map(|id| event(index.project, id, r#"{"message":"a"}"#))
        .collect();
    journal.append(records).await.unwrap();
    assert!(running.stop().await);
    assert_eq!(count(&index).await, 200);
    let mut seen = Vec::new();
    while let Ok(batch) = feed.try_recv() {
        seen.extend(batch.iter().map(|event| (event.seq.0, event.is_new_issue)));
    }
    let expected: Vec<_> = (1..=200).map(|seq| (seq, seq == 1)).collect();
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_store_that_is_away() {
    let index = Index::open().await;
    let dir = TempDir::new().unwrap();
    let journal = journal(dir.path());
    let store = Failing::new(&index, u32::MAX, 0, None);
    let running = Running::start_into(&journal, &index, store);
    let record = event(index.project, 1, r#"{"message":"a"}"#);
    journal.append(vec![record]).await.unwrap();
    assert!(
        !running
            .stop_within(std::time::Duration::from_millis(100))
            .await
    );
    assert_eq!(count(&index).await, 0);
}
