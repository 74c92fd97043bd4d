//! What a token may do.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! scopes {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// One permission, by the name that Sentry's clients know.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Scope {
            $(#[doc = concat!("`", $name, "`")] $variant),+
        }

        impl Scope {
            /// All scopes, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the scope's name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Finds a scope by its name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

scopes! {
    OrgRead = "org:read",
    OrgWrite = "org:write",
    OrgAdmin = "org:admin",
    OrgIntegrations = "org:integrations",
    OrgCi = "org:ci",
    ProjectRead = "project:read",
    ProjectWrite = "project:write",
    ProjectAdmin = "project:admin",
    ProjectReleases = "project:releases",
    TeamRead = "team:read",
    TeamWrite = "team:write",
    TeamAdmin = "team:admin",
    MemberRead = "member:read",
    MemberWrite = "member:write",
    MemberAdmin = "member:admin",
    EventRead = "event:read",
    EventWrite = "event:write",
    EventAdmin = "event:admin",
    AlertsRead = "alerts:read",
    AlertsWrite = "alerts:write",
}

/// A set of scopes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u32);

impl Scopes {
    /// Holds every scope.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.iter().copied().collect()
    }

    /// Reports whether the set holds `scope`, itself or by a greater one of the same family:
    /// `admin` holds `write`, and `write` holds `read`.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        if self.0 & bit(scope) != 0 {
            return true;
        }
        let Some((family, verb)) = scope.as_str().split_once(':') else {
            return false;
        };
        let greater: &[&str] = match verb {
            "read" => &["write", "admin"],
            "write" => &["admin"],
            _ => &[],
        };
        greater
            .iter()
            .filter_map(|verb| Scope::from_name(&format!("{family}:{verb}")))
            .any(|greater| self.0 & bit(greater) != 0)
    }

    /// Returns what both sets hold, themselves or by a greater scope.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Scope::ALL
            .iter()
            .copied()
            .filter(|scope| self.has(*scope) && other.has(*scope))
            .collect()
    }

    /// Returns the scopes of the set.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .iter()
            .copied()
            .filter(move |scope| self.0 & bit(*scope) != 0)
    }

    /// Returns the set as databases keep it.
    #[must_use]
    pub fn to_bits(self) -> i64 {
        i64::from(self.0)
    }

    /// Reads the set from a database column; bits of scopes that are not known are dropped.
    #[must_use]
    pub fn from_bits(bits: i64) -> Self {
        Self(u32::try_from(bits & i64::from(Self::all().0)).unwrap_or(0))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | bit(scope)))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(Scope::as_str))
            .finish()
    }
}

impl Serialize for Scopes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Scope::as_str))
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names
            .iter()
            .map(|name| {
                Scope::from_name(name)
                    .ok_or_else(|| serde::de::Error::custom(format!("unknown scope {name:?}")))
            })
            .collect()
    }
}

fn bit(scope: Scope) -> u32 {
    1 << (scope as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_includes_write_and_write_includes_read_of_the_same_family_only() {
        let set: Scopes = [Scope::ProjectAdmin, Scope::EventWrite]
            .into_iter()
            .collect();
        assert!(set.has(Scope::ProjectRead) && set.has(Scope::ProjectWrite));
        assert!(set.has(Scope::EventRead) && !set.has(Scope::EventAdmin));
        assert!(!set.has(Scope::ProjectReleases) && !set.has(Scope::OrgRead));
    }

    #[test]
    fn what_two_sets_share_counts_greater_scopes_for_what_they_include() {
        let token: Scopes = [Scope::ProjectAdmin, Scope::EventRead]
            .into_iter()
            .collect();
        let role: Scopes = [Scope::ProjectWrite, Scope::OrgRead].into_iter().collect();
        let both: Scopes = [Scope::ProjectRead, Scope::ProjectWrite]
            .into_iter()
            .collect();
        assert_eq!(token.and(role), both);
    }

    #[test]
    fn a_set_survives_the_database() {
        let set: Scopes = [Scope::OrgCi, Scope::AlertsWrite].into_iter().collect();
        assert_eq!(Scopes::from_bits(set.to_bits()), set);
        assert_eq!(Scopes::from_bits(-1), Scopes::all());
    }
}
