//! Which issues have a tag or a word.

use roaring::RoaringBitmap;
use rusqlite::Connection;

use super::read::Runs;
use super::tags;
use crate::error::Error;
use crate::model::ids::{GroupId, ProjectId};
use crate::store::index::ask::MAX_PATTERN_VALUES;
use crate::store::index::key::{self, GROUPS};
use crate::store::query::{TagTest, TextPattern};
use crate::store::sqlite::partition;
use crate::store::sqlite::row::rows;
use crate::store::state::Words;

/// Texts that one search finds.
const MAX_FOUND: u32 = 200_000;

/// Returns the issues that have a tag.
pub(in crate::store::sqlite) fn issues_with_tag(
    connection: &Connection,
    projects: &[ProjectId],
    name: &str,
    test: &TagTest,
) -> Result<RoaringBitmap, Error> {
    let mut numbers = Vec::new();
    for project in projects {
        match test {
            TagTest::Present => numbers.push(key::present(*project, name)),
            TagTest::Value(TextPattern::Equals(value)) => {
                numbers.push(key::tag_of(*project, name, value));
            }
            TagTest::Value(pattern @ TextPattern::Like(_)) => {
                let found = tags::matching(connection, *project, name, pattern)?;
                let values = found.values.iter().take(MAX_PATTERN_VALUES);
                numbers.extend(values.map(|value| key::tag_of(*project, name, value)));
            }
        }
    }
    let mut groups = RoaringBitmap::new();
    for span in partition::all(connection)? {
        let runs = Runs::of(connection, span.id)?;
        for number in &numbers {
            groups |= runs.set(connection, GROUPS, *number)?;
        }
    }
    issues_of(connection, groups)
}

/// Returns the issues that have words.
pub(in crate::store::sqlite) fn issues_with_text(
    connection: &Connection,
    text: &str,
) -> Result<RoaringBitmap, Error> {
    issues_of(connection, groups_with_text(connection, text)?)
}

/// Returns the groups that have words.
pub(super) fn groups_with_text(
    connection: &Connection,
    text: &str,
) -> Result<RoaringBitmap, Error> {
    let words = Words::read(text);
    let mut groups = RoaringBitmap::new();
    if words.terms.is_empty() {
        return Ok(groups);
    }
    let terms: Vec<String> = (words.terms.iter())
        .map(|(term, is_open)| format!("\"{term}\"{}", if *is_open { "*" } else { "" }))
        .collect();
    let select = "SELECT DISTINCT group_id FROM texts WHERE id IN
        (SELECT rowid FROM text_words WHERE text_words MATCH ?1 LIMIT ?2)";
    let columns = rusqlite::params![terms.join(" "), MAX_FOUND];
    rows(connection, select, columns, |row| {
        groups.insert(row.get(0)?);
        Ok(())
    })?;
    Ok(groups)
}

/// Returns the issues that have the groups: of the same numbers, but for those that moved.
fn issues_of(connection: &Connection, mut groups: RoaringBitmap) -> Result<RoaringBitmap, Error> {
    let moved = "SELECT id, issue FROM groups WHERE issue <> id";
    let mut issues = Vec::new();
    rows(connection, moved, [], |row| {
        let (group, issue): (u32, u32) = (row.get(0)?, row.get(1)?);
        if groups.remove(group) {
            issues.push(issue);
        }
        Ok(())
    })?;
    groups.extend(issues);
    Ok(groups)
}

/// Returns the groups of an issue.
pub(super) fn groups_of(connection: &Connection, issue: i64) -> Result<Vec<GroupId>, Error> {
    let select = "SELECT id FROM groups WHERE issue =
        (SELECT coalesce(merged_into, id) FROM issues WHERE id = ?1)";
    rows(connection, select, [issue], |row| Ok(GroupId(row.get(0)?)))
}
