//! From a URI to a backend.

use std::path::Path;
use std::sync::Arc;

use super::Store;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};

/// What a backend is told when it is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// A partition is closed after so many events.
    pub partition_events: u64,
    /// Or after so much time.
    pub partition_age: std::time::Duration,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Opens the store that the URI names and brings its schema up to date.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] for an unknown scheme, [`ErrorKind::NotBuilt`] for a backend that is not
/// compiled in, [`ErrorKind::TooNew`] for a schema of a newer version.
pub async fn open(uri: &str, data_dir: &Path, options: StoreOptions) -> Result<Store, Error> {
    let scheme = uri.split_once(':').map_or(uri, |(scheme, _)| scheme);
    match scheme {
        "sqlite" => sqlite(uri, data_dir, options).await,
        "postgres" | "postgresql" => postgres(uri, data_dir, options).await,
        _ => Err(Error::because(
            ErrorKind::Invalid,
            format!("unknown store {scheme:?}; known are sqlite and postgres"),
        )),
    }
}

/// Takes what [`Upkeep::backup`](super::Upkeep::backup) wrote into the data folder and brings it to
/// where [`open`] looks for it. A database file in the folder is there already.
///
/// # Errors
///
/// [`ErrorKind::Conflict`] when a database server has something already, [`ErrorKind::Invalid`] when
/// the store is another one than the backup's, [`ErrorKind::Corrupt`] when the backup is damaged.
pub async fn restore(uri: &str, data_dir: &Path) -> Result<(), Error> {
    let has_file = data_dir.join("mini-sentry.db").exists();
    let other = |needed| Err(Error::because(ErrorKind::Invalid, needed));
    match uri.split_once(':').map_or(uri, |(scheme, _)| scheme) {
        "sqlite" if uri == "sqlite" && has_file => Ok(()),
        "sqlite" => other("the backup is restored with a database file in the data folder only"),
        _ if has_file => other("the backup has a database file; restore it with the store sqlite"),
        _ => restore_postgres(uri, data_dir).await,
    }
}

#[cfg(feature = "sqlite")]
use super::sqlite::open as sqlite;

#[cfg(not(feature = "sqlite"))]
#[expect(clippy::unused_async, reason = "the face of the one that is built in")]
async fn sqlite(_: &str, _: &Path, _: StoreOptions) -> Result<Store, Error> {
    Err(Error::because(
        ErrorKind::NotBuilt,
        "this program was built without the feature sqlite",
    ))
}

#[cfg(feature = "postgres")]
async fn postgres(uri: &str, data_dir: &Path, options: StoreOptions) -> Result<Store, Error> {
    super::postgres::open(uri, data_dir, options).await
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "the face of the one that is built in")]
async fn postgres(_: &str, _: &Path, _: StoreOptions) -> Result<Store, Error> {
    Err(Error::because(
        ErrorKind::NotBuilt,
        "this program was built without the feature postgres",
    ))
}

#[cfg(feature = "postgres")]
async fn restore_postgres(uri: &str, data_dir: &Path) -> Result<(), Error> {
    super::postgres::restore(uri, data_dir).await?;
    super::postgres::remove_copy(data_dir)
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "the face of the one that is built in")]
async fn restore_postgres(_: &str, _: &Path) -> Result<(), Error> {
    Err(Error::because(
        ErrorKind::NotBuilt,
        "this program was built without the feature postgres",
    ))
}
