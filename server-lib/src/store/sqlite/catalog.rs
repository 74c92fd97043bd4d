//! Organisations, projects and keys.

use async_trait::async_trait;
use rusqlite::{Connection, Row, Transaction, params};

use super::connection::damaged;
use super::index::purging;
use super::row::{not_found, one, rows};
use super::writer::{Durability, add_to_counter, counter};
use super::{Sqlite, floors, tokens};
use crate::error::{Error, ErrorKind};
use crate::model::catalog::{ApiToken, KeyLimit, Organisation, Project, ProjectKey};
use crate::model::ids::{KeyId, OrganisationId, ProjectId, TokenId};
use crate::model::time::Millis;
use crate::secret::SecretHash;
use crate::store::{
    Catalog, CatalogSnapshot, KeyChange, NewKey, NewProject, NewToken, ProjectChange,
};

const ORGANISATION: &str = "SELECT id, slug, name, created FROM organisations";

const PROJECT: &str = "SELECT id, organisation, slug, name, platform, created, ingest_token,
    settings FROM projects";

const KEY: &str = "SELECT id, project, public_key, label, active, limit_window, limit_count,
    created FROM project_keys";

#[async_trait]
impl Catalog for Sqlite {
    async fn version(&self) -> Result<u64, Error> {
        self.read(version).await
    }

    async fn snapshot(&self) -> Result<CatalogSnapshot, Error> {
        self.read(snapshot).await
    }

    async fn create_organisation(
        &self,
        slug: &str,
        name: &str,
        at: Millis,
    ) -> Result<Organisation, Error> {
        let (slug, name) = (slug.to_owned(), name.to_owned());
        self.change(move |transaction| {
            let insert = "INSERT INTO organisations (slug, name, created) VALUES (?1, ?2, ?3)";
            transaction
                .execute(insert, params![slug, name, at.0])
                .map_err(|error| taken(error, "an organisation of this slug"))?;
            let id = transaction.last_insert_rowid();
            one(
                transaction,
                &format!("{ORGANISATION} WHERE id = ?1"),
                [id],
                organisation,
            )?
            .ok_or_else(|| not_found("organisation"))
        })
        .await
    }

    async fn create_project(&self, project: NewProject) -> Result<Project, Error> {
        self.change(move |transaction| create_project(transaction, &project))
            .await
    }

    async fn update_project(&self, id: ProjectId, change: ProjectChange) -> Result<Project, Error> {
        self.change(move |transaction| update_project(transaction, id, change))
            .await
    }

    async fn delete_project(&self, id: ProjectId) -> Result<(), Error> {
        self.change(move |transaction| {
            let delete = "DELETE FROM projects WHERE id = ?1";
            if transaction.execute(delete, [id.0])? == 0 {
                return Err(not_found("project"));
            }
            floors::raise(transaction, id, Millis(i64::MAX))?;
            purging::note_deleted(transaction)
        })
        .await
    }

    async fn create_key(&self, key: NewKey) -> Result<ProjectKey, Error> {
        self.change(move |transaction| create_key(transaction, &key))
            .await
    }

    async fn update_key(&self, id: KeyId, change: KeyChange) -> Result<ProjectKey, Error> {
        self.change(move |transaction| update_key(transaction, id, change))
            .await
    }

