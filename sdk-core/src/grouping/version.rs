//! The ways of grouping that there are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A way of grouping. What a version does never changes, because its keys are kept in databases; a
/// better way is a new version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum GroupingVersion {
    /// Fingerprints, rules, stacks of the program's own frames, messages without what varies.
    #[default]
    V1,
}

impl GroupingVersion {
    /// All versions, oldest first.
    pub const ALL: &'static [Self] = &[Self::V1];

    /// Returns the name that settings and keys have for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
        }
    }
}

/// A version that this program does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown version of grouping")]
pub struct UnknownVersion;

impl UnknownVersion {
    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "unknown_grouping_version"
    }
}

impl FromStr for GroupingVersion {
    type Err = UnknownVersion;

    fn from_str(name: &str) -> Result<Self, UnknownVersion> {
        Self::ALL
            .iter()
            .copied()
            .find(|version| version.as_str() == name)
            .ok_or(UnknownVersion)
    }
}

impl fmt::Display for GroupingVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for GroupingVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for GroupingVersion {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(input)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_read_by_its_name() {
        for version in GroupingVersion::ALL {
            assert_eq!(version.as_str().parse(), Ok(*version));
            let json = serde_json::to_string(version).unwrap();
            assert_eq!(
                serde_json::from_str::<GroupingVersion>(&json).unwrap(),
                *version
            );
        }
        assert_eq!("v0".parse::<GroupingVersion>(), Err(UnknownVersion));
    }
}
