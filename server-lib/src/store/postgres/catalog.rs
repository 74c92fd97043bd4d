//! Organisations, projects, keys and tokens.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_postgres::Row;

use super::failure::corrupt;
use super::index::purging;
use super::pool::{Lease, Pool};
use super::row::{get, int, number, text};
use crate::error::{Error, ErrorKind};
use crate::model::catalog::{ApiToken, KeyLimit, Organisation, Project, ProjectKey};
use crate::model::ids::{KeyId, OrganisationId, ProjectId, TokenId, UserId};
use crate::model::scope::Scopes;
use crate::model::settings::ProjectSettings;
use crate::model::time::Millis;
use crate::secret::SecretHash;
use crate::store::{
    Catalog, CatalogSnapshot, KeyChange, NewKey, NewProject, NewToken, ProjectChange,
};

const ORGANISATIONS: &str = "SELECT id, slug, name, created FROM organisations ORDER BY id";
const PROJECTS: &str = "SELECT id, organisation, slug, name, platform, created, ingest_token, \
                        settings FROM projects ORDER BY id";
const PROJECT: &str = "SELECT id, organisation, slug, name, platform, created, ingest_token, \
                       settings FROM projects WHERE id = $1";
const KEYS: &str = "SELECT id, project, public_key, label, active, rate_window, rate_count, \
                    created FROM project_keys ORDER BY id";
const KEY: &str = "SELECT id, project, public_key, label, active, rate_window, rate_count, \
                   created FROM project_keys WHERE id = $1";
const TOKENS: &str = "SELECT id, organisation, label, hint, scopes, created, last_used, expires, \
                      owner, project FROM api_tokens WHERE organisation = $1 ORDER BY id DESC";
const TOKEN: &str = "SELECT id, organisation, label, hint, scopes, created, last_used, expires, \
                     owner, project FROM api_tokens WHERE hash = $1";
const VERSION: &str = "SELECT value FROM counters WHERE name = 'catalog_version'";
const NEW_VERSION: &str = "UPDATE counters SET value = value + 1 WHERE name = 'catalog_version'";

/// The catalogue in PostgreSQL.
#[derive(Debug)]
pub(super) struct PostgresCatalog {
    pool: Arc<Pool>,
}

impl PostgresCatalog {
    /// Makes the part.
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self { pool }
    }

    /// Begins a change. The row of the version is locked first, so changes follow one another.
    async fn change(&self) -> Result<Lease, Error> {
        let mut lease = self.pool.lend().await?;
        lease.begin("BEGIN").await?;
        lease.execute(NEW_VERSION, &[]).await?;
        Ok(lease)
    }
}

#[async_trait]
impl Catalog for PostgresCatalog {
    async fn version(&self) -> Result<u64, Error> {
        let mut lease = self.pool.lend().await?;
        super::row::count(&lease.query_one(VERSION, &[]).await?, 0)
    }

    async fn snapshot(&self) -> Result<CatalogSnapshot, Error> {
        let mut lease = self.pool.lend().await?;
        lease
            .begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let version = super::row::count(&lease.query_one(VERSION, &[]).await?, 0)?;
        let organisations = lease.query(ORGANISATIONS, &[]).await?;
        let projects = lease.query(PROJECTS, &[]).await?;
        let keys = lease.query(KEYS, &[]).await?;
        lease.commit().await?;
        Ok(CatalogSnapshot {
            version,
            organisations: organisations
                .iter()
                .map(organisation)
                .collect::<Result<_, _>>()?,
            projects: projects.iter().map(project).collect::<Result<_, _>>()?,
            keys: keys.iter().map(key).collect::<Result<_, _>>()?,
        })
    }

    async fn create_organisation(
        &self,
        slug: &str,
        name: &str,
        at: Millis,
    ) -> Result<Organisation, Error> {
        let mut lease = self.change().await?;
        let id = next(&mut lease, "organisation").await?;
        let (slug, name) = (text(slug).into_owned(), text(name).into_owned());
        lease
            .execute(
                "INSERT INTO organisations (id, slug, name, created) VALUES ($1, $2, $3, $4)",
                &[&id, &slug, &name, &at.0],
            )
            .await
            .map_err(|error| taken(error, "an organisation of this slug"))?;
        lease.commit().await?;
        Ok(Organisation {
            id: OrganisationId(own(id)?),
            slug,
            name,
            created: at,
        })
    }

