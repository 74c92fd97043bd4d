//! One item of an envelope: its header, and its payload in the type that the header names.

use crate::envelope::{ItemHeader, ItemKind};
use crate::protocol::lenient::Lenient;
use crate::protocol::read::{ReadError, from_json};
use crate::protocol::{
    Attachment, CheckIn, ClientReport, Event, Items, Log, Notes, SessionAggregates, SessionUpdate,
    Span, SpanV2, TraceMetric, Transaction, UserReport,
};
use crate::ratelimit::DataCategory;

/// Media type of a container of logs.
const LOGS: &str = "application/vnd.sentry.items.log+json";
/// Media type of a container of metrics.
const METRICS: &str = "application/vnd.sentry.items.trace-metric+json";
/// Media type of a container of newer spans.
const SPANS: &str = "application/vnd.sentry.items.span.v2+json";

/// One item.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What stands in front of the payload. Its length is that of reading; writing counts anew.
    pub header: ItemHeader,
    /// The payload.
    pub payload: Payload,
}

/// The payload of an item.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Payload {
    /// An error or message.
    Event(Box<Event>),
    /// A request or task with its spans.
    Transaction(Box<Transaction>),
    /// Feedback of a user: an event with a `feedback` context.
    Feedback(Box<Event>),
    /// Feedback of a user in the old form.
    UserReport(UserReport),
    /// A step in the life of a session.
    Session(Box<SessionUpdate>),
    /// Sessions counted by minute.
    Sessions(SessionAggregates),
    /// A word from a scheduled job.
    CheckIn(Box<CheckIn>),
    /// What the client dropped.
    ClientReport(ClientReport),
    /// Log lines.
    Logs(Items<Log>),
    /// Measurements.
    Metrics(Items<TraceMetric>),
    /// One older span.
    Span(Box<Span>),
    /// Newer spans.
    Spans(Items<SpanV2>),
    /// Bytes, as they came.
    Raw(Vec<u8>),
}

