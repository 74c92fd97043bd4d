//! The event: one error or message, and everything known about its circumstances.

use serde_json::Value;

use crate::protocol::breadcrumb::Breadcrumb;
use crate::protocol::contexts::{Contexts, ContextsForm};
use crate::protocol::debug_meta::DebugMeta;
use crate::protocol::exception::Exception;
use crate::protocol::ids::EventId;
use crate::protocol::interface::interface;
use crate::protocol::lenient::{AnyText, Map, Note, Notes, Object};
use crate::protocol::level::Level;
use crate::protocol::message::{LogEntry, Message};
use crate::protocol::request::Request;
use crate::protocol::sdk_info::SdkInfo;
use crate::protocol::stacktrace::Stacktrace;
use crate::protocol::tags::TagsForm;
use crate::protocol::thread::Thread;
use crate::protocol::timestamp::Timestamp;
use crate::protocol::user::User;
use crate::protocol::values::Values;

interface! {
    /// One error or message.
    ///
    /// ```
    /// use mini_sentry::protocol::{Event, Level};
    /// let event = Event {
    ///     message: Some("disk almost full".into()),
    ///     level: Some(Level::Warning),
    ///     ..Event::default()
    /// };
    /// assert_eq!(
    ///     serde_json::to_string(&event)?,
    ///     r#"{"level":"warning","message":"disk almost full"}"#,
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub struct Event {
        /// Identifier; the envelope's header wins over it.
        pub event_id: Option<EventId>,
        /// `error`, `default`, `csp` or another kind; mostly absent.
        pub ty: Option<String> = "type",
        /// Severity.
        pub level: Option<Level>,
        /// When it happened.
        pub timestamp: Option<Timestamp>,
        /// Language or runtime family, such as `rust` or `javascript`.
        pub platform: Option<String>,
        /// The logger that reported it.
        pub logger: Option<String>,
        /// What the program was doing: a route, a task name.
        pub transaction: Option<String>,
        /// Where it happened, in older clients' words.
        pub culprit: Option<String>,
        /// Name of the machine.
        pub server_name: Option<String>,
        /// Version of the program.
        pub release: Option<String> = "release" as AnyText,
        /// Build of that version.
        pub dist: Option<String> = "dist" as AnyText,
        /// Where the program runs, such as `production`.
        pub environment: Option<String>,
        /// Parts of the grouping key that the client chose.
        pub fingerprint: Vec<String> = "fingerprint" as AnyText,
        /// The message, as text or with its parameters apart.
        pub message: Option<Message>,
        /// The message with its parameters apart.
        pub logentry: Option<LogEntry> = "logentry" | "sentry.interfaces.Message",
        /// The error and its causes, oldest cause first.
        pub exception: Values<Exception> = "exception" | "sentry.interfaces.Exception",
        /// A stack without an error.
        pub stacktrace: Option<Stacktrace> = "stacktrace" | "sentry.interfaces.Stacktrace",
        /// Threads of the process.
        pub threads: Values<Thread>,
        /// What happened before, oldest first.
        pub breadcrumbs: Values<Breadcrumb> = "breadcrumbs" | "sentry.interfaces.Breadcrumbs",
        /// Who was affected.
        pub user: Option<User> = "user" | "sentry.interfaces.User",
        /// The HTTP request being served.
        pub request: Option<Request> = "request" | "sentry.interfaces.Http",
        /// Facts about the surroundings.
        pub contexts: Contexts = "contexts" | "sentry.interfaces.Contexts" as ContextsForm,
        /// Indexed key and value pairs.
        pub tags: Map<String, String> = "tags" as TagsForm,
        /// Free-form facts.
        pub extra: Object,
        /// Packages in the program and their versions.
        pub modules: Map<String, String>,
        /// Loaded images and source maps that frames point into.
        pub debug_meta: Option<DebugMeta>,
        /// The client that made the event.
        pub sdk: Option<SdkInfo>,
        /// What could not be read.
        pub errors: Vec<EventError>,
    }
}

impl Event {
    /// An event with a message and a level.
    #[must_use]
    pub fn from_message(message: impl Into<String>, level: Level) -> Self {
        Self {
            message: Some(Message::Text(message.into())),
            level: Some(level),
            ..Self::default()
        }
    }

    /// True when the event carries what a user said, not an error.
    #[must_use]
    pub fn is_feedback(&self) -> bool {
        self.ty.as_deref() == Some("feedback")
    }

    /// Adds what a lenient reading noted to [`Event::errors`].
    pub fn record(&mut self, notes: Notes) {
        self.errors
            .extend(notes.into_vec().into_iter().map(EventError::from));
    }
}

interface! {
    /// One thing about an event that could not be read or kept.
    pub struct EventError {
        /// What is wrong, such as `invalid_data`.
        pub ty: Option<String> = "type",
        /// Dotted path of the field.
        pub name: Option<String>,
        /// The value as it came.
        pub value: Option<Value>,
        /// More in words.
        pub reason: Option<String>,
    }
}

impl From<Note> for EventError {
    fn from(note: Note) -> Self {
        Self {
            ty: Some(note.kind.to_owned()),
            name: Some(note.path),
            value: note.value,
            ..Self::default()
        }
    }
}
