//! What a query names by words that only the install knows: latest releases, versions, slugs,
//! short ids. They are collected, looked up by the caller, and put in place.

use std::collections::{BTreeSet, HashMap};

use mini_sentry::protocol::EventId;

use super::ast::{
    Assignee, Condition, Expr, IssueRef, OneOf, Person, ProjectRef, Query, ReleaseName,
};
use super::field::Field;
use super::pattern::Pattern;
use super::version::Version;
use super::vocabulary::Stage;
use crate::model::ids::{IssueId, ProjectId};
use crate::model::issue::Actor;
use crate::model::time::Millis;

/// What must be looked up before a query can be answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    /// Addresses and names of people.
    pub people: BTreeSet<String>,
    /// Slugs of teams.
    pub teams: BTreeSet<String>,
    /// Short ids of issues, in upper case.
    pub issues: BTreeSet<String>,
    /// Ids of events, of which the issues are needed.
    pub events: BTreeSet<EventId>,
    /// Whether the releases of the projects are needed.
    pub releases: bool,
}

/// A release of one of the projects that are searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRelease {
    /// Its name.
    pub name: String,
    /// Whether its project has none that is newer.
    pub is_latest: bool,
    /// How far it has spread; `None` when nothing tells.
    pub stage: Option<Stage>,
}

/// What was looked up.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// When; the same as of [`ParseOptions`](super::ParseOptions).
    pub now: Millis,
    /// Who asks; `None` when it is nobody in particular.
    pub me: Option<Actor>,
    /// The teams of who asks.
    pub my_teams: Vec<Actor>,
    /// The people of addresses and names.
    pub people: HashMap<String, Actor>,
    /// The teams of slugs.
    pub teams: HashMap<String, Actor>,
    /// The projects that are searched, with their slugs.
    pub projects: Vec<(ProjectId, String)>,
    /// Their releases, when they are needed.
    pub releases: Vec<KnownRelease>,
    /// The issues of short ids. What is missing does not exist.
    pub issues: HashMap<String, IssueId>,
    /// The issues of events. What is missing does not exist.
    pub events: HashMap<EventId, IssueId>,
}

impl Query {
    /// Returns what must be looked up before the query can be answered.
    #[must_use]
    pub fn unknown(&self) -> Unknown {
        let mut unknown = Unknown::default();
        if let Some(root) = &self.root {
            collect(root, &mut unknown);
        }
        unknown
    }

    /// Puts in place what was looked up. In the result releases are patterns, and projects and
    /// issues numbers; what does not exist has become an alternative of nothing.
    #[must_use]
    pub fn resolve(&self, known: &Known) -> Expr {
        match &self.root {
            Some(root) => resolved(root, known),
            None => Expr::All(Vec::new()),
        }
    }
}

fn collect(expr: &Expr, into: &mut Unknown) {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| collect(part, into)),
        Expr::Not(inner) => collect(inner, into),
        Expr::One(condition) => collect_one(condition, into),
    }
}

fn collect_one(condition: &Condition, into: &mut Unknown) {
    match condition {
        Condition::Release(names)
        | Condition::FirstRelease(names)
        | Condition::LastRelease(names) => {
            into.releases |= names.iter().any(|name| *name == ReleaseName::Latest);
        }
        Condition::Version(_)
        | Condition::VersionPrefix(_)
        | Condition::Stage(_)
        | Condition::Number(Field::ReleaseBuild, _) => {
            into.releases = true;
        }
        Condition::Assigned { who, .. } => {
            for who in who {
                match who {
                    Assignee::Person(name) => into.people.insert(name.clone()),
                    Assignee::Team(slug) => into.teams.insert(slug.clone()),
                    Assignee::Me | Assignee::MyTeams | Assignee::Nobody => continue,
                };
            }
        }
        Condition::Bookmarked(people) | Condition::Subscribed(people) => {
            let names = people.iter().filter_map(|person| match person {
                Person::Named(name) => Some(name.clone()),
                Person::Me => None,
            });
            into.people.extend(names);
        }
        Condition::Issue(issues) => {
            let short = issues.iter().filter_map(|issue| match issue {
                IssueRef::Short(id) => Some(id.clone()),
                IssueRef::Id(_) => None,
            });
            into.issues.extend(short);
        }
        Condition::Event(ids) => into.events.extend(ids.iter().copied()),
        _ => {}
    }
}

fn resolved(expr: &Expr, known: &Known) -> Expr {
    let all = |parts: &[Expr]| parts.iter().map(|part| resolved(part, known)).collect();
    match expr {
        Expr::All(parts) => Expr::All(all(parts)),
        Expr::Any(parts) => Expr::Any(all(parts)),
        Expr::Not(inner) => Expr::Not(Box::new(resolved(inner, known))),
        Expr::One(condition) => resolved_one(condition, known),
    }
}

