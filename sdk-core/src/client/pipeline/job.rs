//! What waits in the queue.

use crate::client::draft::{Draft, Subject};
use crate::envelope::Envelope;
use crate::protocol::Log;
use crate::ratelimit::DataCategory;

/// One thing to do, in its turn.
#[derive(Debug)]
pub(crate) enum Job {
    Draft(Draft),
    Envelope(Box<Envelope>),
    Log(Box<Log>),
    /// Something waits in the transport's spool.
    #[cfg(feature = "worker")]
    Poll,
    #[cfg(feature = "worker")]
    Flush(std::time::Instant, std::sync::mpsc::SyncSender<bool>),
    #[cfg(feature = "worker")]
    Shutdown(std::time::Instant, std::sync::mpsc::SyncSender<bool>),
}

/// Under which category a draft is counted.
pub(crate) fn category(draft: &Draft) -> DataCategory {
    match &draft.subject {
        Subject::Transaction(..) => DataCategory::Transaction,
        Subject::Event(event) if event.is_feedback() => DataCategory::Feedback,
        _ => DataCategory::Error,
    }
}
