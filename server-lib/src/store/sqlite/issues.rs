//! Issues: found or opened by their key, written once a batch, and read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::{Connection, Row, Transaction, params};

use super::Sqlite;
use super::connection::damaged;
use super::floors::{self, DELETED};
use super::generations::Generations;
use super::row::{counted, level, level_code, one, rows, stored};
use crate::error::Error;
use crate::model::event::{EventFacts, EventKind, GroupingKey, Issue};
use crate::model::ids::{IssueId, ProjectId};
use crate::model::time::Millis;
use crate::store::Issues;
use crate::store::query::Page;

const ISSUE: &str = "SELECT id, project, number, grouping, kind, level, platform, title, culprit,
    first_seen, last_seen, events FROM issues";

const TOUCH: &str = include_str!("sql/touch_issue.sql");

/// Numbers of issues that were looked up lately.
#[derive(Default)]
pub(super) struct IssueMemory {
    ids: Generations<(ProjectId, GroupingKey), i64, 8192>,
    numbers: Generations<ProjectId, i64, 1024>,
}

/// What a batch does to the issues that it touches.
#[derive(Default)]
pub(super) struct Touched<'a>(BTreeMap<i64, Touch<'a>>);

struct Touch<'a> {
    events: u64,
    first_seen: Millis,
    latest: &'a EventFacts,
}

impl<'a> Touched<'a> {
    /// Counts an event to its issue. Returns the issue and whether the event opened it.
    pub(super) fn count(
        &mut self,
        transaction: &Transaction<'_>,
        memory: &mut IssueMemory,
        project: ProjectId,
        facts: &'a EventFacts,
    ) -> Result<(i64, bool), Error> {
        let key = (project, facts.grouping);
        let (id, is_new) = match memory.ids.get(&key) {
            Some(id) => (id, false),
            None => {
                let (id, is_new) = find_or_open(transaction, memory, project, facts)?;
                memory.ids.insert(key, id);
                (id, is_new)
            }
        };
        let touch = self.0.entry(id).or_insert(Touch {
            events: 0,
            first_seen: facts.timestamp,
            latest: facts,
        });
        touch.events = touch.events.saturating_add(1);
        touch.first_seen = touch.first_seen.min(facts.timestamp);
        if facts.timestamp >= touch.latest.timestamp {
            touch.latest = facts;
        }
        Ok((id, is_new))
    }

    /// Writes what was counted, each issue once.
    pub(super) fn write(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let mut update = transaction.prepare_cached(TOUCH)?;
        for (id, touch) in &self.0 {
            update.execute(params![
                id,
                stored(touch.events),
                touch.first_seen.0,
                touch.latest.timestamp.0,
                touch.latest.kind.code(),
                level_code(touch.latest.level),
                touch.latest.platform,
                touch.latest.title,
                touch.latest.culprit
            ])?;
        }
        Ok(())
    }
}

fn find_or_open(
    transaction: &Transaction<'_>,
    memory: &mut IssueMemory,
    project: ProjectId,
    facts: &EventFacts,
) -> Result<(i64, bool), Error> {
    let find = "SELECT id FROM issues WHERE project = ?1 AND grouping = ?2";
    let key = params![project.0, facts.grouping.0];
    if let Some(id) = one(transaction, find, key, |row| Ok(row.get(0)?))? {
        return Ok((id, false));
    }
    let last = match memory.numbers.get(&project) {
        Some(last) => last,
        None => {
            let last = "SELECT coalesce(max(number), 0) FROM issues WHERE project = ?1";
            one(transaction, last, [project.0], |row| Ok(row.get(0)?))?.unwrap_or(0)
        }
    };
    let number = last.saturating_add(1);
    memory.numbers.insert(project, number);
    let open = "INSERT INTO issues (project, number, grouping, kind, level, platform, title,
        culprit, first_seen, last_seen, events)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, 0)";
    let id = transaction.prepare_cached(open)?.insert(params![
        project.0,
        number,
        facts.grouping.0,
        facts.kind.code(),
        level_code(facts.level),
        facts.platform,
        facts.title,
        facts.culprit,
        facts.timestamp.0
    ])?;
    Ok((id, true))
}

/// Removes issues of which no event is left, so that nothing is left of what their events said.
/// Forgets what the writer knows of them.
pub(super) fn remove_empty(
    transaction: &Transaction<'_>,
    memory: &mut IssueMemory,
    ids: impl Iterator<Item = i64>,
) -> Result<(), Error> {
    let spans = super::partition::all(transaction)?;
    for id in ids {
        let mut has_events = false;
        for span in &spans {
            let find = format!("SELECT 1 FROM events_{} WHERE issue = ?1 LIMIT 1", span.id);
            if one(transaction, &find, [id], |_| Ok(()))?.is_some() {
                has_events = true;
                break;
            }
        }
        if !has_events {
            transaction
                .prepare_cached("DELETE FROM issues WHERE id = ?1")?
                .execute([id])?;
            *memory = IssueMemory::default();
        }
    }
    Ok(())
}

#[async_trait]
impl Issues for Sqlite {
    async fn get(&self, ids: &[IssueId]) -> Result<Vec<Issue>, Error> {
        let ids = ids.to_vec();
        self.read(move |connection| get(connection, &ids)).await
    }

    async fn list(&self, projects: &[ProjectId], page: Page) -> Result<Vec<Issue>, Error> {
        let projects = projects.to_vec();
        self.read(move |connection| list(connection, &projects, page))
            .await
    }
}

fn get(connection: &Connection, ids: &[IssueId]) -> Result<Vec<Issue>, Error> {
    let select = format!("{ISSUE} WHERE id = ?1");
    let mut found = Vec::new();
    for id in ids {
        let issue = one(connection, &select, [id.to_i64()], issue)?;
        if let Some(issue) = issue
            && floors::of(connection, issue.project)?.received != DELETED
        {
            found.push(issue);
        }
    }
    Ok(found)
}

fn list(connection: &Connection, projects: &[ProjectId], page: Page) -> Result<Vec<Issue>, Error> {
    let wanted = page.offset.saturating_add(page.limit);
    let latest = "SELECT last_seen, id FROM issues WHERE project = ?1
        ORDER BY last_seen DESC, id DESC LIMIT ?2";
    let mut order: Vec<(i64, i64)> = Vec::new();
    for project in projects {
        if floors::of(connection, *project)?.received == DELETED {
            continue;
        }
        let columns = params![project.0, stored(wanted)];
        order.extend(rows(connection, latest, columns, |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?);
        order.sort_unstable_by(|one, next| next.cmp(one));
        order.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
    }
    let skipped = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let select = format!("{ISSUE} WHERE id = ?1");
    let mut listed = Vec::new();
    for (_, id) in order.into_iter().skip(skipped) {
        listed.extend(one(connection, &select, [id], issue)?);
    }
    Ok(listed)
}

fn issue(row: &Row<'_>) -> Result<Issue, Error> {
    Ok(Issue {
        id: IssueId::from_i64(row.get(0)?).ok_or_else(|| damaged("issue"))?,
        project: ProjectId(row.get(1)?),
        number: counted(row.get(2)?),
        grouping: GroupingKey(row.get(3)?),
        kind: EventKind::from_code(row.get(4)?).ok_or_else(|| damaged("kind of event"))?,
        level: level(row.get(5)?).ok_or_else(|| damaged("level"))?,
        platform: row.get(6)?,
        title: row.get(7)?,
        culprit: row.get(8)?,
        first_seen: Millis(row.get(9)?),
        last_seen: Millis(row.get(10)?),
        events: counted(row.get(11)?),
    })
}
