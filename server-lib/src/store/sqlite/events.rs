//! The index of events: found, listed, counted.

use std::collections::HashMap;

use async_trait::async_trait;
use mini_sentry::protocol::EventId;
use rusqlite::Connection;

use super::connection::damaged;
use super::ids::{self, Ids};
use super::names::NameId;
use super::partition::{self, Span};
use super::question::Question;
use super::row::{level, one, stored};
use super::{Sqlite, count, cursor, environments, floors, items, names, series};
use crate::error::Error;
use crate::model::event::{EventKind, EventRow};
use crate::model::ids::{GroupId, IssueId, ProjectId, Seq};
use crate::model::item::ItemRow;
use crate::model::record::RecordKind;
use crate::model::time::Millis;
use crate::store::Events;
use crate::store::query::{EventFilter, ItemFilter, LevelCounts, Minutes, Page};

/// Offsets up to this are walked; larger ones are worth asking the sums.
const WALKED: u64 = 200;

#[async_trait]
impl Events for Sqlite {
    async fn find(&self, id: EventId, projects: &[ProjectId]) -> Result<Vec<EventRow>, Error> {
        let projects = projects.to_vec();
        let ids = std::sync::Arc::clone(&self.ids);
        self.read(move |connection| find(connection, &ids, id, &projects))
            .await
    }

    async fn get(&self, seq: Seq) -> Result<Option<EventRow>, Error> {
        self.read(move |connection| {
            let mut texts = EventReader::default();
            match partition::holding(connection, seq)? {
                Some(span) => texts.read(connection, &span, seq),
                None => Ok(None),
            }
        })
        .await
    }

    async fn list(&self, filter: &EventFilter, page: Page) -> Result<Vec<EventRow>, Error> {
        let filter = filter.clone();
        self.read(move |connection| list(connection, &filter, page))
            .await
    }

    async fn count(&self, filter: &EventFilter) -> Result<u64, Error> {
        let filter = filter.clone();
        self.read(move |connection| {
            let question = Question::new(connection, &filter)?;
            count::count(connection, &question, &partition::all(connection)?)
        })
        .await
    }

    async fn series(
        &self,
        filter: &EventFilter,
        minutes: Minutes,
    ) -> Result<Vec<LevelCounts>, Error> {
        let filter = filter.clone();
        self.read(move |connection| series::read(connection, &filter, minutes))
            .await
    }

    async fn environments(
        &self,
        projects: &[ProjectId],
    ) -> Result<Vec<(ProjectId, String)>, Error> {
        let projects = projects.to_vec();
        self.read(move |connection| environments::of_projects(connection, &projects))
            .await
    }

    async fn known_bodies(&self, bodies: &[(Millis, u64)]) -> Result<Vec<bool>, Error> {
        let bodies = bodies.to_vec();
        self.read(move |connection| items::known_bodies(connection, &bodies))
            .await
    }

    async fn item_places(
        &self,
        project: ProjectId,
        kinds: &[RecordKind],
        after: Seq,
        most: u64,
    ) -> Result<Vec<Seq>, Error> {
        let kinds = kinds.to_vec();
        self.read(move |connection| items::places(connection, project, &kinds, after, most))
            .await
    }

    async fn items(&self, filter: &ItemFilter, page: Page) -> Result<Vec<ItemRow>, Error> {
        let filter = filter.clone();
        self.read(move |connection| items::list(connection, &filter, page))
            .await
    }
}

fn find(
    connection: &Connection,
    ids: &Ids,
    id: EventId,
    projects: &[ProjectId],
) -> Result<Vec<EventRow>, Error> {
    let mut texts = EventReader::default();
    let mut found = Vec::new();
    for (_, seq) in ids.search(connection, &[ids::hash_of(id)])? {
        let Some(span) = partition::holding(connection, Seq(seq))? else {
            continue;
        };
        let row = texts.read(connection, &span, Seq(seq))?;
        let is_wanted = |row: &EventRow| row.event_id == id && projects.contains(&row.project);
        found.extend(row.filter(is_wanted));
    }
    Ok(found)
}

