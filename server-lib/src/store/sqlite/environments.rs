//! The environments that the events of a project named: noted once, and few.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{Connection, Transaction, params};

use super::generations::Generations;
use super::names::NameId;
use super::row::{one, rows, stored};
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::store::MAX_ENVIRONMENTS;

/// What needs no note.
#[derive(Default)]
pub(super) struct Environments {
    noted: Generations<(ProjectId, NameId), (), 1024>,
    /// Projects that have as many as are noted.
    full: HashSet<ProjectId>,
}

impl Environments {
    /// Notes the environments of a batch.
    pub(super) fn note(
        &mut self,
        transaction: &Transaction<'_>,
        named: &BTreeSet<(ProjectId, NameId)>,
    ) -> Result<(), Error> {
        for pair in named {
            let (project, environment) = *pair;
            let is_unnamed = environment == 0;
            if is_unnamed || self.noted.get(pair).is_some() || self.full.contains(&project) {
                continue;
            }
            if is_noted(transaction, *pair)? || insert(transaction, *pair)? {
                self.noted.insert(*pair, ());
            } else {
                self.full.insert(project);
            }
        }
        Ok(())
    }
}

fn is_noted(
    connection: &Connection,
    (project, environment): (ProjectId, NameId),
) -> Result<bool, Error> {
    let select = "SELECT 1 FROM environments WHERE project = ?1 AND environment = ?2";
    let found = one(connection, select, params![project.0, environment], |_| {
        Ok(())
    })?;
    Ok(found.is_some())
}

/// Notes an environment unless the project has too many; false then.
fn insert(
    transaction: &Transaction<'_>,
    (project, environment): (ProjectId, NameId),
) -> Result<bool, Error> {
    let insert = "INSERT INTO environments (project, environment) SELECT ?1, ?2
        WHERE (SELECT count(*) FROM environments WHERE project = ?1) < ?3";
    let columns = params![project.0, environment, stored(MAX_ENVIRONMENTS as u64)];
    Ok(transaction.prepare_cached(insert)?.execute(columns)? > 0)
}

/// Returns the environments of projects, in order.
pub(super) fn of_projects(
    connection: &Connection,
    projects: &[ProjectId],
) -> Result<Vec<(ProjectId, String)>, Error> {
    let select = "SELECT names.text FROM environments JOIN names
        ON names.id = environments.environment WHERE project = ?1 ORDER BY names.text";
    let mut found = Vec::new();
    for project in projects {
        let names = rows(connection, select, [project.0], |row| {
            Ok(row.get::<_, String>(0)?)
        })?;
        found.extend(names.into_iter().map(|name| (*project, name)));
    }
    Ok(found)
}
