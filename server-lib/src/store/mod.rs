//! What is kept, behind traits: the catalogue, the index of events and items, issues, counts.
//!
//! A backend implements all of them and passes the [conformance suite](conformance). Callers get
//! a [`Store`] and cannot tell which backend it is. SQL stays in the backends.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use mini_sentry::protocol::EventId;

use crate::error::Error;
use crate::journal::JournalBlock;
use crate::model::catalog::{ApiToken, KeyLimit, Organisation, Project, ProjectKey};
use crate::model::event::{EventRow, NewEvent};
use crate::model::ids::{
    GroupId, IssueId, KeyId, OrganisationId, PartitionId, ProjectId, Seq, TokenId, UserId,
};
use crate::model::issue::Reopened;
use crate::model::item::ItemRow;
use crate::model::outcome::OutcomeCount;
use crate::model::record::{Record, RecordKind};
use crate::model::scope::Scopes;
use crate::model::session::{SessionChange, SessionState, SessionTally};
use crate::model::settings::ProjectSettings;
use crate::model::time::Millis;
use crate::secret::SecretHash;

#[cfg(feature = "testkit")]
pub mod conformance;
pub mod health;
pub mod index;
mod issues;
pub mod open;
pub mod people;
mod pick;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod query;
mod releases;
pub mod search;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod state;

pub use health::{Health, HealthFilter, HealthRow};
pub use index::Index;
pub use issues::{IssueTotal, Issues, NewActivity};
use people::People;
use query::{EventFilter, ItemFilter, LevelCounts, Minutes, OutcomeFilter, OutcomeRow, Page};
pub use releases::Releases;

/// Environments that are noted of a project. Later ones are found in its events only.
pub const MAX_ENVIRONMENTS: usize = 1000;

/// A backend, opened: one handle per part.
#[derive(Clone)]
pub struct Store {
    /// Organisations, projects, keys, tokens.
    pub catalog: Arc<dyn Catalog>,
    /// Accounts, memberships, teams, logins, the audit log.
    pub people: Arc<dyn People>,
    /// Writes what digest made.
    pub digests: Arc<dyn Digests>,
    /// The index of events and items.
    pub events: Arc<dyn Events>,
    /// Issues.
    pub issues: Arc<dyn Issues>,
    /// What events can be found by.
    pub index: Arc<dyn Index>,
    /// Releases.
    pub releases: Arc<dyn Releases>,
    /// Outcomes and sessions.
    pub stats: Arc<dyn Stats>,
    /// Retention, erasure, backup, checks.
    pub upkeep: Arc<dyn Upkeep>,
    /// The bodies, where the backend is their home; `None` leaves them in the journal's segments.
    pub bodies: Option<Arc<dyn Bodies>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// Organisations, projects, keys and tokens. Small, and read whole into memory.
#[async_trait]
pub trait Catalog: Send + Sync + 'static {
    /// Returns a number that changes with every change, also by another process. Cheap.
    async fn version(&self) -> Result<u64, Error>;

    /// Returns everything but tokens.
    async fn snapshot(&self) -> Result<CatalogSnapshot, Error>;

    /// Makes an organisation. [`Conflict`](crate::error::ErrorKind::Conflict) when the slug is taken.
    async fn create_organisation(
        &self,
        slug: &str,
        name: &str,
        at: Millis,
    ) -> Result<Organisation, Error>;

    /// Makes a project. `Conflict` when the slug is taken in its organisation.
    async fn create_project(&self, project: NewProject) -> Result<Project, Error>;

    /// Changes a project; fields that are `None` stay. `NotFound` when there is none.
    async fn update_project(&self, id: ProjectId, change: ProjectChange) -> Result<Project, Error>;

    /// Deletes a project with its keys. Its events are gone from all answers at once; the bytes
    /// follow by [`Upkeep`] and compaction. Its number is never used again.
    async fn delete_project(&self, id: ProjectId) -> Result<(), Error>;

    /// Makes a key. `Conflict` when the public key is taken.
    async fn create_key(&self, key: NewKey) -> Result<ProjectKey, Error>;

    /// Changes a key.
    async fn update_key(&self, id: KeyId, change: KeyChange) -> Result<ProjectKey, Error>;

