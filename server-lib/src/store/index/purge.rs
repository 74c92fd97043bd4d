//! Takes what was erased out of the runs of a partition: they are merged into one that never saw it.
//!
//! First the sets of events tell which things the erased had. Then all entries are written anew
//! without them: sets lose places, counts become smaller, and a value that nobody has any more goes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use roaring::RoaringBitmap;

use super::key::{self, ACTIVE, EVENTS, GROUPS, HOURS, OTHERS, Owner, PEOPLE};
use super::page::{Entries, read_set, write_set};
use super::shelf::{Shelf, Shelved};
use crate::error::Error;
use crate::model::ids::{GroupId, PartitionId, ProjectId, Seq};
use crate::model::tag::Seen;

/// Erased events that are taken out together: what their things are takes memory.
pub(in crate::store) const MAX_ERASED: u32 = 8_192;
/// Pages that one step reads.
const PAGES: usize = 64;
/// Things that one step looks up.
const THINGS: usize = 64;

/// An event that was erased.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct ErasedEvent {
    /// Its place.
    pub(in crate::store) seq: Seq,
    /// Whose it was.
    pub(in crate::store) project: ProjectId,
    /// Its group.
    pub(in crate::store) group: GroupId,
}

/// What goes from a partition.
#[derive(Debug, Default)]
pub(in crate::store) struct Going {
    /// All places that go, counted from the partition's first.
    places: RoaringBitmap,
    /// Those that were erased one by one, with their owners.
    erased: BTreeMap<u32, (ProjectId, GroupId)>,
    /// Whose their groups are.
    owners: HashMap<GroupId, ProjectId>,
    /// Deleted projects that have something here.
    projects: HashSet<ProjectId>,
    /// The groups that there are.
    groups: RoaringBitmap,
    /// Numbers of things with the places of the erased that had them, in order.
    things: Vec<(u64, u32)>,
    /// Things that groups do not have any more.
    lost: HashSet<(u64, u32)>,
}

impl Going {
    /// Finds out what goes: what was erased, and all of deleted projects.
    pub(in crate::store) async fn new(
        shelf: &mut impl Shelf,
        span: &Shelved,
        erased: &[ErasedEvent],
        deleted: &[ProjectId],
    ) -> Result<Self, Error> {
        let mut going = Self::default();
        for event in erased {
            if let Ok(offset) = u32::try_from(event.seq.0.saturating_sub(span.first.0)) {
                going.places.insert(offset);
                going.erased.insert(offset, (event.project, event.group));
                going.owners.insert(event.group, event.project);
            }
        }
        let numbers: Vec<u64> = deleted.iter().copied().map(key::project).collect();
        let sets = shelf.sets(span.id, EVENTS, &numbers).await?;
        for (project, number) in deleted.iter().zip(&numbers) {
            if let Some(set) = sets.get(number).filter(|set| !set.is_empty()) {
                going.places |= set;
                going.projects.insert(*project);
            }
        }
        if !going.is_empty() {
            going.groups = shelf.known_groups().await?;
        }
        Ok(going)
    }

    /// Reports whether nothing goes.
    pub(in crate::store) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns which of the erased the index had.
    pub(in crate::store) fn had(&self, first: Seq) -> impl Iterator<Item = Seq> {
        let projects: BTreeSet<_> = self.erased.values().map(|(project, _)| *project).collect();
        projects
            .into_iter()
            .flat_map(|project| self.with(key::project(project)))
            .map(move |(_, place)| super::ask::place(first, *place))
    }

    /// Returns the erased that had a thing.
    fn with(&self, number: u64) -> &[(u64, u32)] {
        let start = self.things.partition_point(|(other, _)| *other < number);
        let rest = self.things.get(start..).unwrap_or_default();
        let end = rest.partition_point(|(other, _)| *other == number);
        rest.get(..end).unwrap_or_default()
    }

    /// Notes what the erased had of the things of a page.
    fn note(&mut self, page: &[u8], erased: &RoaringBitmap) -> Result<(), Error> {
        let mut entries = Entries::unpack(page)?;
        while let Some((key, value)) = entries.next()? {
            let mut set = RoaringBitmap::new();
            read_set(value, &mut set)?;
            set &= erased;
            let number = number(key);
            self.things.extend(set.iter().map(|place| (number, place)));
        }
        Ok(())
    }

