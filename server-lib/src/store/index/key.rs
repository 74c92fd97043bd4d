//! The keys of the index. Files and databases hold them, so none of this may change.

use twox_hash::XxHash3_64;

use crate::model::ids::{GroupId, ProjectId};
use crate::model::tag::Tags;

/// Which events have the thing. Keys are numbers of things; values are sets of places, counted from
/// the partition's first.
pub const EVENTS: u8 = 1;
/// Which groups have the thing. Keys as of [`EVENTS`]; values are sets of groups.
pub const GROUPS: u8 = 2;
/// How often an owner has a tag. Keys are owner, name, value; values are counts and times.
pub const TAGS: u8 = 3;
/// Which events happened in an hour. Keys are hours; values as of [`EVENTS`].
pub const HOURS: u8 = 4;
/// Who was affected in an hour. Keys are projects with hours; values as of people.
pub const PEOPLE: u8 = 5;
/// Which groups had events in an hour. Keys as of [`PEOPLE`]; values are sets of groups.
pub const ACTIVE: u8 = 6;
/// All of them, in the order in which runs hold them.
pub const KINDS: [u8; 6] = [EVENTS, GROUPS, TAGS, HOURS, PEOPLE, ACTIVE];

/// Seeds of the numbers of things, so that things of different sorts do not meet.
const PRESENT: u64 = 1 << 40;
const GROUP: u64 = 2 << 40;
const PROJECT: u64 = 3 << 40;

/// Owners from here on are projects, below it groups.
const PROJECTS: u64 = 1 << 63;

/// Between name and value.
const BETWEEN: u8 = 0;
/// The value that stands for those that are not kept apart. No tag has it.
pub const OTHERS: &[u8] = &[0];

/// Returns the number of a tag: its name and value with a NUL between, as [`Tags::whole`] has them.
#[must_use]
pub fn tag(project: ProjectId, whole: &str) -> u64 {
    XxHash3_64::oneshot_with_seed(u64::from(project.0), whole.as_bytes())
}

/// Returns the number of a tag.
#[must_use]
pub fn tag_of(project: ProjectId, name: &str, value: &str) -> u64 {
    let mut one = Tags::default();
    one.push(name, value);
    let number = one.whole().next().map(|(whole, _)| tag(project, whole));
    number.unwrap_or_default()
}

/// Returns the number of having a tag of the name.
#[must_use]
pub fn present(project: ProjectId, name: &str) -> u64 {
    XxHash3_64::oneshot_with_seed(PRESENT | u64::from(project.0), name.as_bytes())
}

/// Returns the number of belonging to a group.
#[must_use]
pub fn group(group: GroupId) -> u64 {
    XxHash3_64::oneshot_with_seed(GROUP, &group.0.to_le_bytes())
}

/// Returns the number of belonging to a project.
#[must_use]
pub fn project(project: ProjectId) -> u64 {
    XxHash3_64::oneshot_with_seed(PROJECT, &project.0.to_le_bytes())
}

/// Returns the hash of a text.
#[must_use]
pub fn text(text: &str) -> i64 {
    XxHash3_64::oneshot(text.as_bytes()).cast_signed()
}

/// Returns the key of an hour since 1970.
#[must_use]
pub fn hour(hour: i64) -> [u8; 8] {
    // Negative numbers come first.
    (hour ^ i64::MIN).to_be_bytes()
}

/// Reads the hour out of a key.
#[must_use]
pub fn read_hour(key: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(key.try_into().ok()?) ^ i64::MIN)
}

/// Returns the key of an hour of a project.
#[must_use]
pub fn project_hour(project: ProjectId, at: i64) -> [u8; 12] {
    let mut key = [0; 12];
    let parts = project.0.to_be_bytes().into_iter().chain(hour(at));
    for (place, byte) in key.iter_mut().zip(parts) {
        *place = byte;
    }
    key
}

/// Reads project and hour out of a key.
#[must_use]
pub fn read_project_hour(key: &[u8]) -> Option<(ProjectId, i64)> {
    let (project, at) = key.split_first_chunk::<4>()?;
    Some((ProjectId(u32::from_be_bytes(*project)), read_hour(at)?))
}

