//! `mini-sentry user`: list, add, activate, deactivate, remove, reset-password, login-link. Works
//! beside a running server, and is the way in for who has forgotten the password.

use std::io::Read as _;

use clap::{Args, Subcommand};
use mini_sentry_server::clock::{Clock as _, SystemClock};
use mini_sentry_server::model::ids::{OrganisationId, UserId};
use mini_sentry_server::model::people::{Email, Role, User};
use mini_sentry_server::people::{Passwords, PeopleView, link_path, new_link};
use mini_sentry_server::secret::Secret;
use mini_sentry_server::store::people::{NewUser, UserChange};
use serde_json::{Value, json};

use super::Context;
use super::catalogue::{Catalogue, organisation};
use super::project::{cell, lines};
use crate::failure::{During as _, Failure};
use crate::output::table;
use crate::settings::parse_duration;

const ADD: &str = "\
Prints a link with which the person logs in once and chooses a password, unless a password is given.

Examples:
  mini-sentry user add a@example.com --role admin
  printf %s \"$password\" | mini-sentry user add a@example.com --password-stdin";

/// The order in which people read an account.
const FIELDS: &[&str] = &[
    "id",
    "email",
    "name",
    "organization",
    "role",
    "active",
    "login_link",
];

/// What to do with people.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// List people and their roles
    List,
    /// Add a person to an organisation
    #[command(after_help = ADD)]
    Add(AddArgs),
    /// Let a person log in again
    Activate {
        /// Address or number
        user: String,
    },
    /// Let a person not log in any more; what the person did stays
    Deactivate {
        /// Address or number
        user: String,
    },
    /// Delete an account with its tokens and logins
    Remove {
        /// Address or number
        user: String,
    },
    /// Set a new password, read from the standard input, and end all logins
    #[command(
        after_help = "Example:\n  printf %s \"$password\" | mini-sentry user reset-password a@example.com"
    )]
    ResetPassword {
        /// Address or number
        user: String,
    },
    /// Print a link with which a person logs in once
    LoginLink {
        /// Address or number [default: the first owner]
        user: Option<String>,
        /// Ends after the time [default: 1h]
        #[arg(long, value_name = "TIME", value_parser = parse_duration)]
        expires: Option<std::time::Duration>,
    },
}

/// A person to add.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Address that the person logs in with
    email: String,
    /// Name for people [default: the address]
    #[arg(long)]
    name: Option<String>,
    /// viewer, member, admin or owner
    #[arg(long, default_value = "member", value_parser = role)]
    role: Role,
    /// Reads the password from the standard input
    #[arg(long)]
    password_stdin: bool,
    /// Organisation by slug or number [default: the only one]
    #[arg(long, value_name = "ORGANISATION")]
    org: Option<String>,
}

/// For how long a link is good when nothing else is said.
const LINK_MS: i64 = 60 * 60 * 1000;
/// The same for the first link of a person.
const FIRST_LINK_MS: i64 = 7 * 24 * LINK_MS;

/// Runs the command.
pub(crate) async fn run(context: &Context, command: UserCommand) -> Result<(), Failure> {
    let catalogue = Catalogue::open(context).await?;
    match command {
        UserCommand::List => list(context, &catalogue).await?,
        UserCommand::Add(arguments) => add(context, &catalogue, arguments).await?,
        UserCommand::Activate { user } => set_active(context, &catalogue, &user, true).await?,
        UserCommand::Deactivate { user } => set_active(context, &catalogue, &user, false).await?,
        UserCommand::Remove { user } => remove(context, &catalogue, &user).await?,
        UserCommand::ResetPassword { user } => {
            reset_password(context, &catalogue, &user).await?;
        }
        UserCommand::LoginLink { user, expires } => {
            login_link(context, &catalogue, user.as_deref(), expires).await?;
        }
    }
    catalogue.close().await
}

async fn people(catalogue: &Catalogue) -> Result<PeopleView, Failure> {
    Ok(PeopleView::new(catalogue.people().snapshot().await?))
}

async fn list(context: &Context, catalogue: &Catalogue) -> Result<(), Failure> {
    let (view, people) = (catalogue.view().await?, people(catalogue).await?);
    let mut shown = Vec::new();
    for each in view.organisations() {
        let members = people.members(each.id);
        shown.extend(members.map(|(member, user)| describe(user, &each.slug, member.role)));
    }
    context.output.show(&shown, |people| {
        let fields = ["id", "email", "name", "organization", "role", "active"];
        let rows: Vec<_> = people
            .iter()
            .map(|person| fields.iter().map(|field| cell(person.get(field))).collect())
            .collect();
        table(&fields, &rows)
    })
}

async fn add(context: &Context, catalogue: &Catalogue, arguments: AddArgs) -> Result<(), Failure> {
    let email = Email::parse(&arguments.email)
        .ok_or_else(|| Failure::usage(format!("{:?} is no address", arguments.email)))?;
    let password = match arguments.password_stdin {
        true => Some(Passwords::default().hash(read_password()?).await?),
        false => None,
    };
    let view = catalogue.view().await?;
    let owner = organisation(&view, arguments.org.as_deref())?;
    let known = people(catalogue).await?;
    let known = known.user_by_email(&email);
    if let Some(known) = known
        && people(catalogue).await?.role(owner.id, known.id).is_some()
    {
        return Err(Failure::conflict(format!("{email} is a member already")));
    }
    let at = SystemClock.now();
    let has_password = password.is_some();
    let user = match known {
        Some(known) => User::clone(known),
        None => {
            let new = NewUser {
                name: arguments.name.unwrap_or_else(|| email.to_string()),
                email,
                password,
                at,
            };
            catalogue.people().create_user(new).await?
        }
    };
    let role = arguments.role;
    let store = catalogue.people();
    store.set_member(owner.id, user.id, role, at).await?;
    let told = format!("{} as {role}", user.email);
    catalogue.note(owner.id, "member.add", &told, None).await?;
    let mut value = describe(&user, &owner.slug, role);
    if !has_password && known.is_none() {
        put_link(catalogue, &mut value, user.id, FIRST_LINK_MS).await?;
    }
    context.output.show(&value, |person| lines(person, FIELDS))
}

