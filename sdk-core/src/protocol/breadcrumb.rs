//! What happened before. Its texts may be literals, since breadcrumbs are many and cheap.

use std::borrow::Cow;

use crate::protocol::interface::interface;
use crate::protocol::lenient::Object;
use crate::protocol::level::Level;
use crate::protocol::timestamp::Timestamp;

interface! {
    /// One step on the way to the error.
    pub struct Breadcrumb {
        /// When it happened.
        pub timestamp: Option<Timestamp>,
        /// How to show it: `http`, `navigation`, `query`, …
        pub ty: Option<Cow<'static, str>> = "type",
        /// What it is about, such as `ui.click` or a logger's name.
        pub category: Option<Cow<'static, str>>,
        /// Severity.
        pub level: Option<Level>,
        /// Text for people.
        pub message: Option<Cow<'static, str>>,
        /// Free-form facts.
        pub data: Object,
    }
}
