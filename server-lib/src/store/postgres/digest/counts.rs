//! Sums: of events by minute, and of outcomes.

use std::collections::{BTreeMap, BTreeSet};

use mini_sentry::ratelimit::DataCategory;
use tokio_postgres::types::ToSql;

use super::issues::Placed;
use crate::error::Error;
use crate::model::event::{EventKind, NewEvent};
use crate::model::item::ItemRow;
use crate::model::outcome::{Outcome, OutcomeCount};
use crate::model::time::Millis;
use crate::store::MAX_ENVIRONMENTS;
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::{big, indexed, int, level_code, text};

/// The reason of an event that was there already.
const DUPLICATE: &str = "duplicate";
/// The reason of an event that people want no more of.
const DISCARDED: &str = "discarded";

/// What an event is counted by.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::postgres) struct Counted<'a> {
    pub(in crate::store::postgres) project: i32,
    pub(in crate::store::postgres) group: i64,
    pub(in crate::store::postgres) happened: Millis,
    pub(in crate::store::postgres) level: i16,
    pub(in crate::store::postgres) environment: &'a str,
    pub(in crate::store::postgres) release: &'a str,
}

impl<'a> Counted<'a> {
    pub(super) fn of(event: &'a NewEvent, place: Placed) -> Self {
        Self {
            project: int(event.project.0),
            group: place.group,
            happened: event.facts.timestamp,
            level: level_code(event.facts.level),
            environment: &event.facts.environment,
            release: &event.facts.release,
        }
    }
}

/// Counts events by minute, for their projects and their groups: `each` is 1, or -1 for events that
/// are taken out.
pub(in crate::store::postgres) async fn add_events(
    lease: &mut Lease,
    part: i32,
    events: &[Counted<'_>],
    each: i64,
) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    let mut by_project = BTreeMap::new();
    let mut by_group = BTreeMap::new();
    for event in events {
        let rest = (
            event.happened.minute(),
            event.level,
            event.environment,
            event.release,
        );
        *by_project
            .entry((i64::from(event.project), rest))
            .or_insert(0_i64) += each;
        *by_group.entry((event.group, rest)).or_insert(0_i64) += each;
    }
    add(lease, part, "event_counts", "project", &by_project).await?;
    add(lease, part, "issue_counts", "group_id", &by_group).await
}

