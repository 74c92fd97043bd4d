//! Releases, deployments and health.

mod deployments;

use std::cmp::Ordering;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_postgres::Row;

use super::pool::{Lease, Pool};
use super::row::{big, count, get, int, number, project, projects, text};
use super::session_sums;
use crate::error::{Error, ErrorKind};
use crate::model::ids::{DeploymentId, ProjectId, ReleaseId};
use crate::model::release::{
    Commit, Deployment, NewDeployment, NewRelease, Placed, Release, ReleaseChange, order,
};
use crate::model::time::Millis;
use crate::store::query::{Page, ReleaseFilter};
use crate::store::{HealthFilter, HealthRow, Releases};

/// Releases that are looked at for the latest one.
const LATEST_OF: i64 = 200;

/// Returns when a release became known.
pub(super) async fn created(
    lease: &mut Lease,
    of: ProjectId,
    version: &str,
) -> Result<Option<Millis>, Error> {
    let sql = "SELECT created FROM releases WHERE project = $1 AND version = $2";
    let row = lease.query_opt(sql, &[&int(of.0), &text(version)]).await?;
    row.map(|row| Ok(Millis(get(&row, 0)?))).transpose()
}

/// Returns the latest release of a project.
pub(super) async fn latest(lease: &mut Lease, of: ProjectId) -> Result<Option<String>, Error> {
    let rows = lease
        .query(
            "SELECT version, created FROM releases WHERE project = $1 \
             ORDER BY created DESC, id DESC LIMIT $2",
            &[&int(of.0), &LATEST_OF],
        )
        .await?;
    let mut latest: Option<(String, Millis)> = None;
    for row in &rows {
        let next: (String, Millis) = (get(row, 0)?, Millis(get(row, 1)?));
        let is_later = latest
            .as_ref()
            .is_none_or(|latest| order(placed(latest), placed(&next)) == Ordering::Less);
        if is_later {
            latest = Some(next);
        }
    }
    Ok(latest.map(|(version, _)| version))
}

fn placed((version, created): &(String, Millis)) -> Placed<'_> {
    Placed {
        version,
        created: *created,
    }
}

/// Returns a release that has a commit.
pub(super) async fn with_commit(
    lease: &mut Lease,
    of: ProjectId,
    commit: &str,
) -> Result<Option<String>, Error> {
    let row = lease
        .query_opt(
            "SELECT r.version FROM releases r JOIN commits c ON c.release = r.id \
             WHERE r.project = $1 AND c.id = $2 ORDER BY r.created LIMIT 1",
            &[&int(of.0), &text(commit)],
        )
        .await?;
    row.map(|row| get(&row, 0)).transpose()
}

/// Makes a release known; false when it was.
async fn make(lease: &mut Lease, of: ProjectId, version: &str, at: Millis) -> Result<bool, Error> {
    let made = lease
        .execute(
            "INSERT INTO releases (project, version, created, url, reference, archived) \
             VALUES ($1, $2, $3, '', '', false) ON CONFLICT DO NOTHING",
            &[&int(of.0), &text(version), &at.0],
        )
        .await?;
    Ok(made > 0)
}

/// Releases in PostgreSQL.
#[derive(Debug)]
pub(super) struct PostgresReleases {
    pool: Arc<Pool>,
}