async fn set_active(
    context: &Context,
    catalogue: &Catalogue,
    name: &str,
    is_active: bool,
) -> Result<(), Failure> {
    let people = people(catalogue).await?;
    let user = find(&people, name)?;
    let change = UserChange {
        active: Some(is_active),
        ..UserChange::default()
    };
    catalogue.people().update_user(user.id, change).await?;
    let (action, shown) = match is_active {
        true => ("member.activate", "may log in"),
        false => ("member.deactivate", "may not log in any more"),
    };
    for organisation in people.organisations_of(user.id) {
        let told = user.email.as_str();
        catalogue.note(organisation, action, told, None).await?;
    }
    let value = json!({ "id": user.id.to_string(), "email": user.email, "active": is_active });
    context
        .output
        .show(&value, |_| format!("{} {shown}", user.email))
}

async fn remove(context: &Context, catalogue: &Catalogue, name: &str) -> Result<(), Failure> {
    let people = people(catalogue).await?;
    let user = find(&people, name)?;
    catalogue.people().delete_user(user.id).await?;
    for organisation in people.organisations_of(user.id) {
        let told = user.email.as_str();
        catalogue
            .note(organisation, "user.remove", told, None)
            .await?;
    }
    let value = json!({ "removed": user.id.to_string(), "email": user.email });
    context
        .output
        .show(&value, |_| format!("{} is removed", user.email))
}

async fn reset_password(
    context: &Context,
    catalogue: &Catalogue,
    name: &str,
) -> Result<(), Failure> {
    let people = people(catalogue).await?;
    let user = find(&people, name)?;
    let kept = Passwords::default().hash(read_password()?).await?;
    let change = UserChange {
        password: Some(Some(kept)),
        ..UserChange::default()
    };
    let store = catalogue.people();
    store.update_user(user.id, change).await?;
    let ended = store.delete_logins(user.id, None).await?;
    for organisation in people.organisations_of(user.id) {
        let told = user.email.as_str();
        catalogue
            .note(organisation, "user.password", told, None)
            .await?;
    }
    let value = json!({ "id": user.id.to_string(), "email": user.email, "ended_logins": ended });
    context.output.show(&value, |_| {
        format!(
            "{} has a new password; {ended} logins have ended",
            user.email
        )
    })
}

async fn login_link(
    context: &Context,
    catalogue: &Catalogue,
    name: Option<&str>,
    expires: Option<std::time::Duration>,
) -> Result<(), Failure> {
    let (view, people) = (catalogue.view().await?, people(catalogue).await?);
    let user = match name {
        Some(name) => User::clone(find(&people, name)?),
        None => first_owner(&people, organisation(&view, None)?.id)?,
    };
    let life = expires.map_or(LINK_MS, |time| {
        i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
    });
    let mut value = json!({ "id": user.id.to_string(), "email": user.email });
    put_link(catalogue, &mut value, user.id, life).await?;
    for organisation in people.organisations_of(user.id) {
        let told = user.email.as_str();
        catalogue
            .note(organisation, "user.login-link", told, None)
            .await?;
    }
    context
        .output
        .show(&value, |value| cell(value.get("login_link")))?;
    context
        .output
        .remark("the link logs in once; earlier ones of this person have ended");
    Ok(())
}

async fn put_link(
    catalogue: &Catalogue,
    value: &mut Value,
    user: UserId,
    life: i64,
) -> Result<(), Failure> {
    let expires = SystemClock.now().plus(life);
    let secret = new_link(catalogue.people(), user, expires).await?;
    if let Value::Object(value) = value {
        let link = catalogue.base().join(&link_path(&secret));
        value.insert("login_link".to_owned(), link.into());
        value.insert("login_link_expires".to_owned(), expires.to_rfc3339().into());
    }
    Ok(())
}

fn first_owner(people: &PeopleView, organisation: OrganisationId) -> Result<User, Failure> {
    let mut members = people.members(organisation);
    let owner = members.find(|(member, user)| member.role == Role::Owner && user.active);
    owner.map(|(_, user)| User::clone(user)).ok_or_else(|| {
        Failure::not_found("there is no owner; `mini-sentry user add --role owner` makes one")
    })
}

fn find<'a>(people: &'a PeopleView, name: &str) -> Result<&'a User, Failure> {
    let by_email = || people.user_by_email(&Email::parse(name)?);
    let by_number = || people.user(name.parse().ok()?);
    by_number()
        .or_else(by_email)
        .map(|user| &**user)
        .ok_or_else(|| Failure::not_found(format!("there is nobody {name:?}")))
}

/// Reads a password up to the end of the input or the first line. Not from a flag: other people of
/// this machine see those.
fn read_password() -> Result<Secret, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .take(64 * 1024)
        .read_to_string(&mut text)
        .during("read the password")?;
    Ok(Secret::new(text.lines().next().unwrap_or_default()))
}

fn describe(user: &User, organisation: &str, role: Role) -> Value {
    json!({
        "id": user.id.to_string(),
        "email": user.email,
        "name": user.name,
        "organization": organisation,
        "role": role,
        "active": user.active,
        "has_password": user.has_password,
        "created": user.created.to_rfc3339(),
    })
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_name(text).ok_or_else(|| "is none of viewer, member, admin and owner".to_owned())
}
