//! How often tags were seen.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use super::TagScope;
use super::key::{self, EVENTS, OTHERS, Owner, TAGS};
use super::page::{Entries, read_seen};
use super::shelf::Shelf;
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::tag::{Seen, TagSummary, TagValue};
use crate::store::query::TextPattern;

/// Names of tags of one project that are told.
const MAX_NAMES: usize = 1_000;

/// Values by name, and how often each was seen.
type Sums = BTreeMap<Vec<u8>, HashMap<Vec<u8>, Seen>>;

/// Values that fit a pattern.
pub(super) struct Matching {
    /// The values, most frequent first.
    pub(super) values: Vec<String>,
    /// Whether there may be others.
    pub(super) is_incomplete: bool,
}

/// Sums tags up.
pub(in crate::store) async fn summaries(
    shelf: &mut impl Shelf,
    scope: &TagScope,
    name: Option<&str>,
    values: u32,
) -> Result<Vec<TagSummary>, Error> {
    let mut all = match scope {
        TagScope::Issue(issue) => {
            let groups = shelf.groups(*issue).await?;
            let owners: Vec<_> = groups.into_iter().map(Owner::Group).collect();
            full(shelf, &owners, name, values, None).await?
        }
        TagScope::Projects(projects) => {
            let shown = shelf.shown(projects).await?;
            match (name, values) {
                (None, 0) => names(shelf, &shown).await?,
                _ => {
                    let owners: Vec<_> = shown.into_iter().map(Owner::Project).collect();
                    full(shelf, &owners, name, values, None).await?
                }
            }
        }
    };
    all.sort_by(|one, two| (two.total.cmp(&one.total)).then_with(|| one.key.cmp(&two.key)));
    Ok(all)
}

/// Returns the values of a tag that fit a pattern.
pub(super) async fn matching(
    shelf: &mut impl Shelf,
    project: ProjectId,
    name: &str,
    pattern: &TextPattern,
) -> Result<Matching, Error> {
    let mut matching = Matching {
        values: Vec::new(),
        is_incomplete: false,
    };
    for summary in full(
        shelf,
        &[Owner::Project(project)],
        Some(name),
        u32::MAX,
        None,
    )
    .await?
    {
        matching.is_incomplete |= summary.others > 0;
        let values = summary.top.into_iter().map(|value| value.value);
        matching
            .values
            .extend(values.filter(|value| pattern.matches(value)));
    }
    Ok(matching)
}

/// Sums up a tag of a project in the partitions that have events of some hours.
pub(super) async fn around(
    shelf: &mut impl Shelf,
    project: ProjectId,
    name: &str,
    hours: Option<&RangeInclusive<i64>>,
) -> Result<Option<TagSummary>, Error> {
    let owners = [Owner::Project(project)];
    let mut found = full(shelf, &owners, Some(name), u32::MAX, hours).await?;
    Ok(found.pop())
}

/// Reads all values.
async fn full(
    shelf: &mut impl Shelf,
    owners: &[Owner],
    name: Option<&str>,
    values: u32,
    hours: Option<&RangeInclusive<i64>>,
) -> Result<Vec<TagSummary>, Error> {
    let mut sums = Sums::new();
    for span in shelf.spans().await? {
        if hours.is_some_and(|hours| span.hours_within(hours).is_empty()) {
            continue;
        }
        for owner in owners {
            let from = match name {
                Some(name) => key::of_name(*owner, name),
                None => owner.prefix().to_vec(),
            };
            let until = key::behind(&from);
            for page in shelf.pages(span.id, TAGS, &from, &until).await? {
                add(&mut sums, &page, &from)?;
            }
        }
    }
    let summaries = sums
        .into_iter()
        .map(|(name, sums)| summary(&name, sums, values));
    Ok(summaries.collect())
}

fn add(sums: &mut Sums, page: &[u8], from: &[u8]) -> Result<(), Error> {
    let mut entries = Entries::unpack(page)?;
    while let Some((key, value)) = entries.next()? {
        if !key.starts_with(from) {
            if key > from {
                break;
            }
            continue;
        }
        let Some((_, _, name, text)) = key::split_owned(key) else {
            continue;
        };
        let seen = read_seen(value)?;
        if !sums.contains_key(name) {
            sums.insert(name.to_vec(), HashMap::new());
        }
        if let Some(values) = sums.get_mut(name) {
            match values.get_mut(text) {
                Some(sum) => sum.add(seen),
                None => {
                    values.insert(text.to_vec(), seen);
                }
            }
        }
    }
    Ok(())
}

fn summary(name: &[u8], mut sums: HashMap<Vec<u8>, Seen>, values: u32) -> TagSummary {
    let others = sums.remove(OTHERS).map_or(0, |seen| seen.count);
    let total = sums
        .values()
        .fold(others, |sum, seen| sum.saturating_add(seen.count));
    let unique = sums.len() as u64;
    let mut top: Vec<_> = sums.into_iter().collect();
    let values = usize::try_from(values).unwrap_or(usize::MAX);
    let order = |(a, one): &(Vec<u8>, Seen), (b, two): &(Vec<u8>, Seen)| {
        (two.count.cmp(&one.count)).then_with(|| a.cmp(b))
    };
    if values < top.len() {
        top.select_nth_unstable_by(values, order);
        top.truncate(values);
    }
    top.sort_unstable_by(order);
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
async fn names(shelf: &mut impl Shelf, projects: &[ProjectId]) -> Result<Vec<TagSummary>, Error> {
    let mut totals = BTreeMap::<String, u64>::new();
    for span in shelf.spans().await? {
        for project in projects {
            let names = names_of(shelf, span.id, Owner::Project(*project)).await?;
            let numbers: Vec<_> = names
                .iter()
                .map(|name| key::present(*project, name))
                .collect();
            let sets = shelf.sets(span.id, EVENTS, &numbers).await?;
            for (name, number) in names.into_iter().zip(numbers) {
                let events = sets.get(&number).map_or(0, roaring::RoaringBitmap::len);
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

async fn names_of(
    shelf: &mut impl Shelf,
    partition: crate::model::ids::PartitionId,
    owner: Owner,
) -> Result<Vec<String>, Error> {
    let end = key::behind(&owner.prefix());
    let mut names = Vec::new();
    let mut from = owner.prefix().to_vec();
    while names.len() < MAX_NAMES {
        // The least name of any run that comes next.
        let mut next: Option<Vec<u8>> = None;
        for page in shelf.first_pages(partition, TAGS, &from, &end).await? {
            let mut entries = Entries::unpack(&page)?;
            while let Some((key, _)) = entries.next()? {
                if key < from.as_slice() {
                    continue;
                }
                if let Some((_, found, name, _)) = key::split_owned(key)
                    && found == owner
                    && next.as_deref().is_none_or(|next| name < next)
                {
                    next = Some(name.to_vec());
                }
                break;
            }
        }
        let Some(name) = next else { break };
        // Behind all values of the name.
        from = owner.prefix().to_vec();
        from.extend_from_slice(&name);
        from.push(1);
        names.push(String::from_utf8_lossy(&name).into_owned());
    }
    Ok(names)
}
