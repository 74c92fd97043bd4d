//! Fills an empty database from a copy.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::SinkExt as _;
use tokio::sync::mpsc;

use super::address::Address;
use super::backup::{FOLDER, FORM, MANIFEST, Manifest, TableFile};
use super::blocks::make_table;
use super::digest::open_partition;
use super::migrate;
use super::pool::{ANSWER, Lease, Pool, in_time};
use super::row::get;
use crate::error::{Error, ErrorKind};

/// Bytes that are read and sent at once.
const PIECE: usize = 64 * 1024;
/// Pieces that wait for the database.
const WAITING: usize = 16;

/// Fills an empty database from what [`backup`](crate::store::Upkeep::backup) wrote, all or nothing.
///
/// # Errors
///
/// [`Conflict`](ErrorKind::Conflict) when the database is not empty, [`Corrupt`](ErrorKind::Corrupt)
/// when the copy is damaged, [`TooNew`](ErrorKind::TooNew) when a newer version wrote it.
pub async fn restore(uri: &str, from: &Path) -> Result<(), Error> {
    let manifest = read_manifest(from)?;
    let pool = Pool::new(Address::parse(uri)?)?;
    migrate::migrate(&pool, manifest.schema).await?;
    fill(&pool, &manifest, &from.join(FOLDER)).await?;
    migrate::migrate(&pool, migrate::newest()).await?;
    pool.close();
    Ok(())
}

/// Removes the files that [`restore`] read; without them it does nothing.
///
/// # Errors
///
/// When they cannot be removed.
pub fn remove_copy(from: &Path) -> Result<(), Error> {
    let gone = |result: std::io::Result<()>| match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    gone(std::fs::remove_file(from.join(MANIFEST)))?;
    gone(std::fs::remove_dir_all(from.join(FOLDER)))?;
    Ok(())
}

fn read_manifest(from: &Path) -> Result<Manifest, Error> {
    let text = std::fs::read(from.join(MANIFEST))
        .map_err(|error| Error::from(error).during("read the copy's list of tables"))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| Error::new(ErrorKind::Corrupt, error))?;
    if manifest.form > FORM || manifest.schema > migrate::newest() {
        return Err(Error::because(
            ErrorKind::TooNew,
            "the copy was written by a newer version",
        ));
    }
    let is_plain = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    for table in &manifest.tables {
        if !is_plain(&table.name) || !table.columns.iter().all(|column| is_plain(column)) {
            return Err(Error::because(
                ErrorKind::Corrupt,
                "the copy's list of tables names something that is no table",
            ));
        }
    }
    Ok(manifest)
}

async fn fill(pool: &Arc<Pool>, manifest: &Manifest, folder: &Path) -> Result<(), Error> {
    let mut lease = pool.lend().await?;
    lease
        .begin(
            "BEGIN; SET LOCAL statement_timeout = 0; \
             SET LOCAL idle_in_transaction_session_timeout = 0",
        )
        .await?;
    let row = lease
        .query_one(
            "SELECT EXISTS (SELECT FROM organisations) OR EXISTS (SELECT FROM partitions) \
             OR EXISTS (SELECT FROM digest WHERE position > 0)",
            &[],
        )
        .await?;
    if get(&row, 0)? {
        return Err(Error::because(
            ErrorKind::Conflict,
            "the database is not empty; restore into a new one",
        ));
    }
    lease
        .run("DELETE FROM counters; DELETE FROM digest")
        .await?;
    for id in &manifest.partitions {
        open_partition(&mut lease, *id).await?;
    }
    for table in &manifest.tables {
        if table.name.starts_with("blocks_") {
            make_table(&mut lease, &table.name).await?;
        }
        copy_in(&mut lease, table, folder.join(&table.name)).await?;
    }
    // Numbers are given on behind those of the copy.
    for table in ["activity", "releases", "deployments"] {
        lease
            .run(&format!(
                "SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table} \
                 HAVING max(id) IS NOT NULL"
            ))
            .await?;
    }
    // Tables under construction are not part of a copy.
    lease
        .run("UPDATE block_ranges SET staged = 0; UPDATE dead SET staged = false")
        .await?;
    lease.commit().await
}

async fn copy_in(lease: &mut Lease, table: &TableFile, path: PathBuf) -> Result<(), Error> {
    let sql = format!(
        "COPY {} ({}) FROM STDIN BINARY",
        table.name,
        table.columns.join(", ")
    );
    let mut sink = Box::pin(lease.copy_in(&sql).await?);
    let (pieces, mut waiting) = mpsc::channel(WAITING);
    let reader = tokio::task::spawn_blocking(move || read_file(&path, &pieces));
    while let Some(piece) = waiting.recv().await {
        let sent = in_time(ANSWER, sink.as_mut().send(piece)).await;
        lease.noting(sent)?;
    }
    let read = reader.await;
    let read = read.map_err(|error| Error::new(ErrorKind::System, error))??;
    if read != (table.bytes, table.crc) {
        return Err(Error::because(
            ErrorKind::Corrupt,
            format!("the copy of the table {} is damaged", table.name),
        ));
    }
    let finished = in_time(ANSWER, sink.as_mut().finish()).await;
    lease.noting(finished).map(|_| ())
}

fn read_file(path: &Path, pieces: &mpsc::Sender<Bytes>) -> Result<(u64, u32), Error> {
    let mut file = File::open(path)?;
    let mut crc = crc32fast::Hasher::new();
    let mut bytes = 0_u64;
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece)?;
        if read == 0 {
            return Ok((bytes, crc.finalize()));
        }
        crc.update(&piece);
        bytes = bytes.saturating_add(read as u64);
        if pieces.blocking_send(Bytes::from(piece)).is_err() {
            return Ok((bytes, crc.finalize()));
        }
    }
}
