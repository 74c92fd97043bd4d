//! What the indexer gathers in memory before it writes it as one run.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use roaring::RoaringBitmap;

use super::key::{self, ACTIVE, EVENTS, GROUPS, HOURS, Owner, PEOPLE, TAGS};
use super::merge::Values;
use super::page::{Page, PageBuilder, write_set};
use super::people::{self, People};
use crate::error::Error;
use crate::model::ids::{GroupId, PartitionId, ProjectId, Seq};
use crate::model::tag::{Seen, Tags};
use crate::model::time::Millis;

/// Texts of one group that one batch has.
const MAX_TEXTS: usize = 8;

/// An event as the index sees it.
#[derive(Clone, Copy, Debug)]
pub struct IndexedEvent<'a> {
    /// Its place.
    pub seq: Seq,
    /// Whose it is.
    pub project: ProjectId,
    /// Its group.
    pub group: GroupId,
    /// When it happened.
    pub timestamp: Millis,
    /// A hash of who was affected.
    pub user: Option<i64>,
    /// Whether the caller knows that the group has that person already.
    pub is_user_known: bool,
    /// What it can be found by.
    pub tags: &'a Tags,
    /// Its words with their hash, where the caller does not know that the group has them already.
    pub text: Option<(i64, &'a str)>,
}

/// What the indexer hands to the store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexBatch {
    /// The first record that it covers.
    pub first: Seq,
    /// The last record that it covers.
    pub last: Seq,
    /// The partition of its events; `None` when it has none.
    pub partition: Option<PartitionId>,
    /// A run, in the order of its kinds and keys.
    pub pages: Vec<Page>,
    /// Events by group and hour since 1970.
    pub hours: Vec<(GroupId, i64, u64)>,
    /// The numbers of affected people by group, each once.
    pub people: Vec<(GroupId, Vec<u32>)>,
    /// Texts by group, with their hashes.
    pub texts: Vec<GroupText>,
}

/// Words of an event of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupText {
    /// The group.
    pub group: GroupId,
    /// Whose it is.
    pub project: ProjectId,
    /// The text's hash.
    pub hash: i64,
    /// The text.
    pub text: String,
}

/// Numbers of tags are hashes already.
#[derive(Debug, Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u32(&mut self, number: u32) {
        // The high bits choose among few, the low ones among many.
        self.0 ^= u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 ^= number;
    }
}

type Map<K, V> = HashMap<K, V, BuildHasherDefault<Ready>>;

#[derive(Debug)]
struct Tag {
    whole: Box<str>,
    name: usize,
    project: ProjectId,
    seqs: Vec<u32>,
    seen: Seen,
}

#[derive(Debug)]
struct Name {
    number: u64,
    seqs: Vec<u32>,
}

#[derive(Debug)]
struct Group {
    project: ProjectId,
    seqs: Vec<u32>,
    hours: BTreeMap<i64, u64>,
    people: Vec<u32>,
    texts: Vec<(i64, String)>,
}

/// What a project had in an hour.
#[derive(Debug, Default)]
struct ProjectHour {
    people: Vec<u32>,
    groups: Vec<u32>,
}

/// Events of one partition that are not written yet.
#[derive(Debug, Default)]
pub struct Pending {
    base: Seq,
    events: u64,
    bytes: usize,
    tags: Map<u64, Tag>,
    names: Vec<Name>,
    name_places: Map<u64, usize>,
    group_tags: Map<(u32, u64), Seen>,
    groups: Map<u32, Group>,
    projects: BTreeMap<ProjectId, Vec<u32>>,
    hours: BTreeMap<i64, Vec<u32>>,
    project_hours: BTreeMap<(ProjectId, i64), ProjectHour>,
}

impl Pending {
    /// Begins with a partition, by its first place.
    #[must_use]
    pub fn new(base: Seq) -> Self {
        Self {
            base,
            ..Self::default()
        }
    }

