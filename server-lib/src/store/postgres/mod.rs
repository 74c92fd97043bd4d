//! Everything in a PostgreSQL database: catalogue, index, counts and bodies.
//!
//! All of it lies in the schema `mini_sentry`, so that the database may hold other things. The index
//! is partitioned as retention drops it; bodies are the journal's blocks, in a table for each range
//! of records. Connections are few, made when needed, and made again after the server was away;
//! meanwhile everything answers [`Unavailable`](crate::error::ErrorKind::Unavailable).
//!
//! The connection must be to the server itself or to a pooler that keeps sessions.

mod address;
mod backup;
mod blocks;
mod bodies;
mod catalog;
mod check;
mod compact;
mod digest;
mod erase;
mod events;
mod failure;
mod filter;
mod index;
mod issues;
mod migrate;
mod people;
mod pool;
mod releases;
mod restore;
mod row;
mod session_sums;
mod stats;
mod tls;
mod upkeep;

use std::path::Path;
use std::sync::Arc;

pub use restore::{remove_copy, restore};

use super::Store;
use super::open::StoreOptions;
use crate::blob::Blobs;
use crate::error::Error;

/// Connects to the database and brings its schema up to date. Bodies that are too large for a block
/// stay in files in the data folder; this removes them with their records.
///
/// # Errors
///
/// [`Invalid`](crate::error::ErrorKind::Invalid) for an address that cannot be read, a wrong
/// password or a missing database, [`Unavailable`](crate::error::ErrorKind::Unavailable) when the
/// server does not answer, [`TooNew`](crate::error::ErrorKind::TooNew) for a newer schema.
pub async fn open(uri: &str, data_dir: &Path, options: StoreOptions) -> Result<Store, Error> {
    let pool = pool::Pool::new(address::Address::parse(uri)?)?;
    migrate::migrate(&pool, migrate::newest()).await?;
    let clock = Arc::clone(&options.clock);
    Ok(Store {
        catalog: Arc::new(catalog::PostgresCatalog::new(Arc::clone(&pool))),
        people: Arc::new(people::PostgresPeople::new(Arc::clone(&pool))),
        digests: Arc::new(digest::PostgresDigests::new(
            Arc::clone(&pool),
            options.clone(),
        )),
        events: Arc::new(events::PostgresEvents::new(Arc::clone(&pool))),
        issues: Arc::new(issues::PostgresIssues::new(Arc::clone(&pool))),
        index: Arc::new(index::PostgresIndex::new(Arc::clone(&pool), options)),
        releases: Arc::new(releases::PostgresReleases::new(Arc::clone(&pool))),
        stats: Arc::new(stats::PostgresStats::new(Arc::clone(&pool))),
        bodies: Some(Arc::new(bodies::PostgresBodies::new(
            Arc::clone(&pool),
            Blobs::at(data_dir.join("blobs")),
        ))),
        upkeep: Arc::new(upkeep::PostgresUpkeep::new(pool, clock)),
    })
}
