//! Issues: groups are found or opened by their key, written once a batch; issues are found, changed
//! and put together by people.

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::Sqlite;
use super::connection::damaged;
use super::row::{counted, level, rows, stored};
use super::writer::Durability;
use crate::error::Error;
use crate::model::activity::{Activity, ActivityKind};
use crate::model::ids::{ActivityId, GroupId, IssueId, ProjectId};
use crate::model::issue::{
    Actor, Group, Issue, IssueChange, IssueStatus, Mark, MarkChange, Reopened,
};
use crate::model::time::Millis;
use crate::store::query::{IssuePage, IssueQuery, Page};
use crate::store::{IssueTotal, Issues, NewActivity};

mod activity;
mod change;
mod merge;
mod remove;
mod reopen;
mod row;
mod search;
mod touch;
mod wake;

use change::By;
pub(super) use merge::people;
pub(super) use remove::{clear_project, condemned, remove_empty};
pub(super) use reopen::wake;
use row::Reader;
pub(super) use touch::{Counted, IssueMemory, Place, Touched};

#[async_trait]
impl Issues for Sqlite {
    async fn get(&self, ids: &[IssueId]) -> Result<Vec<Issue>, Error> {
        let ids = ids.to_vec();
        self.read(move |connection| {
            let mut reader = Reader::default();
            let mut found = Vec::new();
            for id in ids {
                found.extend(reader.find(connection, id.to_i64())?);
            }
            Ok(found)
        })
        .await
    }

    async fn by_number(&self, project: ProjectId, number: u64) -> Result<Option<Issue>, Error> {
        self.read(move |connection| {
            let select = "SELECT id FROM issues WHERE project = ?1 AND number = ?2";
            let of = params![project.0, stored(number)];
            let id = super::row::one(connection, select, of, |row| Ok(row.get(0)?))?;
            match id {
                Some(id) => Reader::default().find(connection, id),
                None => Ok(None),
            }
        })
        .await
    }

    async fn list(&self, projects: &[ProjectId], page: Page) -> Result<Vec<Issue>, Error> {
        let projects = projects.to_vec();
        self.read(move |connection| list(connection, &projects, page))
            .await
    }

    async fn search(&self, query: &IssueQuery) -> Result<IssuePage, Error> {
        let query = query.clone();
        self.read(move |connection| search::search(connection, &query))
            .await
    }

    async fn totals(&self) -> Result<Vec<IssueTotal>, Error> {
        self.read(totals).await
    }

    async fn change(
        &self,
        ids: &[IssueId],
        change: IssueChange,
        by: Option<&Actor>,
        at: Millis,
    ) -> Result<Vec<IssueId>, Error> {
        let (ids, actor) = (ids.to_vec(), by.cloned());
        self.writer
            .run(move |writer| {
                writer.write(Durability::Power, |transaction, _| {
                    let actor = actor.as_ref();
                    change::change(transaction, &ids, &change, By { actor, at })
                })
            })
            .await
    }

    async fn merge(
        &self,
        parent: IssueId,
        children: &[IssueId],
        by: Option<&Actor>,
        at: Millis,
    ) -> Result<(), Error> {
        let (children, actor) = (children.to_vec(), by.cloned());
        self.writer
            .run(move |writer| {
                writer.write(Durability::Power, |transaction, memory| {
                    let actor = actor.as_ref();
                    merge::merge(transaction, memory, parent, &children, By { actor, at })
                })
            })
            .await
    }

    async fn unmerge(
        &self,
        issue: IssueId,
        groups: &[GroupId],
        by: Option<&Actor>,
        at: Millis,
    ) -> Result<Vec<IssueId>, Error> {
        let (groups, actor) = (groups.to_vec(), by.cloned());
        self.writer
            .run(move |writer| {
                writer.write(Durability::Power, |transaction, memory| {
                    let actor = actor.as_ref();
                    merge::unmerge(transaction, memory, issue, &groups, By { actor, at })
                })
            })
            .await
    }

    async fn delete(&self, ids: &[IssueId]) -> Result<u64, Error> {
        self.remove(ids, false).await
    }

    async fn discard(&self, ids: &[IssueId]) -> Result<u64, Error> {
        self.remove(ids, true).await
    }

    async fn groups(&self, issue: IssueId) -> Result<Vec<Group>, Error> {
        self.read(move |connection| {
            let found = Reader::default().find(connection, issue.to_i64())?;
            match found {
                Some(issue) => row::groups(connection, issue.id.to_i64()),
                None => Ok(Vec::new()),
            }
        })
        .await
    }

