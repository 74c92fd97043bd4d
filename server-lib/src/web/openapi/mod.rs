//! The document that describes the surface, for people and for generators of clients. A test holds
//! it against the routes.

use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};

use super::EitherSlash;
use super::extract::Base;
use crate::state::AppState;

mod discover;
mod examples;
mod ingest;
mod issue_schemas;
mod issues;
mod management;
mod own;
mod page;
mod people;
mod postman;
mod releases;
mod schemas;
mod yaml;

/// Returns the routes.
pub fn routes() -> Router<AppState> {
    Router::new()
        .either("/docs/", get(show_page))
        .either("/docs/openapi.json/", get(show))
        .either("/docs/openapi.yaml/", get(show_yaml))
        .either("/docs/postman.json/", get(show_postman))
}

async fn show(_: super::access::Access, Base(base): Base) -> Json<Value> {
    Json(document(&base.to_string()))
}

async fn show_yaml(_: super::access::Access, Base(base): Base) -> Response {
    let media_type = HeaderValue::from_static("application/yaml");
    let text = document_as_yaml(&base.to_string());
    ([(header::CONTENT_TYPE, media_type)], text).into_response()
}

async fn show_postman(_: super::access::Access, Base(base): Base) -> Json<Value> {
    Json(postman_collection(&base.to_string()))
}

async fn show_page(_: super::access::Access, Base(base): Base) -> Response {
    let mut response = Html(page::write(&base.to_string())).into_response();
    if let Ok(policy) = HeaderValue::try_from(page::policy()) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// What an operation asks of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Nothing.
    Open,
    /// A token or login with one of these scopes; without any named, a valid one.
    Token(&'static [&'static str]),
    /// The public key of a DSN.
    Key,
    /// An ingest token, or a token in the query.
    InPath,
}

/// What an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// JSON of a schema.
    Json(&'static str),
    /// Bytes of a media type.
    Bytes(&'static str),
}

/// What an operation gives when it succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gives {
    /// A status and no body.
    Status(u16),
    /// JSON of a schema.
    Json(u16, &'static str),
    /// A list of a schema.
    List(&'static str),
    /// Bytes of a media type.
    Bytes(u16, &'static str),
}

/// One method of one path.
#[derive(Clone, Copy, Debug)]
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    access: Access,
    query: &'static [(&'static str, &'static str)],
    takes: Takes,
    gives: Gives,
}

/// Returns the document for a server at this address.
#[must_use]
pub fn document(base: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        let path = paths
            .entry(operation.path)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(path) = path {
            path.insert(operation.method.to_owned(), operation.to_json());
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Mini Sentry",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Error tracking: ingest for Sentry's SDKs, and reading back",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": base }],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "login": { "type": "apiKey", "in": "cookie", "name": "mini_sentry_login" },
                "keyHeader": { "type": "apiKey", "in": "header", "name": "X-Sentry-Auth" },
                "keyQuery": { "type": "apiKey", "in": "query", "name": "sentry_key" },
            },
        },
    })
}

/// Returns the document as YAML.
#[must_use]
pub fn document_as_yaml(base: &str) -> String {
    yaml::write(&document(base))
}

/// Returns the document as a collection for Postman.
#[must_use]
pub fn postman_collection(base: &str) -> Value {
    postman::of(&document(base))
}

fn operations() -> impl Iterator<Item = &'static Operation> {
    management::OPERATIONS
        .iter()
        .chain(issues::OPERATIONS)
        .chain(releases::OPERATIONS)
        .chain(discover::OPERATIONS)
        .chain(management::OWN)
        .chain(people::OPERATIONS)
        .chain(own::OPERATIONS)
        .chain(ingest::OPERATIONS)
}

impl Operation {
    fn to_json(self) -> Value {
        let mut operation = json!({
            "operationId": self.id(),
            "summary": self.summary,
            "tags": [self.tag()],
            "parameters": self.parameters(),
            "security": self.security(),
            "responses": self.responses(),
        });
        if let (Value::Object(operation), Some(body)) = (&mut operation, self.body()) {
            operation.insert("requestBody".to_owned(), body);
        }
        operation
    }

    /// Names the operation by its method and path.
    fn id(&self) -> String {
        let words: Vec<_> = self
            .path
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        format!("{}_{}", self.method, words.join("_"))
    }

