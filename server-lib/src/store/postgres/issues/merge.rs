//! Groups move between issues; rows of events stay as they are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::activity::{self, missing};
use super::change::By;
use super::{find, groups};
use crate::error::{Error, ErrorKind};
use crate::model::activity::ActivityKind;
use crate::model::ids::{GroupId, IssueId};
use crate::model::issue::{Issue, IssueStatus, Substatus};
use crate::store::index::people::People;
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::{big, get};

/// Moves the groups of the children to the parent.
pub(super) async fn merge(
    lease: &mut Lease,
    parent: IssueId,
    children: &[IssueId],
    by: By<'_>,
) -> Result<(), Error> {
    let parent = find(lease, &[parent])
        .await?
        .pop()
        .ok_or_else(|| missing("issue"))?;
    let mut merged = Vec::new();
    for child in find(lease, children).await? {
        if child.project != parent.project {
            return Err(Error::because(
                ErrorKind::Invalid,
                "only issues of one project can be merged",
            ));
        }
        if child.id != parent.id && !merged.contains(&child.id) {
            take_in(lease, &parent, &child).await?;
            merged.push(child.id);
        }
    }
    if merged.is_empty() {
        return Ok(());
    }
    sum_up(lease, parent.id.to_i64()).await?;
    let issues: Vec<String> = merged.iter().map(ToString::to_string).collect();
    let data = json!({ "issues": issues }).to_string();
    let (id, kind) = (parent.id.to_i64(), ActivityKind::Merge);
    activity::insert(lease, id, kind, by.actor, by.at, &data).await?;
    Ok(())
}

async fn take_in(lease: &mut Lease, parent: &Issue, child: &Issue) -> Result<(), Error> {
    let (into, from) = (parent.id.to_i64(), child.id.to_i64());
    for step in [
        "UPDATE groups SET issue = $1 WHERE issue = $2",
        "UPDATE issues SET merged_into = $1 WHERE id = $2 OR merged_into = $2",
        "UPDATE activity SET issue = $1 WHERE issue = $2",
        "UPDATE issues SET comments = comments + (SELECT c.comments FROM issues c \
         WHERE c.id = $2) WHERE id = $1",
        "INSERT INTO issue_marks SELECT $1, person, bookmarked, subscribed, seen \
         FROM issue_marks WHERE issue = $2 ON CONFLICT DO NOTHING",
    ] {
        lease.execute(step, &[&into, &from]).await?;
    }
    // 3: merged into another.
    lease
        .execute(
            "UPDATE issues SET status = 3, comments = 0 WHERE id = $1",
            &[&from],
        )
        .await?;
    lease
        .execute("DELETE FROM issue_marks WHERE issue = $1", &[&from])
        .await?;
    if child.last_seen > parent.last_seen {
        lease
            .execute(include_str!("take_latest.sql"), &[&into, &from])
            .await?;
    }
    if child.first_seen < parent.first_seen {
        lease
            .execute(
                "UPDATE issues SET first_release = (SELECT c.first_release FROM issues c \
                 WHERE c.id = $2) WHERE id = $1",
                &[&into, &from],
            )
            .await?;
    }
    Ok(())
}

/// Sums the groups of an issue up.
pub(super) async fn sum_up(lease: &mut Lease, issue: i64) -> Result<(), Error> {
    let people = people(lease, issue).await?;
    lease
        .execute(
            "UPDATE issues s SET events = g.events, first_seen = g.first_seen, \
             last_seen = g.last_seen, users = $2, users_exact = $3 \
             FROM (SELECT sum(events)::bigint AS events, min(first_seen) AS first_seen, \
             max(last_seen) AS last_seen FROM groups WHERE issue = $1) AS g \
             WHERE s.id = $1 AND g.events IS NOT NULL",
            &[&issue, &big(people.count()), &people.is_exact()],
        )
        .await?;
    Ok(())
}

/// Returns whom an issue affected.
pub(in crate::store::postgres) async fn people(
    lease: &mut Lease,
    issue: i64,
) -> Result<People, Error> {
    let rows = lease
        .query(
            "SELECT p.people FROM groups g JOIN group_people p ON p.id = g.id WHERE g.issue = $1",
            &[&issue],
        )
        .await?;
    let mut all = People::default();
    for row in &rows {
        all.add(&People::from_bytes(get(row, 0)?));
    }
    Ok(all)
}

/// Takes groups out of their issue; returns the issues that there are now besides.
pub(super) async fn unmerge(
    lease: &mut Lease,
    issue: IssueId,
    leave: &[GroupId],
    by: By<'_>,
) -> Result<Vec<IssueId>, Error> {
    let issue = find(lease, &[issue])
        .await?
        .pop()
        .ok_or_else(|| missing("issue"))?;
    let all = groups(lease, issue.id.to_i64()).await?;
    let all: BTreeSet<GroupId> = all.into_iter().map(|group| group.id).collect();
    let wanted: BTreeSet<GroupId> = leave.iter().copied().collect();
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
    let mut back: BTreeMap<IssueId, GroupId> = BTreeMap::new();
    for group in leaving {
        back.insert(came_with(lease, group).await?, group);
    }
    for (id, group) in &back {
        lease
            .execute(
                "UPDATE groups SET issue = $2 WHERE id = $1",
                &[&group.to_i64(), &id.to_i64()],
            )
            .await?;
        lease
            .execute(
                "UPDATE issues SET status = $2, substatus = $3, since = $4, merged_into = NULL \
                 WHERE id = $1",
                &[
                    &id.to_i64(),
                    &i16::from(IssueStatus::Unresolved.code()),
                    &i16::from(Substatus::Ongoing.code()),
                    &by.at.0,
                ],
            )
            .await?;
        sum_up(lease, id.to_i64()).await?;
        for (of, key, other) in [(*id, "from", issue.id), (issue.id, "to", *id)] {
            let data = json!({ key: other.to_string() }).to_string();
            let kind = ActivityKind::Unmerge;
            activity::insert(lease, of.to_i64(), kind, by.actor, by.at, &data).await?;
        }
    }
    sum_up(lease, issue.id.to_i64()).await?;
    Ok(back.into_keys().collect())
}

/// Returns the issue that a group opened. One that joined an issue without opening one, because the
/// way of grouping changed, gets an issue like the one that it leaves.
async fn came_with(lease: &mut Lease, group: GroupId) -> Result<IssueId, Error> {
    let id = group.to_i64();
    let known = lease
        .query_opt("SELECT id FROM issues WHERE id = $1", &[&id])
        .await?;
    if known.is_none() {
        let row = lease
            .query_one(
                "INSERT INTO issue_numbers AS n (project, number) \
                 SELECT project, 1 FROM groups WHERE id = $1 \
                 ON CONFLICT (project) DO UPDATE SET number = n.number + 1 RETURNING number",
                &[&id],
            )
            .await?;
        let number: i64 = get(&row, 0)?;
        lease
            .execute(include_str!("split_issue.sql"), &[&id, &number])
            .await?;
    }
    Ok(IssueId::from_i64(id).unwrap_or_default())
}
