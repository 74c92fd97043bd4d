//! `mini-sentry token`: list, create, revoke.

use clap::{Args, Subcommand};
use mini_sentry_server::clock::{Clock as _, SystemClock};
use mini_sentry_server::model::catalog::ApiToken;
use mini_sentry_server::model::scope::{Scope, Scopes};
use mini_sentry_server::store::NewToken;
use mini_sentry_server::tokens;
use serde_json::{Value, json};

use super::Context;
use super::catalogue::{Catalogue, organisation};
use super::project::{cell, lines};
use crate::failure::Failure;
use crate::output::table;
use crate::settings::{nearest, parse_duration};

const CREATE: &str = "\
The token is shown once and kept as a hash only. A scope of admin includes write, and write
includes read.

Scopes: org:read org:write org:admin org:integrations org:ci project:read project:write
project:admin project:releases team:read team:write team:admin member:read member:write
member:admin event:read event:write event:admin alerts:read alerts:write

Examples:
  mini-sentry token create --label laptop --all-scopes
  mini-sentry token create --label grafana --scope org:read,project:read,team:read,event:read
  mini-sentry token create --label ci --ci --scope org:ci --expires 90d";

/// The order in which people read a token.
const FIELDS: &[&str] = &[
    "id",
    "organization",
    "label",
    "created",
    "expires",
    "scopes",
    "token",
];

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// List tokens; their secrets are not kept
    List {
        /// Organisation by slug or number [default: all]
        #[arg(long, value_name = "ORGANISATION")]
        org: Option<String>,
    },
    /// Create a token and print it once
    #[command(after_help = CREATE)]
    Create(CreateArgs),
    /// End a token
    Revoke {
        /// The token's number, or the token itself
        token: String,
    },
}

/// A token to create.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Name for people
    #[arg(long, default_value = "Command line")]
    label: String,
    /// Scope, by its name; may be repeated, or written with commas
    #[arg(long, value_delimiter = ',', value_parser = scope, required_unless_present = "all_scopes")]
    scope: Vec<Scope>,
    /// Gives every scope
    #[arg(long, conflicts_with = "scope")]
    all_scopes: bool,
    /// Ends after the time, such as 90d [default: never]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    expires: Option<std::time::Duration>,
    /// Makes the form that tells sentry-cli the server's address and organisation (sntrys_…)
    #[arg(long)]
    ci: bool,
    /// Organisation by slug or number [default: the only one]
    #[arg(long, value_name = "ORGANISATION")]
    org: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(context: &Context, command: TokenCommand) -> Result<(), Failure> {
    let catalogue = Catalogue::open(context).await?;
    match command {
        TokenCommand::List { org } => list(context, &catalogue, org.as_deref()).await?,
        TokenCommand::Create(arguments) => create(context, &catalogue, arguments).await?,
        TokenCommand::Revoke { token } => revoke(context, &catalogue, &token).await?,
    }
    catalogue.close().await
}

async fn list(context: &Context, catalogue: &Catalogue, name: Option<&str>) -> Result<(), Failure> {
    let view = catalogue.view().await?;
    let only = name
        .map(|name| organisation(&view, Some(name)))
        .transpose()?;
    let mut tokens: Vec<Value> = Vec::new();
    for each in view.organisations() {
        if only.is_none_or(|only| only.id == each.id) {
            let found = catalogue.catalog().tokens(each.id).await?;
            tokens.extend(found.iter().map(|token| describe(&each.slug, token)));
        }
    }
    context.output.show(&tokens, |tokens| {
        let fields = [
            "id",
            "organization",
            "label",
            "hint",
            "last_used",
            "expires",
            "scopes",
        ];
        let rows: Vec<_> = tokens
            .iter()
            .map(|token| fields.iter().map(|field| cell(token.get(field))).collect())
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
    let owner = organisation(&view, arguments.org.as_deref())?;
    let at = SystemClock.now();
    let secret = match arguments.ci {
        true => tokens::new_organisation_token(&catalogue.base().to_string(), &owner.slug, at)?,
        false => tokens::new_user_token()?,
    };
    let scopes = match arguments.all_scopes {
        true => Scopes::all(),
        false => arguments.scope.into_iter().collect(),
    };
    let expires = arguments
        .expires
        .map(|time| at.plus(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)));
    let made = catalogue
        .catalog()
        .create_token(NewToken {
            organisation: owner.id,
            owner: None,
            project: None,
            label: arguments.label,
            hash: secret.hash(),
            hint: secret.hint(),
            scopes,
            at,
            expires,
        })
        .await?;
    let told = format!("{} {}", made.id, made.label);
    catalogue
        .note(owner.id, "token.create", &told, None)
        .await?;
    let mut value = describe(&owner.slug, &made);
    if let Some(object) = value.as_object_mut() {
        object.insert("token".to_owned(), secret.reveal().into());
    }
    context.output.show(&value, |token| lines(token, FIELDS))?;
    context
        .output
        .remark("the token is not kept: this is the only time it is shown");
    Ok(())
}

async fn revoke(context: &Context, catalogue: &Catalogue, name: &str) -> Result<(), Failure> {
    let found = find(catalogue, name)
        .await?
        .ok_or_else(|| Failure::not_found("there is no such token"))?;
    catalogue.catalog().delete_token(found.id).await?;
    let told = format!("{} {}", found.id, found.label);
    catalogue
        .note(found.organisation, "token.remove", &told, found.project)
        .await?;
    let value = json!({"revoked": found.id.to_string(), "label": found.label});
    context.output.show(&value, |_| {
        format!("token {} ({}) is revoked", found.id, found.label)
    })
}

async fn find(catalogue: &Catalogue, name: &str) -> Result<Option<ApiToken>, Failure> {
    if tokens::form(name).is_some() {
        let hash = mini_sentry_server::secret::Secret::new(name).hash();
        return Ok(catalogue.catalog().find_token(&hash).await?);
    }
    for each in catalogue.view().await?.organisations() {
        let tokens = catalogue.catalog().tokens(each.id).await?;
        let found = tokens
            .into_iter()
            .find(|token| token.id.to_string() == name);
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn describe(organisation: &str, token: &ApiToken) -> Value {
    json!({
        "id": token.id.to_string(),
        "organization": organisation,
        "label": token.label,
        "hint": format!("…{}", token.hint),
        "scopes": token.scopes,
        "created": token.created.to_rfc3339(),
        "last_used": token.last_used.map(|at| at.to_rfc3339()),
        "expires": token.expires.map(|at| at.to_rfc3339()),
    })
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::from_name(text).ok_or_else(|| {
        match nearest(text, Scope::ALL.iter().map(|scope| scope.as_str())) {
            Some(meant) => format!("unknown scope; did you mean {meant}?"),
            None => "unknown scope; see --help".to_owned(),
        }
    })
}
