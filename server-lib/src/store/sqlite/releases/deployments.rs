//! Deployments of releases.

use rusqlite::{Connection, Row, Transaction, params};

use crate::error::Error;
use crate::model::ids::{DeploymentId, ProjectId};
use crate::model::release::{Deployment, NewDeployment};
use crate::model::time::Millis;
use crate::store::query::Page;
use crate::store::sqlite::connection::damaged;
use crate::store::sqlite::row::{not_found, one, rows, stored};

const DEPLOYMENT: &str = "SELECT deployments.id, deployments.project, version, environment, name,
        deployments.url, deployments.started, finished
    FROM deployments JOIN releases ON releases.id = release";

/// Notes a deployment, and a release that was not known.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    new: &NewDeployment,
) -> Result<Deployment, Error> {
    super::seen(transaction, new.project, &new.version, new.finished, None)?;
    let insert = "INSERT INTO deployments
            (project, release, environment, name, url, started, finished)
        SELECT ?1, id, ?3, ?4, ?5, ?6, ?7 FROM releases WHERE project = ?1 AND version = ?2";
    let id = transaction.prepare_cached(insert)?.insert(params![
        new.project.0,
        new.version,
        new.environment,
        new.name,
        new.url,
        new.started.map(|at| at.0),
        new.finished.0
    ])?;
    let id = DeploymentId::from_i64(id).unwrap_or_default();
    find(transaction, id)?.ok_or_else(|| not_found("deployment"))
}

/// Finds a deployment.
pub(super) fn find(connection: &Connection, id: DeploymentId) -> Result<Option<Deployment>, Error> {
    let select = format!("{DEPLOYMENT} WHERE deployments.id = ?1");
    one(connection, &select, [id.to_i64()], deployment)
}

/// Returns the latest deployment of a release.
pub(super) fn latest(connection: &Connection, release: i64) -> Result<Option<Deployment>, Error> {
    let select = format!(
        "{DEPLOYMENT} WHERE deployments.release = ?1
        ORDER BY finished DESC, deployments.id DESC LIMIT 1"
    );
    one(connection, &select, [release], deployment)
}

/// Returns deployments, latest first.
pub(super) fn list(
    connection: &Connection,
    projects: &[ProjectId],
    version: Option<&str>,
    page: Page,
) -> Result<Vec<Deployment>, Error> {
    let select = format!(
        "{DEPLOYMENT} WHERE deployments.project = ?1 AND (?2 IS NULL OR version = ?2)
        ORDER BY finished DESC, deployments.id DESC LIMIT ?3"
    );
    let wanted = page.offset.saturating_add(page.limit);
    let mut all = Vec::new();
    for project in projects {
        let columns = params![project.0, version, stored(wanted)];
        all.extend(rows(connection, &select, columns, deployment)?);
    }
    all.sort_by_key(|one| std::cmp::Reverse((one.finished, one.id)));
    let skipped = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    Ok(all.into_iter().skip(skipped).take(limit).collect())
}

fn deployment(row: &Row<'_>) -> Result<Deployment, Error> {
    Ok(Deployment {
        id: DeploymentId::from_i64(row.get(0)?).ok_or_else(|| damaged("deployment"))?,
        project: ProjectId(row.get(1)?),
        version: row.get(2)?,
        environment: row.get(3)?,
        name: row.get(4)?,
        url: row.get(5)?,
        started: row.get::<_, Option<i64>>(6)?.map(Millis),
        finished: Millis(row.get(7)?),
    })
}