    async fn create_project(&self, project: NewProject) -> Result<Project, Error> {
        let settings = settings_text(&project.settings)?;
        let mut lease = self.change().await?;
        let id = next(&mut lease, "project").await?;
        let made = Project {
            id: ProjectId(own(id)?),
            organisation: project.organisation,
            slug: text(&project.slug).into_owned(),
            name: text(&project.name).into_owned(),
            platform: project
                .platform
                .map(|platform| text(&platform).into_owned()),
            created: project.at,
            ingest_token: text(&project.ingest_token).into_owned(),
            settings: project.settings,
        };
        lease
            .execute(
                "INSERT INTO projects (id, organisation, slug, name, platform, created, \
                 ingest_token, settings) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                &[
                    &id,
                    &int(made.organisation.0),
                    &made.slug,
                    &made.name,
                    &made.platform,
                    &made.created.0,
                    &made.ingest_token,
                    &settings,
                ],
            )
            .await
            .map_err(|error| taken(error, "a project of this slug or ingest token"))?;
        lease.commit().await?;
        Ok(made)
    }

    async fn update_project(&self, id: ProjectId, change: ProjectChange) -> Result<Project, Error> {
        let mut lease = self.change().await?;
        let row = lease.query_opt(PROJECT, &[&int(id.0)]).await?;
        let mut made = project(&row.ok_or_else(|| missing("project"))?)?;
        made.slug = change
            .slug
            .map_or(made.slug, |slug| text(&slug).into_owned());
        made.name = change
            .name
            .map_or(made.name, |name| text(&name).into_owned());
        if let Some(platform) = change.platform {
            made.platform = platform.map(|platform| text(&platform).into_owned());
        }
        made.settings = change.settings.unwrap_or(made.settings);
        made.ingest_token = change.ingest_token.unwrap_or(made.ingest_token);
        lease
            .execute(
                "UPDATE projects SET slug = $2, name = $3, platform = $4, settings = $5, \
                 ingest_token = $6 WHERE id = $1",
                &[
                    &int(id.0),
                    &made.slug,
                    &made.name,
                    &made.platform,
                    &settings_text(&made.settings)?,
                    &made.ingest_token,
                ],
            )
            .await
            .map_err(|error| taken(error, "a project of this slug or ingest token"))?;
        lease.commit().await?;
        Ok(made)
    }

    async fn delete_project(&self, id: ProjectId) -> Result<(), Error> {
        let mut lease = self.change().await?;
        let gone = lease
            .execute("DELETE FROM projects WHERE id = $1", &[&int(id.0)])
            .await?;
        if gone == 0 {
            return Err(missing("project"));
        }
        lease
            .execute(
                "INSERT INTO hidden (project, received) VALUES ($1, $2) \
                 ON CONFLICT (project) DO UPDATE SET received = EXCLUDED.received",
                &[&int(id.0), &i64::MAX],
            )
            .await?;
        purging::note_deleted(&mut lease).await?;
        lease.commit().await
    }

    async fn create_key(&self, key: NewKey) -> Result<ProjectKey, Error> {
        let mut lease = self.change().await?;
        let id = next(&mut lease, "key").await?;
        let made = ProjectKey {
            id: KeyId(own(id)?),
            project: key.project,
            public_key: text(&key.public_key).into_owned(),
            label: text(&key.label).into_owned(),
            active: true,
            rate_limit: key.rate_limit,
            created: key.at,
        };
        let (window, limit) = limit_columns(made.rate_limit);
        lease
            .execute(
                "INSERT INTO project_keys (id, project, public_key, label, active, rate_window, \
                 rate_count, created) VALUES ($1, $2, $3, $4, true, $5, $6, $7)",
                &[
                    &id,
                    &int(made.project.0),
                    &made.public_key,
                    &made.label,
                    &window,
                    &limit,
                    &made.created.0,
                ],
            )
            .await
            .map_err(|error| taken(error, "this public key"))?;
        lease.commit().await?;
        Ok(made)
    }

    async fn update_key(&self, id: KeyId, change: KeyChange) -> Result<ProjectKey, Error> {
        let mut lease = self.change().await?;
        let row = lease.query_opt(KEY, &[&int(id.0)]).await?;
        let mut made = key(&row.ok_or_else(|| missing("key"))?)?;
        made.label = change
            .label
            .map_or(made.label, |label| text(&label).into_owned());
        made.active = change.active.unwrap_or(made.active);
        made.rate_limit = change.rate_limit.unwrap_or(made.rate_limit);
        let (window, limit) = limit_columns(made.rate_limit);
        lease
            .execute(
                "UPDATE project_keys SET label = $2, active = $3, rate_window = $4, \
                 rate_count = $5 WHERE id = $1",
                &[&int(id.0), &made.label, &made.active, &window, &limit],
            )
            .await?;
        lease.commit().await?;
        Ok(made)
    }

    async fn delete_key(&self, id: KeyId) -> Result<(), Error> {
        let mut lease = self.change().await?;
        let gone = lease
            .execute("DELETE FROM project_keys WHERE id = $1", &[&int(id.0)])
            .await?;
        if gone == 0 {
            return Err(missing("key"));
        }
        lease.commit().await
    }

    async fn create_token(&self, token: NewToken) -> Result<ApiToken, Error> {
        let mut lease = self.pool.lend().await?;
        lease.begin("BEGIN").await?;
        check_belongings(&mut lease, &token).await?;
        let id = next(&mut lease, "token").await?;
        let made = ApiToken {
            id: TokenId(own(id)?),
            organisation: token.organisation,
            owner: token.owner,
            project: token.project,
            label: text(&token.label).into_owned(),
            hint: text(&token.hint).into_owned(),
            scopes: token.scopes,
            created: token.at,
            last_used: None,
            expires: token.expires,
        };
        lease
            .execute(
                "INSERT INTO api_tokens (id, organisation, label, hash, hint, scopes, created, \
                 expires, owner, project) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                &[
                    &id,
                    &int(made.organisation.0),
                    &made.label,
                    &token.hash.0.as_slice(),
                    &made.hint,
                    &made.scopes.to_bits(),
                    &made.created.0,
                    &made.expires.map(|expires| expires.0),
                    &made.owner.map(|owner| int(owner.0)),
                    &made.project.map(|project| int(project.0)),
                ],
            )
            .await
            .map_err(|error| taken(error, "this token"))?;
        lease.commit().await?;
        Ok(made)
    }

    async fn tokens(&self, organisation: OrganisationId) -> Result<Vec<ApiToken>, Error> {
        let mut lease = self.pool.lend().await?;
        let rows = lease.query(TOKENS, &[&int(organisation.0)]).await?;
        rows.iter().map(token).collect()
    }

    async fn find_token(&self, hash: &SecretHash) -> Result<Option<ApiToken>, Error> {
        let mut lease = self.pool.lend().await?;
        let row = lease.query_opt(TOKEN, &[&hash.0.as_slice()]).await?;
        row.as_ref().map(token).transpose()
    }

    async fn touch_tokens(&self, used: &[(TokenId, Millis)]) -> Result<(), Error> {
        let mut used: Vec<_> = used.iter().map(|(id, at)| (int(id.0), at.0)).collect();
        used.sort_unstable();
        let (ids, times): (Vec<_>, Vec<_>) = used.into_iter().unzip();
        let mut lease = self.pool.lend().await?;
        lease
            .execute(
                "UPDATE api_tokens SET last_used = GREATEST(last_used, used.at) \
                 FROM (SELECT id, max(at) AS at FROM unnest($1::integer[], $2::bigint[]) \
                 AS u (id, at) GROUP BY id) AS used WHERE api_tokens.id = used.id",
                &[&ids, &times],
            )
            .await?;
        Ok(())
    }

    async fn delete_token(&self, id: TokenId) -> Result<(), Error> {
        let mut lease = self.pool.lend().await?;
        let gone = lease
            .execute("DELETE FROM api_tokens WHERE id = $1", &[&int(id.0)])
            .await?;
        if gone == 0 {
            return Err(missing("token"));
        }
        Ok(())
    }
}

