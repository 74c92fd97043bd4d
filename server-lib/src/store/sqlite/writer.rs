//! The one thread that writes, and what it remembers between transactions.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::connection::BUSY_TIMEOUT;
use super::environments::Environments;
use super::floors::Floors;
use super::ids::Ids;
use super::issues::IssueMemory;
use super::names::Names;
use crate::clock::Clock;
use crate::error::Error;
use crate::store::open::StoreOptions;

/// How long cutting the log waits for readers.
const CUT_PATIENCE: Duration = Duration::from_millis(200);

/// The connection that writes, with everything that only it needs.
pub(super) struct Writer {
    connection: Connection,
    /// What is known without asking the database.
    memory: Memory,
    /// The index of event ids.
    pub(super) ids: Arc<Ids>,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
    /// When a partition is full.
    pub(super) limits: PartitionLimits,
    /// Whether the log may hold what was erased.
    has_erased: bool,
    /// The position at the last look, and whether the writer has rested since it moved.
    seen: (i64, bool),
}

/// When a partition is full.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartitionLimits {
    /// After so many events and items.
    pub(super) rows: u64,
    /// After so much time.
    pub(super) age: Duration,
}

/// What the writer remembers. Bounded, and forgotten when a transaction fails, because it may then
/// know of rows that are not there.
#[derive(Default)]
pub(super) struct Memory {
    /// Numbers of names.
    pub(super) names: Names,
    /// Numbers of issues.
    pub(super) issues: IssueMemory,
    /// Environments that are noted.
    pub(super) environments: Environments,
    /// What is hidden of projects.
    pub(super) floors: Floors,
}

/// What a commit must outlive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// The process: after power loss the journal repeats it, or it is only a count.
    Process,
    /// Power loss: somebody was told that it is done.
    Power,
}

impl Writer {
    pub(super) fn new(connection: Connection, ids: Arc<Ids>, options: &StoreOptions) -> Self {
        Self {
            connection,
            memory: Memory::default(),
            ids,
            clock: Arc::clone(&options.clock),
            limits: PartitionLimits {
                rows: options.partition_events.max(1),
                age: options.partition_age,
            },
            // Another process may have erased and crashed.
            has_erased: true,
            seen: (-1, false),
        }
    }

    /// Returns the connection, outside of a transaction.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Writes in one transaction: all that `work` does, or nothing.
    pub(super) fn write<R>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>, &mut Memory) -> Result<R, Error>,
    ) -> Result<R, Error> {
        if durability == Durability::Power {
            self.connection.pragma_update(None, "synchronous", "FULL")?;
        }
        let answer = write(&mut self.connection, &mut self.memory, work);
        if durability == Durability::Power {
            self.connection
                .pragma_update(None, "synchronous", "NORMAL")?;
        }
        if answer.is_err() {
            self.memory = Memory::default();
        }
        answer
    }

    /// Writes as [`write`](Self::write), and overwrites what it deletes.
    pub(super) fn erase<R>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>, &mut Memory) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.has_erased = true;
        self.connection.pragma_update(None, "secure_delete", true)?;
        let answer = self.write(durability, work);
        self.connection
            .pragma_update(None, "secure_delete", "FAST")?;
        answer
    }

    /// Notes that the log may hold what was erased.
    pub(super) fn note_erased(&mut self) {
        self.has_erased = true;
    }

    /// Cuts the log if something erased may be readable in it.
    pub(super) fn forget_erased(&mut self) -> Result<(), Error> {
        if self.has_erased {
            self.has_erased = !self.cut_log()?;
        }
        Ok(())
    }

    /// Gives back disk and memory if no batch came since the last call.
    pub(super) fn rest(&mut self) -> Result<(), Error> {
        let position = counter(&self.connection, "position")?;
        let (seen, has_rested) = self.seen;
        self.seen = (position, has_rested && position == seen);
        if position == seen && !has_rested && self.cut_log()? {
            self.connection.execute_batch("PRAGMA shrink_memory")?;
            self.seen = (position, true);
        }
        Ok(())
    }

    /// Writes the log back and cuts it. Readers that take long are not waited for: false, and the
    /// next call tries again.
    fn cut_log(&self) -> Result<bool, Error> {
        let cut = "PRAGMA wal_checkpoint(TRUNCATE)";
        self.connection.busy_timeout(CUT_PATIENCE)?;
        let is_busy = self
            .connection
            .query_row(cut, [], |row| row.get::<_, bool>(0));
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(!is_busy?)
    }
}

fn write<R>(
    connection: &mut Connection,
    memory: &mut Memory,
    work: impl FnOnce(&Transaction<'_>, &mut Memory) -> Result<R, Error>,
) -> Result<R, Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answer = work(&transaction, memory)?;
    transaction.commit()?;
    Ok(answer)
}

/// Returns a single number.
pub(super) fn counter(connection: &Connection, name: &str) -> Result<i64, Error> {
    let mut select = connection.prepare_cached("SELECT value FROM counters WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0))?)
}

/// Adds to a single number.
pub(super) fn add_to_counter(connection: &Connection, name: &str, by: i64) -> Result<(), Error> {
    let add = "UPDATE counters SET value = value + ?2 WHERE name = ?1";
    connection.prepare_cached(add)?.execute(params![name, by])?;
    Ok(())
}

/// Sets a single number.
pub(super) fn set_counter(connection: &Connection, name: &str, value: i64) -> Result<(), Error> {
    let set = "UPDATE counters SET value = ?2 WHERE name = ?1";
    connection
        .prepare_cached(set)?
        .execute(params![name, value])?;
    Ok(())
}
