//! Threads of the process.

use serde::{Serialize, Serializer};

use crate::protocol::interface::interface;
use crate::protocol::lenient::{Any, Map, lenient_scalar};
use crate::protocol::stacktrace::Stacktrace;

interface! {
    /// One thread.
    pub struct Thread {
        /// Identifier within the process.
        pub id: Option<ThreadId>,
        /// Its name.
        pub name: Option<String>,
        /// True for the thread that crashed.
        pub crashed: Option<bool>,
        /// True for the thread that made the event.
        pub current: Option<bool>,
        /// True for the program's first thread.
        pub main: Option<bool>,
        /// `RUNNABLE`, `BLOCKED` and the like.
        pub state: Option<String>,
        /// What it was doing.
        pub stacktrace: Option<Stacktrace>,
        /// The same before symbolication.
        pub raw_stacktrace: Option<Stacktrace>,
        /// Locks held, by address.
        pub held_locks: Map<String, serde_json::Value>,
    }
}

/// Identifier of a thread: a number with most systems, text with some.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ThreadId {
    /// A number.
    Number(u64),
    /// Text.
    Text(String),
}

impl From<u64> for ThreadId {
    fn from(id: u64) -> Self {
        Self::Number(id)
    }
}

impl Serialize for ThreadId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(id) => serializer.serialize_u64(*id),
            Self::Text(id) => serializer.serialize_str(id),
        }
    }
}

lenient_scalar!(ThreadId, |any| match any {
    Any::Unsigned(id) => Ok(Self::Number(id)),
    Any::Text(id) => Ok(Self::Text(id.into_owned())),
    other => Err(other),
});
