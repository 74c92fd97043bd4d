//! Finds or opens the issues of a batch, and counts its events into them.

use std::collections::HashMap;

use super::EventIssue;
use crate::error::Error;
use crate::model::event::{GroupingKey, NewEvent};
use crate::model::ids::{IssueId, ProjectId};
use crate::store::postgres::failure::corrupt;
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::{Sixteen, get, int, level_code, project, text};

/// What the events of one issue come to.
struct Sum<'a> {
    project: ProjectId,
    grouping: GroupingKey,
    latest: &'a NewEvent,
    first_seen: i64,
    last_seen: i64,
    events: i64,
    id: Option<i64>,
    number: i64,
}

/// Counts the events, and returns the issue of each.
pub(super) async fn record(
    lease: &mut Lease,
    events: &[&NewEvent],
) -> Result<Vec<EventIssue>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let (mut sums, places) = added_up(events);
    find(lease, &mut sums).await?;
    let opened: Vec<bool> = sums.iter().map(|sum| sum.id.is_none()).collect();
    number(lease, &mut sums).await?;
    write(lease, &sums, &opened, true).await?;
    write(lease, &sums, &opened, false).await?;
    let mut fresh = opened;
    let mut issues = Vec::with_capacity(places.len());
    for place in places {
        let id = sums
            .get(place)
            .and_then(|sum| IssueId::from_i64(sum.id?))
            .ok_or_else(|| corrupt("issue"))?;
        // Only the first event opens it.
        let is_new = fresh.get_mut(place).is_some_and(std::mem::take);
        issues.push(EventIssue { id, is_new });
    }
    Ok(issues)
}

/// Returns the sums in the order of their first events, and the place of each event's sum.
fn added_up<'a>(events: &[&'a NewEvent]) -> (Vec<Sum<'a>>, Vec<usize>) {
    let mut sums: Vec<Sum<'a>> = Vec::new();
    let mut places = Vec::with_capacity(events.len());
    let mut known = HashMap::new();
    for event in events {
        let happened = event.facts.timestamp.0;
        let key = (event.project, event.facts.grouping);
        let place = *known.entry(key).or_insert(sums.len());
        places.push(place);
        match sums.get_mut(place) {
            Some(sum) => {
                sum.events = sum.events.saturating_add(1);
                sum.first_seen = sum.first_seen.min(happened);
                if happened >= sum.last_seen {
                    sum.last_seen = happened;
                    sum.latest = event;
                }
            }
            None => sums.push(Sum {
                project: event.project,
                grouping: event.facts.grouping,
                latest: event,
                first_seen: happened,
                last_seen: happened,
                events: 1,
                id: None,
                number: 0,
            }),
        }
    }
    (sums, places)
}

async fn find(lease: &mut Lease, sums: &mut [Sum<'_>]) -> Result<(), Error> {
    let projects: Vec<_> = sums.iter().map(|sum| int(sum.project.0)).collect();
    let keys: Vec<_> = sums.iter().map(|sum| Sixteen(sum.grouping.0)).collect();
    let rows = lease
        .query(
            "SELECT k.place, s.id FROM unnest($1::integer[], $2::uuid[]) WITH ORDINALITY \
             AS k (project, grouping_key, place) JOIN issues s \
             ON s.project = k.project AND s.grouping_key = k.grouping_key",
            &[&projects, &keys],
        )
        .await?;
    for row in &rows {
        let place: i64 = get(row, 0)?;
        let index = usize::try_from(place.saturating_sub(1)).map_err(|_| corrupt("place"))?;
        if let Some(sum) = sums.get_mut(index) {
            sum.id = Some(get(row, 1)?);
        }
    }
    Ok(())
}

/// Gives numbers to the issues that have none: in the install, and in their projects.
async fn number(lease: &mut Lease, sums: &mut [Sum<'_>]) -> Result<(), Error> {
    let mut wanted: HashMap<ProjectId, i64> = HashMap::new();
    for sum in sums.iter().filter(|sum| sum.id.is_none()) {
        *wanted.entry(sum.project).or_default() += 1;
    }
    let total: i64 = wanted.values().sum();
    if total == 0 {
        return Ok(());
    }
    let row = lease
        .query_one(
            "UPDATE counters SET value = value + $1 WHERE name = 'issue' RETURNING value - $1",
            &[&total],
        )
        .await?;
    let mut last_id: i64 = get(&row, 0)?;
    let (projects, counts): (Vec<_>, Vec<_>) = wanted
        .iter()
        .map(|(project, count)| (int(project.0), *count))
        .unzip();
    let rows = lease
        .query(
            "INSERT INTO issue_numbers AS n (project, number) \
             SELECT * FROM unnest($1::integer[], $2::bigint[]) \
             ON CONFLICT (project) DO UPDATE SET number = n.number + EXCLUDED.number \
             RETURNING project, number",
            &[&projects, &counts],
        )
        .await?;
    let mut last_numbers = HashMap::new();
    for row in &rows {
        let id = project(row, 0)?;
        let count = wanted.get(&id).copied().unwrap_or_default();
        last_numbers.insert(id, get::<i64>(row, 1)?.saturating_sub(count));
    }
    for sum in sums.iter_mut().filter(|sum| sum.id.is_none()) {
        last_id = last_id.saturating_add(1);
        sum.id = Some(last_id);
        let number = last_numbers
            .get_mut(&sum.project)
            .ok_or_else(|| corrupt("issue number"))?;
        *number = number.saturating_add(1);
        sum.number = *number;
    }
    Ok(())
}

/// Writes the sums that are new, or those that are not.
async fn write(
    lease: &mut Lease,
    sums: &[Sum<'_>],
    opened: &[bool],
    new: bool,
) -> Result<(), Error> {
    let chosen: Vec<_> = sums
        .iter()
        .zip(opened)
        .filter(|(_, opened)| **opened == new)
        .map(|(sum, _)| sum)
        .collect();
    if chosen.is_empty() {
        return Ok(());
    }
    let facts = || chosen.iter().map(|sum| &sum.latest.facts);
    let ids: Vec<i64> = chosen.iter().filter_map(|sum| sum.id).collect();
    let projects: Vec<_> = chosen.iter().map(|sum| int(sum.project.0)).collect();
    let numbers: Vec<_> = chosen.iter().map(|sum| sum.number).collect();
    let keys: Vec<_> = chosen.iter().map(|sum| Sixteen(sum.grouping.0)).collect();
    let kinds: Vec<_> = facts().map(|facts| i16::from(facts.kind.code())).collect();
    let titles: Vec<_> = facts().map(|facts| text(&facts.title)).collect();
    let culprits: Vec<_> = facts().map(|facts| text(&facts.culprit)).collect();
    let platforms: Vec<_> = facts().map(|facts| text(&facts.platform)).collect();
    let levels: Vec<_> = facts().map(|facts| level_code(facts.level)).collect();
    let first: Vec<_> = chosen.iter().map(|sum| sum.first_seen).collect();
    let last: Vec<_> = chosen.iter().map(|sum| sum.last_seen).collect();
    let events: Vec<_> = chosen.iter().map(|sum| sum.events).collect();
    let sql = if new {
        include_str!("open_issues.sql")
    } else {
        include_str!("count_issues.sql")
    };
    lease
        .execute(
            sql,
            &[
                &ids, &projects, &numbers, &keys, &kinds, &titles, &culprits, &platforms, &levels,
                &first, &last, &events,
            ],
        )
        .await?;
    Ok(())
}
