//! `mini-sentry project`: list, show, create, update, delete.

use clap::{Args, Subcommand};
use mini_sentry_server::catalog::CatalogView;
use mini_sentry_server::clock::{Clock as _, SystemClock};
use mini_sentry_server::model::catalog::Project;
use mini_sentry_server::model::settings::ProjectSettings;
use mini_sentry_server::model::slug;
use mini_sentry_server::store::{NewKey, NewProject, ProjectChange};
use mini_sentry_server::tokens;
use serde_json::{Value, json};

use super::Context;
use super::catalogue::{Catalogue, organisation, organisation_slug, project};
use crate::failure::Failure;
use crate::output::table;
use crate::settings::nearest;

const SETTINGS: &str = "\
Settings of a project and their defaults are shown by `mini-sentry project show PROJECT --json`:
allowed_domains, filters.web_crawlers, scrubbing.sensitive_fields, retention_days and others.
Lists are written with commas.

Examples:
  mini-sentry project update shop --setting filters.web_crawlers=true
  mini-sentry project update shop --setting allowed_domains=https://shop.example.com,*.example.org
  mini-sentry project update shop --setting retention_days=30 --name \"The shop\"";

/// The order in which people read a project.
const FIELDS: &[&str] = &[
    "id",
    "organization",
    "slug",
    "name",
    "platform",
    "created",
    "dsn",
    "ingest_token",
    "keys",
    "settings",
];

/// What to do with projects.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectCommand {
    /// List projects with their DSNs
    List,
    /// Show a project, its keys and settings
    Show {
        /// Number, slug, or ORGANISATION/SLUG
        project: String,
    },
    /// Create a project with a key; prints its DSN and ingest token
    #[command(after_help = "Example:\n  mini-sentry project create \"My shop\" --platform python")]
    Create(CreateArgs),
    /// Change name, slug, platform or settings
    #[command(after_help = SETTINGS)]
    Update(UpdateArgs),
    /// Delete a project and all that it has
    Delete {
        /// Number, slug, or ORGANISATION/SLUG
        project: String,
        /// Does not ask; nothing can bring the events back
        #[arg(long, required = true)]
        yes: bool,
    },
}

/// A project to create.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Name for people
    name: String,
    /// Name in addresses [default: made from the name]
    #[arg(long)]
    slug: Option<String>,
    /// Language or system, such as python or javascript-react
    #[arg(long)]
    platform: Option<String>,
    /// Organisation by slug or number [default: the only one]
    #[arg(long, value_name = "ORGANISATION")]
    org: Option<String>,
    /// Setting of the project; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    setting: Vec<String>,
}

/// What to change in a project.
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Number, slug, or ORGANISATION/SLUG
    project: String,
    /// Name for people
    #[arg(long)]
    name: Option<String>,
    /// Name in addresses
    #[arg(long)]
    slug: Option<String>,
    /// Language or system; empty for none
    #[arg(long)]
    platform: Option<String>,
    /// Setting of the project; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    setting: Vec<String>,
    /// Makes a new ingest token; the old one ends
    #[arg(long)]
    new_ingest_token: bool,
}

/// Runs the command.
pub(crate) async fn run(context: &Context, command: ProjectCommand) -> Result<(), Failure> {
    let catalogue = Catalogue::open(context).await?;
    match command {
        ProjectCommand::List => list(context, &catalogue).await?,
        ProjectCommand::Show { project: name } => show(context, &catalogue, &name).await?,
        ProjectCommand::Create(arguments) => create(context, &catalogue, arguments).await?,
        ProjectCommand::Update(arguments) => update(context, &catalogue, arguments).await?,
        ProjectCommand::Delete { project: name, .. } => delete(context, &catalogue, &name).await?,
    }
    catalogue.close().await
}

async fn list(context: &Context, catalogue: &Catalogue) -> Result<(), Failure> {
    let view = catalogue.view().await?;
    let projects: Vec<Value> = view
        .projects()
        .iter()
        .map(|project| describe(catalogue, &view, project))
        .collect();
    context.output.show(&projects, |projects| {
        let rows: Vec<_> = projects
            .iter()
            .map(|project| {
                ["id", "organization", "slug", "name", "dsn"]
                    .iter()
                    .map(|field| cell(project.get(field)))
                    .collect()
            })
            .collect();
        table(&["id", "organisation", "slug", "name", "dsn"], &rows)
    })
}

