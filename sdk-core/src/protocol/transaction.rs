//! Transactions: a request or a task, with the spans inside it.

use crate::protocol::breadcrumb::Breadcrumb;
use crate::protocol::contexts::{Contexts, ContextsForm};
use crate::protocol::event::EventError;
use crate::protocol::ids::EventId;
use crate::protocol::interface::interface;
use crate::protocol::lenient::{AnyText, Map, Notes, Object};
use crate::protocol::level::Level;
use crate::protocol::request::Request;
use crate::protocol::sdk_info::SdkInfo;
use crate::protocol::span::{Measurement, Span};
use crate::protocol::tags::TagsForm;
use crate::protocol::timestamp::Timestamp;
use crate::protocol::user::User;
use crate::protocol::values::Values;

interface! {
    /// A request or a task, with its spans. Its trace stands in `contexts.trace`.
    pub struct Transaction {
        /// Identifier; the envelope's header wins over it.
        pub event_id: Option<EventId>,
        /// Always `transaction`.
        pub ty: Option<String> = "type",
        /// Its name, such as a route.
        pub transaction: Option<String>,
        /// Where the name came from.
        pub transaction_info: Option<TransactionInfo>,
        /// When it began.
        pub start_timestamp: Option<Timestamp>,
        /// When it ended.
        pub timestamp: Option<Timestamp>,
        /// Severity.
        pub level: Option<Level>,
        /// Language or runtime family.
        pub platform: Option<String>,
        /// Name of the machine.
        pub server_name: Option<String>,
        /// Version of the program.
        pub release: Option<String> = "release" as AnyText,
        /// Build of that version.
        pub dist: Option<String> = "dist" as AnyText,
        /// Where the program runs.
        pub environment: Option<String>,
        /// Work inside it.
        pub spans: Vec<Span>,
        /// Measured values.
        pub measurements: Map<String, Measurement>,
        /// What happened before, oldest first.
        pub breadcrumbs: Values<Breadcrumb>,
        /// Who was served.
        pub user: Option<User>,
        /// The HTTP request being served.
        pub request: Option<Request>,
        /// Facts about the surroundings.
        pub contexts: Contexts = "contexts" as ContextsForm,
        /// Indexed key and value pairs.
        pub tags: Map<String, String> = "tags" as TagsForm,
        /// Free-form facts.
        pub extra: Object,
        /// The client that made it.
        pub sdk: Option<SdkInfo>,
        /// What could not be read.
        pub errors: Vec<EventError>,
    }
}

impl Transaction {
    /// Adds what a lenient reading noted to [`Transaction::errors`].
    pub fn record(&mut self, notes: Notes) {
        self.errors
            .extend(notes.into_vec().into_iter().map(EventError::from));
    }
}

interface! {
    /// Where a transaction's name came from.
    pub struct TransactionInfo {
        /// `route`, `url`, `task`, `custom`, …
        pub source: Option<String>,
    }
}
