//! Releases: made known by events, sessions and people; commits and deployments.

use std::cmp::Ordering;

use async_trait::async_trait;
use rusqlite::{Connection, Row, Transaction, params};

use super::Sqlite;
use super::connection::damaged;
use super::row::{counted, not_found, one, rows, stored};
use super::writer::Durability;
use crate::error::{Error, ErrorKind};
use crate::model::ids::{DeploymentId, ProjectId, ReleaseId};
use crate::model::release::{
    Commit, Deployment, NewDeployment, NewRelease, Placed, Release, ReleaseChange, order,
};
use crate::model::time::Millis;
use crate::store::query::{Page, ReleaseFilter};
use crate::store::{HealthFilter, HealthRow, Releases};

mod deployments;
mod health;

/// Releases that are looked at for the latest one.
const LATEST_OF: u32 = 200;

const RELEASE: &str = include_str!("../sql/release.sql");

/// Notes that a release was seen at a moment, with the times of its first and latest event.
pub(super) fn seen(
    transaction: &Transaction<'_>,
    project: ProjectId,
    version: &str,
    at: Millis,
    events: Option<(Millis, Millis)>,
) -> Result<(), Error> {
    if version.is_empty() {
        return Ok(());
    }
    let put = "INSERT INTO releases
            (project, version, created, url, reference, archived, first_event, last_event)
        VALUES (?1, ?2, ?3, '', '', 0, ?4, ?5)
        ON CONFLICT DO UPDATE SET
            first_event = min(coalesce(first_event, excluded.first_event), excluded.first_event),
            last_event = max(coalesce(last_event, excluded.last_event), excluded.last_event)
        WHERE excluded.first_event IS NOT NULL";
    let (first, last) = events.unzip();
    transaction.prepare_cached(put)?.execute(params![
        project.0,
        version,
        at.0,
        first.map(|at: Millis| at.0),
        last.map(|at: Millis| at.0)
    ])?;
    Ok(())
}

/// Returns when a release became known.
pub(super) fn created(
    connection: &Connection,
    project: ProjectId,
    version: &str,
) -> Result<Option<Millis>, Error> {
    let select = "SELECT created FROM releases WHERE project = ?1 AND version = ?2";
    one(connection, select, params![project.0, version], |row| {
        Ok(Millis(row.get(0)?))
    })
}

/// Returns the latest release of a project.
pub(super) fn latest(connection: &Connection, project: ProjectId) -> Result<Option<String>, Error> {
    let select = "SELECT version, created FROM releases WHERE project = ?1
        ORDER BY created DESC, id DESC LIMIT ?2";
    let known = rows(connection, select, params![project.0, LATEST_OF], |row| {
        Ok((row.get::<_, String>(0)?, Millis(row.get(1)?)))
    })?;
    let latest = known.into_iter().reduce(|one, two| {
        if order(placed(&one), placed(&two)) == Ordering::Less {
            two
        } else {
            one
        }
    });
    Ok(latest.map(|(version, _)| version))
}

/// Returns a release that has a commit.
pub(super) fn with_commit(
    connection: &Connection,
    project: ProjectId,
    commit: &str,
) -> Result<Option<String>, Error> {
    let select = "SELECT version FROM releases JOIN commits ON commits.release = releases.id
        WHERE project = ?1 AND commits.id = ?2 ORDER BY created LIMIT 1";
    one(connection, select, params![project.0, commit], |row| {
        Ok(row.get(0)?)
    })
}

#[async_trait]
impl Releases for Sqlite {
    async fn find(&self, projects: &[ProjectId], version: &str) -> Result<Vec<Release>, Error> {
        let (projects, version) = (projects.to_vec(), version.to_owned());
        self.read(move |connection| {
            let mut found = Vec::new();
            for project in projects {
                found.extend(find(connection, project, &version)?);
            }
            Ok(found)
        })
        .await
    }

    async fn list(&self, filter: &ReleaseFilter, page: Page) -> Result<Vec<Release>, Error> {
        let filter = filter.clone();
        self.read(move |connection| list(connection, &filter, page))
            .await
    }

