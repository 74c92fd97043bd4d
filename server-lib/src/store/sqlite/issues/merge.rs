//! Groups move between issues; rows of events stay as they are.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Transaction, params};
use serde_json::json;

use super::activity;
use super::change::By;
use super::row::{self, Reader};
use crate::error::{Error, ErrorKind};
use crate::model::activity::ActivityKind;
use crate::model::ids::{GroupId, IssueId};
use crate::model::issue::{Issue, IssueStatus, Substatus};
use crate::store::index::people::People;
use crate::store::sqlite::row::{not_found, one, rows, stored};
use crate::store::sqlite::writer::Memory;

/// The status of an issue that was merged into another.
const MERGED: u8 = 3;

/// Moves the groups of the children to the parent.
pub(super) fn merge(
    transaction: &Transaction<'_>,
    memory: &mut Memory,
    parent: IssueId,
    children: &[IssueId],
    by: By<'_>,
) -> Result<(), Error> {
    let mut reader = Reader::default();
    let parent = reader
        .find(transaction, parent.to_i64())?
        .ok_or_else(|| not_found("issue"))?;
    let mut merged = Vec::new();
    for id in children {
        let Some(child) = reader.find(transaction, id.to_i64())? else {
            continue;
        };
        if child.project != parent.project {
            return Err(Error::because(
                ErrorKind::Invalid,
                "only issues of one project can be merged",
            ));
        }
        if child.id != parent.id && !merged.contains(&child.id) {
            take_in(transaction, &parent, &child)?;
            merged.push(child.id);
        }
    }
    if merged.is_empty() {
        return Ok(());
    }
    memory.issues = Default::default();
    sum_up(transaction, parent.id)?;
    let issues: Vec<String> = merged.iter().map(ToString::to_string).collect();
    let data = json!({ "issues": issues }).to_string();
    let (id, kind) = (parent.id.to_i64(), ActivityKind::Merge);
    activity::insert(transaction, id, kind, by.actor, by.at, &data)?;
    Ok(())
}

fn take_in(transaction: &Transaction<'_>, parent: &Issue, child: &Issue) -> Result<(), Error> {
    let (into, from) = (parent.id.to_i64(), child.id.to_i64());
    for step in [
        "UPDATE groups SET issue = ?1 WHERE issue = ?2",
        "UPDATE issues SET merged_into = ?1 WHERE id = ?2 OR merged_into = ?2",
        "UPDATE activity SET issue = ?1 WHERE issue = ?2",
        "UPDATE issues SET comments = comments + (SELECT comments FROM issues WHERE id = ?2)
        WHERE id = ?1",
        "INSERT OR IGNORE INTO issue_marks
        SELECT ?1, person, bookmarked, subscribed, seen FROM issue_marks WHERE issue = ?2",
    ] {
        transaction.execute(step, params![into, from])?;
    }
    let hide = "UPDATE issues SET status = ?2, comments = 0 WHERE id = ?1";
    transaction.execute(hide, params![from, MERGED])?;
    transaction.execute("DELETE FROM issue_marks WHERE issue = ?1", [from])?;
    if child.last_seen > parent.last_seen {
        let latest = include_str!("../sql/take_latest.sql");
        transaction.execute(latest, params![into, from])?;
    }
    if child.first_seen < parent.first_seen {
        let first = "UPDATE issues SET first_release =
            (SELECT first_release FROM issues WHERE id = ?2) WHERE id = ?1";
        transaction.execute(first, params![into, from])?;
    }
    Ok(())
}

/// Sums the groups of an issue up.
pub(super) fn sum_up(transaction: &Transaction<'_>, issue: IssueId) -> Result<(), Error> {
    let people = people(transaction, issue.to_i64())?;
    let update = "UPDATE issues SET (events, first_seen, last_seen) =
            (SELECT sum(events), min(first_seen), max(last_seen) FROM groups WHERE issue = ?1),
            users = ?2, users_exact = ?3
        WHERE id = ?1 AND EXISTS (SELECT 1 FROM groups WHERE issue = ?1)";
    let columns = params![issue.to_i64(), stored(people.count()), people.is_exact()];
    transaction.execute(update, columns)?;
    Ok(())
}

