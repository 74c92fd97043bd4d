//! Who acts on issues and who has them: the callers' own name, names in requests, and how they are
//! shown.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::access::{Access, Principal};
use super::error::ApiError;
use crate::model::ids::{TeamId, UserId};
use crate::model::issue::Actor;
use crate::model::people::{Email, Team, User};
use crate::people::PeopleView;
use crate::state::AppState;

/// Returns who the caller is. A token of the organisation stands for itself.
#[must_use]
pub fn me(caller: &Access) -> Option<Actor> {
    Actor::new(&caller.actor())
}

/// Returns the teams that the caller is in; tokens of the organisation are in none.
#[must_use]
pub fn my_teams(caller: &Access) -> Vec<Actor> {
    let Some(user) = caller.user() else {
        return Vec::new();
    };
    let people = caller.people();
    people
        .teams(caller.own_organisation().id)
        .filter(|team| people.is_in(team.id, user.id))
        .filter_map(of_team)
        .collect()
}

/// Returns the team of a slug.
#[must_use]
pub fn team(caller: &Access, slug: &str) -> Option<Actor> {
    let mut teams = caller.people().teams(caller.own_organisation().id);
    teams.find(|team| team.slug == slug).and_then(of_team)
}

/// Returns the member of an address, or else the name itself.
#[must_use]
pub fn person(caller: &Access, name: &str) -> Option<Actor> {
    let organisation = caller.own_organisation().id;
    let people = caller.people();
    let found = Email::parse(name)
        .and_then(|email| people.user_by_email(&email))
        .filter(|user| people.role(organisation, user.id).is_some());
    match found {
        Some(user) => Actor::new(&format!("user:{}", user.id)),
        None => Actor::new(name),
    }
}

fn of_team(team: &Team) -> Option<Actor> {
    Actor::new(&format!("team:{}", team.id))
}

/// Reads who an issue is to be given to: `user:1`, `team:2`, `#team`, `me`, a number, an address or
/// a name. Nothing means nobody.
///
/// # Errors
///
/// 400 when there is no such member or team, or it is no text.
pub fn assignee(caller: &Access, value: &Value) -> Result<Option<Actor>, ApiError> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => {
            return Err(unknown(
                "assignedTo is a text such as user:1, #team or an address",
            ));
        }
    };
    let own = me(caller);
    if text == "me" || own.as_ref().is_some_and(|own| own.as_str() == text) {
        return Ok(own);
    }
    if let Some(slug) = text.strip_prefix('#') {
        let found = team(caller, slug);
        return found
            .map(Some)
            .ok_or_else(|| unknown("there is no such team"));
    }
    if let Some(name) = text.strip_prefix("team:") {
        let found = caller.people().team(caller.own_organisation().id, name);
        return found
            .map(of_team)
            .ok_or_else(|| unknown("there is no such team"));
    }
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.strip_prefix("user:");
    if let Some(number) = number.or(is_number.then_some(text.as_str())) {
        let found = member(caller, number);
        return found
            .map(Some)
            .ok_or_else(|| unknown("there is no such member"));
    }
    if text.starts_with("token:") {
        return Err(unknown("an issue is not given to a token"));
    }
    Ok(person(caller, &text))
}

/// Finds a member by number. A token of the organisation is its own number, where nobody has it.
fn member(caller: &Access, number: &str) -> Option<Actor> {
    let organisation = caller.own_organisation().id;
    let id = number.parse().ok().map(UserId)?;
    if caller.people().role(organisation, id).is_some() {
        return Actor::new(&format!("user:{id}"));
    }
    match caller.principal() {
        Principal::Organisation(token) if token.id.to_string() == number => me(caller),
        _ => None,
    }
}

fn unknown(detail: &'static str) -> ApiError {
    ApiError::invalid("unknown_assignee", detail)
}

/// The names of those who are to be shown.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    people: Arc<PeopleView>,
    teams: HashMap<TeamId, String>,
    tokens: HashMap<Actor, String>,
}

impl Directory {
    /// Looks the names of actors up.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn of<'a>(
        state: &AppState,
        caller: &Access,
        actors: impl IntoIterator<Item = &'a Actor>,
    ) -> Result<Self, ApiError> {
        let own = caller.own_organisation();
        let people = state.people.view();
        let teams = people
            .teams(own.id)
            .map(|team| (team.id, team.slug.clone()))
            .collect();
        let mut tokens = HashMap::new();
        // A statement of its own, as the iterator must not live on into what is waited for.
        let names_token = actors
            .into_iter()
            .any(|actor| actor.as_str().starts_with("token:"));
        if names_token {
            for token in state.store.catalog.tokens(own.id).await? {
                if let Some(actor) = Actor::new(&format!("token:{}", token.id)) {
                    tokens.insert(actor, token.label);
                }
            }
        }
        Ok(Self {
            people,
            teams,
            tokens,
        })
    }

    /// Shows who has an issue.
    #[must_use]
    pub fn assignee(&self, actor: &Actor) -> Value {
        let (kind, id) = split(actor);
        json!({
            "type": kind,
            "id": id,
            "name": self.name(actor),
            "email": self.email(actor),
        })
    }

    /// Shows a person.
    #[must_use]
    pub fn user(&self, actor: &Actor) -> Value {
        let name = self.name(actor);
        json!({
            "id": split(actor).1,
            "name": name,
            "username": name,
            "email": self.email(actor),
        })
    }

    /// Returns the address of an actor; empty when there is none.
    #[must_use]
    pub fn email<'a>(&'a self, actor: &'a Actor) -> &'a str {
        match self.account(actor) {
            Some(user) => user.email.as_str(),
            None if actor.as_str().contains('@') => actor.as_str(),
            None => "",
        }
    }

    fn name<'a>(&'a self, actor: &'a Actor) -> &'a str {
        let text = actor.as_str();
        if let Some(user) = self.account(actor) {
            return match user.name.is_empty() {
                true => user.email.as_str(),
                false => &user.name,
            };
        }
        let team = text.strip_prefix("team:").and_then(|id| id.parse().ok());
        let known = team
            .and_then(|id| self.teams.get(&TeamId(id)))
            .or_else(|| self.tokens.get(actor));
        known.map_or(text, String::as_str)
    }

    fn account(&self, actor: &Actor) -> Option<&Arc<User>> {
        let id = actor.as_str().strip_prefix("user:")?;
        self.people.user(UserId(id.parse().ok()?))
    }
}

/// Takes an actor apart: `user` or `team`, and which. Tokens and names stand for people.
#[must_use]
pub fn split(actor: &Actor) -> (&'static str, &str) {
    let text = actor.as_str();
    match text.split_once(':') {
        Some(("team", id)) => ("team", id),
        Some(("user" | "token", id)) => ("user", id),
        _ => ("user", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_shown_by_its_name() {
        let token = Actor::new("token:3").unwrap();
        let directory = Directory {
            tokens: HashMap::from([(token.clone(), "build".to_owned())]),
            ..Directory::default()
        };
        let shown = directory.assignee(&token);
        assert_eq!(
            shown,
            json!({"type": "user", "id": "3", "name": "build", "email": ""})
        );
        let person = Actor::new("a@example.com").unwrap();
        let shown = directory.user(&person);
        assert_eq!(shown["email"], "a@example.com");
        assert_eq!(shown["id"], "a@example.com");
        let team = Actor::new("team:7").unwrap();
        assert_eq!(split(&team), ("team", "7"));
    }
}
