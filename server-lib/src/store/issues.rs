//! The part of the store that people work with: issues, their groups and their history.

use async_trait::async_trait;

use super::query::{IssuePage, IssueQuery, Page};
use crate::error::Error;
use crate::model::activity::{Activity, ActivityKind};
use crate::model::event::Level;
use crate::model::ids::{ActivityId, GroupId, IssueId, ProjectId};
use crate::model::issue::{
    Actor, Group, Issue, IssueChange, IssueStatus, Mark, MarkChange, Reopened,
};
use crate::model::time::Millis;

/// Issues. Never shows those of deleted projects, and never those that were merged into others:
/// whoever asks for one of these by number gets the issue that has its events now.
#[async_trait]
pub trait Issues: Send + Sync + 'static {
    /// Finds issues by number, in the order asked; unknown ones are left out.
    async fn get(&self, ids: &[IssueId]) -> Result<Vec<Issue>, Error>;

    /// Finds an issue by its number in its project.
    async fn by_number(&self, project: ProjectId, number: u64) -> Result<Option<Issue>, Error>;

    /// Returns the issues of projects, latest seen first.
    async fn list(&self, projects: &[ProjectId], page: Page) -> Result<Vec<Issue>, Error>;

    /// Finds issues by conditions. What one call looks at is bounded, so a page may be short.
    async fn search(&self, query: &IssueQuery) -> Result<IssuePage, Error>;

    /// Returns how many issues there are, by project, level and status.
    async fn totals(&self) -> Result<Vec<IssueTotal>, Error>;

    /// Changes issues and writes their history; returns those that are different now, in the order
    /// asked.
    async fn change(
        &self,
        ids: &[IssueId],
        change: IssueChange,
        by: Option<&Actor>,
        at: Millis,
    ) -> Result<Vec<IssueId>, Error>;

    /// Moves the groups of the children to the parent. The children are hidden; their numbers lead
    /// to the parent. [`Invalid`](crate::error::ErrorKind::Invalid) when they are not of one project.
    async fn merge(
        &self,
        parent: IssueId,
        children: &[IssueId],
        by: Option<&Actor>,
        at: Millis,
    ) -> Result<(), Error>;

    /// Takes groups out of their issue. Each gets the issue back that it had before it was merged,
    /// or a new one; groups that stay together are those that came together. Returns the issues
    /// that there are now besides. `Invalid` when nothing would be left.
    async fn unmerge(
        &self,
        issue: IssueId,
        groups: &[GroupId],
        by: Option<&Actor>,
        at: Millis,
    ) -> Result<Vec<IssueId>, Error>;

    /// Deletes issues with their groups, history and marks. Their events are gone from all answers
    /// at once; rows and bodies follow by [`Upkeep::sweep`](super::Upkeep::sweep). A later event of
    /// the same key opens a new issue. Returns how many there were.
    async fn delete(&self, ids: &[IssueId]) -> Result<u64, Error>;

    /// Deletes issues as [`delete`](Self::delete) does, and has later events of their groups
    /// dropped: counted as filtered, of the reason `discarded`.
    async fn discard(&self, ids: &[IssueId]) -> Result<u64, Error>;

    /// Returns the groups of an issue, latest seen first.
    async fn groups(&self, issue: IssueId) -> Result<Vec<Group>, Error>;

    /// Returns the history of an issue, latest first; of one kind, or of all.
    async fn activity(
        &self,
        issue: IssueId,
        kind: Option<ActivityKind>,
        page: Page,
    ) -> Result<Vec<Activity>, Error>;

    /// Returns an entry of the history of an issue.
    async fn entry(&self, issue: IssueId, id: ActivityId) -> Result<Option<Activity>, Error>;

    /// Notes something in the history, such as a comment. `NotFound` when there is no such issue.
    async fn note(&self, entry: NewActivity) -> Result<Activity, Error>;

    /// Changes the text of a comment. `NotFound` when there is no such comment of the issue.
    async fn edit_note(
        &self,
        issue: IssueId,
        id: ActivityId,
        data: &str,
    ) -> Result<Activity, Error>;

    /// Deletes a comment. `NotFound` when there is no such comment of the issue.
    async fn delete_note(&self, issue: IssueId, id: ActivityId) -> Result<(), Error>;

    /// Returns a person's marks, in the order asked.
    async fn marks(&self, ids: &[IssueId], of: &Actor) -> Result<Vec<Mark>, Error>;

    /// Changes a person's marks.
    async fn mark(&self, ids: &[IssueId], of: &Actor, change: MarkChange) -> Result<(), Error>;

    /// Opens ignored issues whose time has come, or that have become more frequent. Called every
    /// minute.
    async fn wake(&self, now: Millis) -> Result<Vec<Reopened>, Error>;
}

/// A number of issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssueTotal {
    /// Whose.
    pub project: ProjectId,
    /// Of which level.
    pub level: Level,
    /// Of which status.
    pub status: IssueStatus,
    /// How many.
    pub issues: u64,
}

/// An entry for the history of an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewActivity {
    /// The issue.
    pub issue: IssueId,
    /// What happened.
    pub kind: ActivityKind,
    /// Who did it.
    pub actor: Option<Actor>,
    /// When.
    pub at: Millis,
    /// The rest: a JSON object.
    pub data: String,
}