    /// Deletes a key.
    async fn delete_key(&self, id: KeyId) -> Result<(), Error>;

    /// Makes a token from the hash of its secret.
    async fn create_token(&self, token: NewToken) -> Result<ApiToken, Error>;

    /// Returns the tokens of an organisation, newest first.
    async fn tokens(&self, organisation: OrganisationId) -> Result<Vec<ApiToken>, Error>;

    /// Finds a token by the hash of its secret, ended ones included.
    async fn find_token(&self, hash: &SecretHash) -> Result<Option<ApiToken>, Error>;

    /// Notes when tokens were last used.
    async fn touch_tokens(&self, used: &[(TokenId, Millis)]) -> Result<(), Error>;

    /// Deletes a token.
    async fn delete_token(&self, id: TokenId) -> Result<(), Error>;
}

/// Everything in the catalogue but tokens, in the order of the numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CatalogSnapshot {
    /// The version that it shows.
    pub version: u64,
    /// The organisations.
    pub organisations: Vec<Organisation>,
    /// The projects that are not deleted.
    pub projects: Vec<Project>,
    /// Their keys.
    pub keys: Vec<ProjectKey>,
}

/// A project to make.
#[derive(Clone, Debug, PartialEq)]
pub struct NewProject {
    /// Who owns it.
    pub organisation: OrganisationId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The language or system.
    pub platform: Option<String>,
    /// See [`Project::ingest_token`].
    pub ingest_token: String,
    /// How its events are treated.
    pub settings: ProjectSettings,
    /// When.
    pub at: Millis,
}

/// What changes in a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectChange {
    /// A new name in addresses.
    pub slug: Option<String>,
    /// A new name for people.
    pub name: Option<String>,
    /// A new platform.
    pub platform: Option<Option<String>>,
    /// New settings.
    pub settings: Option<ProjectSettings>,
    /// A new ingest token; the old one ends.
    pub ingest_token: Option<String>,
}

/// A key to make.
#[derive(Clone, Debug, PartialEq)]
pub struct NewKey {
    /// Where its events go.
    pub project: ProjectId,
    /// 32 lower-case hexadecimal digits.
    pub public_key: String,
    /// Its name for people.
    pub label: String,
    /// A limit of its own.
    pub rate_limit: Option<KeyLimit>,
    /// When.
    pub at: Millis,
}

/// What changes in a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyChange {
    /// A new name for people.
    pub label: Option<String>,
    /// Whether it accepts.
    pub active: Option<bool>,
    /// A new limit, or none.
    pub rate_limit: Option<Option<KeyLimit>>,
}

/// A token to make.
#[derive(Clone, Debug, PartialEq)]
pub struct NewToken {
    /// Which organisation it opens.
    pub organisation: OrganisationId,
    /// Whose it is; `None` for the organisation itself.
    pub owner: Option<UserId>,
    /// The one project that it opens.
    pub project: Option<ProjectId>,
    /// Its name for people.
    pub label: String,
    /// The hash of the secret.
    pub hash: SecretHash,
    /// The secret's last four characters.
    pub hint: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When.
    pub at: Millis,
    /// When it ends.
    pub expires: Option<Millis>,
}

/// Writes what digest made of the journal, one batch in one transaction.
#[async_trait]
pub trait Digests: Send + Sync + 'static {
    /// Returns the last record that is digested; 0 when none is.
    async fn position(&self) -> Result<Seq, Error>;

    /// Writes the batch and moves the position to `batch.last`, all or nothing. A batch that is
    /// not beyond the position changes nothing, so repeating after a crash is harmless. An event
    /// whose id its project has already, in an earlier batch or this one, is not stored, and neither
    /// is such a transaction.
    async fn apply(&self, batch: Arc<Batch>) -> Result<Applied, Error>;
}

