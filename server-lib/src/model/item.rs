//! Everything that is stored and is no event: attachments, feedback, check-ins, logs, and what
//! nothing shows yet.

use mini_sentry::protocol::EventId;

use super::ids::{ProjectId, Seq};
use super::record::RecordKind;
use super::time::Millis;

/// A row of the index of items; also an item on its way into it.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemRow {
    /// Its place.
    pub seq: Seq,
    /// Whose it is.
    pub project: ProjectId,
    /// What it is.
    pub kind: RecordKind,
    /// The event that it belongs to; nil when there is none.
    pub event_id: EventId,
    /// When the server read it.
    pub received: Millis,
    /// File name of an attachment, slug of a monitor, type of an unknown item; may be empty.
    pub name: String,
    /// Media type; may be empty.
    pub content_type: String,
    /// Role of an attachment; may be empty.
    pub attachment_type: String,
    /// Length of the body.
    pub bytes: u64,
}

impl ItemRow {
    /// Reports whether it takes the place of an earlier one of its kind, project and event: what a
    /// user said is said once, and clients send it again.
    #[must_use]
    pub fn replaces(&self) -> bool {
        matches!(self.kind, RecordKind::UserReport | RecordKind::Feedback)
            && !self.event_id.is_nil()
    }

    /// Reports whether its project has it once only: clients that got no answer send it again.
    #[must_use]
    pub fn is_stored_once(&self) -> bool {
        self.kind == RecordKind::Transaction && !self.event_id.is_nil()
    }
}