    /// Returns how many events it has.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Returns about how much memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds an event; they come in the order of their places.
    pub fn add(&mut self, event: &IndexedEvent<'_>) {
        let offset = event.seq.0.saturating_sub(self.base.0);
        let Ok(offset) = u32::try_from(offset) else {
            return;
        };
        self.events = self.events.saturating_add(1);
        let hour = event.timestamp.minute().div_euclid(60);
        self.projects.entry(event.project).or_default().push(offset);
        self.hours.entry(hour).or_default().push(offset);
        self.add_to_group(event, offset, hour);
        let seen = Seen::once(event.timestamp);
        for (whole, name_end) in event.tags.whole() {
            let number = key::tag(event.project, whole);
            let tag = match self.tags.get_mut(&number) {
                Some(tag) => {
                    tag.seen.add(seen);
                    tag
                }
                None => {
                    let name = whole.get(..name_end).unwrap_or_default();
                    let name = self.name(event.project, name);
                    self.bytes = self.bytes.saturating_add(160).saturating_add(whole.len());
                    self.tags.entry(number).or_insert(Tag {
                        whole: whole.into(),
                        name,
                        project: event.project,
                        seqs: Vec::new(),
                        seen,
                    })
                }
            };
            push(&mut tag.seqs, offset);
            if let Some(name) = self.names.get_mut(tag.name) {
                push(&mut name.seqs, offset);
            }
            match self.group_tags.get_mut(&(event.group.0, number)) {
                Some(found) => found.add(seen),
                None => {
                    self.group_tags.insert((event.group.0, number), seen);
                    self.bytes = self.bytes.saturating_add(64);
                }
            }
        }
        // Two places in sets for each tag, and some more.
        let places = event.tags.len().saturating_mul(8).saturating_add(32);
        self.bytes = self.bytes.saturating_add(places);
    }

    fn name(&mut self, project: ProjectId, name: &str) -> usize {
        let number = key::present(project, name);
        *self.name_places.entry(number).or_insert_with(|| {
            self.names.push(Name {
                number,
                seqs: Vec::new(),
            });
            self.names.len().saturating_sub(1)
        })
    }

    fn add_to_group(&mut self, event: &IndexedEvent<'_>, offset: u32, hour: i64) {
        let group = self.groups.entry(event.group.0).or_insert_with(|| {
            self.bytes = self.bytes.saturating_add(256);
            Group {
                project: event.project,
                seqs: Vec::new(),
                hours: BTreeMap::new(),
                people: Vec::new(),
                texts: Vec::new(),
            }
        });
        group.seqs.push(offset);
        let of_project = self.project_hours.entry((event.project, hour)).or_default();
        let events = group.hours.entry(hour).or_default();
        if *events == 0 {
            of_project.groups.push(event.group.0);
        }
        *events = events.saturating_add(1);
        if let Some(number) = event.user.map(people::number) {
            // The same person often comes again at once.
            if !event.is_user_known && group.people.last() != Some(&number) {
                group.people.push(number);
            }
            if of_project.people.last() != Some(&number) {
                of_project.people.push(number);
            }
        }
        if let Some((hash, text)) = event.text
            && group.texts.len() < MAX_TEXTS
            && group.texts.iter().all(|(known, _)| *known != hash)
        {
            group.texts.push((hash, text.to_owned()));
            self.bytes = self.bytes.saturating_add(text.len()).saturating_add(32);
        }
    }

    /// Makes of it what the store writes. The caller says which records it covers.
    ///
    /// # Errors
    ///
    /// When there is no memory for packing.
    pub fn finish(
        self,
        partition: PartitionId,
        first: Seq,
        last: Seq,
    ) -> Result<IndexBatch, Error> {
        let pages = self.pages()?;
        let mut batch = IndexBatch {
            first,
            last,
            partition: (self.events > 0).then_some(partition),
            pages,
            ..IndexBatch::default()
        };
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        groups.sort_unstable_by_key(|(id, _)| *id);
        for (id, mut group) in groups {
            let id = GroupId(id);
            let hours = group.hours.into_iter();
            batch
                .hours
                .extend(hours.map(|(hour, events)| (id, hour, events)));
            if !group.people.is_empty() {
                group.people.sort_unstable();
                group.people.dedup();
                batch.people.push((id, group.people));
            }
            let project = group.project;
            let texts = group.texts.into_iter();
            batch.texts.extend(texts.map(|(hash, text)| GroupText {
                group: id,
                project,
                hash,
                text,
            }));
        }
        Ok(batch)
    }

