//! What is hidden: of each project, all that arrived up to a moment. A deleted project is hidden
//! for all time.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::row::{one, rows};
use super::writer::{add_to_counter, counter};
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::time::Millis;

/// The floor of a deleted project.
pub(super) const DELETED: Millis = Millis(i64::MAX);

/// Everything hidden, as the writer remembers it.
#[derive(Default)]
pub(super) struct Floors {
    version: i64,
    of_project: HashMap<ProjectId, Millis>,
}

impl Floors {
    /// Reads the floors again if they have moved, by this process or another.
    pub(super) fn refresh(&mut self, connection: &Connection) -> Result<(), Error> {
        let version = counter(connection, "floors_version")?;
        if version != self.version {
            self.of_project = all(connection)?.into_iter().collect();
            self.version = version;
        }
        Ok(())
    }

    /// Reports whether what arrived at the moment is shown.
    pub(super) fn shows(&self, project: ProjectId, received: Millis) -> bool {
        let floor = self.of_project.get(&project);
        floor.is_none_or(|floor| received > *floor)
    }
}

/// The floor of one project, as readers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Floor {
    /// Nothing is shown that arrived up to this moment.
    pub(super) received: Millis,
    /// Whether all rows below it are removed.
    pub(super) is_swept: bool,
}

impl Floor {
    /// Reports whether rows that are hidden may be among those that arrived from `opened` on.
    pub(super) fn hides_from(self, opened: Millis) -> bool {
        !self.is_swept && self.received >= opened
    }
}

/// Returns the floor of a project; one below everything if it has none.
pub(super) fn of(connection: &Connection, project: ProjectId) -> Result<Floor, Error> {
    let select = "SELECT received, is_swept FROM project_floors WHERE project = ?1";
    let found = one(connection, select, [project.0], |row| {
        Ok(Floor {
            received: Millis(row.get(0)?),
            is_swept: row.get(1)?,
        })
    })?;
    Ok(found.unwrap_or(Floor {
        received: Millis(i64::MIN),
        is_swept: true,
    }))
}

/// Returns all floors by project.
pub(super) fn all(connection: &Connection) -> Result<Vec<(ProjectId, Millis)>, Error> {
    let select = "SELECT project, received FROM project_floors ORDER BY project";
    rows(connection, select, [], |row| {
        Ok((ProjectId(row.get(0)?), Millis(row.get(1)?)))
    })
}

/// Raises the floor of a project; one that is higher stays.
pub(super) fn raise(
    connection: &Connection,
    project: ProjectId,
    received: Millis,
) -> Result<(), Error> {
    let raise = "INSERT INTO project_floors (project, received, swept, is_swept)
        VALUES (?1, ?2, 0, 0)
        ON CONFLICT DO UPDATE SET received = excluded.received, swept = 0, is_swept = 0
        WHERE received < excluded.received";
    connection.execute(raise, params![project.0, received.0])?;
    add_to_counter(connection, "floors_version", 1)
}