impl PostgresReleases {
    /// Makes the part.
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl Releases for PostgresReleases {
    async fn find(&self, of: &[ProjectId], version: &str) -> Result<Vec<Release>, Error> {
        let mut lease = self.pool.lend().await?;
        find(&mut lease, of, version).await
    }

    async fn list(&self, filter: &ReleaseFilter, page: Page) -> Result<Vec<Release>, Error> {
        let times = filter.created.as_ref();
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query(
                concat!(
                    include_str!("release.sql"),
                    " WHERE r.project = ANY($1) AND r.created BETWEEN $2 AND $3 \
                     AND strpos(lower(r.version), $4) > 0 \
                     AND ($5::boolean IS NULL OR r.archived = $5) \
                     ORDER BY r.created DESC, r.id DESC OFFSET $6 LIMIT $7"
                ),
                &[
                    &projects(&filter.projects),
                    &times.map_or(i64::MIN, |times| times.start().0),
                    &times.map_or(i64::MAX, |times| times.end().0),
                    &text(&filter.text.to_lowercase()),
                    &filter.is_archived,
                    &big(page.offset),
                    &big(page.limit),
                ],
            )
            .await?;
        whole(&mut lease, &rows).await
    }

    async fn put(&self, new: NewRelease) -> Result<(Release, bool), Error> {
        let mut lease = self.pool.lend().await?;
        lease.begin("BEGIN").await?;
        let is_new = make(&mut lease, new.project, &new.version, new.at).await?;
        let release = change(&mut lease, new.project, &new.version, &new.change).await?;
        lease.commit().await?;
        Ok((release, is_new))
    }

    async fn update(
        &self,
        of: ProjectId,
        version: &str,
        to: ReleaseChange,
    ) -> Result<Release, Error> {
        let mut lease = self.pool.lend().await?;
        lease.begin("BEGIN").await?;
        let release = change(&mut lease, of, version, &to).await?;
        lease.commit().await?;
        Ok(release)
    }

    async fn delete(&self, of: ProjectId, version: &str) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        let row = lease
            .query_one(
                "SELECT EXISTS (SELECT FROM issues WHERE project = $1 \
                 AND (first_release = $2 OR last_release = $2))",
                &[&int(of.0), &text(version)],
            )
            .await?;
        if get(&row, 0)? {
            return Err(Error::because(
                ErrorKind::Conflict,
                "the release has issues",
            ));
        }
        let sql = "DELETE FROM releases WHERE project = $1 AND version = $2";
        if lease.execute(sql, &[&int(of.0), &text(version)]).await? == 0 {
            return Err(missing());
        }
        Ok(())
    }

    async fn commits(&self, of: ProjectId, version: &str) -> Result<Vec<Commit>, Error> {
        let mut lease = self.pool.lend().await?;
        let rows = lease
            .query(
                "SELECT c.id, c.repository, c.author_name, c.author_email, c.message, c.at \
                 FROM commits c JOIN releases r ON r.id = c.release \
                 WHERE r.project = $1 AND r.version = $2 ORDER BY c.place",
                &[&int(of.0), &text(version)],
            )
            .await?;
        let found = rows.iter().map(|row| commit(row, 0));
        found.filter_map(Result::transpose).collect()
    }

    async fn deploy(&self, new: NewDeployment) -> Result<Deployment, Error> {
        let mut lease = self.pool.lend().await?;
        lease.begin("BEGIN").await?;
        make(&mut lease, new.project, &new.version, new.finished).await?;
        let deployment = deployments::insert(&mut lease, &new).await?;
        lease.commit().await?;
        Ok(deployment)
    }

    async fn deployments(
        &self,
        of: &[ProjectId],
        version: Option<&str>,
        page: Page,
    ) -> Result<Vec<Deployment>, Error> {
        let mut lease = self.pool.lend().await?;
        deployments::list(&mut lease, of, version, page).await
    }

    async fn deployment(&self, id: DeploymentId) -> Result<Option<Deployment>, Error> {
        let mut lease = self.pool.lend().await?;
        deployments::find(&mut lease, id).await
    }

    async fn health(&self, filter: &HealthFilter) -> Result<Vec<HealthRow>, Error> {
        let mut lease = self.pool.lend().await?;
        session_sums::health(&mut lease, filter).await
    }
}

fn missing() -> Error {
    Error::because(ErrorKind::NotFound, "there is no such release")
}

async fn find(lease: &mut Lease, of: &[ProjectId], version: &str) -> Result<Vec<Release>, Error> {
    let rows = lease
        .query(
            concat!(
                include_str!("release.sql"),
                " WHERE r.project = ANY($1) AND r.version = $2 ORDER BY r.project"
            ),
            &[&projects(of), &text(version)],
        )
        .await?;
    whole(lease, &rows).await
}

