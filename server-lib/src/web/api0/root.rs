//! Who am I, and what is this: the first question of every client.

use axum::Json;
use serde_json::{Value, json};

use crate::web::access::Access;
use crate::web::present::person;

pub(super) async fn root(caller: Access) -> Json<Value> {
    // A token for machines stands for nobody.
    let is_machine = caller.form() == Some(crate::tokens::TokenForm::Organisation);
    let user = (!is_machine).then(|| person::sender(&caller));
    let auth = json!({ "scopes": caller.scopes() });
    Json(json!({ "version": "0", "user": user, "auth": auth }))
}

/// Tells that there are no regions: clients stay with this address.
pub(super) async fn regions(_: Access) -> Json<Value> {
    Json(json!({ "regions": [] }))
}
