//! What is asked of the index of events, in the terms of its tables.

use rusqlite::Connection;

use super::floors::{self, DELETED, Floor};
use super::names::{self, NameId};
use super::partition::Span;
use super::row::{level_code, one, rows};
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::store::query::EventFilter;

/// A filter in the terms of the tables.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// Whose events; deleted projects are left out.
    pub(super) projects: Vec<(ProjectId, Floor)>,
    /// Of which groups: those of the issue asked for.
    pub(super) groups: Option<Vec<i64>>,
    /// From when …
    pub(super) first: i64,
    /// … to when.
    pub(super) last: i64,
    levels: Vec<i64>,
    environments: Option<Vec<NameId>>,
    releases: Option<Vec<NameId>>,
}

impl Question {
    /// Translates a filter.
    pub(super) fn new(connection: &Connection, filter: &EventFilter) -> Result<Self, Error> {
        let times = filter.times.as_ref();
        let mut wanted = filter.projects.clone();
        wanted.sort_unstable();
        wanted.dedup();
        let mut groups = None;
        if let Some(issue) = filter.issue {
            let of_issue = "SELECT project FROM issues WHERE id = ?1";
            let owner = one(connection, of_issue, [issue.to_i64()], |row| {
                Ok(ProjectId(row.get(0)?))
            })?;
            wanted.retain(|project| Some(*project) == owner);
            let has = "SELECT id FROM groups WHERE issue =
                (SELECT coalesce(merged_into, id) FROM issues WHERE id = ?1)";
            groups = Some(rows(connection, has, [issue.to_i64()], |row| {
                Ok(row.get(0)?)
            })?);
        }
        let mut projects = Vec::new();
        for project in wanted {
            let floor = floors::of(connection, project)?;
            if floor.received != DELETED {
                projects.push((project, floor));
            }
        }
        Ok(Self {
            projects,
            groups,
            first: times.map_or(i64::MIN, |times| times.start().0),
            last: times.map_or(i64::MAX, |times| times.end().0),
            levels: filter.levels.iter().copied().map(level_code).collect(),
            environments: ids_of(connection, &filter.environments)?,
            releases: ids_of(connection, &filter.releases)?,
        })
    }

    /// Returns the same question of the times from `first` on.
    pub(super) fn since(&self, first: i64) -> Self {
        Self {
            first: first.max(self.first),
            ..self.clone()
        }
    }

    /// Reports whether it asks for certain levels, environments or releases.
    pub(super) fn is_narrow(&self) -> bool {
        !self.levels.is_empty() || self.environments.is_some() || self.releases.is_some()
    }

    /// Reports whether these are among those asked for.
    pub(super) fn matches(&self, level: i64, environment: NameId, release: NameId) -> bool {
        let among = |wanted: &Option<Vec<NameId>>, name: NameId| {
            wanted.as_ref().is_none_or(|wanted| wanted.contains(&name))
        };
        (self.levels.is_empty() || self.levels.contains(&level))
            && among(&self.environments, environment)
            && among(&self.releases, release)
    }

    /// Returns the part of the times that a partition can have, if any.
    pub(super) fn within(&self, span: &Span) -> Option<(i64, i64)> {
        let first = self.first.max(span.min_happened.0);
        let last = self.last.min(span.max_happened.0);
        (first <= last).then_some((first, last))
    }

    /// Returns the column that an index is searched by, and its values.
    pub(super) fn owners(&self, project: ProjectId) -> Vec<(&'static str, i64)> {
        match &self.groups {
            Some(groups) => groups.iter().map(|group| ("group_id", *group)).collect(),
            None => vec![("project", i64::from(project.0))],
        }
    }
}

/// Returns the numbers of names; `None` when any name will do. Unknown names have no number and
/// match nothing.
fn ids_of(connection: &Connection, texts: &[String]) -> Result<Option<Vec<NameId>>, Error> {
    if texts.is_empty() {
        return Ok(None);
    }
    let mut ids = Vec::new();
    for text in texts {
        ids.extend(names::find(connection, text)?);
    }
    Ok(Some(ids))
}
