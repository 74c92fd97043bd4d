//! `mini-sentry org`: list, update. Works beside a running server.

use clap::{ArgAction, Subcommand};
use mini_sentry_server::model::catalog::Organisation;
use mini_sentry_server::people::PeopleView;
use serde_json::{Value, json};

use super::Context;
use super::catalogue::{Catalogue, organisation};
use super::project::{cell, lines};
use crate::failure::Failure;
use crate::output::table;

const UPDATE: &str = "\
While membership is open, members and viewers see all projects; else those of their teams.

Example:
  mini-sentry org update --open-membership false";

/// The order in which people read an organisation.
const FIELDS: &[&str] = &["id", "slug", "name", "open_membership", "members"];

/// What to do with organisations.
#[derive(Debug, Subcommand)]
pub(crate) enum OrgCommand {
    /// List organisations
    List,
    /// Change who sees what in an organisation
    #[command(after_help = UPDATE)]
    Update {
        /// Slug or number [default: the only one]
        org: Option<String>,
        /// Whether members see all projects
        #[arg(long, value_name = "true|false", action = ArgAction::Set)]
        open_membership: bool,
    },
}

/// Runs the command.
pub(crate) async fn run(context: &Context, command: OrgCommand) -> Result<(), Failure> {
    let catalogue = Catalogue::open(context).await?;
    match command {
        OrgCommand::List => list(context, &catalogue).await?,
        OrgCommand::Update {
            org,
            open_membership,
        } => update(context, &catalogue, org.as_deref(), open_membership).await?,
    }
    catalogue.close().await
}

async fn list(context: &Context, catalogue: &Catalogue) -> Result<(), Failure> {
    let (view, people) = (catalogue.view().await?, people(catalogue).await?);
    let all = view.organisations().iter();
    let shown: Vec<_> = all.map(|each| describe(each, &people)).collect();
    context.output.show(&shown, |all| {
        let rows: Vec<_> = all
            .iter()
            .map(|each| FIELDS.iter().map(|field| cell(each.get(field))).collect())
            .collect();
        table(FIELDS, &rows)
    })
}

async fn update(
    context: &Context,
    catalogue: &Catalogue,
    name: Option<&str>,
    is_open: bool,
) -> Result<(), Failure> {
    let view = catalogue.view().await?;
    let found = organisation(&view, name)?;
    catalogue.people().set_open(found.id, is_open).await?;
    let told = format!("open membership {}", if is_open { "on" } else { "off" });
    catalogue.note(found.id, "org.edit", &told, None).await?;
    let value = describe(found, &people(catalogue).await?);
    context.output.show(&value, |value| lines(value, FIELDS))
}

async fn people(catalogue: &Catalogue) -> Result<PeopleView, Failure> {
    Ok(PeopleView::new(catalogue.people().snapshot().await?))
}

fn describe(organisation: &Organisation, people: &PeopleView) -> Value {
    json!({
        "id": organisation.id.to_string(),
        "slug": organisation.slug,
        "name": organisation.name,
        "open_membership": people.is_open(organisation.id),
        "members": people.members(organisation.id).count(),
    })
}
