//! People: senders, accounts, members, teams, logins, the audit log.

use serde_json::{Value, json};

use super::project::{merged, summary};
use crate::model::ids::ProjectId;
use crate::model::people::{AuditEntry, Login, Membership, Role, Team, User};
use crate::web::access::{Access, Principal};

/// Shows who sends. A token of the organisation stands for itself, under its label.
#[must_use]
pub fn sender(caller: &Access) -> Value {
    match caller.principal() {
        Principal::Organisation(token) => json!({
            "id": token.id.to_string(),
            "name": token.label,
            "username": token.label,
            "email": "",
            "isActive": true,
        }),
        Principal::Person { user, role, .. } => {
            let organisation = caller.own_organisation();
            let more = json!({
                "role": role,
                "organization": { "id": organisation.id.to_string(), "slug": organisation.slug },
                "scopes": caller.scopes(),
                "csrfToken": caller.csrf_token(),
            });
            merged(account(user), more)
        }
    }
}

/// Shows an account.
#[must_use]
pub fn account(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "name": user.name,
        "username": user.email,
        "email": user.email,
        "emails": [{ "id": user.id.to_string(), "email": user.email, "is_verified": true }],
        "isActive": user.active,
        "hasPasswordAuth": user.has_password,
        "isManaged": false,
        "isSuperuser": false,
        "isStaff": false,
        "has2fa": false,
        "dateJoined": user.created.to_rfc3339(),
        "avatarUrl": null,
        "avatar": { "avatarType": "letter_avatar", "avatarUuid": null },
    })
}

/// Shows a member of the sender's organisation.
#[must_use]
pub fn member(caller: &Access, membership: &Membership, user: &User) -> Value {
    let people = caller.people();
    let own: Vec<_> = people
        .teams(membership.organisation)
        .filter(|team| people.is_in(team.id, user.id))
        .map(|team| team.slug.as_str())
        .collect();
    let with_roles: Vec<_> = own
        .iter()
        .map(|slug| json!({ "teamSlug": slug, "role": null }))
        .collect();
    json!({
        "id": user.id.to_string(),
        "email": user.email,
        "name": user.name,
        "user": account(user),
        "role": membership.role,
        "orgRole": membership.role,
        "roleName": role_name(membership.role),
        "pending": !user.has_password,
        "expired": false,
        "flags": {
            "sso:linked": false,
            "sso:invalid": false,
            "member-limit:restricted": false,
        },
        "dateCreated": membership.created.to_rfc3339(),
        "inviteStatus": "approved",
        "inviterName": null,
        "teams": own,
        "teamRoles": with_roles,
    })
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Viewer",
        Role::Member => "Member",
        Role::Admin => "Admin",
        Role::Owner => "Owner",
    }
}

/// Shows a team as lists have it, and inside of projects.
#[must_use]
pub fn team(caller: &Access, team: &Team) -> Value {
    let people = caller.people();
    let is_member = caller
        .user()
        .is_none_or(|user| people.is_in(team.id, user.id));
    let members = people
        .members(team.organisation)
        .filter(|(member, _)| people.is_in(team.id, member.user))
        .count();
    json!({
        "id": team.id.to_string(),
        "slug": team.slug,
        "name": team.name,
        "dateCreated": team.created.to_rfc3339(),
        "isMember": is_member,
        "isPending": false,
        "hasAccess": is_member || caller.sees_everything(),
        "teamRole": null,
        "memberCount": members,
        "flags": { "idp:provisioned": false },
        "access": caller.scopes(),
        "avatar": { "avatarType": "letter_avatar", "avatarUuid": null },
    })
}

/// Shows a team with the projects of it that the sender sees.
#[must_use]
pub fn team_with_projects(caller: &Access, shown: &Team) -> Value {
    let owner = caller.own_organisation();
    let projects: Vec<_> = caller
        .projects()
        .filter(|project| caller.people().has_project(shown.id, project.id))
        .map(|project| summary(project, owner, &[], &[]))
        .collect();
    merged(team(caller, shown), json!({ "projects": projects }))
}

/// Shows the teams of a project.
#[must_use]
pub fn teams_of(caller: &Access, project: ProjectId) -> Vec<Value> {
    let organisation = caller.own_organisation().id;
    let teams = caller.people().teams_of(organisation, project);
    teams.map(|each| team(caller, each)).collect()
}

/// Shows a login. `current` is the one that asks.
#[must_use]
pub fn login(login: &Login, current: Option<&Login>) -> Value {
    json!({
        "id": login.id.to_string(),
        "dateCreated": login.created.to_rfc3339(),
        "lastSeen": login.seen.to_rfc3339(),
        "expiresAt": login.expires.to_rfc3339(),
        "ipAddress": login.address,
        "userAgent": login.agent,
        "isCurrent": current.is_some_and(|current| current.id == login.id),
    })
}

/// Shows an entry of the audit log.
#[must_use]
pub fn audit_entry(entry: &AuditEntry) -> Value {
    let note = &entry.note;
    json!({
        "id": entry.id.to_string(),
        "event": note.action,
        "note": note.target,
        "ipAddress": note.address,
        "actor": {
            "id": note.actor.user.map(|user| user.to_string()),
            "name": note.actor.label,
            "email": note.actor.user.map(|_| &note.actor.label),
            "tokenId": note.actor.token.map(|token| token.to_string()),
        },
        "targetProject": note.project.map(|project| project.to_string()),
        "dateCreated": note.at.to_rfc3339(),
    })
}
