//! The store on SQLite: the suite of all stores, and what only a file has.

use async_trait::async_trait;
use mini_sentry_server::error::Error;
use mini_sentry_server::store::Store;
use mini_sentry_server::store::conformance::Place;
use mini_sentry_server::store::open::{StoreOptions, open};
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