async fn change(
    lease: &mut Lease,
    of: ProjectId,
    version: &str,
    to: &ReleaseChange,
) -> Result<Release, Error> {
    let known = find(lease, &[of], version)
        .await?
        .pop()
        .ok_or_else(missing)?;
    let millis = |at: Option<Millis>| at.map(|at| at.0);
    lease
        .execute(
            "UPDATE releases SET started = $2, released = $3, url = $4, reference = $5, \
             archived = $6 WHERE id = $1",
            &[
                &int(known.id.0),
                &millis(to.started.unwrap_or(known.started)),
                &millis(to.released.unwrap_or(known.released)),
                &text(to.url.as_ref().unwrap_or(&known.url)),
                &text(to.reference.as_ref().unwrap_or(&known.reference)),
                &to.is_archived.unwrap_or(known.is_archived),
            ],
        )
        .await?;
    if let Some(commits) = &to.commits {
        put_commits(lease, &known, commits).await?;
    }
    find(lease, &[of], version).await?.pop().ok_or_else(missing)
}

async fn put_commits(
    lease: &mut Lease,
    release: &Release,
    commits: &[Commit],
) -> Result<(), Error> {
    let id = int(release.id.0);
    lease
        .execute("DELETE FROM commits WHERE release = $1", &[&id])
        .await?;
    let ids: Vec<_> = commits.iter().map(|commit| text(&commit.id)).collect();
    let repositories: Vec<_> = commits
        .iter()
        .map(|commit| text(&commit.repository))
        .collect();
    let names: Vec<_> = commits
        .iter()
        .map(|commit| text(&commit.author_name))
        .collect();
    let emails: Vec<_> = commits
        .iter()
        .map(|commit| text(&commit.author_email))
        .collect();
    let messages: Vec<_> = commits.iter().map(|commit| text(&commit.message)).collect();
    let times: Vec<_> = commits
        .iter()
        .map(|commit| commit.at.map(|at| at.0))
        .collect();
    lease
        .execute(
            "INSERT INTO commits \
             (release, place, id, repository, author_name, author_email, message, at) \
             SELECT $1, n.nth - 1, n.id, n.repository, n.author_name, n.author_email, n.message, \
             n.at FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], \
             $7::bigint[]) WITH ORDINALITY \
             AS n (id, repository, author_name, author_email, message, at, nth)",
            &[&id, &ids, &repositories, &names, &emails, &messages, &times],
        )
        .await?;
    lease
        .execute(
            "UPDATE issues SET resolution = 3, resolution_of = $3, resolution_in = NULL \
             WHERE project = $1 AND resolution = 4 AND resolution_of = ANY($2)",
            &[&int(release.project.0), &ids, &text(&release.version)],
        )
        .await?;
    Ok(())
}

/// Reads a commit from a column on; `None` where a join found none.
fn commit(row: &Row, from: usize) -> Result<Option<Commit>, Error> {
    let column = |place: usize| from.saturating_add(place);
    let Some(id) = get(row, column(0))? else {
        return Ok(None);
    };
    Ok(Some(Commit {
        id,
        repository: get(row, column(1))?,
        author_name: get(row, column(2))?,
        author_email: get(row, column(3))?,
        message: get(row, column(4))?,
        at: get::<Option<i64>>(row, column(5))?.map(Millis),
    }))
}

/// Reads releases with their latest deployments.
async fn whole(lease: &mut Lease, rows: &[Row]) -> Result<Vec<Release>, Error> {
    let millis = |at: Option<i64>| at.map(Millis);
    let mut releases = Vec::with_capacity(rows.len());
    for row in rows {
        releases.push(Release {
            id: ReleaseId(number(row, 0)?),
            project: project(row, 1)?,
            version: get(row, 2)?,
            created: Millis(get(row, 3)?),
            started: millis(get(row, 4)?),
            released: millis(get(row, 5)?),
            url: get(row, 6)?,
            reference: get(row, 7)?,
            is_archived: get(row, 8)?,
            first_event: millis(get(row, 9)?),
            last_event: millis(get(row, 10)?),
            new_issues: count(row, 11)?,
            commits: count(row, 12)?,
            last_commit: commit(row, 13)?,
            last_deployment: None,
        });
    }
    let ids: Vec<_> = releases.iter().map(|release| int(release.id.0)).collect();
    for (release, deployment) in deployments::latest(lease, &ids).await? {
        if let Some(found) = releases.iter_mut().find(|found| found.id == release) {
            found.last_deployment = Some(deployment);
        }
    }
    Ok(releases)
}
