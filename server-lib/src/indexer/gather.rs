//! Gathers events of one partition, from digest or from the store.

use std::time::Instant;

use super::feed::Stored;
use super::recent::Recent;
use crate::error::Error;
use crate::model::event::EventFacts;
use crate::model::ids::{GroupId, PartitionId, ProjectId, Seq};
use crate::store::index::{IndexBatch, IndexedEvent, Pending, key};

/// Texts and people that are remembered.
const REMEMBERED: usize = 32 * 1024;

/// What is gathered, and what is known of what was written before.
#[derive(Debug)]
pub(super) struct Gather {
    /// The last record that is written.
    written: Seq,
    /// The last record that is gathered.
    reached: Seq,
    partition: Option<(PartitionId, Pending)>,
    since: Option<Instant>,
    texts: Recent,
    people: Recent,
}

impl Gather {
    /// Begins behind a record.
    pub(super) fn new(written: Seq) -> Self {
        Self {
            written,
            reached: written,
            partition: None,
            since: None,
            texts: Recent::new(REMEMBERED),
            people: Recent::new(REMEMBERED),
        }
    }

    /// Returns the last record that is gathered.
    pub(super) fn reached(&self) -> Seq {
        self.reached
    }

    /// Returns the last record that is written.
    pub(super) fn written(&self) -> Seq {
        self.written
    }

    /// Reports whether something of another partition is gathered.
    pub(super) fn holds_other(&self, partition: PartitionId) -> bool {
        self.partition
            .as_ref()
            .is_some_and(|(held, _)| *held != partition)
    }

    /// Returns how many events are gathered.
    pub(super) fn events(&self) -> u64 {
        self.partition
            .as_ref()
            .map_or(0, |(_, pending)| pending.events())
    }

    /// Returns about how much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.partition
            .as_ref()
            .map_or(0, |(_, pending)| pending.bytes())
    }

    /// Returns since when something waits to be written.
    pub(super) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// Gathers a batch that follows what is gathered.
    pub(super) fn take(&mut self, stored: &Stored) {
        let (partition, base) = stored.partition;
        let mut groups = stored.applied.stored.iter();
        for event in &stored.batch.events {
            // Both are in the order of arrival; what was not stored has no group.
            let mut ahead = groups.clone();
            let Some(found) = ahead.find(|stored| stored.seq >= event.seq) else {
                break;
            };
            if found.seq == event.seq {
                groups = ahead;
                self.add(
                    (partition, base),
                    event.seq,
                    event.project,
                    found.group,
                    &event.facts,
                );
            }
        }
        self.pass(stored.batch.last);
    }

    /// Gathers an event.
    pub(super) fn add(
        &mut self,
        (partition, base): (PartitionId, Seq),
        seq: Seq,
        project: ProjectId,
        group: GroupId,
        facts: &EventFacts,
    ) {
        if seq <= self.reached {
            return;
        }
        let of_group = u64::from(group.0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let text = (!facts.text.is_empty()).then(|| {
            let hash = key::text(&facts.text).cast_unsigned();
            (hash, facts.text.as_str())
        });
        let text = text.filter(|(hash, _)| self.texts.insert(hash ^ of_group));
        let is_user_known = facts
            .user
            .is_some_and(|user| !self.people.insert(user.cast_unsigned() ^ of_group));
        let held = self
            .partition
            .get_or_insert_with(|| (partition, Pending::new(base)));
        held.1.add(&IndexedEvent {
            seq,
            project,
            group,
            timestamp: facts.timestamp,
            user: facts.user,
            is_user_known,
            tags: &facts.tags,
            text: text.map(|(hash, text)| (hash.cast_signed(), text)),
        });
    }

    /// Notes that everything up to a record is gathered.
    pub(super) fn pass(&mut self, through: Seq) {
        if through > self.reached {
            self.reached = through;
            self.since.get_or_insert_with(Instant::now);
        }
    }

    /// Makes a batch of what is gathered, if there is anything.
    pub(super) fn batch(&mut self) -> Result<Option<IndexBatch>, Error> {
        if self.reached <= self.written {
            return Ok(None);
        }
        let (partition, pending) = self.partition.take().unwrap_or_default();
        let batch = pending.finish(partition, self.written.next(), self.reached)?;
        Ok(Some(batch))
    }

    /// Notes that what was gathered is written.
    pub(super) fn wrote(&mut self) {
        self.written = self.reached;
        self.since = None;
    }

    /// Forgets what is known of what was written: some of it is written no more.
    pub(super) fn forget(&mut self) {
        self.texts.clear();
        self.people.clear();
    }

    /// Begins again behind a record: what was gathered may not have been written.
    pub(super) fn restart(&mut self, written: Seq) {
        self.written = written;
        self.reached = written;
        self.partition = None;
        self.since = None;
        self.forget();
    }
}
