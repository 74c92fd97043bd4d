//! `mini-sentry init`: what the first start makes, without serving. And how it is told.

use clap::Args;
use mini_sentry_server::address::BaseUrl;
use mini_sentry_server::clock::SystemClock;
use mini_sentry_server::people::link_path;
use mini_sentry_server::provision::{Provision, Provisioned, provision};
use serde_json::{Value, json};

use super::Context;
use super::catalogue::{base_url, open_or_create_store};
use crate::failure::{During as _, Failure};

/// What to make.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Address and port that the server will have [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Address that clients use, for the DSN
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Organisation's name for people
    #[arg(long, value_name = "NAME", default_value_t = Provision::default().organisation)]
    organisation: String,
    /// Project's name for people
    #[arg(long, value_name = "NAME", default_value_t = Provision::default().project)]
    project: String,
    /// Project's language or system, such as python
    #[arg(long)]
    platform: Option<String>,
    /// Address of the first person, who owns the organisation
    #[arg(long, value_name = "ADDRESS", default_value_t = Provision::default().email)]
    email: String,
}

/// Makes the first organisation and project.
pub(crate) async fn run(context: &Context, arguments: InitArgs) -> Result<(), Failure> {
    let settings = context.settings();
    let data_dir = &settings.config.data_dir;
    make_folder(data_dir)?;
    let base = base_url(settings, None)?;
    let store = open_or_create_store(settings).await?;
    let request = Provision {
        organisation: arguments.organisation,
        project: arguments.project,
        platform: arguments.platform,
        email: arguments.email,
    };
    let made = provision(&store, &SystemClock, request).await?;
    store.upkeep.close().await?;
    let made = made.ok_or_else(|| {
        Failure::conflict(format!(
            "{} is set up already; `mini-sentry project list` shows its DSNs, and \
             `mini-sentry token create --all-scopes` makes another token",
            data_dir.display()
        ))
    })?;
    context
        .output
        .show(&describe(&base, &made), |_| welcome(&base, &made))
}

/// Makes the data folder, for the owner only.
pub(crate) fn make_folder(path: &std::path::Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .during(format_args!("make the folder {}", path.display()))
}

/// Returns what was made, for programs.
pub(crate) fn describe(base: &BaseUrl, made: &Provisioned) -> Value {
    json!({
        "url": base.to_string(),
        "organization": made.organisation.slug,
        "project": made.project.slug,
        "project_id": made.project.id.to_string(),
        "dsn": base.dsn(&made.key.public_key, made.project.id),
        "ingest_token": made.project.ingest_token,
        "api_token": made.api_token.reveal(),
    })
}

/// Returns what was made, for people.
pub(crate) fn welcome(base: &BaseUrl, made: &Provisioned) -> String {
    let dsn = base.dsn(&made.key.public_key, made.project.id);
    let ingest = base.join(&format!(
        "/api/events/ingest/token/{}/",
        made.project.ingest_token
    ));
    let events = base.join(&format!("/api/events/?project={}", made.project.slug));
    format!(
        "address       {base}\n\
         organisation  {organisation}\n\
         project       {project} (number {id})\n\
         DSN           {dsn}\n\
         ingest token  {ingest_token}\n\
         API token     {api_token}\n\
         login link    {link}\n\
         \n\
         The API token has every scope. Only its hash is kept: this is the only time it is shown.\n\
         The link logs in {owner} once, within a day; `mini-sentry user login-link` makes another.\n\
         Point an SDK at the DSN, or send an event by hand and read it back:\n\
         \n\
         curl -sS {ingest} -H 'Content-Type: application/json' -d '{{\"message\":\"Hello\",\"level\":\"error\"}}'\n\
         curl -sS '{events}' -H 'Authorization: Bearer {api_token}'\n",
        organisation = made.organisation.slug,
        project = made.project.slug,
        id = made.project.id,
        ingest_token = made.project.ingest_token,
        api_token = made.api_token.reveal(),
        link = base.join(&link_path(&made.login_link)),
        owner = made.owner.email,
    )
}