/// Notes the environments of events, except where the project has as many as are noted.
pub(super) async fn note_environments(
    lease: &mut Lease,
    events: &[Counted<'_>],
) -> Result<(), Error> {
    let named: BTreeSet<_> = events
        .iter()
        .filter(|event| !event.environment.is_empty())
        .map(|event| (event.project, indexed(event.environment)))
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let (projects, names): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    lease
        .execute(
            include_str!("note_environments.sql"),
            &[&projects, &names, &big(MAX_ENVIRONMENTS as u64)],
        )
        .await?;
    Ok(())
}

type Sums<'a> = BTreeMap<(i64, (i64, i16, &'a str, &'a str)), i64>;

async fn add(
    lease: &mut Lease,
    part: i32,
    table: &str,
    owner: &str,
    sums: &Sums<'_>,
) -> Result<(), Error> {
    // Texts that had a zero byte may have become equal; one statement must not hold a key twice.
    let sql = format!(
        "INSERT INTO {table}_{part} AS c \
         (part, {owner}, minute, level, environment, release, events) \
         SELECT {part}, n.owner, n.minute, n.level, n.environment, n.release, sum(n.events) \
         FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::text[], $5::text[], \
         $6::bigint[]) AS n (owner, minute, level, environment, release, events) \
         GROUP BY n.owner, n.minute, n.level, n.environment, n.release \
         ON CONFLICT (part, {owner}, minute, level, environment, release) \
         DO UPDATE SET events = c.events + EXCLUDED.events"
    );
    let owners: Vec<_> = sums.keys().map(|(owner, _)| *owner).collect();
    let minutes: Vec<_> = sums.keys().map(|(_, rest)| rest.0).collect();
    let levels: Vec<_> = sums.keys().map(|(_, rest)| rest.1).collect();
    let environments: Vec<_> = sums.keys().map(|(_, rest)| indexed(rest.2)).collect();
    let releases: Vec<_> = sums.keys().map(|(_, rest)| indexed(rest.3)).collect();
    let events: Vec<_> = sums.values().copied().collect();
    let sums = [
        &owners as &(dyn ToSql + Sync),
        &minutes,
        &levels,
        &environments,
        &releases,
        &events,
    ];
    lease.execute_text(&sql, &sums).await?;
    if events.iter().any(|events| *events < 0) {
        let sql =
            format!("DELETE FROM {table}_{part} WHERE {owner} = ANY($1::bigint[]) AND events <= 0");
        lease.execute_text(&sql, &[&owners]).await?;
    }
    Ok(())
}

/// Turns accepted events into invalid ones that were duplicates, and into filtered ones that were
/// discarded.
pub(super) fn corrected(
    outcomes: &[OutcomeCount],
    (duplicates, repeated): (&[&NewEvent], &[&ItemRow]),
    discarded: &[&NewEvent],
) -> Vec<OutcomeCount> {
    let mut corrected = outcomes.to_vec();
    let of_event =
        |event: &NewEvent| (event.project, event.received, category_of(event.facts.kind));
    let of_item = |item: &ItemRow| (item.project, item.received, DataCategory::Transaction);
    let duplicates = duplicates.iter().map(|event| of_event(event));
    let duplicates = duplicates.chain(repeated.iter().map(|item| of_item(item)));
    let duplicates = duplicates.map(|of| (of, Outcome::Invalid, DUPLICATE));
    let discarded = discarded.iter().map(|event| of_event(event));
    let discarded = discarded.map(|of| (of, Outcome::Filtered, DISCARDED));
    for ((project, received, category), outcome, reason) in duplicates.chain(discarded) {
        let accepted = corrected.iter_mut().find(|count| {
            count.project == project
                && count.outcome == Outcome::Accepted
                && count.category == category
                && count.at.minute() == received.minute()
                && count.quantity > 0
        });
        let mut key = None;
        if let Some(accepted) = accepted {
            accepted.quantity = accepted.quantity.saturating_sub(1);
            key = accepted.key;
        }
        corrected.push(OutcomeCount {
            project,
            key,
            at: received,
            category,
            outcome,
            reason: reason.to_owned(),
            quantity: 1,
        });
    }
    corrected
}

fn category_of(kind: EventKind) -> DataCategory {
    match kind {
        EventKind::Transaction => DataCategory::Transaction,
        EventKind::Csp => DataCategory::Security,
        EventKind::Default | EventKind::Error => DataCategory::Error,
    }
}

/// Adds counts of outcomes. Rows are locked in the order of their keys, so that two writers never
/// wait for each other.
pub(in crate::store::postgres) async fn add_outcomes(
    lease: &mut Lease,
    counts: &[OutcomeCount],
) -> Result<(), Error> {
    let mut sums: BTreeMap<_, i64> = BTreeMap::new();
    for count in counts.iter().filter(|count| count.quantity > 0) {
        let key = (
            int(count.project.0),
            count.at.minute(),
            count.category.as_str(),
            i16::from(count.outcome.code()),
            indexed(&count.reason),
            int(count.key.map_or(0, |key| key.0)),
        );
        let sum = sums.entry(key).or_default();
        *sum = sum.saturating_add(big(count.quantity));
    }
    if sums.is_empty() {
        return Ok(());
    }
    let projects: Vec<_> = sums.keys().map(|key| key.0).collect();
    let minutes: Vec<_> = sums.keys().map(|key| key.1).collect();
    let categories: Vec<_> = sums.keys().map(|key| key.2).collect();
    let outcomes: Vec<_> = sums.keys().map(|key| key.3).collect();
    let reasons: Vec<_> = sums.keys().map(|key| text(&key.4)).collect();
    let keys: Vec<_> = sums.keys().map(|key| key.5).collect();
    let quantities: Vec<_> = sums.values().copied().collect();
    lease
        .execute(
            "INSERT INTO outcomes AS o \
             (project, minute, category, outcome, reason, key, quantity) \
             SELECT * FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::smallint[], \
             $5::text[], $6::integer[], $7::bigint[]) \
             ON CONFLICT (project, minute, category, outcome, reason, key) \
             DO UPDATE SET quantity = o.quantity + EXCLUDED.quantity",
            &[
                &projects,
                &minutes,
                &categories,
                &outcomes,
                &reasons,
                &keys,
                &quantities,
            ],
        )
        .await?;
    Ok(())
}
