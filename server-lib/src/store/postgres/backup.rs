//! A consistent copy of the database as files: one for each table, as the database copies it out,
//! and a manifest. No program of the database's own is needed.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::blocks::ranges;
use super::digest::PARTED_TABLES;
use super::migrate;
use super::pool::{ANSWER, Lease, Pool, in_time};
use super::row::get;
use crate::error::{Error, ErrorKind};

/// The file that lists the others.
pub(super) const MANIFEST: &str = "postgres.json";
/// The folder of the others.
pub(super) const FOLDER: &str = "postgres";
/// The form of the files.
pub(super) const FORM: u32 = 1;
/// Tables besides those of partitions and ranges, owners before what belongs to them.
pub(super) const TABLES: [&str; 38] = [
    "counters",
    "organisations",
    "projects",
    "project_keys",
    "users",
    "memberships",
    "teams",
    "team_members",
    "team_projects",
    "api_tokens",
    "logins",
    "login_links",
    "audit_log",
    "digest",
    "partitions",
    "groups",
    "environments",
    "issues",
    "issue_numbers",
    "issue_marks",
    "activity",
    "discarded_groups",
    "deleted_groups",
    "releases",
    "commits",
    "deployments",
    "runs",
    "group_people",
    "texts",
    "hidden",
    "dead",
    "erased_events",
    "stale_partitions",
    "stale_groups",
    "outcomes",
    "sessions",
    "session_counts",
    "block_ranges",
];
/// A table may be packed or dropped between the look-up and the first read.
const ATTEMPTS: u32 = 5;
/// Pieces that wait for the disk.
const WAITING: usize = 16;

/// What a copy consists of.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The form of the files.
    pub(super) form: u32,
    /// The schema that the tables have.
    pub(super) schema: i32,
    /// The partitions of the index.
    pub(super) partitions: Vec<i32>,
    /// The tables, in the order in which they are to be filled.
    pub(super) tables: Vec<TableFile>,
}

/// A table's file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TableFile {
    /// The table; the file is called so too.
    pub(super) name: String,
    /// Its columns, in the file's order.
    pub(super) columns: Vec<String>,
    /// Length of the file.
    pub(super) bytes: u64,
    /// Checksum of the file.
    pub(super) crc: u32,
}

/// Writes a copy into the folder.
pub(super) async fn write(pool: &Arc<Pool>, into: &Path) -> Result<(), Error> {
    let folder = into.join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    let mut attempt = 1;
    let manifest = loop {
        match snapshot(pool, &folder).await {
            Err(error) if error.kind() == ErrorKind::NotFound && attempt < ATTEMPTS => {
                attempt += 1;
            }
            other => break other?,
        }
    };
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Error::new(ErrorKind::System, error))?;
    let mut file = File::create(into.join(MANIFEST))?;
    file.write_all(&text)?;
    file.sync_all()?;
    File::open(&folder)?.sync_all()?;
    File::open(into)?.sync_all()?;
    Ok(())
}

async fn snapshot(pool: &Arc<Pool>, folder: &Path) -> Result<Manifest, Error> {
    let mut lease = pool.lend().await?;
    lease
        .begin(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
             SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",
        )
        .await?;
    let mut names: Vec<String> = TABLES.iter().map(|&name| name.to_owned()).collect();
    let rows = lease
        .query("SELECT id FROM partitions ORDER BY id", &[])
        .await?;
    let partitions: Vec<i32> = rows
        .iter()
        .map(|row| get(row, 0))
        .collect::<Result<_, _>>()?;
    for id in &partitions {
        names.extend(PARTED_TABLES.iter().map(|table| format!("{table}_{id}")));
    }
    names.extend(ranges(&mut lease).await?.iter().map(|range| range.table()));
    // From here on none of them is packed or dropped.
    let all = names.join(", ");
    lease
        .run(&format!("LOCK TABLE {all} IN ACCESS SHARE MODE"))
        .await?;
    let mut tables = Vec::with_capacity(names.len());
    for name in names {
        let path = folder.join(&name);
        tables.push(copy_out(&mut lease, name, path).await?);
    }
    lease.commit().await?;
    Ok(Manifest {
        form: FORM,
        schema: migrate::newest(),
        partitions,
        tables,
    })
}

async fn copy_out(lease: &mut Lease, name: String, path: PathBuf) -> Result<TableFile, Error> {
    let rows = lease
        .query(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) \
             AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            &[&name],
        )
        .await?;
    let columns: Vec<String> = rows
        .iter()
        .map(|row| get(row, 0))
        .collect::<Result<_, _>>()?;
    let sql = format!("COPY {name} ({}) TO STDOUT BINARY", columns.join(", "));
    let mut stream = std::pin::pin!(lease.copy_out(&sql).await?);
    let (pieces, waiting) = mpsc::channel(WAITING);
    let writer = tokio::task::spawn_blocking(move || write_file(&path, waiting));
    loop {
        let next = async { stream.next().await.transpose() };
        let Some(piece) = in_time(ANSWER, next).await? else {
            break;
        };
        if pieces.send(piece).await.is_err() {
            break;
        }
    }
    drop(pieces);
    let written = writer.await;
    let (bytes, crc) = written.map_err(|error| Error::new(ErrorKind::System, error))??;
    Ok(TableFile {
        name,
        columns,
        bytes,
        crc,
    })
}

fn write_file(path: &Path, mut pieces: mpsc::Receiver<Bytes>) -> Result<(u64, u32), Error> {
    let mut file = std::io::BufWriter::new(File::create(path)?);
    let mut crc = crc32fast::Hasher::new();
    let mut bytes = 0_u64;
    while let Some(piece) = pieces.blocking_recv() {
        file.write_all(&piece)?;
        crc.update(&piece);
        bytes = bytes.saturating_add(piece.len() as u64);
    }
    file.flush()?;
    file.get_ref().sync_all()?;
    Ok((bytes, crc.finalize()))
}