/// Returns a number that was never given before.
pub(super) async fn next(lease: &mut Lease, what: &str) -> Result<i32, Error> {
    let row = lease
        .query_one(
            "UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value::integer",
            &[&what],
        )
        .await?;
    get(&row, 0)
}

fn own(id: i32) -> Result<u32, Error> {
    u32::try_from(id).map_err(|_| corrupt("number"))
}

/// Says what a violated constraint means.
pub(super) fn taken(error: Error, what: &str) -> Error {
    match error.kind() {
        ErrorKind::Conflict => {
            Error::because(ErrorKind::Conflict, format!("{what} is there already"))
        }
        ErrorKind::NotFound => Error::because(
            ErrorKind::NotFound,
            "what it is to belong to does not exist",
        ),
        _ => error,
    }
}

/// Returns the error for something that is not there.
pub(super) fn missing(what: &str) -> Error {
    Error::because(ErrorKind::NotFound, format!("there is no such {what}"))
}

/// Insists that owner and project are of the token's organisation.
async fn check_belongings(lease: &mut Lease, token: &NewToken) -> Result<(), Error> {
    let organisation = int(token.organisation.0);
    if let Some(owner) = token.owner {
        let member = "SELECT 1 FROM memberships WHERE organisation = $1 AND person = $2";
        let found = lease
            .query_opt(member, &[&organisation, &int(owner.0)])
            .await?;
        found.ok_or_else(|| missing("member"))?;
    }
    if let Some(project) = token.project {
        let own = "SELECT 1 FROM projects WHERE organisation = $1 AND id = $2";
        let found = lease
            .query_opt(own, &[&organisation, &int(project.0)])
            .await?;
        found.ok_or_else(|| missing("project"))?;
    }
    Ok(())
}