    async fn put(&self, release: NewRelease) -> Result<(Release, bool), Error> {
        self.write(move |transaction| {
            let (project, version) = (release.project, release.version.as_str());
            let is_new = created(transaction, project, version)?.is_none();
            seen(transaction, project, version, release.at, None)?;
            let changed = change(transaction, project, version, &release.change)?;
            Ok((changed, is_new))
        })
        .await
    }

    async fn update(
        &self,
        project: ProjectId,
        version: &str,
        to: ReleaseChange,
    ) -> Result<Release, Error> {
        let version = version.to_owned();
        self.write(move |transaction| change(transaction, project, &version, &to))
            .await
    }

    async fn delete(&self, project: ProjectId, version: &str) -> Result<(), Error> {
        let version = version.to_owned();
        self.write(move |transaction| delete(transaction, project, &version))
            .await
    }

    async fn commits(&self, project: ProjectId, version: &str) -> Result<Vec<Commit>, Error> {
        let version = version.to_owned();
        self.read(move |connection| {
            let select = "SELECT commits.id, repository, author_name, author_email, message, at
                FROM commits JOIN releases ON releases.id = commits.release
                WHERE project = ?1 AND version = ?2 ORDER BY place";
            let found = rows(connection, select, params![project.0, version], |row| {
                commit(row, 0)
            })?;
            Ok(found.into_iter().flatten().collect())
        })
        .await
    }

    async fn deploy(&self, deployment: NewDeployment) -> Result<Deployment, Error> {
        self.write(move |transaction| deployments::insert(transaction, &deployment))
            .await
    }

    async fn deployments(
        &self,
        projects: &[ProjectId],
        version: Option<&str>,
        page: Page,
    ) -> Result<Vec<Deployment>, Error> {
        let (projects, version) = (projects.to_vec(), version.map(str::to_owned));
        self.read(move |connection| {
            deployments::list(connection, &projects, version.as_deref(), page)
        })
        .await
    }

    async fn deployment(&self, id: DeploymentId) -> Result<Option<Deployment>, Error> {
        self.read(move |connection| deployments::find(connection, id))
            .await
    }

    async fn health(&self, filter: &HealthFilter) -> Result<Vec<HealthRow>, Error> {
        let filter = filter.clone();
        self.read(move |connection| health::sums(connection, &filter))
            .await
    }
}

impl Sqlite {
    /// Writes what somebody is told is done.
    async fn write<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        self.writer
            .run(move |writer| writer.write(Durability::Power, |transaction, _| work(transaction)))
            .await
    }
}

fn find(
    connection: &Connection,
    project: ProjectId,
    version: &str,
) -> Result<Option<Release>, Error> {
    let select = format!("{RELEASE} WHERE releases.project = ?1 AND releases.version = ?2");
    one(connection, &select, params![project.0, version], |row| {
        release(connection, row)
    })
}

