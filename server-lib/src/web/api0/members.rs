//! Members of the organisation: lists, inviting, roles, removing. Nobody gives a role above their
//! own, or touches somebody who has one.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::teams;
use crate::address::BaseUrl;
use crate::error::ErrorKind;
use crate::model::ids::{OrganisationId, UserId};
use crate::model::people::{Email, Membership, Role, User};
use crate::model::scope::Scope;
use crate::model::time::Millis;
use crate::people::{link_path, may_manage, new_link};
use crate::state::AppState;
use crate::store::people::{NewUser, UserChange};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Names, Pairs};
use crate::web::paging::{Listed, Place};
use crate::web::present::person;

/// What seeing members takes.
pub(super) const READ: &[Scope] = &[Scope::MemberRead];
const WRITE: &[Scope] = &[Scope::MemberWrite];
const ADMIN: &[Scope] = &[Scope::MemberAdmin];

/// For how long an invitation is good.
const INVITED_DAYS: i64 = 7;
/// The longest name of a person.
pub(super) const MAX_NAME: usize = 200;

/// A member to invite, and a change of one. Clients know the role by two names.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Wanted {
    email: Option<String>,
    name: Option<String>,
    org_role: Option<String>,
    role: Option<String>,
    teams: Option<Vec<String>>,
    reinvite: bool,
    is_active: Option<bool>,
}

impl Wanted {
    fn role(&self) -> Result<Option<Role>, ApiError> {
        let Some(name) = self.org_role.as_ref().or(self.role.as_ref()) else {
            return Ok(None);
        };
        let detail = "a role is one of viewer, member, admin and owner";
        let role = Role::from_name(name);
        let unknown = || ApiError::invalid("unknown_role", detail);
        Ok(Some(role.ok_or_else(unknown)?))
    }
}

pub(super) async fn list(
    caller: Access,
    Base(base): Base,
    Names(name): Names<String>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    let organisation = caller.organisation(&name)?.id;
    caller.require(READ)?;
    let wanted = query.first("query").unwrap_or_default().to_lowercase();
    let is_wanted = |user: &User| {
        user.email.as_str().contains(&wanted) || user.name.to_lowercase().contains(&wanted)
    };
    let shown: Vec<_> = caller
        .people()
        .members(organisation)
        .filter(|(_, user)| is_wanted(user))
        .map(|(member, user)| person::member(&caller, member, user))
        .collect();
    let place = Place {
        base: &base,
        path: &format!("/api/0/organizations/{name}/members/"),
        query: &query,
    };
    Listed::whole(shown, &query, &place)
}

/// Lists those who see a project.
pub(super) async fn of_project(
    caller: Access,
    Base(base): Base,
    Names((name, project)): Names<(String, String)>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    let id = caller.project(&name, &project)?.id;
    caller.require(READ)?;
    let people = caller.people();
    let sees = |member: &Membership| {
        people
            .visible(member.organisation, member.user, member.role)
            .is_none_or(|visible| visible.contains(&id))
    };
    let shown: Vec<_> = people
        .members(caller.own_organisation().id)
        .filter(|(member, _)| sees(member))
        .map(|(member, user)| person::member(&caller, member, user))
        .collect();
    let place = Place {
        base: &base,
        path: &format!("/api/0/projects/{name}/{project}/members/"),
        query: &query,
    };
    Listed::whole(shown, &query, &place)
}

pub(super) async fn detail(
    caller: Access,
    Names((organisation, id)): Names<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let (member, user) = find(&caller, &organisation, &id)?;
    if !is_self(&caller, &member) {
        caller.require(READ)?;
    }
    Ok(Json(person::member(&caller, &member, &user)))
}

pub(super) async fn invite(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(name): Names<String>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let organisation = caller.organisation(&name)?.id;
    caller.require(WRITE)?;
    let email = wanted.email.as_deref().and_then(Email::parse);
    let email = email.ok_or_else(|| {
        let detail = "give the address of the person as email";
        ApiError::invalid("invalid_email", detail)
    })?;
    let role = wanted.role()?.unwrap_or(Role::Member);
    check_rank(&caller, role)?;
    let teams = teams::named(&caller, wanted.teams.as_deref().unwrap_or_default())?;
    let known = caller.people().user_by_email(&email);
    let user = match known {
        Some(user) if caller.people().role(organisation, user.id).is_some() => {
            let detail = "The person is a member already.";
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "already_member",
                detail,
            ));
        }
        Some(user) => User::clone(user),
        None => make_user(&state, &email, wanted.name.as_deref()).await?,
    };
    let at = state.clock.now();
    let people = state.people.store();
    people.set_member(organisation, user.id, role, at).await?;
    for team in teams {
        people.set_in_team(team, user.id, true).await?;
    }
    state.people.refresh().await?;
    let told = format!("{email} as {role}");
    caller.note(&state, "member.invite", told, None).await;
    let shown = shown(&state, &caller, organisation, user.id).await?;
    let link = match known {
        None => Some(link(&state, &base, user.id).await?),
        Some(_) => None,
    };
    Ok((StatusCode::CREATED, Json(with_link(shown, link))))
}

