//! The words that some keys take, and no others.

/// A set of words, each with the others that mean the same.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$about:meta])* $variant:ident = $text:literal $(| $alias:literal)*),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$about])* $variant),+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];
            /// All names, in the same order.
            pub(super) const NAMES: &[&str] = &[$($text),+];

            /// Returns the word that stands for it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Finds it by its word or another that means the same, in lower case.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text $(| $alias)* => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// What `is:` asks of an issue.
    State {
        /// Somebody should look at it.
        Unresolved = "unresolved" | "open",
        /// Done with.
        Resolved = "resolved" | "closed",
        /// Put aside.
        Ignored = "ignored" | "archived" | "muted",
        /// Has an assignee.
        Assigned = "assigned",
        /// Has none.
        Unassigned = "unassigned",
        /// New or back, and nobody has judged it.
        ForReview = "for_review",
        /// Has an issue in another tracker.
        Linked = "linked",
        /// Has none.
        Unlinked = "unlinked",
        /// First seen lately.
        New = "new",
        /// Unresolved for a while.
        Ongoing = "ongoing",
        /// Seen far more often than before.
        Escalating = "escalating",
        /// Came back after it was resolved.
        Regressed = "regressed",
        /// Put aside until it escalates.
        UntilEscalating = "until_escalating" | "archived_until_escalating",
        /// Put aside until a time, a count or a number of users.
        UntilConditionMet = "until_condition_met" | "archived_until_condition_met",
        /// Put aside for good.
        Forever = "forever" | "archived_forever",
    }
}

words! {
    /// How much an issue matters.
    Priority {
        /// Little.
        Low = "low",
        /// Some.
        Medium = "medium" | "med",
        /// Much.
        High = "high",
    }
}

words! {
    /// How far a release has spread.
    Stage {
        /// Many sessions run it.
        Adopted = "adopted",
        /// Few do.
        LowAdoption = "low_adoption" | "low",
        /// Another has taken its place.
        Replaced = "replaced",
    }
}
