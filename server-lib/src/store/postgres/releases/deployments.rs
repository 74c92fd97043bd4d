//! Deployments of releases.

use tokio_postgres::Row;

use super::super::pool::Lease;
use super::super::row::{big, get, int, number, project, projects, text};
use crate::error::{Error, ErrorKind};
use crate::model::ids::{DeploymentId, ProjectId, ReleaseId};
use crate::model::release::{Deployment, NewDeployment};
use crate::model::time::Millis;
use crate::store::query::Page;

/// What [`deployment`] reads, in its order.
macro_rules! deployment_columns {
    () => {
        "SELECT d.id, d.project, r.version, d.environment, d.name, d.url, d.started, d.finished, \
         d.release FROM deployments d JOIN releases r ON r.id = d.release "
    };
}

/// Notes a deployment of a release that is known.
pub(super) async fn insert(lease: &mut Lease, new: &NewDeployment) -> Result<Deployment, Error> {
    let row = lease
        .query_one(
            "INSERT INTO deployments (project, release, environment, name, url, started, \
             finished) SELECT $1, id, $3, $4, $5, $6, $7 FROM releases \
             WHERE project = $1 AND version = $2 RETURNING id",
            &[
                &int(new.project.0),
                &text(&new.version),
                &text(&new.environment),
                &text(&new.name),
                &text(&new.url),
                &new.started.map(|at| at.0),
                &new.finished.0,
            ],
        )
        .await?;
    let found = find(lease, DeploymentId(number(&row, 0)?)).await?;
    found.ok_or_else(|| Error::because(ErrorKind::NotFound, "there is no such deployment"))
}

/// Finds a deployment.
pub(super) async fn find(lease: &mut Lease, id: DeploymentId) -> Result<Option<Deployment>, Error> {
    let sql = concat!(deployment_columns!(), "WHERE d.id = $1");
    let row = lease.query_opt(sql, &[&int(id.0)]).await?;
    row.as_ref().map(deployment).transpose()
}

/// Returns the latest deployment of each release.
pub(super) async fn latest(
    lease: &mut Lease,
    releases: &[i32],
) -> Result<Vec<(ReleaseId, Deployment)>, Error> {
    let rows = lease
        .query(
            concat!(
                deployment_columns!(),
                "WHERE d.id IN (SELECT l.id FROM unnest($1::integer[]) AS n (release) \
                 CROSS JOIN LATERAL (SELECT x.id FROM deployments x \
                 WHERE x.release = n.release ORDER BY x.finished DESC, x.id DESC LIMIT 1) AS l)"
            ),
            &[&releases],
        )
        .await?;
    let latest = |row| Ok((ReleaseId(number(row, 8)?), deployment(row)?));
    rows.iter().map(latest).collect()
}

/// Returns deployments, latest first.
pub(super) async fn list(
    lease: &mut Lease,
    of: &[ProjectId],
    version: Option<&str>,
    page: Page,
) -> Result<Vec<Deployment>, Error> {
    let rows = lease
        .query(
            concat!(
                deployment_columns!(),
                "WHERE d.project = ANY($1) AND ($2::text IS NULL OR r.version = $2) \
                 ORDER BY d.finished DESC, d.id DESC OFFSET $3 LIMIT $4"
            ),
            &[
                &projects(of),
                &version.map(text),
                &big(page.offset),
                &big(page.limit),
            ],
        )
        .await?;
    rows.iter().map(deployment).collect()
}

fn deployment(row: &Row) -> Result<Deployment, Error> {
    Ok(Deployment {
        id: DeploymentId(number(row, 0)?),
        project: project(row, 1)?,
        version: get(row, 2)?,
        environment: get(row, 3)?,
        name: get(row, 4)?,
        url: get(row, 5)?,
        started: get::<Option<i64>>(row, 6)?.map(Millis),
        finished: Millis(get(row, 7)?),
    })
}
