//! `mini-sentry key`: list, create, disable, enable, limit, rotate, delete.

use clap::{Args, Subcommand};
use mini_sentry_server::catalog::CatalogView;
use mini_sentry_server::clock::{Clock as _, SystemClock};
use mini_sentry_server::model::catalog::{KeyLimit, ProjectKey};
use mini_sentry_server::model::ids::ProjectId;
use mini_sentry_server::store::{KeyChange, NewKey};
use mini_sentry_server::tokens;
use serde_json::{Value, json};

use super::Context;
use super::catalogue::{Catalogue, key, project};
use super::project::{cell, lines};
use crate::failure::Failure;
use crate::output::table;
use crate::settings::parse_duration;

/// The order in which people read a key.
const FIELDS: &[&str] = &[
    "id",
    "project",
    "label",
    "active",
    "limit",
    "created",
    "public_key",
    "dsn",
];

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// List the keys of a project, or of all
    List {
        /// Number, slug, or ORGANISATION/SLUG
        project: Option<String>,
    },
    /// Create a key; prints its DSN
    #[command(
        after_help = "Example:\n  mini-sentry key create shop --label browser --limit 1000/1h"
    )]
    Create(CreateArgs),
    /// Stop accepting events with a key
    Disable(KeyName),
    /// Accept events with a key again
    Enable(KeyName),
    /// Limit the events of a key
    #[command(
        after_help = "Examples:\n  mini-sentry key limit KEY 1000/1h\n  mini-sentry key limit KEY none"
    )]
    Limit {
        #[command(flatten)]
        name: KeyName,
        /// COUNT/TIME, such as 300/1m, or none
        #[arg(value_name = "COUNT/TIME", value_parser = limit)]
        limit: Limit,
    },
    /// Replace a key: a new one with the same label and limit; the old one stops accepting
    Rotate {
        #[command(flatten)]
        name: KeyName,
        /// Lets the old key go on until it is disabled
        #[arg(long)]
        keep_old: bool,
    },
    /// Delete a key
    Delete(KeyName),
}

/// Names a key.
#[derive(Debug, Args)]
pub(crate) struct KeyName {
    /// The public key of the DSN, or the key's number
    key: String,
}

/// A key to create.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Number, slug, or ORGANISATION/SLUG
    project: String,
    /// Name for people
    #[arg(long, default_value = "Default")]
    label: String,
    /// Accepts so many events in the time, such as 300/1m
    #[arg(long, value_name = "COUNT/TIME", value_parser = limit)]
    limit: Option<Limit>,
}

/// A limit, or none. `Option` itself would mean to clap that the flag may be missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limit(Option<KeyLimit>);

/// Runs the command.
pub(crate) async fn run(context: &Context, command: KeyCommand) -> Result<(), Failure> {
    let catalogue = Catalogue::open(context).await?;
    match command {
        KeyCommand::List { project } => list(context, &catalogue, project.as_deref()).await?,
        KeyCommand::Create(arguments) => create(context, &catalogue, arguments).await?,
        KeyCommand::Disable(name) => {
            change(context, &catalogue, &name.key, active(false)).await?;
        }
        KeyCommand::Enable(name) => {
            change(context, &catalogue, &name.key, active(true)).await?;
        }
        KeyCommand::Limit { name, limit } => {
            let limited = KeyChange {
                rate_limit: Some(limit.0),
                ..KeyChange::default()
            };
            change(context, &catalogue, &name.key, limited).await?;
        }
        KeyCommand::Rotate { name, keep_old } => {
            rotate(context, &catalogue, &name.key, keep_old).await?;
        }
        KeyCommand::Delete(name) => delete(context, &catalogue, &name.key).await?,
    }
    catalogue.close().await
}

async fn list(context: &Context, catalogue: &Catalogue, name: Option<&str>) -> Result<(), Failure> {
    let view = catalogue.view().await?;
    let only = name.map(|name| project(&view, name)).transpose()?;
    let keys: Vec<Value> = view
        .projects()
        .iter()
        .filter(|project| only.is_none_or(|only| only.id == project.id))
        .flat_map(|project| view.keys_of(project.id))
        .map(|key| describe(catalogue, key))
        .collect();
    context.output.show(&keys, |keys| {
        let fields = ["id", "project", "label", "active", "limit", "dsn"];
        let rows: Vec<_> = keys
            .iter()
            .map(|key| fields.iter().map(|field| cell(key.get(field))).collect())
            .collect();
        table(&fields, &rows)
    })
}