    fn tag(&self) -> &'static str {
        if self.access == Access::Key || self.path.contains("/ingest/") {
            "ingest"
        } else if self.path.starts_with("/api/0/") {
            "sentry"
        } else {
            "mini-sentry"
        }
    }

    fn parameters(&self) -> Vec<Value> {
        let in_path = self
            .path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| {
                json!({
                    "name": name,
                    "in": "path",
                    "required": true,
                    "schema": { "type": "string" },
                })
            });
        let in_query = self.query.iter().map(|(name, about)| {
            json!({
                "name": name,
                "in": "query",
                "description": about,
                "schema": { "type": "string" },
            })
        });
        in_path.chain(in_query).collect()
    }

    fn security(&self) -> Value {
        match self.access {
            Access::Open | Access::InPath => json!([]),
            Access::Token(scopes) => json!([{ "token": scopes }, { "login": [] }]),
            Access::Key => json!([{ "keyHeader": [] }, { "keyQuery": [] }]),
        }
    }

    fn body(&self) -> Option<Value> {
        let (media_type, mut content) = match self.takes {
            Takes::Nothing => return None,
            Takes::Json(schema) => ("application/json", json!({ "schema": reference(schema) })),
            Takes::Bytes(media_type) => (media_type, json!({})),
        };
        if let (Value::Object(content), Some(example)) = (&mut content, examples::of(self)) {
            content.insert("example".to_owned(), example);
        }
        Some(json!({ "required": true, "content": { media_type: content } }))
    }

    fn responses(&self) -> Value {
        let json_of = |schema: Value| json!({ "application/json": { "schema": schema } });
        let is_page = self.path.starts_with("/auth/");
        let (status, content) = match self.gives {
            Gives::Status(status) => (status, None),
            Gives::Json(status, schema) => (status, Some(json_of(reference(schema)))),
            Gives::List(schema) => {
                let list = json!({ "type": "array", "items": reference(schema) });
                (200, Some(json_of(list)))
            }
            Gives::Bytes(status, media_type) => (status, Some(json!({ media_type: {} }))),
        };
        let mut success = json!({ "description": "Done" });
        if let (Value::Object(success), Some(mut content)) = (&mut success, content) {
            // Bytes that were sent are given as what they were sent as.
            if let (Value::Object(content), true) = (&mut content, self.gives_files()) {
                content.insert("*/*".to_owned(), json!({}));
            }
            success.insert("content".to_owned(), content);
        }
        let mut refused = json_of(reference("Error"));
        if let (Value::Object(refused), true) = (&mut refused, is_page) {
            refused.insert("text/html".to_owned(), json!({}));
        }
        let refused = json!({
            "description": "Refused; the detail says why",
            "content": refused,
        });
        let mut all = Map::new();
        for other in self.other_successes() {
            // No content has no content, and everything else what the first answer has.
            let answer = match other {
                204 => json!({ "description": "Done" }),
                _ => success.clone(),
            };
            all.insert(other.to_string(), answer);
        }
        all.insert(status.to_string(), success);
        all.insert("4XX".to_owned(), refused.clone());
        all.insert("5XX".to_owned(), refused);
        Value::Object(all)
    }

    /// Reports whether the operation may answer with a file instead.
    fn gives_files(&self) -> bool {
        self.method == "get" && self.query.iter().any(|(name, _)| *name == "download")
    }

    /// Returns the other statuses with which the operation succeeds.
    fn other_successes(&self) -> &'static [u16] {
        match (self.method, self.path) {
            (
                "put",
                "/api/0/organizations/{organisation}/issues/"
                | "/api/0/projects/{organisation}/{project}/issues/"
                | "/api/0/organizations/{organisation}/issues/{issue}/"
                | "/api/0/issues/{issue}/",
            ) => &[204],
            (
                "post",
                "/api/0/organizations/{organisation}/releases/"
                | "/api/0/projects/{organisation}/{project}/releases/",
            ) => &[208],
            ("post", "/api/releases/" | "/api/sessions/ingest/token/{token}/") => &[200],
            ("post", "/api/0/projects/{organisation}/{project}/erase-user/") => &[202],
            _ => &[],
        }
    }
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

#[cfg(test)]
mod tests;
