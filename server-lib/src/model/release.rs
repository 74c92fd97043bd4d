//! Releases, what is in them, and where they were deployed.

use std::cmp::Ordering;

use super::ids::{DeploymentId, ProjectId, ReleaseId};
use super::time::Millis;

/// A release in one project. Sentry's clients see the rows of one version together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its number.
    pub id: ReleaseId,
    /// Whose it is.
    pub project: ProjectId,
    /// Its name, such as `shop@1.2.3+4`.
    pub version: String,
    /// When it became known, by an event, a session or the API.
    pub created: Millis,
    /// When work on it began, as told.
    pub started: Option<Millis>,
    /// When it was released, as told.
    pub released: Option<Millis>,
    /// Where it is described; may be empty.
    pub url: String,
    /// What it was built from, as told; may be empty.
    pub reference: String,
    /// Whether it is put away.
    pub is_archived: bool,
    /// When its first event happened.
    pub first_event: Option<Millis>,
    /// When its latest event happened.
    pub last_event: Option<Millis>,
    /// How many issues had their first event in it.
    pub new_issues: u64,
    /// How many commits it has.
    pub commits: u64,
    /// Its latest commit.
    pub last_commit: Option<Commit>,
    /// Its latest deployment.
    pub last_deployment: Option<Deployment>,
}

/// A release to make known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRelease {
    /// Whose it is.
    pub project: ProjectId,
    /// Its name.
    pub version: String,
    /// When.
    pub at: Millis,
    /// The rest.
    pub change: ReleaseChange,
}

/// What changes in a release; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseChange {
    /// When work on it began.
    pub started: Option<Option<Millis>>,
    /// When it was released.
    pub released: Option<Option<Millis>>,
    /// Where it is described.
    pub url: Option<String>,
    /// What it was built from.
    pub reference: Option<String>,
    /// Whether it is put away.
    pub is_archived: Option<bool>,
    /// All its commits, latest first. Issues that were resolved by one of them are resolved in this
    /// release from then on.
    pub commits: Option<Vec<Commit>>,
}

/// A commit in a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// The repository; may be empty.
    pub repository: String,
    /// Who wrote it; may be empty.
    pub author_name: String,
    /// Their e-mail address; may be empty.
    pub author_email: String,
    /// What they say about it; may be empty.
    pub message: String,
    /// When, as told.
    pub at: Option<Millis>,
}

/// A deployment of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its number.
    pub id: DeploymentId,
    /// Whose it is.
    pub project: ProjectId,
    /// The release's name.
    pub version: String,
    /// Where it was deployed.
    pub environment: String,
    /// Its name; may be empty.
    pub name: String,
    /// Where it is described; may be empty.
    pub url: String,
    /// When it began, as told.
    pub started: Option<Millis>,
    /// When it ended.
    pub finished: Millis,
}

/// A deployment to note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewDeployment {
    /// Whose it is.
    pub project: ProjectId,
    /// The release's name; one that is unknown becomes known.
    pub version: String,
    /// Where.
    pub environment: String,
    /// Its name; may be empty.
    pub name: String,
    /// Where it is described; may be empty.
    pub url: String,
    /// When it began.
    pub started: Option<Millis>,
    /// When it ended.
    pub finished: Millis,
}

/// The parts of a version that can be ordered: `package@1.2.3.4-rc.1+build`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'a> {
    /// What stands before the `@`; empty when nothing does.
    pub package: &'a str,
    /// Major, minor, patch and revision; missing ones are 0.
    pub numbers: [u64; 4],
    /// What stands behind the first `-`; empty for a finished one.
    pub prerelease: &'a str,
    /// What stands behind the `+`.
    pub build: &'a str,
}

impl<'a> Version<'a> {
    /// Reads a version; `None` of a release that is named otherwise, such as by a commit.
    #[must_use]
    pub fn parse(release: &'a str) -> Option<Self> {
        let (package, version) = release.rsplit_once('@').unwrap_or(("", release));
        let (version, build) = version.split_once('+').unwrap_or((version, ""));
        let (version, prerelease) = version.split_once('-').unwrap_or((version, ""));
        let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
        let mut numbers = [0; 4];
        let mut parts = version.split('.');
        let mut count = 0_usize;
        for (number, part) in numbers.iter_mut().zip(&mut parts) {
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            *number = is_number.then(|| part.parse().ok()).flatten()?;
            count = count.saturating_add(1);
        }
        // A single number is more often a date or a build than a version.
        let is_version = parts.next().is_none() && count >= 2;
        is_version.then_some(Self {
            package,
            numbers,
            prerelease,
            build,
        })
    }

    /// Orders versions of one package; builds of one version are equal.
    #[must_use]
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        if self.package != other.package {
            return None;
        }
        let stages = match (self.prerelease, other.prerelease) {
            ("", "") => Ordering::Equal,
            ("", _) => Ordering::Greater,
            (_, "") => Ordering::Less,
            (one, two) => order_stages(one, two),
        };
        Some(self.numbers.cmp(&other.numbers).then(stages))
    }
}

/// Orders what stands behind the hyphen: number by number, and words after numbers.
fn order_stages(one: &str, two: &str) -> Ordering {
    let number = |text: &str| text.parse::<u64>().ok();
    let (mut left, mut right) = (one.split('.'), two.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => match (number(left), number(right)) {
                (Some(left), Some(right)) => left.cmp(&right),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => left.cmp(right),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A release as far as its order goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed<'a> {
    /// Its name.
    pub version: &'a str,
    /// When it became known.
    pub created: Millis,
}

/// Orders two releases of a project: by their versions where both have one, else by when they
/// became known.
#[must_use]
pub fn order(one: Placed<'_>, two: Placed<'_>) -> Ordering {
    if one.version == two.version {
        return Ordering::Equal;
    }
    let versions = Version::parse(one.version).zip(Version::parse(two.version));
    versions
        .and_then(|(one, two)| one.order(&two))
        .filter(|order| *order != Ordering::Equal)
        .unwrap_or_else(|| one.created.cmp(&two.created))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_people_count() {
        let ascending = [
            "shop@1.2.0-alpha",
            "shop@1.2.0-alpha.1",
            "shop@1.2.0-alpha.2",
            "shop@1.2.0-alpha.10",
            "shop@1.2.0-rc.1",
            "shop@1.2.0",
            "shop@1.2.1+7",
            "shop@1.10.0",
            "shop@v2.0",
        ];
        for pair in ascending.windows(2) {
            let [one, two] = pair else { continue };
            let (one, two) = (Version::parse(one).unwrap(), Version::parse(two).unwrap());
            assert_eq!(one.order(&two), Some(Ordering::Less), "{one:?} {two:?}");
        }
        for other in ["deadbeef", "42", "1.x", "1.2.3.4.5", "", "shop@", "1..2"] {
            assert_eq!(Version::parse(other), None, "{other}");
        }
    }

    #[test]
    fn releases_without_an_order_of_versions_are_ordered_by_time() {
        let placed = |version, created| Placed {
            version,
            created: Millis(created),
        };
        assert_eq!(order(placed("2.0", 1), placed("1.9", 2)), Ordering::Greater);
        assert_eq!(
            order(placed("cafe01", 1), placed("beef02", 2)),
            Ordering::Less
        );
        assert_eq!(
            order(placed("a@2.0", 1), placed("b@1.0", 2)),
            Ordering::Less
        );
        assert_eq!(
            order(placed("1.0+1", 3), placed("1.0+2", 2)),
            Ordering::Greater
        );
        assert_eq!(order(placed("1.0", 3), placed("1.0", 2)), Ordering::Equal);
    }
}