async fn create(
    context: &Context,
    catalogue: &Catalogue,
    arguments: CreateArgs,
) -> Result<(), Failure> {
    let view = catalogue.view().await?;
    let owner = project(&view, &arguments.project)?.id;
    let limit = arguments.limit.and_then(|limit| limit.0);
    let made = make(catalogue, owner, arguments.label, limit).await?;
    note(catalogue, &view, "key.create", &made).await?;
    context
        .output
        .show(&describe(catalogue, &made), |key| lines(key, FIELDS))
}

async fn change(
    context: &Context,
    catalogue: &Catalogue,
    name: &str,
    change: KeyChange,
) -> Result<(), Failure> {
    let view = catalogue.view().await?;
    let id = key(&view, name)?.id;
    let changed = catalogue.catalog().update_key(id, change).await?;
    note(catalogue, &view, "key.edit", &changed).await?;
    context
        .output
        .show(&describe(catalogue, &changed), |key| lines(key, FIELDS))
}

async fn rotate(
    context: &Context,
    catalogue: &Catalogue,
    name: &str,
    keep_old: bool,
) -> Result<(), Failure> {
    let view = catalogue.view().await?;
    let old = key(&view, name)?;
    let made = make(catalogue, old.project, old.label.clone(), old.rate_limit).await?;
    note(catalogue, &view, "key.create", &made).await?;
    if !keep_old {
        catalogue
            .catalog()
            .update_key(old.id, active(false))
            .await?;
        note(catalogue, &view, "key.edit", old).await?;
    }
    context
        .output
        .show(&describe(catalogue, &made), |key| lines(key, FIELDS))
}

async fn delete(context: &Context, catalogue: &Catalogue, name: &str) -> Result<(), Failure> {
    let view = catalogue.view().await?;
    let found = key(&view, name)?;
    catalogue.catalog().delete_key(found.id).await?;
    note(catalogue, &view, "key.remove", found).await?;
    let value = json!({"deleted": found.id.to_string(), "public_key": found.public_key});
    context
        .output
        .show(&value, |_| format!("key {} is deleted", found.public_key))
}

/// Writes into the audit log.
async fn note(
    catalogue: &Catalogue,
    view: &CatalogView,
    action: &str,
    key: &ProjectKey,
) -> Result<(), Failure> {
    let told = format!("{} {}", key.id, key.label);
    match view.project(key.project) {
        Some(project) => {
            let (organisation, project) = (project.organisation, Some(project.id));
            catalogue.note(organisation, action, &told, project).await
        }
        None => Ok(()),
    }
}

async fn make(
    catalogue: &Catalogue,
    project: ProjectId,
    label: String,
    rate_limit: Option<KeyLimit>,
) -> Result<ProjectKey, Failure> {
    let key = NewKey {
        project,
        public_key: tokens::new_public_key()?,
        label,
        rate_limit,
        at: SystemClock.now(),
    };
    Ok(catalogue.catalog().create_key(key).await?)
}

fn describe(catalogue: &Catalogue, key: &ProjectKey) -> Value {
    json!({
        "id": key.id.to_string(),
        "project": key.project.to_string(),
        "public_key": key.public_key,
        "dsn": catalogue.base().dsn(&key.public_key, key.project),
        "label": key.label,
        "active": key.active,
        "limit": key.rate_limit.map(|limit| format!("{}/{}s", limit.count, limit.window)),
        "created": key.created.to_rfc3339(),
    })
}

fn active(active: bool) -> KeyChange {
    KeyChange {
        active: Some(active),
        ..KeyChange::default()
    }
}

fn limit(text: &str) -> Result<Limit, String> {
    if text == "none" {
        return Ok(Limit(None));
    }
    let wrong = || format!("{text:?} is not of the form COUNT/TIME, such as 300/1m, or none");
    let (count, window) = text.split_once('/').ok_or_else(wrong)?;
    let count: u32 = count.parse().map_err(|_| wrong())?;
    let seconds = parse_duration(window)?.as_secs();
    let window = u32::try_from(seconds).ok().filter(|window| *window > 0);
    Ok(Limit(Some(KeyLimit {
        window: window.ok_or_else(wrong)?,
        count,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_count_and_a_time() {
        let of = |window, count| Ok(Limit(Some(KeyLimit { window, count })));
        assert_eq!(limit("300/1m"), of(60, 300));
        assert_eq!(limit("1/90"), of(90, 1));
        assert_eq!(limit("none"), Ok(Limit(None)));
        for text in ["300", "x/1m", "300/", "300/10ms", "-1/1m"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }
}
