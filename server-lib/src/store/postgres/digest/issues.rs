//! Finds or opens the groups and issues of a batch, and counts its events into them.

use std::collections::{BTreeMap, HashMap};

use super::super::issues::reopen;
use crate::error::Error;
use crate::model::event::{GroupingKey, NewEvent};
use crate::model::ids::{ProjectId, Seq};
use crate::model::issue::{IssueStatus, Priority, Reopened};
use crate::model::time::Millis;
use crate::store::postgres::failure::corrupt;
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::{Sixteen, get, int, level_code, project, text};
use crate::store::state::MAX_RELEASES;

/// Where an event went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    /// Its group.
    pub(super) group: i64,
    /// The issue that has it.
    pub(super) issue: i64,
    /// Whether the event opened the issue.
    pub(super) is_new: bool,
}

/// What became of a batch's events.
#[derive(Default)]
pub(super) struct Recorded<'a> {
    /// Where each went; `None` for those that nobody wants.
    pub(super) places: Vec<Option<Placed>>,
    /// Those that nobody wants.
    pub(super) discarded: Vec<&'a NewEvent>,
    /// The issues that came again.
    pub(super) reopened: Vec<Reopened>,
}

/// What the events of one key come to.
struct Sum<'a> {
    project: ProjectId,
    grouping: GroupingKey,
    former: Option<GroupingKey>,
    first: &'a NewEvent,
    earliest: &'a NewEvent,
    latest: &'a NewEvent,
    events: i64,
    releases: Vec<(&'a str, Seq)>,
    group: Option<i64>,
    issue: Option<i64>,
    is_discarded: bool,
    opens: bool,
    number: i64,
}

/// What the events of one issue come to.
struct OfIssue<'a> {
    project: ProjectId,
    earliest: &'a NewEvent,
    latest: &'a NewEvent,
    events: i64,
    releases: Vec<(&'a str, Seq)>,
}

/// Counts the events, and returns where each went.
pub(super) async fn record<'a>(
    lease: &mut Lease,
    events: &[&'a NewEvent],
    at: Millis,
) -> Result<Recorded<'a>, Error> {
    let mut recorded = Recorded::default();
    if events.is_empty() {
        return Ok(recorded);
    }
    let (mut sums, places) = added_up(events);
    find(lease, &mut sums).await?;
    open(lease, &mut sums).await?;
    count_groups(lease, &sums).await?;
    recorded.reopened = count_issues(lease, &sums, at).await?;
    let mut fresh: Vec<bool> = sums.iter().map(|sum| sum.opens).collect();
    for (event, place) in events.iter().zip(places) {
        let sum = sums.get(place).ok_or_else(|| corrupt("group"))?;
        if sum.is_discarded {
            recorded.discarded.push(event);
            recorded.places.push(None);
            continue;
        }
        recorded.places.push(Some(Placed {
            group: sum.group.ok_or_else(|| corrupt("group"))?,
            issue: sum.issue.ok_or_else(|| corrupt("issue"))?,
            // Only the first event opens it.
            is_new: fresh.get_mut(place).is_some_and(std::mem::take),
        }));
    }
    Ok(recorded)
}

/// Returns the sums in the order of their first events, and the place of each event's sum.
fn added_up<'a>(events: &[&'a NewEvent]) -> (Vec<Sum<'a>>, Vec<usize>) {
    let mut sums: Vec<Sum<'a>> = Vec::new();
    let mut places = Vec::with_capacity(events.len());
    let mut known = HashMap::new();
    for event in events {
        let key = (event.project, event.facts.grouping);
        let place = *known.entry(key).or_insert(sums.len());
        places.push(place);
        if place == sums.len() {
            sums.push(Sum {
                project: event.project,
                grouping: event.facts.grouping,
                former: event.facts.former_grouping,
                first: event,
                earliest: event,
                latest: event,
                events: 0,
                releases: Vec::new(),
                group: None,
                issue: None,
                is_discarded: false,
                opens: false,
                number: 0,
            });
        }
        let Some(sum) = sums.get_mut(place) else {
            continue;
        };
        sum.events = sum.events.saturating_add(1);
        if event.facts.timestamp < sum.earliest.facts.timestamp {
            sum.earliest = event;
        }
        if event.facts.timestamp >= sum.latest.facts.timestamp {
            sum.latest = event;
        }
        let release = event.facts.release.as_str();
        let is_known = sum.releases.iter().any(|(known, _)| *known == release);
        if !is_known && sum.releases.len() < MAX_RELEASES {
            sum.releases.push((release, event.seq));
        }
    }
    (sums, places)
}

