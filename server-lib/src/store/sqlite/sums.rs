//! Sums of a partition's events by time, level, environment and release. Lists and counts read
//! these and not the events.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Transaction, params};

use super::names::NameId;
use super::row::stored;
use crate::error::Error;
use crate::model::ids::{PartitionId, ProjectId};

/// Lengths of the intervals in minutes, shortest first.
pub(super) const GRAINS: [i64; 3] = [1, 60, 24 * 60];

/// What events are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SumKey {
    /// Whose they are.
    pub(super) project: ProjectId,
    /// In which minute they happened.
    pub(super) minute: i64,
    /// The level's number.
    pub(super) level: i64,
    /// The environment.
    pub(super) environment: NameId,
    /// The release.
    pub(super) release: NameId,
}

/// Numbers of events to add or to subtract.
#[derive(Debug, Default)]
pub(super) struct Sums(BTreeMap<SumKey, u64>);

impl Sums {
    /// Counts an event.
    pub(super) fn count(&mut self, key: SumKey) {
        let events = self.0.entry(key).or_default();
        *events = events.saturating_add(1);
    }

    /// Returns which environments of which projects are in it.
    pub(super) fn environments(&self) -> BTreeSet<(ProjectId, NameId)> {
        let keys = self.0.keys();
        keys.map(|key| (key.project, key.environment)).collect()
    }

    /// Adds the numbers to a partition's sums.
    pub(super) fn add(
        &self,
        transaction: &Transaction<'_>,
        partition: PartitionId,
    ) -> Result<(), Error> {
        let mut add = transaction.prepare_cached(&format!(
            "INSERT INTO counts_{partition}
                (project, grain, bucket, level, environment, release, events)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT DO UPDATE SET events = events + excluded.events"
        ))?;
        for grain in GRAINS {
            for (key, events) in self.of_grain(grain) {
                add.execute(params![
                    key.project.0,
                    grain,
                    key.minute,
                    key.level,
                    key.environment,
                    key.release,
                    stored(events)
                ])?;
            }
        }
        Ok(())
    }

    /// Subtracts the numbers from a partition's sums.
    pub(super) fn subtract(
        &self,
        transaction: &Transaction<'_>,
        partition: PartitionId,
    ) -> Result<(), Error> {
        let of_key = "project = ?1 AND grain = ?2 AND bucket = ?3 AND level = ?4
            AND environment = ?5 AND release = ?6";
        let mut subtract = transaction.prepare_cached(&format!(
            "UPDATE counts_{partition} SET events = events - ?7 WHERE {of_key}"
        ))?;
        let mut clear = transaction.prepare_cached(&format!(
            "DELETE FROM counts_{partition} WHERE {of_key} AND events <= 0"
        ))?;
        for grain in GRAINS {
            for (key, events) in self.of_grain(grain) {
                let project = key.project.0;
                let SumKey {
                    minute,
                    level,
                    environment,
                    release,
                    ..
                } = key;
                let events = stored(events);
                subtract.execute(params![
                    project,
                    grain,
                    minute,
                    level,
                    environment,
                    release,
                    events
                ])?;
                clear.execute(params![project, grain, minute, level, environment, release])?;
            }
        }
        Ok(())
    }

    /// Returns the numbers by intervals of a length, whose number stands for the minute.
    fn of_grain(&self, grain: i64) -> BTreeMap<SumKey, u64> {
        let mut sums = BTreeMap::<_, u64>::new();
        for (key, events) in &self.0 {
            let minute = key.minute.div_euclid(grain);
            let sum = sums.entry(SumKey { minute, ..*key }).or_default();
            *sum = sum.saturating_add(*events);
        }
        sums
    }
}
