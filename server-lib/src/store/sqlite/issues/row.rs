//! Rows of issues and groups as the model has them.

use std::collections::HashMap;

use rusqlite::{Connection, Row};

use crate::error::Error;
use crate::model::event::{EventKind, GroupingKey, Headline};
use crate::model::ids::{GroupId, IssueId, ProjectId};
use crate::model::issue::{
    Actor, Affected, Group, Issue, IssueState, IssueStatus, Priority, Substatus,
};
use crate::model::time::Millis;
use crate::store::sqlite::connection::damaged;
use crate::store::sqlite::floors::{self, DELETED};
use crate::store::sqlite::names::{self, NameId};
use crate::store::sqlite::row::{counted, level, one, rows};
use crate::store::state;

const ISSUE: &str = include_str!("../sql/issue.sql");

/// Reads issues for one answer.
#[derive(Default)]
pub(super) struct Reader {
    names: HashMap<NameId, String>,
    is_shown: HashMap<ProjectId, bool>,
}

impl Reader {
    /// Reads an issue; the one that has its events now when it was merged. `None` when there is
    /// none or its project is deleted.
    pub(super) fn find(
        &mut self,
        connection: &Connection,
        id: i64,
    ) -> Result<Option<Issue>, Error> {
        let into = "SELECT coalesce(merged_into, id) FROM issues WHERE id = ?1";
        let Some(id) = one(connection, into, [id], |row| Ok(row.get::<_, i64>(0)?))? else {
            return Ok(None);
        };
        self.read(connection, id)
    }

    /// Reads an issue as it is.
    pub(super) fn read(
        &mut self,
        connection: &Connection,
        id: i64,
    ) -> Result<Option<Issue>, Error> {
        let found = one(connection, ISSUE, [id], |row| self.issue(connection, row))?;
        match found {
            Some(issue) if self.shows(connection, issue.project)? => Ok(Some(issue)),
            _ => Ok(None),
        }
    }

    /// Reports whether a project's issues are shown.
    pub(super) fn shows(
        &mut self,
        connection: &Connection,
        project: ProjectId,
    ) -> Result<bool, Error> {
        if let Some(is_shown) = self.is_shown.get(&project) {
            return Ok(*is_shown);
        }
        let is_shown = floors::of(connection, project)?.received != DELETED;
        self.is_shown.insert(project, is_shown);
        Ok(is_shown)
    }

    fn issue(&mut self, connection: &Connection, row: &Row<'_>) -> Result<Issue, Error> {
        let status = IssueStatus::from_code(row.get(22)?).ok_or_else(|| damaged("status"))?;
        let snooze: Option<String> = row.get(28)?;
        let assignee: Option<String> = row.get(21)?;
        Ok(Issue {
            id: IssueId::from_i64(row.get(0)?).ok_or_else(|| damaged("issue"))?,
            project: ProjectId(row.get(1)?),
            number: counted(row.get(2)?),
            grouping: GroupingKey(row.get(3)?),
            kind: EventKind::from_code(row.get(4)?).ok_or_else(|| damaged("kind of event"))?,
            level: level(row.get(5)?).ok_or_else(|| damaged("level"))?,
            is_unhandled: row.get(6)?,
            platform: row.get(7)?,
            title: row.get(8)?,
            culprit: row.get(9)?,
            headline: Headline {
                error_type: row.get(10)?,
                value: row.get(11)?,
                filename: row.get(12)?,
                function: row.get(13)?,
            },
            last_release: self.text(connection, row.get(14)?)?,
            first_release: self.text(connection, row.get(15)?)?,
            first_seen: Millis(row.get(16)?),
            last_seen: Millis(row.get(17)?),
            events: counted(row.get(18)?),
            affected: Affected {
                users: counted(row.get(19)?),
                is_exact: row.get(20)?,
            },
            assignee: assignee.as_deref().and_then(Actor::new),
            state: IssueState {
                status,
                substatus: Substatus::from_code(row.get(23)?).ok_or_else(|| damaged("status"))?,
                since: Millis(row.get(24)?),
                resolution: state::read_resolution(row.get(25)?, row.get(26)?, row.get(27)?),
                snooze: state::read_snooze(snooze.as_deref()),
            },
            priority: Priority::from_code(row.get(29)?).ok_or_else(|| damaged("priority"))?,
            comments: counted(row.get(30)?),
        })
    }

    fn text(&mut self, connection: &Connection, id: NameId) -> Result<String, Error> {
        if id == 0 {
            return Ok(String::new());
        }
        if let Some(text) = self.names.get(&id) {
            return Ok(text.clone());
        }
        let text = names::text(connection, id)?;
        self.names.insert(id, text.clone());
        Ok(text)
    }
}

/// Returns the groups of an issue, latest seen first.
pub(super) fn groups(connection: &Connection, issue: i64) -> Result<Vec<Group>, Error> {
    let select = "SELECT id, issue, grouping, first_seen, last_seen, events FROM groups
        WHERE issue = ?1 ORDER BY last_seen DESC, id DESC";
    rows(connection, select, [issue], |row| {
        Ok(Group {
            id: GroupId::from_i64(row.get(0)?).ok_or_else(|| damaged("group"))?,
            issue: IssueId::from_i64(row.get(1)?).ok_or_else(|| damaged("issue"))?,
            grouping: GroupingKey(row.get(2)?),
            first_seen: Millis(row.get(3)?),
            last_seen: Millis(row.get(4)?),
            events: counted(row.get(5)?),
        })
    })
}