/// Returns whom an issue affected.
pub(in crate::store::sqlite) fn people(
    transaction: &Transaction<'_>,
    issue: i64,
) -> Result<People, Error> {
    let select = "SELECT people FROM groups JOIN group_people USING (id) WHERE issue = ?1";
    let of_groups: Vec<Vec<u8>> = rows(transaction, select, [issue], |row| Ok(row.get(0)?))?;
    let mut all = People::default();
    for bytes in of_groups {
        all.add(&People::from_bytes(&bytes));
    }
    Ok(all)
}

/// Takes groups out of their issue; returns the issues that there are now besides.
pub(super) fn unmerge(
    transaction: &Transaction<'_>,
    memory: &mut Memory,
    issue: IssueId,
    groups: &[GroupId],
    by: By<'_>,
) -> Result<Vec<IssueId>, Error> {
    let mut reader = Reader::default();
    let issue = reader
        .find(transaction, issue.to_i64())?
        .ok_or_else(|| not_found("issue"))?;
    let all: BTreeSet<GroupId> = row::groups(transaction, issue.id.to_i64())?
        .into_iter()
        .map(|group| group.id)
        .collect();
    let wanted: BTreeSet<GroupId> = groups.iter().copied().collect();
    let mut leaving: BTreeSet<GroupId> = all.intersection(&wanted).copied().collect();
    if leaving.is_empty() || leaving.len() == all.len() {
        return Err(Error::because(
            ErrorKind::Invalid,
            "an issue keeps at least one group, and at least one leaves it",
        ));
    }
    let opened = GroupId::from_i64(issue.id.to_i64()).unwrap_or_default();
    if leaving.contains(&opened) {
        // The group that opened the issue has its number: the others leave instead.
        leaving = all.difference(&leaving).copied().collect();
    }
    let mut back: BTreeMap<IssueId, Vec<GroupId>> = BTreeMap::new();
    for group in leaving {
        back.entry(came_with(transaction, group)?)
            .or_default()
            .push(group);
    }
    for (id, groups) in &back {
        for group in groups {
            let leave = "UPDATE groups SET issue = ?2 WHERE id = ?1";
            transaction.execute(leave, [group.to_i64(), id.to_i64()])?;
        }
        let show = "UPDATE issues SET status = ?2, substatus = ?3, since = ?4, merged_into = NULL
            WHERE id = ?1";
        transaction.execute(
            show,
            params![
                id.to_i64(),
                IssueStatus::Unresolved.code(),
                Substatus::Ongoing.code(),
                by.at.0
            ],
        )?;
        sum_up(transaction, *id)?;
        let kind = ActivityKind::Unmerge;
        let entries = [(*id, "from", issue.id), (issue.id, "to", *id)];
        for (of, key, other) in entries {
            let data = json!({ key: other.to_string() }).to_string();
            activity::insert(transaction, of.to_i64(), kind, by.actor, by.at, &data)?;
        }
    }
    memory.issues = Default::default();
    sum_up(transaction, issue.id)?;
    Ok(back.into_keys().collect())
}

/// Returns the issue that a group opened. One that joined an issue without opening one, because the
/// way of grouping changed, gets an issue like the one that it leaves.
fn came_with(transaction: &Transaction<'_>, group: GroupId) -> Result<IssueId, Error> {
    let own = "SELECT id FROM issues WHERE id = ?1";
    let id = IssueId::from_i64(group.to_i64()).unwrap_or_default();
    if one(transaction, own, [group.to_i64()], |_| Ok(()))?.is_some() {
        return Ok(id);
    }
    let number = "INSERT INTO issue_numbers (project, number)
        SELECT project, 1 FROM groups WHERE id = ?1
        ON CONFLICT DO UPDATE SET number = number + 1 RETURNING number";
    let number: i64 = transaction.query_row(number, [group.to_i64()], |row| row.get(0))?;
    let copy = include_str!("../sql/split_issue.sql");
    transaction.execute(copy, params![group.to_i64(), number])?;
    Ok(id)
}
