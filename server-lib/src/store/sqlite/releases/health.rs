//! Health of releases: sums of sessions.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::{Connection, Rows, Statement, params};

use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::store::health::{Fold, Part};
use crate::store::sqlite::floors::{self, DELETED};
use crate::store::sqlite::names::{self, NameId};
use crate::store::sqlite::row::counted;
use crate::store::sqlite::session_sums::detail;
use crate::store::{HealthFilter, HealthRow, SessionTotals};

const SELECT: &str =
    "SELECT minute, release, environment, total, errored, abnormal, crashed, detail
    FROM session_counts WHERE project = ?1 AND minute BETWEEN ?2 AND ?3 ORDER BY minute";

/// Which names are wanted; `None` means any.
struct Wanted {
    releases: Option<Vec<NameId>>,
    environments: Option<Vec<NameId>>,
}

impl Wanted {
    fn has(&self, release: NameId, environment: NameId) -> bool {
        let among = |wanted: &Option<Vec<NameId>>, name| {
            wanted.as_ref().is_none_or(|wanted| wanted.contains(&name))
        };
        among(&self.releases, release) && among(&self.environments, environment)
    }
}

/// Sums sessions up.
pub(super) fn sums(
    connection: &Connection,
    filter: &HealthFilter,
) -> Result<Vec<HealthRow>, Error> {
    let wanted = Wanted {
        releases: ids_of(connection, &filter.releases)?,
        environments: ids_of(connection, &filter.environments)?,
    };
    let mut projects = filter.projects.clone();
    projects.sort_unstable();
    projects.dedup();
    let mut shown = Vec::with_capacity(projects.len());
    for project in projects {
        if floors::of(connection, project)?.received != DELETED {
            shown.push(project);
        }
    }
    // Rows of a group come in the order of their minutes: projects that are one group side by side.
    let together = if filter.by.project {
        1
    } else {
        shown.len().max(1)
    };
    let mut fold = Fold::new(filter);
    for projects in shown.chunks(together) {
        add(connection, filter, &wanted, projects, &mut fold)?;
    }
    fold.finish(|name| names::text(connection, name))
}

fn add(
    connection: &Connection,
    filter: &HealthFilter,
    wanted: &Wanted,
    projects: &[ProjectId],
    fold: &mut Fold<'_, NameId>,
) -> Result<(), Error> {
    let (first, last) = (filter.times.start().minute(), filter.times.end().minute());
    let statements = projects.iter().map(|_| connection.prepare(SELECT));
    let mut statements = statements.collect::<Result<Vec<Statement<'_>>, _>>()?;
    let mut cursors: Vec<(ProjectId, Rows<'_>)> = Vec::with_capacity(projects.len());
    for (project, statement) in projects.iter().zip(&mut statements) {
        cursors.push((*project, statement.query(params![project.0, first, last])?));
    }
    // Which cursor is next: each waits under the minute of its last row.
    let mut waiting: BinaryHeap<_> = (0..cursors.len())
        .map(|at| Reverse((i64::MIN, at)))
        .collect();
    let mut heads: Vec<Option<(NameId, NameId, Part)>> = cursors.iter().map(|_| None).collect();
    while let Some(Reverse((_, at))) = waiting.pop() {
        let (Some((project, rows)), Some(head)) = (cursors.get_mut(at), heads.get_mut(at)) else {
            continue;
        };
        if let Some((release, environment, part)) = head.take() {
            fold.add(*project, (&release, &environment), &part)?;
        }
        while let Some(row) = rows.next()? {
            let (release, environment): (NameId, NameId) = (row.get(1)?, row.get(2)?);
            if !wanted.has(release, environment) {
                continue;
            }
            let minute = row.get(0)?;
            let part = Part {
                minute,
                sessions: SessionTotals {
                    total: counted(row.get(3)?),
                    errored: counted(row.get(4)?),
                    abnormal: counted(row.get(5)?),
                    crashed: counted(row.get(6)?),
                },
                detail: match filter.with_detail {
                    true => detail(row, 7)?,
                    false => None,
                },
            };
            *head = Some((release, environment, part));
            waiting.push(Reverse((minute, at)));
            break;
        }
    }
    Ok(())
}

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
