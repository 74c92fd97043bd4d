//! Everything in one SQLite file, for one machine.
//!
//! One thread writes, a few read; the file is in WAL mode, so neither waits for the other. The
//! journal makes ingest durable: a batch that power loss takes out of the file is still in the
//! journal, and the position that was in the same transaction says so.
//!
//! Events lie in tables of their own for each partition, with their sums beside them,
//! so that dropping a partition leaves nothing to correct. Event ids lie in sorted runs
//! beside the file: a B-tree over random ids would touch a page for each event.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

use super::Store;
use super::open::StoreOptions;
use crate::error::{Error, ErrorKind};

mod backup;
mod catalog;
mod check;
mod connection;
mod count;
mod cursor;
mod digests;
mod environments;
mod erase;
mod events;
mod floors;
mod generations;
mod ids;
mod index;
mod issues;
mod items;
mod lane;
mod migrate;
mod names;
mod outcomes;
mod partition;
mod people;
mod question;
mod releases;
mod row;
mod series;
mod session_sums;
mod sessions;
mod space;
mod sums;
mod sweep;
mod tokens;
mod upkeep;
mod writer;

use connection::Role;
use ids::Ids;
use lane::Lane;
use space::ClosedSizes;
use writer::Writer;

/// The database's name in the data folder.
const FILE: &str = "mini-sentry.db";

/// Threads that read.
const READERS: usize = 3;

/// Jobs that may wait for a thread.
const QUEUE: usize = 64;

/// Opens the database that the URI names, `sqlite` for the one in the data folder, and brings its
/// schema up to date.
///
/// # Errors
///
/// When it cannot be opened, was made by a newer version or is damaged.
pub async fn open(uri: &str, data_dir: &Path, options: StoreOptions) -> Result<Store, Error> {
    let path = path_of(uri, data_dir)?;
    let opening = tokio::task::spawn_blocking(move || Sqlite::open(path, &options));
    let opened = opening
        .await
        .map_err(|error| Error::new(ErrorKind::System, error))?;
    let sqlite = Arc::new(opened?);
    Ok(Store {
        catalog: Arc::<Sqlite>::clone(&sqlite),
        people: Arc::<Sqlite>::clone(&sqlite),
        digests: Arc::<Sqlite>::clone(&sqlite),
        events: Arc::<Sqlite>::clone(&sqlite),
        issues: Arc::<Sqlite>::clone(&sqlite),
        index: Arc::<Sqlite>::clone(&sqlite),
        releases: Arc::<Sqlite>::clone(&sqlite),
        stats: Arc::<Sqlite>::clone(&sqlite),
        upkeep: sqlite,
        bodies: None,
    })
}

/// Reads `sqlite`, `sqlite:file` and `sqlite:///path/to/file`.
fn path_of(uri: &str, data_dir: &Path) -> Result<PathBuf, Error> {
    let rest = uri.strip_prefix("sqlite").unwrap_or(uri);
    let path = rest.strip_prefix(':').unwrap_or(rest);
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.contains(['?', '#', '\0']) {
        return Err(Error::because(
            ErrorKind::Invalid,
            "a sqlite store has a path and no further parts",
        ));
    }
    let name = if path.is_empty() { FILE } else { path };
    Ok(data_dir.join(name))
}

/// The threads and what they share.
struct Sqlite {
    path: PathBuf,
    ids: Arc<Ids>,
    sizes: Arc<ClosedSizes>,
    writer: Lane<Writer>,
    readers: Lane<Connection>,
    /// Runs of the index are written anew by one at a time.
    merging: tokio::sync::Mutex<()>,
}

impl Sqlite {
    fn open(path: PathBuf, options: &StoreOptions) -> Result<Self, Error> {
        connection::create(&path)?;
        let mut connection = connection::open(&path, Role::Writer)?;
        migrate::migrate(&mut connection, options.clock.now())?;
        let ids = Arc::new(Ids::new(&path, writer::counter(&connection, "store")?));
        let readers = (0..READERS)
            .map(|_| connection::open(&path, Role::Reader))
            .collect::<Result<Vec<_>, _>>()?;
        let writer = Writer::new(connection, Arc::clone(&ids), options);
        Ok(Self {
            path,
            ids,
            sizes: Arc::default(),
            writer: Lane::start("mini-sentry-write", QUEUE, vec![writer])?,
            readers: Lane::start("mini-sentry-read", QUEUE, readers)?,
            merging: tokio::sync::Mutex::default(),
        })
    }

    /// Has a reader answer a question from one state of the database.
    async fn read<R: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let job = move |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let answer = job(&transaction)?;
            transaction.commit()?;
            Ok(answer)
        };
        self.readers.run(job).await
    }
}
