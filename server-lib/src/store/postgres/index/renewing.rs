//! What is known of groups that lost events is read again.

use std::collections::BTreeSet;

use super::add::add_texts;
use crate::error::Error;
use crate::model::ids::{GroupId, Seq};
use crate::store::index::people::{self, People};
use crate::store::index::renewal::MAX_PLACES;
use crate::store::index::{Renewal, StaleGroup};
use crate::store::postgres::digest::{BEGIN, LOCK};
use crate::store::postgres::issues;
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::{big, get, level_code, project, seq, text};

/// Returns a group that lost events, as far as the index knows of that.
pub(super) async fn stale_group(lease: &mut Lease) -> Result<Option<StaleGroup>, Error> {
    let found = lease
        .query_opt(
            "SELECT s.id, s.mark, g.project, g.issue FROM stale_groups s \
             LEFT JOIN groups g ON g.id = s.id \
             WHERE s.seq <= (SELECT value FROM counters WHERE name = 'indexed') \
             ORDER BY s.id LIMIT 1",
            &[],
        )
        .await?;
    let Some(row) = found else { return Ok(None) };
    let group: i64 = get(&row, 0)?;
    let mut stale = StaleGroup {
        group: GroupId::from_i64(group).unwrap_or_default(),
        mark: get(&row, 1)?,
        ..StaleGroup::default()
    };
    let issue: Option<i64> = get(&row, 3)?;
    let Some(issue) = issue else {
        return Ok(Some(stale));
    };
    stale.project = project(&row, 2)?;
    let rows = lease
        .query("SELECT hash FROM texts WHERE group_id = $1", &[&group])
        .await?;
    stale.texts = rows
        .iter()
        .map(|row| get(row, 0))
        .collect::<Result<_, _>>()?;
    let rows = lease
        .query(
            "SELECT seq FROM events WHERE group_id = $1 ORDER BY happened DESC, seq DESC LIMIT $2",
            &[&group, &i64::from(MAX_PLACES)],
        )
        .await?;
    stale.places = rows
        .iter()
        .map(|row| seq(row, 0))
        .collect::<Result<_, _>>()?;
    stale.latest = latest_of_issue(lease, issue).await?.map(|(_, seq)| seq);
    stale.left = left(lease, group).await?;
    Ok(Some(stale))
}

/// Returns the people of a group of whom it has no event any more, where they are known one by one.
async fn left(lease: &mut Lease, group: i64) -> Result<Vec<u32>, Error> {
    let known = people_of(lease, group).await?;
    let Some(numbers) = known.numbers().filter(|numbers| !numbers.is_empty()) else {
        return Ok(Vec::new());
    };
    let mut left: BTreeSet<u32> = numbers.iter().copied().collect();
    let rows = lease
        .query(
            "SELECT DISTINCT person FROM events WHERE group_id = $1 AND person IS NOT NULL",
            &[&group],
        )
        .await?;
    for row in &rows {
        left.remove(&people::number(get(row, 0)?));
    }
    Ok(left.into_iter().collect())
}

async fn people_of(lease: &mut Lease, group: i64) -> Result<People, Error> {
    let select = "SELECT people FROM group_people WHERE id = $1";
    let found = lease.query_opt(select, &[&group]).await?;
    let bytes: &[u8] = match &found {
        Some(row) => get(row, 0)?,
        None => &[],
    };
    Ok(People::from_bytes(bytes))
}

async fn latest_of_issue(lease: &mut Lease, issue: i64) -> Result<Option<(i64, Seq)>, Error> {
    let found = lease
        .query_opt(
            "SELECT e.happened, e.seq FROM groups g CROSS JOIN LATERAL (SELECT happened, seq \
             FROM events WHERE group_id = g.id ORDER BY happened DESC, seq DESC LIMIT 1) AS e \
             WHERE g.issue = $1 ORDER BY e.happened DESC, e.seq DESC LIMIT 1",
            &[&issue],
        )
        .await?;
    let latest = |row| Ok((get(row, 0)?, seq(row, 1)?));
    found.as_ref().map(latest).transpose()
}

/// Writes what was read again; false when the issue has a later event.
pub(super) async fn renew(lease: &mut Lease, renewal: &Renewal) -> Result<bool, Error> {
    let stale = &renewal.of;
    let group = stale.group.to_i64();
    lease.begin(BEGIN).await?;
    // Digest changes issues too, and in another order.
    lease.query(LOCK, &[]).await?;
    let select = "SELECT issue FROM groups WHERE id = $1";
    if let Some(row) = lease.query_opt(select, &[&group]).await? {
        let issue: i64 = get(&row, 0)?;
        if !renew_issue(lease, renewal, issue).await? {
            lease.rollback().await?;
            return Ok(false);
        }
        lease
            .execute(
                "UPDATE groups SET last_seen = e.happened FROM (SELECT happened FROM events \
                 WHERE group_id = $1 ORDER BY happened DESC LIMIT 1) AS e WHERE id = $1",
                &[&group],
            )
            .await?;
        lease
            .execute(
                "DELETE FROM texts WHERE group_id = $1 AND hash = ANY($2) AND hash <> ALL($3)",
                &[&group, &stale.texts, &renewal.kept],
            )
            .await?;
        add_texts(lease, &renewal.texts).await?;
        renew_people(lease, stale, issue).await?;
    }
    lease
        .execute(
            "DELETE FROM stale_groups WHERE id = $1 AND mark = $2",
            &[&group, &stale.mark],
        )
        .await?;
    lease.commit().await?;
    Ok(true)
}

async fn renew_issue(lease: &mut Lease, renewal: &Renewal, issue: i64) -> Result<bool, Error> {
    let latest = latest_of_issue(lease, issue).await?;
    let (Some((at, seq)), Some(facts)) = (latest, &renewal.latest) else {
        return Ok(true);
    };
    if renewal.of.latest != Some(seq) {
        // What the issue says is the later event's already, if it came in the order of time.
        let select = "SELECT last_seen FROM issues WHERE id = $1";
        let row = lease.query_one(select, &[&issue]).await?;
        return Ok(get::<i64>(&row, 0)? == at);
    }
    lease
        .execute(
            include_str!("renew_issue.sql"),
            &[
                &issue,
                &at,
                &i16::from(facts.kind.code()),
                &level_code(facts.level),
                &(facts.handled == Some(false)),
                &text(&facts.platform),
                &text(&facts.title),
                &text(&facts.culprit),
                &text(&facts.headline.error_type),
                &text(&facts.headline.value),
                &text(&facts.headline.filename),
                &text(&facts.headline.function),
                &text(&facts.release),
            ],
        )
        .await?;
    Ok(true)
}

async fn renew_people(lease: &mut Lease, stale: &StaleGroup, issue: i64) -> Result<(), Error> {
    if stale.left.is_empty() {
        return Ok(());
    }
    let group = stale.group.to_i64();
    let mut people = people_of(lease, group).await?;
    for number in &stale.left {
        people.remove(*number);
    }
    lease
        .execute(
            "UPDATE group_people SET people = $2 WHERE id = $1",
            &[&group, &people.to_bytes()],
        )
        .await?;
    let people = issues::people(lease, issue).await?;
    lease
        .execute(
            "UPDATE issues SET users = $2, users_exact = $3 WHERE id = $1",
            &[&issue, &big(people.count()), &people.is_exact()],
        )
        .await?;
    Ok(())
}