    async fn delete_key(&self, id: KeyId) -> Result<(), Error> {
        self.change(move |transaction| {
            let delete = "DELETE FROM project_keys WHERE id = ?1";
            match transaction.execute(delete, [id.0])? {
                0 => Err(not_found("key")),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn create_token(&self, token: NewToken) -> Result<ApiToken, Error> {
        self.writer
            .run(move |writer| {
                writer.write(Durability::Power, |transaction, _| {
                    tokens::create(transaction, &token)
                })
            })
            .await
    }

    async fn tokens(&self, organisation: OrganisationId) -> Result<Vec<ApiToken>, Error> {
        self.read(move |connection| tokens::list(connection, organisation))
            .await
    }

    async fn find_token(&self, hash: &SecretHash) -> Result<Option<ApiToken>, Error> {
        let hash = *hash;
        self.read(move |connection| tokens::find(connection, &hash))
            .await
    }

    async fn touch_tokens(&self, used: &[(TokenId, Millis)]) -> Result<(), Error> {
        let used = used.to_vec();
        self.writer
            .run(move |writer| {
                writer.write(Durability::Process, |transaction, _| {
                    tokens::touch(transaction, &used)
                })
            })
            .await
    }

    async fn delete_token(&self, id: TokenId) -> Result<(), Error> {
        self.writer
            .run(move |writer| {
                writer.write(Durability::Power, |transaction, _| {
                    tokens::delete(transaction, id)
                })
            })
            .await
    }
}

impl Sqlite {
    /// Changes the catalogue and moves its version.
    async fn change<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        self.writer
            .run(move |writer| {
                writer.write(Durability::Power, |transaction, _| {
                    let answer = work(transaction)?;
                    add_to_counter(transaction, "catalog_version", 1)?;
                    Ok(answer)
                })
            })
            .await
    }
}

fn version(connection: &Connection) -> Result<u64, Error> {
    let version = counter(connection, "catalog_version")?;
    u64::try_from(version).map_err(|_| damaged("catalogue version"))
}

fn snapshot(connection: &Connection) -> Result<CatalogSnapshot, Error> {
    Ok(CatalogSnapshot {
        version: version(connection)?,
        organisations: rows(
            connection,
            &format!("{ORGANISATION} ORDER BY id"),
            [],
            organisation,
        )?,
        projects: rows(connection, &format!("{PROJECT} ORDER BY id"), [], project)?,
        keys: rows(connection, &format!("{KEY} ORDER BY id"), [], key)?,
    })
}

fn create_project(transaction: &Transaction<'_>, new: &NewProject) -> Result<Project, Error> {
    let owner = "SELECT 1 FROM organisations WHERE id = ?1";
    one(transaction, owner, [new.organisation.0], |_| Ok(()))?
        .ok_or_else(|| not_found("organisation"))?;
    let insert = "INSERT INTO projects
        (organisation, slug, name, platform, created, ingest_token, settings)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let settings = to_json(&new.settings)?;
    let columns = params![
        new.organisation.0,
        new.slug,
        new.name,
        new.platform,
        new.at.0,
        new.ingest_token,
        settings
    ];
    transaction
        .execute(insert, columns)
        .map_err(|error| taken(error, "a project of this slug or ingest token"))?;
    let id = ProjectId::from_i64(transaction.last_insert_rowid());
    find_project(transaction, id.ok_or_else(|| damaged("project number"))?)
}

fn update_project(
    transaction: &Transaction<'_>,
    id: ProjectId,
    change: ProjectChange,
) -> Result<Project, Error> {
    let before = find_project(transaction, id)?;
    let settings = to_json(&change.settings.unwrap_or(before.settings))?;
    let columns = params![
        id.0,
        change.slug.unwrap_or(before.slug),
        change.name.unwrap_or(before.name),
        change.platform.unwrap_or(before.platform),
        change.ingest_token.unwrap_or(before.ingest_token),
        settings
    ];
    let update = "UPDATE projects SET slug = ?2, name = ?3, platform = ?4, ingest_token = ?5,
        settings = ?6 WHERE id = ?1";
    transaction
        .execute(update, columns)
        .map_err(|error| taken(error, "a project of this slug or ingest token"))?;
    find_project(transaction, id)
}

fn find_project(connection: &Connection, id: ProjectId) -> Result<Project, Error> {
    one(
        connection,
        &format!("{PROJECT} WHERE id = ?1"),
        [id.0],
        project,
    )?
    .ok_or_else(|| not_found("project"))
}

fn create_key(transaction: &Transaction<'_>, new: &NewKey) -> Result<ProjectKey, Error> {
    find_project(transaction, new.project)?;
    let insert = "INSERT INTO project_keys
        (project, public_key, label, active, limit_window, limit_count, created)
        VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)";
    let columns = params![
        new.project.0,
        new.public_key,
        new.label,
        new.rate_limit.map(|limit| limit.window),
        new.rate_limit.map(|limit| limit.count),
        new.at.0
    ];
    transaction
        .execute(insert, columns)
        .map_err(|error| taken(error, "a key of this text"))?;
    let id = KeyId::from_i64(transaction.last_insert_rowid());
    find_key(transaction, id.ok_or_else(|| damaged("key number"))?)
}

fn update_key(
    transaction: &Transaction<'_>,
    id: KeyId,
    change: KeyChange,
) -> Result<ProjectKey, Error> {
    let before = find_key(transaction, id)?;
    let limit = change.rate_limit.unwrap_or(before.rate_limit);
    let columns = params![
        id.0,
        change.label.unwrap_or(before.label),
        change.active.unwrap_or(before.active),
        limit.map(|limit| limit.window),
        limit.map(|limit| limit.count)
    ];
    let update = "UPDATE project_keys SET label = ?2, active = ?3, limit_window = ?4,
        limit_count = ?5 WHERE id = ?1";
    transaction.execute(update, columns)?;
    find_key(transaction, id)
}

fn find_key(connection: &Connection, id: KeyId) -> Result<ProjectKey, Error> {
    one(connection, &format!("{KEY} WHERE id = ?1"), [id.0], key)?.ok_or_else(|| not_found("key"))
}

fn organisation(row: &Row<'_>) -> Result<Organisation, Error> {
    Ok(Organisation {
        id: OrganisationId(row.get(0)?),
        slug: row.get(1)?,
        name: row.get(2)?,
        created: Millis(row.get(3)?),
    })
}

fn project(row: &Row<'_>) -> Result<Project, Error> {
    let settings: String = row.get(7)?;
    Ok(Project {
        id: ProjectId(row.get(0)?),
        organisation: OrganisationId(row.get(1)?),
        slug: row.get(2)?,
        name: row.get(3)?,
        platform: row.get(4)?,
        created: Millis(row.get(5)?),
        ingest_token: row.get(6)?,
        settings: serde_json::from_str(&settings).map_err(|error| {
            Error::new(ErrorKind::Corrupt, error).during("read the settings of a project")
        })?,
    })
}

fn key(row: &Row<'_>) -> Result<ProjectKey, Error> {
    let window: Option<u32> = row.get(5)?;
    let count: Option<u32> = row.get(6)?;
    Ok(ProjectKey {
        id: KeyId(row.get(0)?),
        project: ProjectId(row.get(1)?),
        public_key: row.get(2)?,
        label: row.get(3)?,
        active: row.get(4)?,
        rate_limit: window
            .zip(count)
            .map(|(window, count)| KeyLimit { window, count }),
        created: Millis(row.get(7)?),
    })
}

fn to_json(settings: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(settings).map_err(|error| Error::new(ErrorKind::System, error))
}

/// Says what a violated constraint means.
pub(super) fn taken(error: rusqlite::Error, what: &str) -> Error {
    let error = Error::from(error);
    match error.kind() {
        ErrorKind::Conflict => {
            Error::because(ErrorKind::Conflict, format!("there is {what} already"))
        }
        _ => error,
    }
}
