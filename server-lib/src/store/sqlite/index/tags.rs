//! How often tags were seen.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::members;
use super::read::Runs;
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::tag::{Seen, TagSummary, TagValue};
use crate::store::index::TagScope;
use crate::store::index::key::{self, EVENTS, OTHERS, Owner, TAGS};
use crate::store::index::page::read_seen;
use crate::store::query::TextPattern;
use crate::store::sqlite::floors::{self, DELETED};
use crate::store::sqlite::partition;

/// Names of tags of one project that are told.
const MAX_NAMES: usize = 1_000;

/// Values that fit a pattern.
pub(super) struct Matching {
    /// The values, most frequent first.
    pub(super) values: Vec<String>,
    /// Whether there may be others.
    pub(super) is_incomplete: bool,
}

/// Sums tags up.
pub(super) fn summaries(
    connection: &Connection,
    scope: &TagScope,
    name: Option<&str>,
    values: u32,
) -> Result<Vec<TagSummary>, Error> {
    let owners: Vec<Owner> = match scope {
        TagScope::Issue(issue) => members::groups_of(connection, issue.to_i64())?
            .into_iter()
            .map(Owner::Group)
            .collect(),
        TagScope::Projects(projects) => {
            let mut shown = Vec::new();
            for project in projects {
                if floors::of(connection, *project)?.received != DELETED {
                    shown.push(Owner::Project(*project));
                }
            }
            shown
        }
    };
    let mut all = match (scope, name, values) {
        (TagScope::Projects(_), None, 0) => names(connection, &owners)?,
        _ => full(connection, &owners, name, values)?,
    };
    all.sort_by(|one, two| (two.total.cmp(&one.total)).then_with(|| one.key.cmp(&two.key)));
    Ok(all)
}

/// Returns the values of a tag that fit a pattern.
pub(super) fn matching(
    connection: &Connection,
    project: ProjectId,
    name: &str,
    pattern: &TextPattern,
) -> Result<Matching, Error> {
    let found = full(connection, &[Owner::Project(project)], Some(name), u32::MAX)?;
    let mut matching = Matching {
        values: Vec::new(),
        is_incomplete: false,
    };
    for summary in found {
        matching.is_incomplete |= summary.others > 0;
        let values = summary.top.into_iter().map(|value| value.value);
        matching
            .values
            .extend(values.filter(|value| pattern.matches(value)));
    }
    Ok(matching)
}

/// Reads all values.
fn full(
    connection: &Connection,
    owners: &[Owner],
    name: Option<&str>,
    values: u32,
) -> Result<Vec<TagSummary>, Error> {
    let mut sums = BTreeMap::<Vec<u8>, BTreeMap<Vec<u8>, Seen>>::new();
    for span in partition::all(connection)? {
        let runs = Runs::of(connection, span.id)?;
        for owner in owners {
            let from = match name {
                Some(name) => key::of_name(*owner, name),
                None => owner.prefix().to_vec(),
            };
            runs.visit(connection, TAGS, &from, |key, value| {
                if !key.starts_with(&from) {
                    return Ok(false);
                }
                let Some((_, _, name, text)) = key::split_owned(key) else {
                    return Ok(false);
                };
                let seen = read_seen(value)?;
                if !sums.contains_key(name) {
                    sums.insert(name.to_vec(), BTreeMap::new());
                }
                if let Some(values) = sums.get_mut(name) {
                    match values.get_mut(text) {
                        Some(sum) => sum.add(seen),
                        None => {
                            values.insert(text.to_vec(), seen);
                        }
                    }
                }
                Ok(true)
            })?;
        }
    }
    let summaries = sums
        .into_iter()
        .map(|(name, sums)| summary(&name, sums, values));
    Ok(summaries.collect())
}

fn summary(name: &[u8], mut sums: BTreeMap<Vec<u8>, Seen>, values: u32) -> TagSummary {
    let others = sums.remove(OTHERS).map_or(0, |seen| seen.count);
    let total = sums
        .values()
        .fold(others, |sum, seen| sum.saturating_add(seen.count));
    let unique = sums.len() as u64;
    let mut top: Vec<_> = sums.into_iter().collect();
    top.sort_by(|(a, one), (b, two)| (two.count.cmp(&one.count)).then_with(|| a.cmp(b)));
    top.truncate(usize::try_from(values).unwrap_or(usize::MAX));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    TagSummary {
        key: text(name),
        total,
        unique,
        others,
        top: (top.into_iter())
            .map(|(value, seen)| TagValue {
                value: text(&value),
                seen,
            })
            .collect(),
    }
}

/// Reads the names alone: passes over the values, and counts the events that have each.
fn names(connection: &Connection, owners: &[Owner]) -> Result<Vec<TagSummary>, Error> {
    let mut totals = BTreeMap::<String, u64>::new();
    for span in partition::all(connection)? {
        let runs = Runs::of(connection, span.id)?;
        for owner in owners {
            let Owner::Project(project) = owner else {
                continue;
            };
            for name in names_of(connection, &runs, *owner)? {
                let number = key::present(*project, &name);
                let events = runs.set(connection, EVENTS, number)?.len();
                let total = totals.entry(name).or_default();
                *total = total.saturating_add(events);
            }
        }
    }
    let summary = |(key, total)| TagSummary {
        key,
        total,
        unique: 0,
        others: 0,
        top: Vec::new(),
    };
    Ok(totals.into_iter().map(summary).collect())
}

fn names_of(connection: &Connection, runs: &Runs, owner: Owner) -> Result<Vec<String>, Error> {
    let mut names = std::collections::BTreeSet::new();
    for run in &runs.ids {
        let mut from = owner.prefix().to_vec();
        while names.len() < MAX_NAMES {
            let mut next = None;
            runs.visit_run(connection, *run, TAGS, &from, &mut |key, _| {
                if let Some((_, found, name, _)) = key::split_owned(key)
                    && found == owner
                {
                    next = Some(name.to_vec());
                }
                Ok(false)
            })?;
            let Some(name) = next else { break };
            // Behind all values of the name.
            from = owner.prefix().to_vec();
            from.extend_from_slice(&name);
            from.push(1);
            names.insert(String::from_utf8_lossy(&name).into_owned());
        }
    }
    Ok(names.into_iter().collect())
}