    /// Returns what is left of an entry of sets.
    pub(super) fn left<'a>(
        &self,
        kind: u8,
        key: &[u8],
        value: &'a [u8],
    ) -> Result<Option<Cow<'a, [u8]>>, Error> {
        if let PEOPLE | ACTIVE = kind {
            return self.left_of_hour(kind, key, value);
        }
        let number = number(key);
        let is_touched = kind == HOURS || !self.projects.is_empty();
        if !is_touched && self.with(number).is_empty() {
            return Ok(Some(Cow::Borrowed(value)));
        }
        let mut set = RoaringBitmap::new();
        read_set(value, &mut set)?;
        if kind == GROUPS {
            let gone = set.iter().filter(|group| {
                !self.groups.contains(*group) || self.lost.contains(&(number, *group))
            });
            let gone: RoaringBitmap = gone.collect();
            set -= gone;
        } else {
            set -= &self.places;
        }
        rewritten(set)
    }

    /// Returns what is left of who was affected, or of which groups had events, in an hour of a
    /// project. Numbers of people stay: others of the same hour may be the same person's.
    fn left_of_hour<'a>(
        &self,
        kind: u8,
        key: &[u8],
        value: &'a [u8],
    ) -> Result<Option<Cow<'a, [u8]>>, Error> {
        let owner = key::read_project_hour(key).map(|(project, _)| project);
        if owner.is_none_or(|project| self.projects.contains(&project)) {
            return Ok(None);
        }
        if kind == PEOPLE {
            return Ok(Some(Cow::Borrowed(value)));
        }
        let mut set = RoaringBitmap::new();
        read_set(value, &mut set)?;
        set &= &self.groups;
        rewritten(set)
    }

    /// Leaves of the values of one owner and name those that somebody has; `begin` is what their keys
    /// have in common.
    pub(super) fn leave_values(&self, begin: &[u8], values: &mut Vec<(Vec<u8>, Seen)>) {
        let Some((_, owner, name, _)) = key::split_owned(begin) else {
            return;
        };
        let is_gone = match owner {
            Owner::Project(project) => self.projects.contains(&project),
            Owner::Group(group) => !self.groups.contains(group.0),
        };
        if is_gone {
            values.clear();
            return;
        }
        let (project, group) = match owner {
            Owner::Project(project) => (project, None),
            Owner::Group(group) => match self.owners.get(&group) {
                Some(project) => (*project, Some(group)),
                None => return,
            },
        };
        let lost = |number: u64| {
            let had = self.with(number).iter();
            let is_own = |place: &u32| {
                let owners = self.erased.get(place);
                group.is_none() || owners.is_some_and(|(_, of)| Some(*of) == group)
            };
            had.filter(|(_, place)| is_own(place)).count() as u64
        };
        let mut rest = lost(key::present(project, &String::from_utf8_lossy(name)));
        if rest == 0 {
            return;
        }
        let mut whole = begin.get(8..).unwrap_or_default().to_vec();
        let until_value = whole.len();
        for (value, seen) in values.iter_mut().filter(|(value, _)| value != OTHERS) {
            whole.truncate(until_value);
            whole.extend_from_slice(value);
            let lost = lost(key::tag(project, &String::from_utf8_lossy(&whole)));
            seen.count = seen.count.saturating_sub(lost);
            rest = rest.saturating_sub(lost);
        }
        for (_, seen) in values.iter_mut().filter(|(value, _)| value == OTHERS) {
            seen.count = seen.count.saturating_sub(rest);
        }
        values.retain(|(_, seen)| seen.count > 0);
    }
}

/// Finds out, step by step, which things the erased had.
#[derive(Debug)]
pub(super) struct Preparing {
    going: Going,
    erased: RoaringBitmap,
    run: usize,
    from: Vec<u8>,
    looked_up: usize,
}

impl Preparing {
    /// Begins.
    pub(super) fn new(going: Going) -> Self {
        Self {
            erased: going.erased.keys().copied().collect(),
            going,
            run: 0,
            from: Vec::new(),
            looked_up: 0,
        }
    }

    /// Returns what was found out.
    pub(super) fn into_going(self) -> Going {
        self.going
    }

    /// Does a step; true when there is none left.
    pub(super) async fn advance(
        &mut self,
        shelf: &mut impl Shelf,
        partition: PartitionId,
        runs: &[i64],
    ) -> Result<bool, Error> {
        if self.erased.is_empty() {
            return Ok(true);
        }
        for _ in 0..PAGES {
            let Some(run) = runs.get(self.run) else {
                return self.look_up(shelf, partition).await;
            };
            match shelf
                .page_after(partition, *run, EVENTS, &self.from)
                .await?
            {
                Some((first, body)) => {
                    self.going.note(&body, &self.erased)?;
                    self.from = first;
                }
                None => {
                    self.run = self.run.saturating_add(1);
                    self.from.clear();
                    self.going.things.sort_unstable();
                }
            }
        }
        Ok(false)
    }

    /// Looks up which groups have lost things: those of which no other event has them.
    async fn look_up(
        &mut self,
        shelf: &mut impl Shelf,
        partition: PartitionId,
    ) -> Result<bool, Error> {
        for _ in 0..THINGS {
            let rest = self.going.things.get(self.looked_up..).unwrap_or_default();
            let Some((number, _)) = rest.first().copied() else {
                return Ok(true);
            };
            let had = self.going.with(number);
            self.looked_up = self.looked_up.saturating_add(had.len());
            let owners = had
                .iter()
                .filter_map(|(_, place)| self.going.erased.get(place));
            let owners: BTreeSet<_> = owners.copied().collect();
            let is_owner = |(project, group): &(ProjectId, GroupId)| {
                number == key::project(*project) || number == key::group(*group)
            };
            if owners.iter().any(is_owner) {
                continue;
            }
            let groups = owners.iter().map(|(_, group)| *group);
            let groups: Vec<_> = groups
                .filter(|group| self.going.groups.contains(group.0))
                .collect();
            let mut numbers = vec![number];
            numbers.extend(groups.iter().copied().map(key::group));
            let sets = shelf.sets(partition, EVENTS, &numbers).await?;
            for group in groups {
                let both = sets.get(&number).zip(sets.get(&key::group(group)));
                let both = both.map(|(one, two)| one & two).unwrap_or_default();
                if both.is_subset(&self.going.places) {
                    self.going.lost.insert((number, group.0));
                }
            }
        }
        Ok(false)
    }
}

/// Writes what is left of a set; `None` when nothing is.
fn rewritten(mut set: RoaringBitmap) -> Result<Option<Cow<'static, [u8]>>, Error> {
    if set.is_empty() {
        return Ok(None);
    }
    let mut left = Vec::new();
    set.optimize();
    write_set(&mut left, &set)?;
    Ok(Some(Cow::Owned(left)))
}

/// Returns the number of a thing from its key.
fn number(key: &[u8]) -> u64 {
    key.try_into().map(u64::from_be_bytes).unwrap_or_default()
}