/// What digest made of some consecutive records.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The first record that it covers.
    pub first: Seq,
    /// The last record that it covers.
    pub last: Seq,
    /// When the last of them was read.
    pub received: Millis,
    /// Events, in order.
    pub events: Vec<NewEvent>,
    /// Other items, in order. One that [`replaces`](ItemRow::replaces) removes earlier ones.
    pub items: Vec<ItemRow>,
    /// Updates of sessions, in order.
    pub sessions: Vec<SessionChange>,
    /// Sessions added up by SDKs.
    pub tallies: Vec<SessionTally>,
    /// Counts, those of the events and items included. The store corrects them for duplicates, an
    /// accepted error less, an invalid one of reason `duplicate` more, and for discarded events,
    /// which become filtered ones of reason `discarded`.
    pub outcomes: Vec<OutcomeCount>,
    /// The bodies' blocks; empty when the store is not their home. Whole blocks: they may begin
    /// before `first` and end after `last`.
    pub blocks: Vec<JournalBlock>,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// The partition into which it went, with its first place; `None` when nothing was done.
    pub partition: Option<(PartitionId, Seq)>,
    /// What became of each stored event, in order.
    pub stored: Vec<Stored>,
    /// The issues that were opened again.
    pub reopened: Vec<Reopened>,
    /// The events and transactions that were there already.
    pub duplicates: Vec<Seq>,
    /// The events that were dropped, because people want none of their kind any more.
    pub discarded: Vec<Seq>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its place.
    pub seq: Seq,
    /// Its group.
    pub group: GroupId,
    /// Its issue.
    pub issue: IssueId,
    /// Whether it opened the issue.
    pub is_new: bool,
}

/// The index of events and items. Never shows what was erased, what retention dropped, or what
/// belongs to a deleted project.
#[async_trait]
pub trait Events: Send + Sync + 'static {
    /// Finds events by id: one in each project that has it; in `projects` only.
    async fn find(&self, id: EventId, projects: &[ProjectId]) -> Result<Vec<EventRow>, Error>;

    /// Finds an event by its place.
    async fn get(&self, seq: Seq) -> Result<Option<EventRow>, Error>;

    /// Returns events, newest first by (timestamp, seq).
    async fn list(&self, filter: &EventFilter, page: Page) -> Result<Vec<EventRow>, Error>;

    /// Counts the events that `list` would return without a page. From rollups: it does not
    /// depend on how many there are.
    async fn count(&self, filter: &EventFilter) -> Result<u64, Error>;

    /// Counts the events that a filter lets through by interval and level; the filter's own times
    /// do not matter. From rollups too, unless it names an issue.
    async fn series(
        &self,
        filter: &EventFilter,
        minutes: Minutes,
    ) -> Result<Vec<LevelCounts>, Error>;

    /// Returns the environments that events of the projects named, in order: at most
    /// [`MAX_ENVIRONMENTS`] of each, as they were noted when events came. Those of events that are
    /// gone stay.
    async fn environments(&self, projects: &[ProjectId])
    -> Result<Vec<(ProjectId, String)>, Error>;

    /// Tells which bodies an item has, by when they arrived and their lengths, in the order asked.
    /// The moments of one call should be near each other: everything between them is looked at.
    async fn known_bodies(&self, bodies: &[(Millis, u64)]) -> Result<Vec<bool>, Error>;

    /// Returns the places of up to `most` items of a project behind `after`, in order.
    async fn item_places(
        &self,
        project: ProjectId,
        kinds: &[RecordKind],
        after: Seq,
        most: u64,
    ) -> Result<Vec<Seq>, Error>;

    /// Returns items, newest first by place.
    async fn items(&self, filter: &ItemFilter, page: Page) -> Result<Vec<ItemRow>, Error>;
}

/// Outcomes and sessions.
#[async_trait]
pub trait Stats: Send + Sync + 'static {
    /// Adds counts of what was not journaled.
    async fn add_outcomes(&self, counts: &[OutcomeCount]) -> Result<(), Error>;

    /// Returns sums of outcomes.
    async fn outcomes(&self, filter: &OutcomeFilter) -> Result<Vec<OutcomeRow>, Error>;

    /// Returns how a session stands.
    async fn session(
        &self,
        project: ProjectId,
        sid: [u8; 16],
    ) -> Result<Option<SessionState>, Error>;

    /// Returns sums of sessions by state, updates and tallies together.
    async fn session_totals(
        &self,
        project: ProjectId,
        times: RangeInclusive<Millis>,
    ) -> Result<SessionTotals, Error>;
}

/// Sums of sessions. An end counts even where the beginning was never told, so that the others may be
/// more than `total`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionTotals {
    /// Those of which the beginning was told.
    pub total: u64,
    /// Those that had errors and survived.
    pub errored: u64,
    /// Those that ended neither well nor by a crash.
    pub abnormal: u64,
    /// Those that crashed.
    pub crashed: u64,
}

