//! Versions of releases, in the order of their parts.

use std::cmp::Ordering;
use std::fmt;

/// The number of a release: `1.2.3`, `1.2.3.4`, `2.0.0-rc.1`. What follows a `+` is the build and
/// does not belong to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    numbers: [u64; 4],
    pre: String,
}

impl Version {
    /// Reads a version of one to four numbers and an optional pre-release; missing numbers are 0.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (numbers, pre) = text.split_once('-').unwrap_or((text, ""));
        let is_pre = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if !pre.chars().all(is_pre) || (pre.is_empty() && text.ends_with('-')) {
            return None;
        }
        let (numbers, _) = numbers_of(numbers)?;
        Some(Self {
            numbers,
            pre: pre.to_owned(),
        })
    }

    /// Returns major, minor, patch and revision.
    #[must_use]
    pub fn numbers(&self) -> [u64; 4] {
        self.numbers
    }

    /// Returns the pre-release, such as `rc.1`; empty when it is none.
    #[must_use]
    pub fn pre(&self) -> &str {
        &self.pre
    }
}

/// Reads one to four numbers with dots between; returns how many there were too.
fn numbers_of(text: &str) -> Option<([u64; 4], usize)> {
    let mut numbers = [0; 4];
    let mut count = 0_usize;
    for part in text.split('.') {
        let slot = numbers.get_mut(count)?;
        if part.is_empty() || !part.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        *slot = part
            .parse()
            .ok()
            .filter(|number| i64::try_from(*number).is_ok())?;
        count = count.saturating_add(1);
    }
    Some((numbers, count))
}

/// Reads what stands before the wildcard of `1.2.*`: its numbers.
pub(super) fn parse_prefix(text: &str) -> Option<Vec<u64>> {
    let (numbers, count) = numbers_of(text.strip_suffix('.')?)?;
    (count < 4).then(|| numbers.into_iter().take(count).collect())
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                // A pre-release comes before its release.
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_pre(&self.pre, &other.pre),
            }
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares part by part: numbers by size and before words, a missing part first.
fn compare_pre(left: &str, right: &str) -> Ordering {
    let key = |part: &str| match part.parse::<u64>() {
        Ok(number) => (0, number, String::new()),
        Err(_) => (1, 0, part.to_owned()),
    };
    let by_parts = left.split('.').map(key).cmp(right.split('.').map(key));
    // `01` and `1` are equal numbers and different texts.
    by_parts.then_with(|| left.cmp(right))
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch, revision] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if revision > 0 {
            write!(f, ".{revision}")?;
        }
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_the_order_of_semver() {
        let texts = [
            "0.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.0.1",
            "1.2.0",
            "1.10",
        ];
        let versions: Vec<Version> = texts
            .iter()
            .map(|text| Version::parse(text).unwrap())
            .collect();
        assert!(versions.is_sorted(), "{versions:?}");
        assert_eq!(Version::parse("1.2"), Version::parse("1.2.0+build.5"));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "",
            "a",
            "1.",
            ".1",
            "1.2.3.4.5",
            "1.2-",
            "v1",
            "1.2-ä",
            "99999999999999999999",
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert_eq!(parse_prefix("1.2."), Some(vec![1, 2]));
        assert_eq!(parse_prefix("1.2"), None);
        assert_eq!(parse_prefix("."), None);
    }
}