fn list(connection: &Connection, filter: &EventFilter, page: Page) -> Result<Vec<EventRow>, Error> {
    let spans = partition::all(connection)?;
    let mut question = Question::new(connection, filter)?;
    let mut left_out = page.offset;
    let is_hiding = (question.projects.iter())
        .any(|(_, floor)| spans.iter().any(|span| floor.hides_from(span.opened)));
    if left_out > WALKED && question.groups.is_none() && !is_hiding {
        let count = |question: &Question| count::count(connection, question, &spans);
        left_out = cursor::skip(&mut question, &spans, left_out, count)?;
    }
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let mut texts = EventReader::default();
    let mut listed = Vec::new();
    if limit == 0 {
        return Ok(listed);
    }
    cursor::walk(connection, &question, &spans, |span, _, seq| {
        if left_out > 0 {
            left_out = left_out.saturating_sub(1);
            return Ok(true);
        }
        let seq = Seq::from_i64(seq).ok_or_else(|| damaged("place"))?;
        listed.extend(texts.read(connection, span, seq)?);
        Ok(listed.len() < limit)
    })?;
    Ok(listed)
}

/// Reads rows of events for one answer, and knows whose are shown.
#[derive(Default)]
pub(super) struct EventReader {
    issues: HashMap<i64, Option<IssueId>>,
    names: HashMap<NameId, String>,
    floors: HashMap<ProjectId, Millis>,
}

impl EventReader {
    /// Reads an event, if it is there and shown.
    pub(super) fn read(
        &mut self,
        connection: &Connection,
        span: &Span,
        seq: Seq,
    ) -> Result<Option<EventRow>, Error> {
        let select = format!(
            "SELECT project, event_id, group_id, kind, happened, received, level, environment,
                release, user FROM events_{} WHERE seq = ?1",
            span.id
        );
        let row = one(connection, &select, [stored(seq.0)], |row| {
            let group: i64 = row.get(2)?;
            let Some(issue) = self.issue(connection, group)? else {
                return Ok(None);
            };
            let kind = EventKind::from_code(row.get(3)?);
            Ok(Some(EventRow {
                seq,
                project: ProjectId(row.get(0)?),
                event_id: EventId::from_bytes(row.get(1)?),
                group: GroupId::from_i64(group).ok_or_else(|| damaged("group"))?,
                issue,
                kind: kind.ok_or_else(|| damaged("kind of event"))?,
                timestamp: Millis(row.get(4)?),
                received: Millis(row.get(5)?),
                level: level(row.get(6)?).ok_or_else(|| damaged("level"))?,
                environment: self.text(connection, row.get(7)?)?,
                release: self.text(connection, row.get(8)?)?,
                user: row.get(9)?,
            }))
        })?;
        match row.flatten() {
            Some(row) if row.received > self.floor(connection, row.project)? => Ok(Some(row)),
            _ => Ok(None),
        }
    }

    /// Returns the issue that has a group; `None` when the group is deleted.
    fn issue(&mut self, connection: &Connection, group: i64) -> Result<Option<IssueId>, Error> {
        if let Some(issue) = self.issues.get(&group) {
            return Ok(*issue);
        }
        let select = "SELECT issue FROM groups WHERE id = ?1";
        let issue = one(connection, select, [group], |row| Ok(row.get::<_, i64>(0)?))?;
        let issue = issue.and_then(IssueId::from_i64);
        self.issues.insert(group, issue);
        Ok(issue)
    }

    fn text(&mut self, connection: &Connection, id: NameId) -> Result<String, Error> {
        if let Some(text) = self.names.get(&id) {
            return Ok(text.clone());
        }
        let text = names::text(connection, id)?;
        self.names.insert(id, text.clone());
        Ok(text)
    }

    fn floor(&mut self, connection: &Connection, project: ProjectId) -> Result<Millis, Error> {
        if let Some(floor) = self.floors.get(&project) {
            return Ok(*floor);
        }
        let floor = floors::of(connection, project)?.received;
        self.floors.insert(project, floor);
        Ok(floor)
    }
}