/// Retention, erasure, backup and checks.
#[async_trait]
pub trait Upkeep: Send + Sync + 'static {
    /// Returns the partitions, oldest first. The last one is being written.
    async fn partitions(&self) -> Result<Vec<Partition>, Error>;

    /// Drops a partition of the index whole. Its events are gone; bodies and counts are the
    /// caller's concern. `Conflict` for the last one.
    async fn drop_partition(&self, id: PartitionId) -> Result<(), Error>;

    /// Hides all events and items of a project up to the moment, by their time of arrival. For
    /// retention by count and by the project's own days. Cheap: a mark; rows go by and by.
    async fn hide_before(&self, project: ProjectId, received: Millis) -> Result<(), Error>;

    /// Returns when the event arrived that has `newer` newer ones in its project; `None` when it has fewer.
    async fn received_of_nth(
        &self,
        project: ProjectId,
        newer: u64,
    ) -> Result<Option<Millis>, Error>;

    /// Erases events or items: rows go now, bodies are marked for compaction.
    async fn erase(&self, seqs: &[Seq]) -> Result<u64, Error>;

    /// Erases all events and sessions of a person, in a project, by the hash in
    /// [`EventFacts::user`](crate::model::event::EventFacts::user) and in
    /// [`SessionChange::user`]. Sums lose them too, and the sets of people beside them the person;
    /// what is only estimated names nobody and stays. Sessions that SDKs had added up stay in the
    /// counts.
    async fn erase_user(&self, project: ProjectId, user: i64) -> Result<u64, Error>;

    /// Removes up to `rows` rows that are hidden or belong to deleted projects; returns how many
    /// it removed. Called until it returns 0.
    async fn sweep(&self, rows: u64) -> Result<u64, Error>;

    /// Returns which bodies must go, of those in the range.
    async fn dead(&self, seqs: RangeInclusive<Seq>) -> Result<DeadRecords, Error>;

    /// Forgets the marks of bodies in the range, after compaction has removed them.
    async fn buried(&self, seqs: RangeInclusive<Seq>) -> Result<(), Error>;

    /// Returns what takes space, largest first: names of tables or files, and bytes.
    async fn space(&self) -> Result<Vec<(String, u64)>, Error>;

    /// Writes a consistent copy of the database into the folder while others write.
    async fn backup(&self, into: &Path) -> Result<(), Error>;

    /// Looks for damage; each line of the answer is one finding.
    async fn check(&self) -> Result<Vec<String>, Error>;

    /// Writes back and closes; nothing else is called afterwards.
    async fn close(&self) -> Result<(), Error>;
}

/// A contiguous range of records that is dropped as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number.
    pub id: PartitionId,
    /// Its first record.
    pub first: Seq,
    /// Its last record so far.
    pub last: Seq,
    /// When its first record arrived.
    pub opened: Millis,
    /// When its last record arrived.
    pub newest: Millis,
    /// How many events it has.
    pub events: u64,
}

/// Which records of a range are not to be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadRecords {
    /// Erased one by one, and duplicates.
    pub seqs: Vec<Seq>,
    /// Projects of which nothing is kept that arrived up to the moment; `Millis(i64::MAX)` for
    /// deleted ones.
    pub projects: Vec<(ProjectId, Millis)>,
}

/// The home of bodies: the journal's segments, or a backend's own table.
#[async_trait]
pub trait Bodies: Send + Sync + 'static {
    /// Reads records by place, in the order asked; `None` for those that are gone.
    async fn read(&self, seqs: &[Seq]) -> Result<Vec<Option<Record>>, Error>;

    /// Drops all records up to `seq`, at the grain of the home's own units.
    async fn drop_through(&self, seq: Seq) -> Result<(), Error>;

    /// Packs bodies tighter and removes the dead, one unit of work; `upkeep` says who is dead.
    /// Returns false when there is nothing left to do.
    async fn compact(&self, upkeep: &dyn Upkeep) -> Result<bool, Error>;

    /// Returns how much space the bodies take.
    async fn bytes(&self) -> Result<u64, Error>;
}