/// Whose tags are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A group.
    Group(GroupId),
    /// A project.
    Project(ProjectId),
}

impl Owner {
    /// Returns the beginning of the keys of the owner's tags.
    #[must_use]
    pub fn prefix(self) -> [u8; 8] {
        let number = match self {
            Self::Group(group) => u64::from(group.0),
            Self::Project(project) => PROJECTS | u64::from(project.0),
        };
        number.to_be_bytes()
    }

    /// Returns how many values of one name are kept apart.
    #[must_use]
    pub fn max_values(self) -> usize {
        match self {
            Self::Group(_) => 1_000,
            Self::Project(_) => 10_000,
        }
    }
}

/// Appends the key of an owner's tag; `whole` as [`Tags::whole`] has it.
pub fn push_owned(out: &mut Vec<u8>, owner: Owner, whole: &[u8]) {
    out.extend_from_slice(&owner.prefix());
    out.extend_from_slice(whole);
}

/// Returns the beginning of the keys of an owner's tags of one name.
#[must_use]
pub fn of_name(owner: Owner, name: &str) -> Vec<u8> {
    let mut key = owner.prefix().to_vec();
    key.extend_from_slice(name.as_bytes());
    key.push(BETWEEN);
    key
}

/// Returns the least key that is greater than all that begin with the prefix.
#[must_use]
pub fn behind(prefix: &[u8]) -> Vec<u8> {
    let mut key = prefix.to_vec();
    while let Some(last) = key.last_mut() {
        if let Some(next) = last.checked_add(1) {
            *last = next;
            return key;
        }
        key.pop();
    }
    vec![u8::MAX; 64]
}

/// The key of an owner's tag in parts: everything up to the value, the owner, the name, and the
/// value.
pub type OwnedKey<'a> = (&'a [u8], Owner, &'a [u8], &'a [u8]);

/// Takes the key of an owner's tag apart.
#[must_use]
pub fn split_owned(key: &[u8]) -> Option<OwnedKey<'_>> {
    let (prefix, rest) = key.split_first_chunk::<8>()?;
    let number = u64::from_be_bytes(*prefix);
    let low = u32::try_from(number & !PROJECTS).ok()?;
    let owner = match number & PROJECTS {
        0 => Owner::Group(GroupId(low)),
        _ => Owner::Project(ProjectId(low)),
    };
    let name = rest.iter().position(|byte| *byte == BETWEEN)?;
    let value = rest.get(name.checked_add(1)?..)?;
    let until_value = key.get(..key.len().checked_sub(value.len())?)?;
    Some((until_value, owner, rest.get(..name)?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_apart_as_it_was_put_together() {
        for owner in [Owner::Group(GroupId(7)), Owner::Project(ProjectId(7))] {
            let mut key = Vec::new();
            push_owned(&mut key, owner, b"os\0Linux");
            let begin = of_name(owner, "os");
            let (until, found, name, value) = split_owned(&key).unwrap();
            assert_eq!((until, found), (begin.as_slice(), owner));
            assert_eq!((name, value), (&b"os"[..], &b"Linux"[..]));
        }
        assert_eq!(behind(b"a\xff"), b"b");
        assert_eq!(split_owned(b"short"), None);
        assert!(hour(-1) < hour(0) && hour(0) < hour(1));
        assert_eq!(read_hour(&hour(-5)), Some(-5));
        let of_project = project_hour(ProjectId(7), -5);
        assert_eq!(read_project_hour(&of_project), Some((ProjectId(7), -5)));
        assert_eq!(read_project_hour(b"short"), None);
    }

    #[test]
    fn numbers_never_change() {
        assert_eq!(tag_of(ProjectId(1), "a", "b"), tag(ProjectId(1), "a\0b"));
        assert_ne!(
            tag_of(ProjectId(1), "a", "b"),
            tag_of(ProjectId(2), "a", "b")
        );
        assert_eq!(tag_of(ProjectId(1), "level", "error"), TAG_OF_ONE);
    }

    /// As the reference implementation of XXH3 gives it for seed 1.
    const TAG_OF_ONE: u64 = 10_671_855_518_511_879_112;
}
