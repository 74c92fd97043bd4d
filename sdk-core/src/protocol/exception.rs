//! Errors: what was thrown, how, and from where.

use serde_json::Value;

use crate::protocol::interface::interface;
use crate::protocol::lenient::{AnyText, Object};
use crate::protocol::stacktrace::Stacktrace;
use crate::protocol::thread::ThreadId;

interface! {
    /// One error of a chain.
    pub struct Exception {
        /// Class or type of the error.
        pub ty: Option<String> = "type",
        /// Its text.
        pub value: Option<String> = "value" as AnyText,
        /// Module or package of the type.
        pub module: Option<String>,
        /// The thread that it happened on.
        pub thread_id: Option<ThreadId>,
        /// How it came to be reported.
        pub mechanism: Option<Mechanism>,
        /// The stack, outermost caller first.
        pub stacktrace: Option<Stacktrace>,
        /// The stack before symbolication.
        pub raw_stacktrace: Option<Stacktrace>,
    }
}

interface! {
    /// How an error came to be reported, and its place in a chain or group.
    pub struct Mechanism {
        /// Name of the way, such as `panic` or `onerror`.
        pub ty: Option<String> = "type",
        /// More in words.
        pub description: Option<String>,
        /// Where to read about it.
        pub help_link: Option<String>,
        /// False when nobody caught the error.
        pub handled: Option<bool>,
        /// True when the error was made up to carry a stack.
        pub synthetic: Option<bool>,
        /// Identifier within the event's exceptions.
        pub exception_id: Option<u64>,
        /// The exception that this one belongs to or caused.
        pub parent_id: Option<u64>,
        /// The property or argument of the parent that held this one.
        pub source: Option<String>,
        /// True when it groups others.
        pub is_exception_group: Option<bool>,
        /// Free-form facts.
        pub data: Object,
        /// Facts of the operating system: signal, errno, Mach exception.
        pub meta: Option<Value>,
    }
}
