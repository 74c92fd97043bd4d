//! Numbers that name things, one type each so that they cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// Reads the number from a database column; `None` when it is out of range.
            #[must_use]
            pub fn from_i64(value: i64) -> Option<Self> {
                <$inner>::try_from(value).ok().map(Self)
            }

            /// Returns the number as databases keep it.
            #[must_use]
            pub fn to_i64(self) -> i64 {
                i64::try_from(self.0).unwrap_or(i64::MAX)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number! {
    /// An organisation.
    OrganisationId(u32)
}
number! {
    /// A project; the number at the end of a DSN.
    ProjectId(u32)
}
number! {
    /// A DSN key.
    KeyId(u32)
}
number! {
    /// An API token.
    TokenId(u32)
}
number! {
    /// A person with an account.
    UserId(u32)
}
number! {
    /// A team.
    TeamId(u32)
}
number! {
    /// A browser in which somebody has logged in.
    LoginId(u32)
}
number! {
    /// An entry of the audit log.
    AuditId(u64)
}
number! {
    /// An issue. The first group of an issue has the same number.
    IssueId(u64)
}
number! {
    /// A group: the events of one grouping key in one project. Rows of events name their group for
    /// ever; groups move between issues.
    GroupId(u32)
}
number! {
    /// A release in one project.
    ReleaseId(u32)
}
number! {
    /// A deployment of a release.
    DeploymentId(u32)
}
number! {
    /// An entry in the history of an issue.
    ActivityId(u64)
}
number! {
    /// A contiguous range of [`Seq`] that is kept and dropped as a whole.
    PartitionId(u32)
}
number! {
    /// The place of a record in the order of arrival. The journal gives it once, from 1 upwards
    /// without gaps, and it names the record ever after: in the index, in the bodies' home, in
    /// addresses.
    Seq(u64)
}

impl Seq {
    /// Returns the number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns the number `count` further on.
    #[must_use]
    pub fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}