impl Item {
    /// Makes an item that is kept as it is.
    #[must_use]
    pub fn raw(header: ItemHeader, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            header,
            payload: Payload::Raw(payload.into()),
        }
    }

    /// Reads a payload by the type that its header names; unknown ones are kept as they are.
    ///
    /// # Errors
    /// When the header names a type that we know and the payload is not JSON of it.
    #[inline]
    pub fn read(header: ItemHeader, payload: &[u8]) -> Result<Self, ReadError> {
        Self::read_noting(header, payload).map(|(item, _)| item)
    }

    /// Reads like [`read`](Self::read), and returns what did not fit. Events and transactions
    /// keep that in their own `errors`, so there is nothing to return of them.
    ///
    /// # Errors
    /// When the header names a type that we know and the payload is not JSON of it.
    #[inline]
    pub fn read_noting(header: ItemHeader, payload: &[u8]) -> Result<(Self, Notes), ReadError> {
        fn typed<T: Lenient>(
            json: &[u8],
            wrap: impl FnOnce(T) -> Payload,
        ) -> Result<(Payload, Notes), ReadError> {
            from_json(json).map(|(value, notes)| (wrap(value), notes))
        }
        let unnoted = |payload| (payload, Notes::default());
        let (payload, notes) = match header.kind {
            ItemKind::Event => unnoted(Payload::Event(Box::new(Event::from_json(payload)?))),
            ItemKind::Feedback => unnoted(Payload::Feedback(Box::new(Event::from_json(payload)?))),
            ItemKind::Transaction => {
                let transaction = Transaction::from_json(payload)?;
                unnoted(Payload::Transaction(Box::new(transaction)))
            }
            ItemKind::UserReport => typed(payload, Payload::UserReport)?,
            ItemKind::Session => typed(payload, |value| Payload::Session(Box::new(value)))?,
            ItemKind::Sessions => typed(payload, Payload::Sessions)?,
            ItemKind::CheckIn => typed(payload, |value| Payload::CheckIn(Box::new(value)))?,
            ItemKind::ClientReport => typed(payload, Payload::ClientReport)?,
            ItemKind::Log => typed(payload, Payload::Logs)?,
            ItemKind::TraceMetric => typed(payload, Payload::Metrics)?,
            ItemKind::Span if header.content_type.as_deref() == Some(SPANS) => {
                typed(payload, Payload::Spans)?
            }
            ItemKind::Span => typed(payload, |value| Payload::Span(Box::new(value)))?,
            _ => unnoted(Payload::Raw(payload.to_owned())),
        };
        Ok((Self { header, payload }, notes))
    }

    /// Under which category the item is limited and counted.
    #[must_use]
    pub fn category(&self) -> Option<DataCategory> {
        self.header.kind.category()
    }

    /// How many things of its category the item holds; bytes of an attachment.
    #[must_use]
    pub fn quantity(&self) -> u64 {
        let count = match &self.payload {
            Payload::Logs(logs) => logs.items.len(),
            Payload::Metrics(metrics) => metrics.items.len(),
            Payload::Spans(spans) => spans.items.len(),
            Payload::Raw(bytes) => match self.header.kind {
                ItemKind::Attachment => bytes.len(),
                ItemKind::Log | ItemKind::TraceMetric | ItemKind::Span => {
                    return self.header.item_count.unwrap_or(1);
                }
                _ => 1,
            },
            _ => 1,
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

fn container(kind: ItemKind, content_type: &str, count: usize) -> ItemHeader {
    let mut header = ItemHeader::new(kind);
    header.content_type = Some(content_type.to_owned());
    header.item_count = u64::try_from(count).ok();
    header
}

macro_rules! into_item {
    ($($ty:ty => $kind:ident, |$value:ident| $payload:expr;)+) => {
        $(
            impl From<$ty> for Item {
                fn from($value: $ty) -> Self {
                    Self { header: ItemHeader::new(ItemKind::$kind), payload: $payload }
                }
            }
        )+
    };
}

into_item! {
    Transaction => Transaction, |value| Payload::Transaction(Box::new(value));
    UserReport => UserReport, |value| Payload::UserReport(value);
    SessionUpdate => Session, |value| Payload::Session(Box::new(value));
    SessionAggregates => Sessions, |value| Payload::Sessions(value);
    CheckIn => CheckIn, |value| Payload::CheckIn(Box::new(value));
    ClientReport => ClientReport, |value| Payload::ClientReport(value);
    Span => Span, |value| Payload::Span(Box::new(value));
}

impl From<Event> for Item {
    fn from(event: Event) -> Self {
        Self::from(Box::new(event))
    }
}

impl From<Box<Event>> for Item {
    fn from(event: Box<Event>) -> Self {
        if event.is_feedback() {
            return Self {
                header: ItemHeader::new(ItemKind::Feedback),
                payload: Payload::Feedback(event),
            };
        }
        Self {
            header: ItemHeader::new(ItemKind::Event),
            payload: Payload::Event(event),
        }
    }
}

impl From<Items<Log>> for Item {
    fn from(logs: Items<Log>) -> Self {
        let header = container(ItemKind::Log, LOGS, logs.items.len());
        Self {
            header,
            payload: Payload::Logs(logs),
        }
    }
}

impl From<Items<TraceMetric>> for Item {
    fn from(metrics: Items<TraceMetric>) -> Self {
        let header = container(ItemKind::TraceMetric, METRICS, metrics.items.len());
        Self {
            header,
            payload: Payload::Metrics(metrics),
        }
    }
}

impl From<Items<SpanV2>> for Item {
    fn from(spans: Items<SpanV2>) -> Self {
        let header = container(ItemKind::Span, SPANS, spans.items.len());
        Self {
            header,
            payload: Payload::Spans(spans),
        }
    }
}

impl From<Attachment> for Item {
    fn from(attachment: Attachment) -> Self {
        let mut header = ItemHeader::new(ItemKind::Attachment);
        header.filename = Some(attachment.filename);
        header.content_type = attachment.content_type;
        header.attachment_type = attachment.attachment_type;
        Self::raw(header, attachment.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_count_their_bytes_and_containers_their_entries() {
        assert_eq!(Item::from(Attachment::new("a", "12345")).quantity(), 5);
        let logs = Item::from(Items::from(vec![Log::default(), Log::default()]));
        assert_eq!(logs.quantity(), 2);
        assert_eq!(Item::raw(logs.header, "{}").quantity(), 2);
        assert_eq!(Item::from(Event::default()).quantity(), 1);
    }
}