    async fn activity(
        &self,
        issue: IssueId,
        kind: Option<ActivityKind>,
        page: Page,
    ) -> Result<Vec<Activity>, Error> {
        self.read(move |connection| {
            let found = Reader::default().find(connection, issue.to_i64())?;
            match found {
                Some(issue) => activity::list(connection, issue.id.to_i64(), kind, page),
                None => Ok(Vec::new()),
            }
        })
        .await
    }

    async fn entry(&self, issue: IssueId, id: ActivityId) -> Result<Option<Activity>, Error> {
        let (issue, id) = (issue.to_i64(), id.to_i64());
        self.read(move |connection| activity::find(connection, issue, id))
            .await
    }

    async fn note(&self, entry: NewActivity) -> Result<Activity, Error> {
        self.writer
            .run(move |writer| {
                writer.write(Durability::Power, |transaction, _| {
                    activity::note(transaction, &entry)
                })
            })
            .await
    }

    async fn edit_note(
        &self,
        issue: IssueId,
        id: ActivityId,
        data: &str,
    ) -> Result<Activity, Error> {
        let data = data.to_owned();
        self.writer
            .run(move |writer| {
                writer.write(Durability::Power, |transaction, _| {
                    activity::edit(transaction, issue, id, &data)
                })
            })
            .await
    }

    async fn delete_note(&self, issue: IssueId, id: ActivityId) -> Result<(), Error> {
        self.writer
            .run(move |writer| {
                writer.erase(Durability::Power, |transaction, _| {
                    activity::delete(transaction, issue, id)
                })
            })
            .await
    }

    async fn marks(&self, ids: &[IssueId], of: &Actor) -> Result<Vec<Mark>, Error> {
        let (ids, of) = (ids.to_vec(), of.clone());
        self.read(move |connection| change::marks(connection, &ids, &of))
            .await
    }

    async fn mark(&self, ids: &[IssueId], of: &Actor, change: MarkChange) -> Result<(), Error> {
        let (ids, of) = (ids.to_vec(), of.clone());
        self.writer
            .run(move |writer| {
                writer.write(Durability::Process, |transaction, _| {
                    change::mark(transaction, &ids, &of, change)
                })
            })
            .await
    }

    async fn wake(&self, now: Millis) -> Result<Vec<Reopened>, Error> {
        self.writer
            .run(move |writer| {
                if !wake::is_anybody(writer.connection(), now)? {
                    return Ok(Vec::new());
                }
                writer.write(Durability::Process, |transaction, _| {
                    wake::wake_all(transaction, now)
                })
            })
            .await
    }
}

impl Sqlite {
    async fn remove(&self, ids: &[IssueId], discards: bool) -> Result<u64, Error> {
        let ids = ids.to_vec();
        self.writer
            .run(move |writer| {
                writer.erase(Durability::Power, |transaction, memory| {
                    remove::delete(transaction, memory, &ids, discards)
                })
            })
            .await
    }
}

fn list(connection: &Connection, projects: &[ProjectId], page: Page) -> Result<Vec<Issue>, Error> {
    let wanted = page.offset.saturating_add(page.limit);
    let latest = "SELECT last_seen, id FROM issues WHERE project = ?1 AND status = ?2
        ORDER BY last_seen DESC, id DESC LIMIT ?3";
    let mut reader = Reader::default();
    let mut order: Vec<(i64, i64)> = Vec::new();
    for project in projects {
        if !reader.shows(connection, *project)? {
            continue;
        }
        for status in IssueStatus::ALL {
            let columns = params![project.0, status.code(), stored(wanted)];
            order.extend(rows(connection, latest, columns, |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?);
        }
        order.sort_unstable_by(|one, next| next.cmp(one));
        order.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
    }
    let skipped = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let mut listed = Vec::new();
    for (_, id) in order.into_iter().skip(skipped) {
        listed.extend(reader.read(connection, id)?);
    }
    Ok(listed)
}

fn totals(connection: &Connection) -> Result<Vec<IssueTotal>, Error> {
    let select = "SELECT project, level, status, count(*) FROM issues WHERE merged_into IS NULL
        GROUP BY project, level, status ORDER BY project, level, status";
    let mut reader = Reader::default();
    let mut totals = rows(connection, select, [], |row| {
        Ok(IssueTotal {
            project: ProjectId(row.get(0)?),
            level: level(row.get(1)?).ok_or_else(|| damaged("level"))?,
            status: IssueStatus::from_code(row.get(2)?).ok_or_else(|| damaged("status"))?,
            issues: counted(row.get(3)?),
        })
    })?;
    let mut shown = Vec::with_capacity(totals.len());
    for total in totals.drain(..) {
        if reader.shows(connection, total.project)? {
            shown.push(total);
        }
    }
    Ok(shown)
}