async fn show(context: &Context, catalogue: &Catalogue, name: &str) -> Result<(), Failure> {
    let view = catalogue.view().await?;
    let found = project(&view, name)?;
    context
        .output
        .show(&describe(catalogue, &view, found), |project| {
            lines(project, FIELDS)
        })
}

async fn create(
    context: &Context,
    catalogue: &Catalogue,
    arguments: CreateArgs,
) -> Result<(), Failure> {
    let slug = match arguments.slug {
        Some(slug) => valid_slug(slug)?,
        None => slug::from_name(&arguments.name).ok_or_else(|| {
            Failure::usage(format!(
                "no slug can be made of {:?}; say one with --slug",
                arguments.name
            ))
        })?,
    };
    let settings = with_settings(&ProjectSettings::default(), &arguments.setting)?;
    let view = catalogue.view().await?;
    let at = SystemClock.now();
    let made = catalogue
        .catalog()
        .create_project(NewProject {
            organisation: organisation(&view, arguments.org.as_deref())?.id,
            slug,
            name: arguments.name,
            platform: arguments.platform,
            ingest_token: tokens::new_ingest_token()?,
            settings,
            at,
        })
        .await?;
    catalogue
        .catalog()
        .create_key(NewKey {
            project: made.id,
            public_key: tokens::new_public_key()?,
            label: "Default".to_owned(),
            rate_limit: None,
            at,
        })
        .await?;
    let people = catalogue.people();
    let teams = people.snapshot().await?.teams;
    let first = teams
        .iter()
        .find(|team| team.organisation == made.organisation);
    if let Some(team) = first {
        people.set_project_of_team(team.id, made.id, true).await?;
    }
    catalogue
        .note(
            made.organisation,
            "project.create",
            &made.slug,
            Some(made.id),
        )
        .await?;
    let view = catalogue.view().await?;
    context
        .output
        .show(&describe(catalogue, &view, &made), |project| {
            lines(project, FIELDS)
        })
}

async fn update(
    context: &Context,
    catalogue: &Catalogue,
    arguments: UpdateArgs,
) -> Result<(), Failure> {
    let view = catalogue.view().await?;
    let found = project(&view, &arguments.project)?;
    let settings = match arguments.setting.as_slice() {
        [] => None,
        changes => Some(with_settings(&found.settings, changes)?),
    };
    let change = ProjectChange {
        slug: arguments.slug.map(valid_slug).transpose()?,
        name: arguments.name,
        platform: arguments
            .platform
            .map(|platform| Some(platform).filter(|platform| !platform.is_empty())),
        settings,
        ingest_token: match arguments.new_ingest_token {
            true => Some(tokens::new_ingest_token()?),
            false => None,
        },
    };
    if change == ProjectChange::default() {
        return Err(Failure::usage(
            "nothing to change; see `mini-sentry project update --help`",
        ));
    }
    let changed = catalogue.catalog().update_project(found.id, change).await?;
    let project = Some(found.id);
    catalogue
        .note(found.organisation, "project.edit", &changed.slug, project)
        .await?;
    context
        .output
        .show(&describe(catalogue, &view, &changed), |project| {
            lines(project, FIELDS)
        })
}

async fn delete(context: &Context, catalogue: &Catalogue, name: &str) -> Result<(), Failure> {
    let view = catalogue.view().await?;
    let found = project(&view, name)?;
    catalogue.catalog().delete_project(found.id).await?;
    let project = Some(found.id);
    catalogue
        .note(found.organisation, "project.remove", &found.slug, project)
        .await?;
    let value = json!({"deleted": found.id.to_string(), "slug": found.slug});
    context.output.show(&value, |_| {
        format!(
            "project {} is deleted; a running server frees its disk space by and by",
            found.slug
        )
    })
}

