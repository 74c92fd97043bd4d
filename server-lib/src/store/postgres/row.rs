//! Between columns and the nouns of the server.

use std::borrow::Cow;
use std::error::Error as StdError;

use bytes::{BufMut, BytesMut};
use mini_sentry::protocol::EventId;
use sha2::{Digest, Sha256};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use super::failure::corrupt;
use crate::error::Error;
use crate::model::event::{EventKind, EventRow, GroupingKey, Headline, Level};
use crate::model::ids::{GroupId, IssueId, ProjectId, Seq};
use crate::model::issue::{Actor, Affected, Issue, IssueState, IssueStatus, Priority, Substatus};
use crate::model::item::ItemRow;
use crate::model::record::RecordKind;
use crate::model::time::Millis;
use crate::secret::to_hex;
use crate::store::state;

/// A text of so many bytes is indexed as it is, far below what a row of an index may hold.
const INDEXED_BYTES: usize = 250;
/// Of a longer one, so much is kept in front of its hash.
const INDEXED_CHARS: usize = 40;

/// Sixteen bytes in a column of type `uuid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Sixteen(pub(super) [u8; 16]);

impl ToSql for Sixteen {
    accepts!(UUID);
    to_sql_checked!();

    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        out.put_slice(&self.0);
        Ok(IsNull::No)
    }
}

impl<'a> FromSql<'a> for Sixteen {
    accepts!(UUID);

    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(raw.try_into()?))
    }
}

/// Reads a column.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, Error> {
    row.try_get(column).map_err(|_| corrupt("value"))
}

/// Reads a column that holds a number which is never negative.
pub(super) fn count(row: &Row, column: usize) -> Result<u64, Error> {
    let value: i64 = get(row, column)?;
    u64::try_from(value).map_err(|_| corrupt("count"))
}

/// Reads a column that holds a place.
pub(super) fn seq(row: &Row, column: usize) -> Result<Seq, Error> {
    Ok(Seq(count(row, column)?))
}

/// Reads a column that holds the number of a project.
pub(super) fn project(row: &Row, column: usize) -> Result<ProjectId, Error> {
    Ok(ProjectId(number(row, column)?))
}

/// Reads a column that holds a small number of ours.
pub(super) fn number(row: &Row, column: usize) -> Result<u32, Error> {
    let value: i32 = get(row, column)?;
    u32::try_from(value).map_err(|_| corrupt("number"))
}

/// Returns a small number of ours as a column holds it. The greatest stands for those that no
/// column holds, and that are never given.
pub(super) fn int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// Returns a count as a column holds it.
pub(super) fn big(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Returns the numbers of projects as a column holds them.
pub(super) fn projects(ids: &[ProjectId]) -> Vec<i32> {
    ids.iter().map(|id| int(id.0)).collect()
}

/// Returns the number of a level.
pub(super) fn level_code(level: Level) -> i16 {
    match level {
        Level::Debug => 0,
        Level::Info => 1,
        Level::Warning => 2,
        Level::Error => 3,
        Level::Fatal => 4,
    }
}

/// Reads a column that holds a level.
pub(super) fn level(row: &Row, column: usize) -> Result<Level, Error> {
    match get::<i16>(row, column)? {
        0 => Ok(Level::Debug),
        1 => Ok(Level::Info),
        2 => Ok(Level::Warning),
        3 => Ok(Level::Error),
        4 => Ok(Level::Fatal),
        _ => Err(corrupt("level")),
    }
}

fn code(row: &Row, column: usize) -> Result<u8, Error> {
    u8::try_from(get::<i16>(row, column)?).map_err(|_| corrupt("code"))
}

/// Reads a column that holds what one of the `named!` types has for a number.
pub(super) fn coded<T>(
    row: &Row,
    column: usize,
    from_code: impl FnOnce(u8) -> Option<T>,
) -> Result<T, Error> {
    from_code(code(row, column)?).ok_or_else(|| corrupt("code"))
}

/// PostgreSQL has no texts with a zero byte; everything else is kept.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The same for texts that are part of a key: a long one is replaced by its beginning and its hash,
/// which is the same wherever it is asked for.
pub(super) fn indexed(value: &str) -> Cow<'_, str> {
    if value.len() <= INDEXED_BYTES {
        return text(value);
    }
    let start: String = value.chars().take(INDEXED_CHARS).collect();
    let hash = to_hex(&Sha256::digest(value.as_bytes()));
    Cow::Owned(text(&format!("{start}\u{2026}{hash}")).into_owned())
}

/// What [`event`] reads, in its order.
macro_rules! event_columns {
    () => {
        "e.seq, e.project, e.event_id, e.group_id, e.kind, e.happened, e.received, e.level, \
         e.environment, e.release, e.person, \
         (SELECT g.issue FROM groups g WHERE g.id = e.group_id)"
    };
}
pub(super) use event_columns;