fn resolved_one(condition: &Condition, known: &Known) -> Expr {
    match condition {
        Condition::Release(names) => named(names, known, Condition::Release),
        Condition::FirstRelease(names) => named(names, known, Condition::FirstRelease),
        Condition::LastRelease(names) => named(names, known, Condition::LastRelease),
        Condition::Version(range) => releases(known, |release| {
            version_of(&release.name).is_some_and(|version| range.contains(&version))
        }),
        Condition::VersionPrefix(wanted) => releases(known, |release| {
            version_of(&release.name).is_some_and(|version| version.numbers().starts_with(wanted))
        }),
        Condition::Number(Field::ReleaseBuild, range) => releases(known, |release| {
            build_of(&release.name).is_some_and(|build| range.matches(build))
        }),
        Condition::Stage(stages) => releases(known, |release| {
            let is_it = |stage: &Stage| release.stage == Some(*stage);
            stages.iter().any(is_it)
        }),
        Condition::Project(projects) => {
            let ids = projects.iter().filter_map(|project| match project {
                ProjectRef::Id(id) => Some(*id),
                ProjectRef::Slug(slug) => {
                    let is_it = |(_, own): &&(ProjectId, String)| own == slug;
                    known.projects.iter().find(is_it).map(|(id, _)| *id)
                }
            });
            one_of(ids.map(ProjectRef::Id), Condition::Project)
        }
        Condition::Issue(issues) => {
            let ids = issues.iter().filter_map(|issue| match issue {
                IssueRef::Id(id) => Some(*id),
                IssueRef::Short(short) => known.issues.get(short).copied(),
            });
            one_of(ids.map(IssueRef::Id), Condition::Issue)
        }
        other => Expr::One(other.clone()),
    }
}

fn named(
    names: &OneOf<ReleaseName>,
    known: &Known,
    condition: impl Fn(OneOf<ReleaseName>) -> Condition,
) -> Expr {
    let mut all = Vec::new();
    for name in names {
        match name {
            ReleaseName::Named(_) => all.push(name.clone()),
            ReleaseName::Latest => {
                let latest = known.releases.iter().filter(|release| release.is_latest);
                let exact = |release: &KnownRelease| Pattern::exact(release.name.clone());
                all.extend(latest.map(exact).map(ReleaseName::Named));
            }
        }
    }
    one_of(all, condition)
}

fn releases(known: &Known, is_wanted: impl Fn(&KnownRelease) -> bool) -> Expr {
    let wanted = known.releases.iter().filter(|release| is_wanted(release));
    let names = wanted.map(|release| ReleaseName::Named(Pattern::exact(release.name.clone())));
    one_of(names, Condition::Release)
}

fn one_of<T>(
    values: impl IntoIterator<Item = T>,
    condition: impl Fn(OneOf<T>) -> Condition,
) -> Expr {
    match OneOf::new(values.into_iter().collect()) {
        Some(values) => Expr::One(condition(values)),
        None => Expr::Any(Vec::new()),
    }
}

/// Returns the version in a release's name: `package@1.2.3+build`, or the version alone.
fn version_of(release: &str) -> Option<Version> {
    Version::parse(
        release
            .rsplit_once('@')
            .map_or(release, |(_, version)| version),
    )
}

/// Returns the package in a release's name.
pub(super) fn package_of(release: &str) -> Option<&str> {
    release.rsplit_once('@').map(|(package, _)| package)
}

/// Returns the build in a release's name.
pub(super) fn build_of(release: &str) -> Option<&str> {
    let version = release
        .rsplit_once('@')
        .map_or(release, |(_, version)| version);
    version.split_once('+').map(|(_, build)| build)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::search::{ParseOptions, Subject, parse};

    fn query(text: &str) -> Query {
        parse(text, &ParseOptions::new(Subject::Issues, Millis(0))).unwrap()
    }

    fn resolved(text: &str) -> String {
        let release = |name: &str, is_latest, stage| KnownRelease {
            name: name.to_owned(),
            is_latest,
            stage,
        };
        let known = Known {
            projects: vec![(ProjectId(7), "web".to_owned())],
            releases: vec![
                release("shop@1.2.3", false, Some(Stage::Replaced)),
                release("shop@1.3.0+5", true, Some(Stage::Adopted)),
                release("nightly", false, None),
            ],
            issues: HashMap::from([("WEB-1".to_owned(), IssueId(11))]),
            ..Known::default()
        };
        query(text).resolve(&known).to_string()
    }

    #[test]
    fn what_must_be_looked_up_is_collected() {
        let unknown = query(
            "assigned:[me,a@example.com,#web] OR !bookmarks:user-42 issue:[web-1,5] release:latest",
        )
        .unknown();
        assert_eq!(
            unknown.people.into_iter().collect::<Vec<_>>(),
            ["a@example.com", "user-42"]
        );
        assert_eq!(unknown.teams.into_iter().collect::<Vec<_>>(), ["web"]);
        assert_eq!(unknown.issues.into_iter().collect::<Vec<_>>(), ["WEB-1"]);
        assert!(unknown.releases);
        assert_eq!(query("timeout level:error").unknown(), Unknown::default());
    }

    #[test]
    fn names_are_put_in_place() {
        for (text, form) in [
            ("release:[latest,a*]", "release:[shop@1.3.0+5,a*]"),
            ("firstRelease:latest", "firstRelease:shop@1.3.0+5"),
            ("release.version:>=1.2", "release:[shop@1.2.3,shop@1.3.0+5]"),
            ("release.version:1.2.*", "release:shop@1.2.3"),
            ("release.build:>4", "release:shop@1.3.0+5"),
            ("release.stage:adopted", "release:shop@1.3.0+5"),
            ("project:web", "project:7"),
            ("issue:[web-1,web-2]", "issue:11"),
        ] {
            assert_eq!(resolved(text), form, "{text}");
        }
        let nothing = Expr::Any(Vec::new());
        for text in ["release.version:>9", "project:api", "issue:WEB-2"] {
            assert_eq!(query(text).resolve(&Known::default()), nothing, "{text}");
        }
    }

    #[test]
    fn a_release_has_a_package_and_a_build() {
        assert_eq!(package_of("@scope/shop@1.2"), Some("@scope/shop"));
        assert_eq!(build_of("shop@1.2+77"), Some("77"));
        assert_eq!((package_of("1.2"), build_of("1.2")), (None, None));
    }
}