/// Returns a project as the commands print it.
pub(crate) fn describe(catalogue: &Catalogue, view: &CatalogView, project: &Project) -> Value {
    let mut keys = view.keys_of(project.id);
    let active = keys.find(|key| key.active);
    let keys: Vec<_> = view
        .keys_of(project.id)
        .map(|key| &key.public_key)
        .collect();
    json!({
        "id": project.id.to_string(),
        "organization": organisation_slug(view, project),
        "slug": project.slug,
        "name": project.name,
        "platform": project.platform,
        "created": project.created.to_rfc3339(),
        "dsn": active.map(|key| catalogue.base().dsn(&key.public_key, project.id)),
        "ingest_token": project.ingest_token,
        "keys": keys,
        "settings": project.settings,
    })
}

/// Writes the named fields of an object, one a line.
pub(crate) fn lines(object: &Value, fields: &[&str]) -> String {
    let width = fields.iter().map(|field| field.len()).max().unwrap_or(0);
    fields
        .iter()
        .map(|field| format!("{field:width$}  {}\n", cell(object.get(field))))
        .collect()
}

/// Writes a value into a cell of a table.
pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(entries)) => {
            let entries = entries.iter().map(|entry| cell(Some(entry)));
            entries.collect::<Vec<_>>().join(" ")
        }
        Some(other) => other.to_string(),
    }
}

fn valid_slug(slug: String) -> Result<String, Failure> {
    if slug::is_valid(&slug) {
        return Ok(slug);
    }
    Err(Failure::usage(format!(
        "{slug:?} is not a slug: lower-case letters, digits, - and _, not digits alone"
    )))
}

/// Changes settings by the names of their fields.
fn with_settings(before: &ProjectSettings, changes: &[String]) -> Result<ProjectSettings, Failure> {
    let impossible = |error: serde_json::Error| Failure::other(error.to_string());
    let mut value = serde_json::to_value(before).map_err(impossible)?;
    for change in changes {
        let (name, text) = change.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--setting {change}: is not of the form NAME=VALUE"))
        })?;
        let pointer = format!("/{}", name.replace('.', "/"));
        let names = names_of(&value, "");
        let place = value
            .pointer_mut(&pointer)
            .filter(|place| !place.is_object())
            .ok_or_else(|| {
                let hint = nearest(name, names.iter().map(String::as_str));
                let hint = hint.map_or_else(String::new, |hint| format!("; did you mean {hint}?"));
                Failure::usage(format!("--setting: unknown setting {name}{hint}"))
            })?;
        *place = match place {
            Value::Array(_) => text
                .split(',')
                .map(str::trim)
                .filter(|entry| !entry.is_empty())
                .collect(),
            _ if text.is_empty() || text == "none" => Value::Null,
            _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        // Read back at once, so that a bad value is told with its name.
        serde_json::from_value::<ProjectSettings>(value.clone())
            .map_err(|error| Failure::usage(format!("--setting {name}: {error}")))?;
    }
    serde_json::from_value(value).map_err(impossible)
}

fn names_of(value: &Value, prefix: &str) -> Vec<String> {
    let Some(object) = value.as_object() else {
        return vec![prefix.to_owned()];
    };
    let dot = if prefix.is_empty() { "" } else { "." };
    object
        .iter()
        .flat_map(|(name, value)| names_of(value, &format!("{prefix}{dot}{name}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(changes: &[&str]) -> Result<ProjectSettings, String> {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        with_settings(&ProjectSettings::default(), &changes).map_err(|failure| failure.to_string())
    }

    #[test]
    fn settings_of_a_project_are_changed_by_name() {
        let settings = changed(&[
            "filters.web_crawlers=true",
            "allowed_domains=a.example.com, b.example.com",
            "retention_days=30",
            "scrubbing.defaults=false",
        ])
        .unwrap();
        assert!(settings.filters.web_crawlers && !settings.scrubbing.defaults);
        assert_eq!(settings.allowed_domains, ["a.example.com", "b.example.com"]);
        assert_eq!(settings.retention_days, Some(30));
    }

    #[test]
    fn unknown_settings_and_bad_values_of_a_project_are_refused_by_name() {
        assert_eq!(
            changed(&["filters.web_crawler=true"]).unwrap_err(),
            "--setting: unknown setting filters.web_crawler; did you mean filters.web_crawlers?"
        );
        let refused = changed(&["max_events=many"]).unwrap_err();
        assert!(refused.starts_with("--setting max_events: "), "{refused}");
        assert!(changed(&["filters={}"]).is_err());
    }
}
