//! The first start on an empty store, also by several processes at once.

use std::path::Path;
use std::sync::Arc;

use mini_sentry_server::builder::open_store;
use mini_sentry_server::clock::{Clock, SystemClock};
use mini_sentry_server::config::Config;
use mini_sentry_server::provision::{Provision, Provisioned, provision};
use mini_sentry_server::store::Store;

async fn open(dir: &Path) -> Store {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    open_store(&Config::new(dir), &clock).await.unwrap()
}

async fn start(store: &Store, project: &str) -> Option<Provisioned> {
    let request = Provision {
        project: project.to_owned(),
        ..Provision::default()
    };
    provision(store, &SystemClock, request).await.unwrap()
}

#[tokio::test]
async fn the_first_start_makes_what_is_needed_and_later_ones_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let made = start(&store, "Shop").await.unwrap();
    assert_eq!(made.project.slug, "shop");
    assert_eq!(made.key.project, made.project.id);
    let found = store.catalog.find_token(&made.api_token.hash()).await;
    assert_eq!(found.unwrap().unwrap().id, made.token.id);
    assert!(start(&store, "Shop").await.is_none());
    // Not even when all projects were deleted since.
    store.catalog.delete_project(made.project.id).await.unwrap();
    assert!(start(&store, "Shop").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_first_starts_at_once_one_provisions() {
    for round in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (open(dir.path()).await, open(dir.path()).await);
        let names = if round % 2 == 0 {
            ("a", "a")
        } else {
            ("a", "b")
        };
        let (first, second) = tokio::join!(start(&one, names.0), start(&two, names.1));
        assert!(first.is_some() != second.is_some(), "round {round}");
        let snapshot = one.catalog.snapshot().await.unwrap();
        assert_eq!(snapshot.organisations.len(), 1);
        assert_eq!(snapshot.projects.len(), 1);
        assert_eq!(snapshot.keys.len(), 1);
    }
}
