//! Who acts on issues and who has them: the callers' own name, names in requests, and how they are
//! shown.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::auth::Authorized;
use super::error::ApiError;
use crate::model::issue::Actor;
use crate::state::AppState;

/// Returns who the caller is. There are no accounts: a token stands for itself.
#[must_use]
pub fn me(caller: &Authorized) -> Option<Actor> {
    Actor::new(&format!("token:{}", caller.token().id))
}

/// Returns the teams of the caller: the one that stands for all members.
#[must_use]
pub fn my_teams(caller: &Authorized) -> Vec<Actor> {
    let team = Actor::new(&format!("team:{}", caller.own_organisation().id));
    team.into_iter().collect()
}

/// Returns the team of a slug.
#[must_use]
pub fn team(caller: &Authorized, slug: &str) -> Option<Actor> {
    let own = caller.own_organisation();
    (own.slug == slug).then(|| my_teams(caller).pop()).flatten()
}

/// Reads who an issue is to be given to: `user:1`, `team:2`, `#team`, `me`, a number, an address or
/// a name. Nothing means nobody.
///
/// # Errors
///
/// 400 when there is no such team, or it is no text.
pub fn assignee(caller: &Authorized, value: &Value) -> Result<Option<Actor>, ApiError> {
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
    let own_number = caller.token().id.to_string();
    let number = text.strip_prefix("user:").unwrap_or(&text);
    if text == "me" || number == own_number {
        return Ok(me(caller));
    }
    if let Some(slug) = text.strip_prefix('#') {
        let found = team(caller, slug);
        return found
            .map(Some)
            .ok_or_else(|| unknown("there is no such team"));
    }
    if let Some(number) = text.strip_prefix("team:") {
        let own = caller.own_organisation();
        if number != own.id.to_string() && number != own.slug {
            return Err(unknown("there is no such team"));
        }
        return Ok(my_teams(caller).pop());
    }
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = if is_number {
        format!("user:{text}")
    } else {
        text
    };
    Ok(Actor::new(&text))
}

fn unknown(detail: &'static str) -> ApiError {
    ApiError::invalid("unknown_assignee", detail)
}

/// The names of those who are to be shown.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    names: HashMap<Actor, String>,
}

impl Directory {
    /// Looks the names of actors up.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn of<'a>(
        state: &AppState,
        caller: &Authorized,
        actors: impl IntoIterator<Item = &'a Actor>,
    ) -> Result<Self, ApiError> {
        let mut names = HashMap::new();
        if actors.into_iter().next().is_none() {
            return Ok(Self { names });
        }
        let own = caller.own_organisation();
        for team in my_teams(caller) {
            names.insert(team, own.slug.clone());
        }
        for token in state.store.catalog.tokens(own.id).await? {
            if let Some(actor) = Actor::new(&format!("token:{}", token.id)) {
                names.insert(actor, token.label);
            }
        }
        Ok(Self { names })
    }

    /// Shows who has an issue.
    #[must_use]
    pub fn assignee(&self, actor: &Actor) -> Value {
        let (kind, id) = split(actor);
        json!({
            "type": kind,
            "id": id,
            "name": self.name(actor),
            "email": email(actor),
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
            "email": email(actor),
        })
    }

    fn name<'a>(&'a self, actor: &'a Actor) -> &'a str {
        self.names
            .get(actor)
            .map_or_else(|| actor.as_str(), String::as_str)
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

fn email(actor: &Actor) -> &str {
    let text = actor.as_str();
    if text.contains('@') { text } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_shown_by_its_name() {
        let token = Actor::new("token:3").unwrap();
        let directory = Directory {
            names: HashMap::from([(token.clone(), "build".to_owned())]),
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
