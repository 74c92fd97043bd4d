//! Tells what of a question is readable, without answering it.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::READ;
use super::columns::Column;
use super::question::Question;
use super::sort;
use crate::state::AppState;
use crate::store::search::Subject;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Names, Pairs};
use crate::web::issue_search::read;

pub(super) async fn validate(
    State(state): State<AppState>,
    caller: Access,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    caller.organisation(&organisation)?;
    let mut columns = Vec::new();
    let mut fields = Vec::new();
    for name in query.all("field") {
        fields.push(match Column::read(name) {
            Ok(column) => {
                let verdict = json!({
                    "name": name, "valid": true, "error": null, "attrType": attribute(&column),
                });
                columns.push(column);
                verdict
            }
            Err(error) => fault(name, &error),
        });
    }
    let mut orders = Vec::new();
    for name in query.all("sort").chain(query.all("orderby")) {
        let one = Pairs::from_iter([("sort", name)]);
        orders.push(match sort::read(&one, &mut columns.clone()) {
            Ok(_) => json!({ "name": name, "valid": true, "error": null, "attrType": null }),
            Err(error) => fault(name, &error),
        });
    }
    let mut projects = Vec::new();
    for name in query.all("project").filter(|name| *name != "-1") {
        projects.push(match caller.project_by_name(name) {
            Ok(project) => json!({ "name": project.slug, "valid": true, "error": null }),
            Err(error) => fault(name, &error),
        });
    }
    let dataset: Vec<Value> = query.all("dataset").map(dataset).collect();
    let environment = query.all("environment");
    let environment: Vec<_> = environment
        .map(|name| json!({ "name": name, "valid": true, "error": null }))
        .collect();
    let text = query.first("query").unwrap_or_default().trim();
    let error = read(text, Subject::Events, state.clock.now()).err();
    let error = error.as_ref().map(ApiError::detail);
    let lists = [&projects, &dataset, &environment, &fields, &orders];
    let is_valid = |verdict: &Value| verdict.get("valid") == Some(&Value::Bool(true));
    let is_all_valid = error.is_none() && lists.iter().all(|list| list.iter().all(is_valid));
    Ok(Json(json!({
        "valid": is_all_valid,
        "projects": projects,
        "dataset": dataset,
        "environment": environment,
        "field": fields,
        "query": { "valid": error.is_none(), "error": error, "fields": [] },
        "orderby": orders,
    })))
}

fn dataset(name: &str) -> Value {
    match Question::dataset(name) {
        Ok(_) => json!({ "name": name, "valid": true, "error": null }),
        Err(error) => fault(name, &error),
    }
}

/// Names the type of a column as attributes have it.
fn attribute(column: &Column) -> &'static str {
    match column.kind() {
        "integer" | "number" | "rate" | "percentage" | "duration" => "number",
        "boolean" => "boolean",
        _ => "string",
    }
}

fn fault(name: &str, error: &ApiError) -> Value {
    json!({ "name": name, "valid": false, "error": error.detail(), "attrType": null })
}
