//! What is known of groups that lost events and have others: it is read again from those.

use super::GroupText;
use crate::model::event::EventFacts;
use crate::model::ids::{GroupId, ProjectId, Seq};

/// Events of a group that are looked at for its texts.
pub(in crate::store) const MAX_PLACES: u32 = 1_000;

/// A group that lost events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StaleGroup {
    /// The group.
    pub group: GroupId,
    /// Whose it is.
    pub project: ProjectId,
    /// Which loss it was; a later one has another number.
    pub mark: i64,
    /// The hashes of its texts.
    pub texts: Vec<i64>,
    /// The places of its latest events, the latest first.
    pub places: Vec<Seq>,
    /// The latest event of its issue; `None` when the group is gone.
    pub latest: Option<Seq>,
    /// The numbers of people of whom it has no event any more.
    pub left: Vec<u32>,
}

/// What was read again of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Renewal {
    /// What it is about.
    pub of: StaleGroup,
    /// The hashes of texts that events have; others go.
    pub kept: Vec<i64>,
    /// Texts that are new.
    pub texts: Vec<GroupText>,
    /// What the latest event of the issue says, where it can be read.
    pub latest: Option<EventFacts>,
}
