//! About how much memory waits in the queue. Cheap to tell rather than exact.

use crate::client::draft::{Draft, Subject};
use crate::client::pipeline::Job;
use crate::envelope::Payload;
use crate::protocol::{Event, Log, Transaction};

impl Job {
    /// About how many bytes the job holds in memory.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Draft(draft) => draft.weight(),
            Self::Log(log) => log_weight(log),
            Self::Envelope(envelope) => envelope
                .items
                .iter()
                .map(|item| match &item.payload {
                    Payload::Raw(bytes) => bytes.len().saturating_add(512),
                    _ => 4096,
                })
                .sum(),
            Self::Poll | Self::Flush(..) | Self::Shutdown(..) => 0,
        }
    }
}

impl Draft {
    /// About how many bytes the draft holds in memory.
    fn weight(&self) -> usize {
        let subject = match &self.subject {
            Subject::Message(text, _) => text.len(),
            Subject::Error(parts) => parts
                .iter()
                .map(|part| {
                    part.ty
                        .len()
                        .saturating_add(part.text.len())
                        .saturating_add(32)
                })
                .sum(),
            Subject::Event(event) => event_weight(event),
            Subject::Transaction(transaction, _) => size_of::<Transaction>()
                .saturating_add(transaction.spans.len().saturating_mul(1024)),
        };
        let stack = self
            .stack
            .as_ref()
            .map_or(0, |stack| stack.addresses.len().saturating_mul(8));
        // A scope that many drafts share is there once.
        let scope = self.scope.as_ref().map_or(0, |scope| {
            let bytes = scope.weight();
            bytes
                .checked_div(std::sync::Arc::strong_count(scope))
                .unwrap_or(bytes)
        });
        size_of::<Self>()
            .saturating_add(subject)
            .saturating_add(stack)
            .saturating_add(scope)
    }
}

fn event_weight(event: &Event) -> usize {
    let message = event
        .message
        .as_ref()
        .map_or(0, |message| message.text().len());
    let frames: usize = event
        .exception
        .iter()
        .map(|exception| {
            let frames = exception
                .stacktrace
                .as_ref()
                .map_or(0, |stack| stack.frames.len());
            let text = exception.value.as_ref().map_or(0, String::len);
            frames
                .saturating_mul(700)
                .saturating_add(text)
                .saturating_add(512)
        })
        .sum();
    let maps = event
        .tags
        .len()
        .saturating_add(event.extra.len())
        .saturating_add(event.contexts.len());
    let rest = maps
        .saturating_add(event.breadcrumbs.len())
        .saturating_mul(256);
    size_of::<Event>()
        .saturating_add(message)
        .saturating_add(frames)
        .saturating_add(rest)
}

/// About how many bytes a log line holds in memory.
fn log_weight(log: &Log) -> usize {
    let body = log.body.as_ref().map_or(0, String::len);
    let attributes = log.attributes.len().saturating_mul(200);
    size_of::<Log>()
        .saturating_add(body)
        .saturating_add(attributes)
}