fn settings_text(settings: &ProjectSettings) -> Result<String, Error> {
    serde_json::to_string(settings).map_err(|error| Error::new(ErrorKind::Invalid, error))
}

fn limit_columns(limit: Option<KeyLimit>) -> (Option<i64>, Option<i64>) {
    limit
        .map(|limit| (i64::from(limit.window), i64::from(limit.count)))
        .unzip()
}

fn organisation(row: &Row) -> Result<Organisation, Error> {
    Ok(Organisation {
        id: OrganisationId(number(row, 0)?),
        slug: get(row, 1)?,
        name: get(row, 2)?,
        created: Millis(get(row, 3)?),
    })
}

fn project(row: &Row) -> Result<Project, Error> {
    let settings: &str = get(row, 7)?;
    Ok(Project {
        id: ProjectId(number(row, 0)?),
        organisation: OrganisationId(number(row, 1)?),
        slug: get(row, 2)?,
        name: get(row, 3)?,
        platform: get(row, 4)?,
        created: Millis(get(row, 5)?),
        ingest_token: get(row, 6)?,
        settings: serde_json::from_str(settings).map_err(|_| corrupt("settings"))?,
    })
}

fn key(row: &Row) -> Result<ProjectKey, Error> {
    let small = |column| -> Result<Option<u32>, Error> {
        let value: Option<i64> = get(row, column)?;
        value
            .map(|value| u32::try_from(value).map_err(|_| corrupt("limit")))
            .transpose()
    };
    Ok(ProjectKey {
        id: KeyId(number(row, 0)?),
        project: ProjectId(number(row, 1)?),
        public_key: get(row, 2)?,
        label: get(row, 3)?,
        active: get(row, 4)?,
        rate_limit: small(5)?
            .zip(small(6)?)
            .map(|(window, count)| KeyLimit { window, count }),
        created: Millis(get(row, 7)?),
    })
}

fn own_number(row: &Row, column: usize) -> Result<Option<u32>, Error> {
    let value: Option<i32> = get(row, column)?;
    value.map(own).transpose()
}

fn token(row: &Row) -> Result<ApiToken, Error> {
    Ok(ApiToken {
        id: TokenId(number(row, 0)?),
        organisation: OrganisationId(number(row, 1)?),
        owner: own_number(row, 8)?.map(UserId),
        project: own_number(row, 9)?.map(ProjectId),
        label: get(row, 2)?,
        hint: get(row, 3)?,
        scopes: Scopes::from_bits(get(row, 4)?),
        created: Millis(get(row, 5)?),
        last_used: get::<Option<i64>>(row, 6)?.map(Millis),
        expires: get::<Option<i64>>(row, 7)?.map(Millis),
    })
}