async fn make_user(state: &AppState, email: &Email, name: Option<&str>) -> Result<User, ApiError> {
    let name = checked_name(name.unwrap_or_default())?;
    let new = NewUser {
        email: email.clone(),
        name: if name.is_empty() {
            email.to_string()
        } else {
            name
        },
        password: None,
        at: state.clock.now(),
    };
    Ok(state.people.store().create_user(new).await?)
}

pub(super) fn checked_name(name: &str) -> Result<String, ApiError> {
    let name = name.trim();
    if name.chars().count() > MAX_NAME {
        let detail = format!("a name has at most {MAX_NAME} characters");
        return Err(ApiError::invalid("invalid_name", detail));
    }
    Ok(name.to_owned())
}

pub(super) async fn update(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names((name, id)): Names<(String, String)>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Value>, ApiError> {
    let (member, user) = find(&caller, &name, &id)?;
    caller.require(WRITE)?;
    check_rank(&caller, member.role)?;
    let role = wanted.role()?;
    if let Some(role) = role {
        check_rank(&caller, role)?;
    }
    let teams = match &wanted.teams {
        Some(names) => Some(teams::named(&caller, names)?),
        None => None,
    };
    if let Some(is_active) = wanted.is_active.filter(|active| *active != user.active) {
        set_active(&state, &caller, &user, is_active).await?;
    }
    let (organisation, at) = (member.organisation, state.clock.now());
    let people = state.people.store();
    if let Some(role) = role.filter(|role| *role != member.role) {
        let changed = people.set_member(organisation, user.id, role, at).await;
        changed.map_err(last_owner)?;
        let told = format!("{} from {} to {role}", user.email, member.role);
        caller.note(&state, "member.edit", told, None).await;
    }
    if let Some(teams) = teams {
        for team in caller.people().teams(organisation) {
            let is_in = teams.contains(&team.id);
            people.set_in_team(team.id, user.id, is_in).await?;
        }
        let told = format!("teams of {}", user.email);
        caller.note(&state, "member.edit", told, None).await;
    }
    state.people.refresh().await?;
    let shown = shown(&state, &caller, organisation, user.id).await?;
    // Whoever has a password, or is somewhere else too, is not this organisation's to log in.
    let is_ours = !user.has_password && caller.people().organisations_of(user.id).count() == 1;
    let link = match wanted.reinvite && is_ours {
        true => Some(link(&state, &base, user.id).await?),
        false => None,
    };
    Ok(Json(with_link(shown, link)))
}

/// Lets a person log in again, or not any more. It is the account that is switched off, so it must be
/// this organisation's alone; what the person did stays.
async fn set_active(
    state: &AppState,
    caller: &Access,
    user: &User,
    is_active: bool,
) -> Result<(), ApiError> {
    caller.require(ADMIN)?;
    if caller.user().is_some_and(|me| me.id == user.id) {
        let detail = "Nobody switches off their own account.";
        return Err(ApiError::new(StatusCode::CONFLICT, "own_account", detail));
    }
    if caller.people().organisations_of(user.id).count() > 1 {
        let detail = "The person is a member elsewhere too; end the membership instead.";
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "member_elsewhere",
            detail,
        ));
    }
    let change = UserChange {
        active: Some(is_active),
        ..UserChange::default()
    };
    let people = state.people.store();
    people
        .update_user(user.id, change)
        .await
        .map_err(last_owner)?;
    state.people.refresh().await?;
    state.people.forget_logins();
    state.catalog.forget_tokens();
    let action = if is_active {
        "member.activate"
    } else {
        "member.deactivate"
    };
    caller.note(state, action, user.email.as_str(), None).await;
    Ok(())
}