    fn pages(&self) -> Result<Vec<Page>, Error> {
        let mut builder = PageBuilder::default();
        let mut value = Vec::new();

        let mut sets: Vec<(u64, &[u32])> = Vec::with_capacity(self.tags.len());
        sets.extend(self.tags.iter().map(|(number, tag)| (*number, &*tag.seqs)));
        sets.extend(self.names.iter().map(|name| (name.number, &*name.seqs)));
        let groups = self.groups.iter();
        sets.extend(groups.map(|(id, group)| (key::group(GroupId(*id)), &*group.seqs)));
        let projects = self.projects.iter();
        sets.extend(projects.map(|(id, seqs)| (key::project(*id), &**seqs)));
        sets.sort_unstable_by_key(|(number, _)| *number);
        builder.begin(EVENTS)?;
        for (number, seqs) in sets {
            write(&mut value, seqs)?;
            builder.push(&number.to_be_bytes(), &value)?;
        }

        let mut of_groups: Vec<(u64, u32)> = Vec::with_capacity(self.group_tags.len() * 2);
        for (group, number) in self.group_tags.keys() {
            of_groups.push((*number, *group));
            let name = self
                .tags
                .get(number)
                .and_then(|tag| self.names.get(tag.name));
            of_groups.extend(name.map(|name| (name.number, *group)));
        }
        of_groups.sort_unstable();
        of_groups.dedup();
        builder.begin(GROUPS)?;
        let mut members = Vec::new();
        for same in of_groups.chunk_by(|(one, _), (two, _)| one == two) {
            members.clear();
            members.extend(same.iter().map(|(_, group)| *group));
            write(&mut value, &members)?;
            let number = same.first().map_or(0, |(number, _)| *number);
            builder.push(&number.to_be_bytes(), &value)?;
        }

        self.tag_pages(&mut builder)?;

        builder.begin(HOURS)?;
        for (hour, seqs) in &self.hours {
            write(&mut value, seqs)?;
            builder.push(&key::hour(*hour), &value)?;
        }
        self.project_hour_pages(&mut builder)?;
        builder.finish()
    }

    fn project_hour_pages(&self, builder: &mut PageBuilder) -> Result<(), Error> {
        builder.begin(PEOPLE)?;
        for ((project, hour), of_hour) in &self.project_hours {
            if of_hour.people.is_empty() {
                continue;
            }
            let people = People::of(of_hour.people.clone());
            builder.push(&key::project_hour(*project, *hour), &people.to_bytes())?;
        }
        builder.begin(ACTIVE)?;
        let mut value = Vec::new();
        for ((project, hour), of_hour) in &self.project_hours {
            let mut groups = of_hour.groups.clone();
            groups.sort_unstable();
            groups.dedup();
            write(&mut value, &groups)?;
            builder.push(&key::project_hour(*project, *hour), &value)?;
        }
        Ok(())
    }

    fn tag_pages(&self, builder: &mut PageBuilder) -> Result<(), Error> {
        let mut owned: Vec<(u64, &str, Owner, Seen)> =
            Vec::with_capacity(self.group_tags.len().saturating_add(self.tags.len()));
        let mut add = |owner: Owner, whole, seen| {
            owned.push((u64::from_be_bytes(owner.prefix()), whole, owner, seen));
        };
        for ((group, number), seen) in &self.group_tags {
            if let Some(tag) = self.tags.get(number) {
                add(Owner::Group(GroupId(*group)), &*tag.whole, *seen);
            }
        }
        for tag in self.tags.values() {
            add(Owner::Project(tag.project), &*tag.whole, tag.seen);
        }
        owned.sort_unstable_by(|one, two| (one.0, one.1).cmp(&(two.0, two.1)));
        builder.begin(TAGS)?;
        let mut values = Values::default();
        let mut key = Vec::new();
        for (_, whole, owner, seen) in owned {
            key.clear();
            key::push_owned(&mut key, owner, whole.as_bytes());
            values.push(&key, seen, builder)?;
        }
        values.flush(builder)
    }
}

/// Two tags of one event may be equal, and then have the place once.
fn push(seqs: &mut Vec<u32>, offset: u32) {
    if seqs.last() != Some(&offset) {
        seqs.push(offset);
    }
}

fn write(value: &mut Vec<u8>, ascending: &[u32]) -> Result<(), Error> {
    value.clear();
    let mut set = RoaringBitmap::new();
    // They come in order; whatever does not is passed over.
    for number in ascending {
        let _ = set.try_push(*number);
    }
    set.optimize();
    write_set(value, &set)
}
