//! Projects and events for the cases, and numbers that look random and are the same each time.

use mini_sentry::protocol::EventId;
use mini_sentry::ratelimit::DataCategory;

use super::NOW;
use crate::error::Error;
use crate::model::catalog::{Organisation, Project};
use crate::model::event::{
    EventFacts, EventKind, EventRow, GroupingKey, Headline, Level, NewEvent,
};
use crate::model::ids::{OrganisationId, ProjectId, Seq};
use crate::model::item::ItemRow;
use crate::model::outcome::{Outcome, OutcomeCount};
use crate::model::record::RecordKind;
use crate::model::settings::ProjectSettings;
use crate::model::tag::Tags;
use crate::store::{Applied, Batch, NewProject, Store, Stored};

/// Numbers that look random; equal seeds give equal numbers.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0xA5F1_52C3_8D4B_6E97);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xC96B_34D1_57E2_8AF5);
        mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x9D3C_7B16_E45A_20F3);
        mixed ^ (mixed >> 32)
    }

    /// Returns a number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// Returns one of the values.
    pub(super) fn one_of<T: Copy + Default>(&mut self, values: &[T]) -> T {
        let index = usize::try_from(self.below(values.len() as u64)).unwrap_or(0);
        values.get(index).copied().unwrap_or_default()
    }

    /// Returns each value with a chance of one half.
    pub(super) fn some_of<T: Copy>(&mut self, values: &[T]) -> Vec<T> {
        let chosen = |value: &&T| {
            let _ = value;
            self.below(2) == 0
        };
        values.iter().filter(chosen).copied().collect()
    }
}

/// Makes an organisation.
pub(super) async fn organisation(store: &Store, slug: &str) -> Result<Organisation, Error> {
    store.catalog.create_organisation(slug, slug, NOW).await
}

/// Describes a project to make.
pub(super) fn new_project(organisation: OrganisationId, slug: &str) -> NewProject {
    NewProject {
        organisation,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        platform: None,
        ingest_token: format!("token-of-{slug}-in-{organisation}"),
        settings: ProjectSettings::default(),
        at: NOW,
    }
}

/// Makes an organisation with so many projects.
pub(super) async fn projects(store: &Store, count: usize) -> Result<Vec<ProjectId>, Error> {
    let organisation = organisation(store, "acme").await?.id;
    let mut made = Vec::new();
    for index in 0..count {
        made.push(
            project(store, organisation, &format!("project-{index}"))
                .await?
                .id,
        );
    }
    Ok(made)
}

/// Makes a project.
pub(super) async fn project(
    store: &Store,
    organisation: OrganisationId,
    slug: &str,
) -> Result<Project, Error> {
    store
        .catalog
        .create_project(new_project(organisation, slug))
        .await
}

/// Makes the key that events with this number are grouped by.
pub(super) fn grouping(number: u64) -> GroupingKey {
    GroupingKey(u128::from(number).to_be_bytes())
}

/// Makes an event id from a number.
pub(super) fn event_id(number: u64) -> EventId {
    EventId::from_bytes((u128::from(number) << 64 | 0x5EED).to_be_bytes())
}

/// Puts batches together as digest does, and remembers what it gave.
pub(super) struct Feed {
    next: Seq,
    batch: Batch,
    given: Vec<NewEvent>,
}

impl Feed {
    /// Starts at the first record.
    pub(super) fn new() -> Self {
        Self::after(Seq(0))
    }

    /// Starts after a record.
    pub(super) fn after(seq: Seq) -> Self {
        Self {
            next: seq.next(),
            batch: Batch::default(),
            given: Vec::new(),
        }
    }

    /// Adds an event that is like no other, changed as the caller wants.
    pub(super) fn event(&mut self, project: ProjectId, change: impl FnOnce(&mut NewEvent)) -> Seq {
        let seq = self.take_seq();
        let at = NOW.plus(i64::try_from(seq.0).unwrap_or(0));
        let mut event = NewEvent {
            seq,
            project,
            event_id: event_id(seq.0),
            received: at,
            facts: EventFacts {
                kind: EventKind::Error,
                timestamp: at,
                level: Level::Error,
                platform: "rust".to_owned(),
                environment: String::new(),
                release: String::new(),
                dist: String::new(),
                title: format!("Error {}", seq.0),
                culprit: "main".to_owned(),
                headline: Headline::default(),
                handled: None,
                grouping: grouping(1),
                former_grouping: None,
                tags: Tags::default(),
                text: String::new(),
                user: None,
            },
        };
        change(&mut event);
        self.batch.outcomes.push(OutcomeCount {
            project: event.project,
            key: None,
            at: event.received,
            category: DataCategory::Error,
            outcome: Outcome::Accepted,
            reason: String::new(),
            quantity: 1,
        });
        self.batch.events.push(event.clone());
        self.given.push(event);
        seq
    }

    /// Adds an item, changed as the caller wants.
    pub(super) fn item(&mut self, project: ProjectId, change: impl FnOnce(&mut ItemRow)) -> Seq {
        let seq = self.take_seq();
        let mut item = ItemRow {
            seq,
            project,
            kind: RecordKind::Attachment,
            event_id: EventId::nil(),
            received: NOW.plus(i64::try_from(seq.0).unwrap_or(0)),
            name: String::new(),
            content_type: String::new(),
            attachment_type: String::new(),
            bytes: 10,
        };
        change(&mut item);
        self.batch.items.push(item);
        seq
    }

    /// Lets a record pass that leaves no row.
    pub(super) fn record(&mut self) -> Seq {
        self.take_seq()
    }

    /// Changes the batch that is being put together.
    pub(super) fn batch(&mut self) -> &mut Batch {
        &mut self.batch
    }

    /// Applies what was added since the last time.
    pub(super) async fn apply(&mut self, store: &Store) -> Result<Applied, Error> {
        store.digests.apply(self.take().into()).await
    }

    /// Takes what was added since the last time, as a batch.
    pub(super) fn take(&mut self) -> Batch {
        let mut batch = std::mem::take(&mut self.batch);
        batch.last = Seq(self.next.0.saturating_sub(1));
        let events = batch.events.iter().map(|event| event.received);
        let items = batch.items.iter().map(|item| item.received);
        batch.received = events.chain(items).max().unwrap_or(NOW);
        batch
    }

    /// Returns all events that were ever added.
    pub(super) fn given(&self) -> &[NewEvent] {
        &self.given
    }

    fn take_seq(&mut self) -> Seq {
        let seq = self.next;
        if self.batch.first == Seq(0) {
            self.batch.first = seq;
        }
        self.next = seq.next();
        seq
    }
}

/// Returns the row that an event becomes.
pub(super) fn row(event: &NewEvent, stored: &Stored) -> EventRow {
    EventRow {
        seq: event.seq,
        project: event.project,
        event_id: event.event_id,
        group: stored.group,
        issue: stored.issue,
        kind: event.facts.kind,
        timestamp: event.facts.timestamp,
        received: event.received,
        level: event.facts.level,
        environment: event.facts.environment.clone(),
        release: event.facts.release.clone(),
        user: event.facts.user,
    }
}
