//! Under what events are put together: the same in a program that sends them, and in the server
//! that keeps them.
//!
//! A [`Grouper`] has a version and the rules of a project; it makes the key of a [`Subject`], which
//! borrows what counts from an event, and [explains](Grouper::explain) it. The chapter
//! `docs/grouping.md` tells the rules and what each version does.
//!
//! ```
//! use mini_sentry::grouping::{FingerprintRules, Grouper, GroupingVersion, Subject};
//! use mini_sentry::protocol::Event;
//!
//! let rules = FingerprintRules::parse("error.type:Timeout -> timeout, {{ transaction }}");
//! let grouper = Grouper::new(GroupingVersion::V1).fingerprint_rules(rules.unwrap());
//! let event: Event = serde_json::from_str(
//!     r#"{"transaction": "/cart", "exception": [{"type": "Timeout", "value": "after 5 s"}]}"#,
//! )?;
//! let why = grouper.explain(&Subject::of_event(&event));
//! let parts: Vec<_> = why.parts.iter().map(|part| &*part.value).collect();
//! assert_eq!(parts, ["timeout", "/cart"]);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod compare;
mod explanation;
mod grouper;
mod record;
mod rules;
mod subject;
mod v1;
mod version;

use std::fmt;

use serde::{Serialize, Serializer};

pub use compare::{Comparison, Trial, compare};
pub use explanation::{Explanation, Part, Reason, Variant};
pub use grouper::{Grouper, Grouping};
pub use rules::{Expected, FingerprintRules, RuleError, StackRules};
pub use subject::{ExceptionPart, FramePart, InApp, Subject};
pub use v1::is_foreign;
pub use version::{GroupingVersion, UnknownVersion};

/// Under which events are put together: equal keys, one issue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey(pub [u8; 16]);

impl fmt::Display for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupKey({self})")
    }
}

impl Serialize for GroupKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
