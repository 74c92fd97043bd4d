//! Who am I, and what is this: the first question of every client.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::state::AppState;
use crate::tokens::TokenForm;
use crate::web::auth::{Authorized, bearer};
use crate::web::error::ApiError;

/// Answers without a token too; a wrong one is refused.
pub(super) async fn root(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let caller = match bearer(&headers) {
        Some(text) => Some(Authorized::from_text(&state, text).await?),
        None => None,
    };
    let user = caller
        .as_ref()
        .filter(|caller| caller.form() == TokenForm::User)
        .map(user);
    let auth = caller
        .as_ref()
        .map(|caller| json!({ "scopes": caller.token().scopes }));
    Ok(Json(json!({ "version": "0", "user": user, "auth": auth })))
}

/// Tells whom the token stands for.
pub(super) async fn whoami(caller: Authorized) -> Json<Value> {
    Json(user(&caller))
}

/// Tells that there are no regions: clients stay with this address.
pub(super) async fn regions(_: Authorized) -> Json<Value> {
    Json(json!({ "regions": [] }))
}

/// There are no accounts: a token stands for itself, under its label.
fn user(caller: &Authorized) -> Value {
    let token = caller.token();
    json!({
        "id": token.id.to_string(),
        "name": token.label,
        "username": token.label,
        "email": "",
        "isActive": true,
    })
}