/// Finds the groups, those of former keys, and the keys that nobody wants.
async fn find(lease: &mut Lease, sums: &mut [Sum<'_>]) -> Result<(), Error> {
    let projects: Vec<_> = sums.iter().map(|sum| int(sum.project.0)).collect();
    let keys: Vec<_> = sums.iter().map(|sum| Sixteen(sum.grouping.0)).collect();
    let rows = lease
        .query(
            "SELECT k.place, s.id, s.issue FROM unnest($1::integer[], $2::uuid[]) \
             WITH ORDINALITY AS k (project, grouping_key, place) JOIN groups s \
             ON s.project = k.project AND s.grouping_key = k.grouping_key",
            &[&projects, &keys],
        )
        .await?;
    for row in &rows {
        if let Some(sum) = sum_at(sums, get(row, 0)?) {
            sum.group = Some(get(row, 1)?);
            sum.issue = Some(get(row, 2)?);
        }
    }
    if sums.iter().all(|sum| sum.group.is_some()) {
        return Ok(());
    }
    let former: Vec<_> = sums
        .iter()
        .map(|sum| sum.former.map(|key| Sixteen(key.0)))
        .collect();
    let rows = lease
        .query(
            "SELECT k.place, (SELECT s.issue FROM groups s WHERE s.project = k.project \
             AND s.grouping_key = k.former), EXISTS (SELECT FROM discarded_groups d \
             WHERE d.project = k.project AND d.grouping_key IN (k.grouping_key, k.former)) \
             FROM unnest($1::integer[], $2::uuid[], $3::uuid[]) WITH ORDINALITY \
             AS k (project, grouping_key, former, place)",
            &[&projects, &keys, &former],
        )
        .await?;
    for row in &rows {
        if let Some(sum) = sum_at(sums, get(row, 0)?).filter(|sum| sum.group.is_none()) {
            sum.issue = get(row, 1)?;
            sum.is_discarded = sum.issue.is_none() && get(row, 2)?;
        }
    }
    Ok(())
}

fn sum_at<'s, 'a>(sums: &'s mut [Sum<'a>], place: i64) -> Option<&'s mut Sum<'a>> {
    let index = usize::try_from(place.checked_sub(1)?).ok()?;
    sums.get_mut(index)
}