fn list(
    connection: &Connection,
    filter: &ReleaseFilter,
    page: Page,
) -> Result<Vec<Release>, Error> {
    let wanted = page.offset.saturating_add(page.limit);
    let times = filter.created.as_ref();
    let select = "SELECT created, id FROM releases
        WHERE project = ?1 AND created BETWEEN ?2 AND ?3
            AND (?4 = '' OR instr(lower(version), ?4) > 0) AND (?5 IS NULL OR archived = ?5)
        ORDER BY created DESC, id DESC LIMIT ?6";
    let mut order: Vec<(i64, i64)> = Vec::new();
    for project in &filter.projects {
        let columns = params![
            project.0,
            times.map_or(i64::MIN, |times| times.start().0),
            times.map_or(i64::MAX, |times| times.end().0),
            filter.text.to_lowercase(),
            filter.is_archived,
            stored(wanted)
        ];
        order.extend(rows(connection, select, columns, |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?);
    }
    order.sort_unstable_by(|one, two| two.cmp(one));
    let by_id = format!("{RELEASE} WHERE releases.id = ?1");
    let mut listed = Vec::new();
    let skipped = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    for (_, id) in order.into_iter().skip(skipped).take(limit) {
        listed.extend(one(connection, &by_id, [id], |row| {
            release(connection, row)
        })?);
    }
    Ok(listed)
}

fn change(
    transaction: &Transaction<'_>,
    project: ProjectId,
    version: &str,
    to: &ReleaseChange,
) -> Result<Release, Error> {
    let known = find(transaction, project, version)?.ok_or_else(|| not_found("release"))?;
    let millis = |at: Option<Millis>| at.map(|at| at.0);
    let update = "UPDATE releases SET started = ?2, released = ?3, url = ?4, reference = ?5,
        archived = ?6 WHERE id = ?1";
    transaction.execute(
        update,
        params![
            known.id.to_i64(),
            millis(to.started.unwrap_or(known.started)),
            millis(to.released.unwrap_or(known.released)),
            to.url.as_ref().unwrap_or(&known.url),
            to.reference.as_ref().unwrap_or(&known.reference),
            to.is_archived.unwrap_or(known.is_archived),
        ],
    )?;
    if let Some(commits) = &to.commits {
        put_commits(transaction, &known, commits)?;
    }
    find(transaction, project, version)?.ok_or_else(|| not_found("release"))
}

fn put_commits(
    transaction: &Transaction<'_>,
    release: &Release,
    commits: &[Commit],
) -> Result<(), Error> {
    let id = release.id.to_i64();
    transaction.execute("DELETE FROM commits WHERE release = ?1", [id])?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO commits
            (release, place, id, repository, author_name, author_email, message, at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut resolve = transaction.prepare_cached(
        "UPDATE issues SET resolution = 3, resolution_of = ?3, resolution_in = NULL
        WHERE project = ?1 AND resolution = 4 AND resolution_of = ?2",
    )?;
    for (place, commit) in (0_i64..).zip(commits) {
        insert.execute(params![
            id,
            place,
            commit.id,
            commit.repository,
            commit.author_name,
            commit.author_email,
            commit.message,
            commit.at.map(|at| at.0)
        ])?;
        resolve.execute(params![release.project.0, commit.id, release.version])?;
    }
    Ok(())
}

fn delete(transaction: &Transaction<'_>, project: ProjectId, version: &str) -> Result<(), Error> {
    let is_used = "SELECT 1 FROM issues JOIN names ON names.text = ?2
        WHERE project = ?1 AND (first_release = names.id OR last_release = names.id) LIMIT 1";
    if one(
        transaction,
        is_used,
        params![project.0, version],
        |_| Ok(()),
    )?
    .is_some()
    {
        return Err(Error::because(
            ErrorKind::Conflict,
            "the release has issues",
        ));
    }
    let delete = "DELETE FROM releases WHERE project = ?1 AND version = ?2";
    if transaction.execute(delete, params![project.0, version])? == 0 {
        return Err(not_found("release"));
    }
    Ok(())
}

fn release(connection: &Connection, row: &Row<'_>) -> Result<Release, Error> {
    let millis = |at: Option<i64>| at.map(Millis);
    let id: i64 = row.get(0)?;
    Ok(Release {
        id: ReleaseId::from_i64(id).ok_or_else(|| damaged("release"))?,
        project: ProjectId(row.get(1)?),
        version: row.get(2)?,
        created: Millis(row.get(3)?),
        started: millis(row.get(4)?),
        released: millis(row.get(5)?),
        url: row.get(6)?,
        reference: row.get(7)?,
        is_archived: row.get(8)?,
        first_event: millis(row.get(9)?),
        last_event: millis(row.get(10)?),
        new_issues: counted(row.get(11)?),
        commits: counted(row.get(12)?),
        last_commit: commit(row, 13)?,
        last_deployment: deployments::latest(connection, id)?,
    })
}

/// Reads a commit from a column on; `None` where a join found none.
fn commit(row: &Row<'_>, from: usize) -> Result<Option<Commit>, Error> {
    let column = |place: usize| from.saturating_add(place);
    let Some(id) = row.get(column(0))? else {
        return Ok(None);
    };
    Ok(Some(Commit {
        id,
        repository: row.get(column(1))?,
        author_name: row.get(column(2))?,
        author_email: row.get(column(3))?,
        message: row.get(column(4))?,
        at: row.get::<_, Option<i64>>(column(5))?.map(Millis),
    }))
}

fn placed((version, created): &(String, Millis)) -> Placed<'_> {
    Placed {
        version,
        created: *created,
    }
}
