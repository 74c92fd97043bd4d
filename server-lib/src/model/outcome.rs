//! What became of everything that was sent to us. Nothing disappears without one of these.

use mini_sentry::ratelimit::DataCategory;

use super::ids::{KeyId, ProjectId};
use super::time::Millis;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $text:literal / $number:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$about])* $variant = $number),+
        }

        impl $name {
            /// All values, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the stable name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Finds a value by its name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }

            /// Returns the number by which files and databases know the value.
            #[must_use]
            pub fn code(self) -> u8 {
                self as u8
            }

            /// Finds a value by its number.
            #[must_use]
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use named;

named! {
    /// How the server judged an item.
    Outcome {
        /// Stored.
        Accepted = "accepted" / 0,
        /// Matched an inbound filter.
        Filtered = "filtered" / 1,
        /// Above a limit of the project or the key.
        RateLimited = "rate_limited" / 2,
        /// Not readable, too large or of no known kind.
        Invalid = "invalid" / 3,
        /// Refused to protect the server.
        Abuse = "abuse" / 4,
        /// Dropped by the SDK, which told us.
        ClientDiscard = "client_discard" / 5,
        /// Too many different values.
        CardinalityLimited = "cardinality_limited" / 6,
    }
}

/// A number of items that met one fate, ready to be added up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OutcomeCount {
    /// Whose items they were.
    pub project: ProjectId,
    /// The key that sent them, where one did.
    pub key: Option<KeyId>,
    /// When it was; kept by the minute.
    pub at: Millis,
    /// What was counted.
    pub category: DataCategory,
    /// The fate.
    pub outcome: Outcome,
    /// Why, as a stable name or an SDK's word; empty for accepted ones. At most 64 bytes.
    pub reason: String,
    /// How many.
    pub quantity: u64,
}