pub(super) async fn remove(
    State(state): State<AppState>,
    caller: Access,
    Names((name, id)): Names<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (member, user) = find(&caller, &name, &id)?;
    let leaves = is_self(&caller, &member) && caller.require_person().is_ok();
    if !leaves {
        caller.require(ADMIN)?;
        check_rank(&caller, member.role)?;
    }
    let removed = state.people.store();
    let removed = removed.remove_member(member.organisation, user.id).await;
    removed.map_err(last_owner)?;
    state.people.refresh().await?;
    state.catalog.forget_tokens();
    let told = user.email.to_string();
    caller.note(&state, "member.remove", told, None).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a member into a team.
pub(super) async fn join(
    State(state): State<AppState>,
    caller: Access,
    Names((name, id, team)): Names<(String, String, String)>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let shown = set_in_team(&state, &caller, (&name, &id, &team), true).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Takes a member out of a team.
pub(super) async fn leave(
    State(state): State<AppState>,
    caller: Access,
    Names((name, id, team)): Names<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let shown = set_in_team(&state, &caller, (&name, &id, &team), false).await?;
    Ok(Json(shown))
}

async fn set_in_team(
    state: &AppState,
    caller: &Access,
    (name, id, team): (&str, &str, &str),
    is_in: bool,
) -> Result<Value, ApiError> {
    let (member, user) = find(caller, name, id)?;
    let team = teams::find(caller, name, team)?;
    // Joining a team shows its projects, except where members see them all anyway.
    let is_harmless = !is_in || caller.people().is_open(member.organisation);
    let is_own_choice = is_self(caller, &member) && caller.require_person().is_ok();
    if !(is_own_choice && is_harmless) {
        caller.require(&[Scope::TeamWrite])?;
        caller.require_everything()?;
    }
    let people = state.people.store();
    people.set_in_team(team.id, user.id, is_in).await?;
    state.people.refresh().await?;
    let action = if is_in { "team.join" } else { "team.leave" };
    let told = format!("{} {}", user.email, team.slug);
    caller.note(state, action, told, None).await;
    // Who has just left may not see the team any more, but may see what it was.
    let team = team.clone();
    Ok(person::team(caller, &team))
}

/// Finds a member by number, or as `me`.
fn find(caller: &Access, organisation: &str, id: &str) -> Result<(Membership, User), ApiError> {
    let organisation = caller.organisation(organisation)?.id;
    let wanted = match (id, caller.user()) {
        ("me", Some(user)) => Some(user.id),
        _ => id.parse().ok(),
    };
    let found = caller
        .people()
        .members(organisation)
        .find(|(member, _)| Some(member.user) == wanted);
    found
        .map(|(member, user)| (*member, User::clone(user)))
        .ok_or_else(ApiError::not_found)
}

fn is_self(caller: &Access, member: &Membership) -> bool {
    caller.user().is_some_and(|user| user.id == member.user)
}

fn check_rank(caller: &Access, role: Role) -> Result<(), ApiError> {
    match may_manage(caller.rank(), role) {
        true => Ok(()),
        false => Err(ApiError::forbidden().because("the role is above yours")),
    }
}

fn last_owner(error: crate::error::Error) -> ApiError {
    if error.kind() == ErrorKind::Conflict {
        let detail = "An organization keeps at least one owner.";
        return ApiError::new(StatusCode::CONFLICT, "last_owner", detail);
    }
    error.into()
}

/// Shows a member as it is now.
async fn shown(
    state: &AppState,
    caller: &Access,
    organisation: OrganisationId,
    id: UserId,
) -> Result<Value, ApiError> {
    let now = caller.renew(state).await?;
    let mut members = now.people().members(organisation);
    let (member, user) = members
        .find(|(member, _)| member.user == id)
        .ok_or_else(ApiError::not_found)?;
    Ok(person::member(&now, member, user))
}

async fn link(state: &AppState, base: &BaseUrl, user: UserId) -> Result<String, ApiError> {
    let expires = state.clock.now().plus(INVITED_DAYS * Millis::DAY);
    let secret = new_link(state.people.store(), user, expires).await?;
    Ok(base.join(&link_path(&secret)))
}

fn with_link(mut shown: Value, link: Option<String>) -> Value {
    if let Value::Object(shown) = &mut shown {
        let link = link.map_or(Value::Null, Value::String);
        shown.insert("inviteLink".to_owned(), link);
    }
    shown
}