/// Opens the groups that are not there, and an issue for each that joins none.
async fn open(lease: &mut Lease, sums: &mut [Sum<'_>]) -> Result<(), Error> {
    let mut numbers: HashMap<ProjectId, i64> = HashMap::new();
    let mut total = 0_i64;
    for sum in sums.iter_mut() {
        if sum.group.is_some() || sum.is_discarded {
            continue;
        }
        total = total.saturating_add(1);
        if sum.issue.is_none() {
            sum.opens = true;
            let wanted = numbers.entry(sum.project).or_default();
            *wanted = wanted.saturating_add(1);
        }
    }
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
    let mut last_numbers = take_numbers(lease, &numbers).await?;
    for sum in sums.iter_mut() {
        if sum.group.is_some() || sum.is_discarded {
            continue;
        }
        last_id = last_id.saturating_add(1);
        sum.group = Some(last_id);
        if sum.opens {
            sum.issue = Some(last_id);
            let number = last_numbers
                .get_mut(&sum.project)
                .ok_or_else(|| corrupt("issue number"))?;
            *number = number.saturating_add(1);
            sum.number = *number;
        }
    }
    Ok(())
}

/// Takes numbers in projects; returns the ones before.
async fn take_numbers(
    lease: &mut Lease,
    wanted: &HashMap<ProjectId, i64>,
) -> Result<HashMap<ProjectId, i64>, Error> {
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
    let mut before = HashMap::new();
    for row in &rows {
        let id = project(row, 0)?;
        let count = wanted.get(&id).copied().unwrap_or_default();
        before.insert(id, get::<i64>(row, 1)?.saturating_sub(count));
    }
    Ok(before)
}

async fn count_groups(lease: &mut Lease, sums: &[Sum<'_>]) -> Result<(), Error> {
    let kept = || sums.iter().filter(|sum| !sum.is_discarded);
    let ids: Vec<_> = kept().filter_map(|sum| sum.group).collect();
    let projects: Vec<_> = kept().map(|sum| int(sum.project.0)).collect();
    let keys: Vec<_> = kept().map(|sum| Sixteen(sum.grouping.0)).collect();
    let issues: Vec<_> = kept().filter_map(|sum| sum.issue).collect();
    let first: Vec<_> = kept().map(|sum| sum.earliest.facts.timestamp.0).collect();
    let last: Vec<_> = kept().map(|sum| sum.latest.facts.timestamp.0).collect();
    let events: Vec<_> = kept().map(|sum| sum.events).collect();
    lease
        .execute(
            include_str!("count_groups.sql"),
            &[&ids, &projects, &keys, &issues, &first, &last, &events],
        )
        .await?;
    open_issues(lease, sums).await
}

async fn open_issues(lease: &mut Lease, sums: &[Sum<'_>]) -> Result<(), Error> {
    let opened = || sums.iter().filter(|sum| sum.opens);
    let ids: Vec<_> = opened().filter_map(|sum| sum.issue).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let facts = || opened().map(|sum| &sum.first.facts);
    let projects: Vec<_> = opened().map(|sum| int(sum.project.0)).collect();
    let numbers: Vec<_> = opened().map(|sum| sum.number).collect();
    let keys: Vec<_> = opened().map(|sum| Sixteen(sum.grouping.0)).collect();
    let kinds: Vec<_> = facts().map(|facts| i16::from(facts.kind.code())).collect();
    let levels: Vec<_> = facts().map(|facts| level_code(facts.level)).collect();
    let times: Vec<_> = facts().map(|facts| facts.timestamp.0).collect();
    let priority =
        |facts: &crate::model::event::EventFacts| i16::from(Priority::of_level(facts.level).code());
    let priorities: Vec<_> = facts().map(priority).collect();
    lease
        .execute(
            include_str!("open_issues.sql"),
            &[
                &ids,
                &projects,
                &numbers,
                &keys,
                &kinds,
                &levels,
                &times,
                &priorities,
            ],
        )
        .await?;
    Ok(())
}

async fn count_issues(
    lease: &mut Lease,
    sums: &[Sum<'_>],
    at: Millis,
) -> Result<Vec<Reopened>, Error> {
    let mut issues: BTreeMap<i64, OfIssue<'_>> = BTreeMap::new();
    for sum in sums.iter().filter(|sum| !sum.is_discarded) {
        let id = sum.issue.ok_or_else(|| corrupt("issue"))?;
        let of = issues.entry(id).or_insert(OfIssue {
            project: sum.project,
            earliest: sum.earliest,
            latest: sum.latest,
            events: 0,
            releases: Vec::new(),
        });
        of.events = of.events.saturating_add(sum.events);
        if sum.earliest.facts.timestamp < of.earliest.facts.timestamp {
            of.earliest = sum.earliest;
        }
        if sum.latest.facts.timestamp >= of.latest.facts.timestamp {
            of.latest = sum.latest;
        }
        of.releases.extend(sum.releases.iter().copied());
    }
    if issues.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = issues.keys().copied().collect();
    let latest = || issues.values().map(|of| &of.latest.facts);
    let events: Vec<_> = issues.values().map(|of| of.events).collect();
    let first: Vec<_> = issues
        .values()
        .map(|of| of.earliest.facts.timestamp.0)
        .collect();
    let first_releases: Vec<_> = issues
        .values()
        .map(|of| text(&of.earliest.facts.release))
        .collect();
    let last: Vec<_> = latest().map(|facts| facts.timestamp.0).collect();
    let kinds: Vec<_> = latest().map(|facts| i16::from(facts.kind.code())).collect();
    let levels: Vec<_> = latest().map(|facts| level_code(facts.level)).collect();
    let unhandled: Vec<_> = latest().map(|facts| facts.handled == Some(false)).collect();
    let platforms: Vec<_> = latest().map(|facts| text(&facts.platform)).collect();
    let titles: Vec<_> = latest().map(|facts| text(&facts.title)).collect();
    let culprits: Vec<_> = latest().map(|facts| text(&facts.culprit)).collect();
    let types: Vec<_> = latest()
        .map(|facts| text(&facts.headline.error_type))
        .collect();
    let values: Vec<_> = latest().map(|facts| text(&facts.headline.value)).collect();
    let files: Vec<_> = latest()
        .map(|facts| text(&facts.headline.filename))
        .collect();
    let functions: Vec<_> = latest()
        .map(|facts| text(&facts.headline.function))
        .collect();
    let releases: Vec<_> = latest().map(|facts| text(&facts.release)).collect();
    let rows = lease
        .query(
            include_str!("count_issues.sql"),
            &[
                &ids,
                &events,
                &first,
                &first_releases,
                &last,
                &kinds,
                &levels,
                &unhandled,
                &platforms,
                &titles,
                &culprits,
                &types,
                &values,
                &files,
                &functions,
                &releases,
            ],
        )
        .await?;
    let mut reopened = Vec::new();
    for row in &rows {
        let (id, status): (i64, i16) = (get(row, 0)?, get(row, 1)?);
        let Some(of) = issues.get(&id) else { continue };
        let touch = reopen::Touch {
            issue: id,
            project: of.project,
            releases: &of.releases,
            last_seen: of.latest.facts.timestamp,
            events: of.events,
        };
        let status = u8::try_from(status).ok().and_then(IssueStatus::from_code);
        reopened.extend(match status {
            Some(IssueStatus::Resolved) => reopen::regressed(lease, &touch, at).await?,
            Some(IssueStatus::Ignored) => reopen::escalated(lease, &touch, at).await?,
            _ => None,
        });
    }
    reopened.sort_by_key(|one: &Reopened| one.seq);
    Ok(reopened)
}
