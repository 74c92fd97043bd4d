//! A capture as it waits in the queue: small, and made without building the event.

use std::error::Error;
use std::sync::Arc;
use std::thread;

use crate::client::integration::RawStack;
use crate::client::scope::Scope;
use crate::envelope::TraceHeader;
use crate::protocol::{
    Event, EventId, Exception, Level, Mechanism, Timestamp, Transaction, Values,
};

/// Something captured that is not yet an envelope.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) id: EventId,
    pub(crate) at: Timestamp,
    pub(crate) subject: Subject,
    pub(crate) scope: Option<Arc<Scope>>,
    pub(crate) stack: Option<RawStack>,
    pub(crate) thread: Option<ThreadTag>,
}

impl Draft {
    /// How many spans it stands for: those of a transaction, and its own.
    #[cfg(feature = "worker")]
    pub(crate) fn span_count(&self) -> u64 {
        match &self.subject {
            Subject::Transaction(transaction, _) => u64::try_from(transaction.spans.len())
                .unwrap_or(u64::MAX)
                .saturating_add(1),
            _ => 0,
        }
    }
}

/// What was captured.
#[derive(Debug)]
pub(crate) enum Subject {
    Message(Box<str>, Level),
    /// The error and its causes, outermost first.
    Error(Box<[ErrorPart]>),
    Event(Box<Event>),
    /// A transaction, and the trace as its first program described it.
    Transaction(Box<Transaction>, Option<Arc<TraceHeader>>),
}

/// Type and text of one error in a chain.
#[derive(Debug)]
pub(crate) struct ErrorPart {
    pub(crate) ty: Box<str>,
    pub(crate) text: Box<str>,
}

/// The thread that captured.
#[derive(Debug)]
pub(crate) struct ThreadTag(thread::Thread);

impl ThreadTag {
    pub(crate) fn current() -> Self {
        Self(thread::current())
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.0.name()
    }

    pub(crate) fn id(&self) -> Option<u64> {
        let text = format!("{:?}", self.0.id());
        text.trim_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .ok()
    }
}

impl ErrorPart {
    /// The chain of an error, outermost first, bounded.
    pub(crate) fn chain<E: Error + ?Sized>(error: &E) -> Box<[Self]> {
        let causes = std::iter::successors(error.source(), |cause| (*cause).source());
        std::iter::once(Self::of(error))
            .chain(causes.map(Self::of))
            .take(MAX_CHAIN)
            .collect()
    }

    fn of<E: Error + ?Sized>(error: &E) -> Self {
        let debug = format!("{error:?}");
        Self {
            ty: type_name(&debug).into(),
            text: error.to_string().into(),
        }
    }
}

/// The event of an error and its causes, as [`capture_error`](crate::capture_error) sends it.
///
/// ```
/// let error = "no number".parse::<i32>().unwrap_err();
/// let mut event = mini_sentry::event_from_error(&error);
/// event.transaction = Some("import".into());
/// mini_sentry::capture_event(event);
/// ```
#[must_use]
pub fn event_from_error<E: Error + ?Sized>(error: &E) -> Event {
    Event {
        exception: exceptions(&ErrorPart::chain(error)),
        level: Some(Level::Error),
        ..Event::default()
    }
}

/// The exceptions of a chain: the cause of all comes first.
pub(crate) fn exceptions(parts: &[ErrorPart]) -> Values<Exception> {
    parts.iter().rev().map(exception).collect()
}

fn exception(part: &ErrorPart) -> Exception {
    let mechanism = Mechanism {
        ty: Some("generic".to_owned()),
        handled: Some(true),
        ..Mechanism::default()
    };
    Exception {
        ty: Some(part.ty.clone().into()),
        value: Some(part.text.clone().into()),
        mechanism: Some(mechanism),
        ..Exception::default()
    }
}

/// Errors of one chain that are kept.
const MAX_CHAIN: usize = 50;

/// The type's name, as the derived `Debug` writes it in front.
fn type_name(debug: &str) -> &str {
    let name = debug
        .split([' ', '(', '{', '"', '\r', '\n'])
        .next()
        .unwrap_or_default();
    if name.is_empty() { "Error" } else { name }
}