/// What [`item`] reads, in its order.
macro_rules! item_columns {
    () => {
        "i.seq, i.project, i.kind, i.event_id, i.received, i.name, i.content_type, \
         i.attachment_type, i.bytes"
    };
}
pub(super) use item_columns;

/// What [`issue`] reads, in its order.
macro_rules! issue_columns {
    () => {
        "s.id, s.project, s.number, s.grouping_key, s.kind, s.level, s.unhandled, s.platform, \
         s.title, s.culprit, s.error_type, s.error_value, s.filename, s.function, \
         s.last_release, s.first_release, s.first_seen, s.last_seen, s.events, s.users, \
         s.users_exact, s.assignee, s.status, s.substatus, s.since, s.resolution, \
         s.resolution_of, s.resolution_in, s.snooze, s.priority, s.comments"
    };
}
pub(super) use issue_columns;

/// Reads events; those of deleted groups are left out.
pub(super) fn events(rows: &[Row]) -> Result<Vec<EventRow>, Error> {
    rows.iter()
        .filter_map(|row| event(row).transpose())
        .collect()
}

/// Reads an event; `None` when its group is deleted.
pub(super) fn event(row: &Row) -> Result<Option<EventRow>, Error> {
    let Some(issue) = get::<Option<i64>>(row, 11)? else {
        return Ok(None);
    };
    Ok(Some(EventRow {
        seq: seq(row, 0)?,
        project: project(row, 1)?,
        event_id: EventId::from_bytes(get::<Sixteen>(row, 2)?.0),
        group: GroupId::from_i64(get(row, 3)?).ok_or_else(|| corrupt("group"))?,
        issue: IssueId::from_i64(issue).ok_or_else(|| corrupt("issue"))?,
        kind: coded(row, 4, EventKind::from_code)?,
        timestamp: Millis(get(row, 5)?),
        received: Millis(get(row, 6)?),
        level: level(row, 7)?,
        environment: get(row, 8)?,
        release: get(row, 9)?,
        user: get(row, 10)?,
    }))
}

/// Reads an item.
pub(super) fn item(row: &Row) -> Result<ItemRow, Error> {
    let event_id: Option<Sixteen> = get(row, 3)?;
    Ok(ItemRow {
        seq: seq(row, 0)?,
        project: project(row, 1)?,
        kind: coded(row, 2, RecordKind::from_code)?,
        event_id: event_id.map_or(EventId::nil(), |id| EventId::from_bytes(id.0)),
        received: Millis(get(row, 4)?),
        name: get(row, 5)?,
        content_type: get(row, 6)?,
        attachment_type: get(row, 7)?,
        bytes: count(row, 8)?,
    })
}

/// Reads an issue.
pub(super) fn issue(row: &Row) -> Result<Issue, Error> {
    Ok(Issue {
        id: IssueId(count(row, 0)?),
        project: project(row, 1)?,
        number: count(row, 2)?,
        grouping: GroupingKey(get::<Sixteen>(row, 3)?.0),
        kind: coded(row, 4, EventKind::from_code)?,
        level: level(row, 5)?,
        is_unhandled: get(row, 6)?,
        platform: get(row, 7)?,
        title: get(row, 8)?,
        culprit: get(row, 9)?,
        headline: Headline {
            error_type: get(row, 10)?,
            value: get(row, 11)?,
            filename: get(row, 12)?,
            function: get(row, 13)?,
        },
        last_release: get(row, 14)?,
        first_release: get(row, 15)?,
        first_seen: Millis(get(row, 16)?),
        last_seen: Millis(get(row, 17)?),
        events: count(row, 18)?,
        affected: Affected {
            users: count(row, 19)?,
            is_exact: get(row, 20)?,
        },
        assignee: get::<Option<&str>>(row, 21)?.and_then(Actor::new),
        state: IssueState {
            status: coded(row, 22, IssueStatus::from_code)?,
            substatus: coded(row, 23, Substatus::from_code)?,
            since: Millis(get(row, 24)?),
            resolution: state::read_resolution(get(row, 25)?, get(row, 26)?, get(row, 27)?),
            snooze: state::read_snooze(get(row, 28)?),
        },
        priority: coded(row, 29, Priority::from_code)?,
        comments: count(row, 30)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_a_zero_byte_can_be_stored() {
        assert_eq!(text("a\0b"), "a\u{fffd}b");
        assert_eq!(text("plain"), "plain");
    }

    #[test]
    fn long_texts_of_keys_are_short_and_stay_different() {
        let long = "\u{e4}".repeat(1000);
        let longer = "\u{e4}".repeat(1001);
        assert!(indexed(&long).len() <= INDEXED_BYTES);
        assert_ne!(indexed(&long), indexed(&longer));
        assert_eq!(indexed("1.0"), "1.0");
    }
}
