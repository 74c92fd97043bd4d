//! The document as a collection for Postman: a folder for each tag, in it one for each subject.

#![expect(
    clippy::indexing_slicing,
    reason = "what a JSON value does not have is null"
)]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
/// What stands in paths, with values as the examples of bodies have them.
const KNOWN: &[(&str, &str)] = &[("organisation", "my-organisation"), ("project", "shop")];

/// Makes the collection of a document of OpenAPI.
#[must_use]
pub(super) fn of(document: &Value) -> Value {
    let mut folders: BTreeMap<&str, BTreeMap<&str, Vec<Value>>> = BTreeMap::new();
    let mut variables = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            let subjects = folders.entry(tag).or_default();
            let request = request(method, path, operation);
            subjects.entry(subject(path)).or_default().push(request);
            for parameter in parameters(operation, "path") {
                variables.insert(parameter["name"].as_str().unwrap_or_default(), "");
            }
        }
    }
    variables.extend(KNOWN.iter().copied());
    variables.extend([
        ("token", ""),
        ("key", ""),
        ("password", ""),
        ("newPassword", ""),
    ]);
    let base = document["servers"][0]["url"].as_str().unwrap_or_default();
    variables.insert("baseUrl", base);
    let variables: Vec<_> = variables
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": value, "type": "string" }))
        .collect();
    json!({
        "info": {
            "name": document["info"]["title"],
            "description": "Set baseUrl, token (of the API) and key (of a DSN) in the variables.",
            "version": document["info"]["version"],
            "schema": SCHEMA,
        },
        "auth": {
            "type": "bearer",
            "bearer": [{ "key": "token", "value": "{{token}}", "type": "string" }],
        },
        "variable": variables,
        "item": folders.into_iter().map(folder).collect::<Vec<_>>(),
    })
}

fn folder((tag, subjects): (&str, BTreeMap<&str, Vec<Value>>)) -> Value {
    let subjects = subjects
        .into_iter()
        .map(|(subject, requests)| json!({ "name": subject, "item": requests }));
    json!({ "name": tag, "item": subjects.collect::<Vec<_>>() })
}

/// Returns what a path is about: its first word behind the organisation, project or team.
fn subject(path: &str) -> &str {
    let mut words = path
        .split('/')
        .filter(|word| !word.is_empty() && !word.starts_with('{'))
        .skip_while(|word| matches!(*word, "api" | "0"));
    match (words.next(), words.next()) {
        (Some("organizations" | "projects" | "teams" | "users"), Some(word)) | (Some(word), _) => {
            word
        }
        (None, _) => "api",
    }
}

fn request(method: &str, path: &str, operation: &Value) -> Value {
    let mut headers = Vec::new();
    let mut request = Map::new();
    request.insert("method".to_owned(), Value::from(method.to_uppercase()));
    request.insert("url".to_owned(), url(path, operation));
    let security = &operation["security"];
    if !security[0]["token"].is_array() {
        request.insert("auth".to_owned(), json!({ "type": "noauth" }));
    }
    if security[0]["keyHeader"].is_array() {
        let key = "Sentry sentry_version=7, sentry_key={{key}}";
        headers.push(json!({ "key": "X-Sentry-Auth", "value": key }));
    }
    let content = operation["requestBody"]["content"].as_object();
    if let Some((media_type, content)) = content.and_then(|content| content.iter().next()) {
        let is_form = media_type == "multipart/form-data";
        // The boundary is the client's to choose.
        if !is_form {
            headers.push(json!({ "key": "Content-Type", "value": media_type }));
        }
        let body = match &content["example"] {
            _ if is_form => json!({ "mode": "formdata", "formdata": [] }),
            Value::String(text) => json!({ "mode": "raw", "raw": text }),
            Value::Null => json!({ "mode": "raw", "raw": "" }),
            example => json!({
                "mode": "raw",
                "raw": serde_json::to_string_pretty(example).unwrap_or_default(),
                "options": { "raw": { "language": "json" } },
            }),
        };
        request.insert("body".to_owned(), body);
    }
    request.insert("header".to_owned(), Value::from(headers));
    request.insert("description".to_owned(), operation["summary"].clone());
    json!({
        "name": format!("{} {path}", method.to_uppercase()),
        "request": request,
        "response": [],
    })
}

fn url(path: &str, operation: &Value) -> Value {
    // A slash at the end is an empty word, as Postman has it.
    let words: Vec<_> = path
        .split('/')
        .skip(1)
        .map(|word| match word.strip_prefix('{') {
            Some(name) => format!(":{}", name.trim_end_matches('}')),
            None => word.to_owned(),
        })
        .collect();
    let variables: Vec<_> = parameters(operation, "path")
        .filter_map(|parameter| parameter["name"].as_str())
        .map(|name| json!({ "key": name, "value": format!("{{{{{name}}}}}") }))
        .collect();
    let query: Vec<_> = parameters(operation, "query")
        .map(|parameter| {
            json!({
                "key": parameter["name"],
                "value": "",
                "description": parameter["description"],
                "disabled": true,
            })
        })
        .collect();
    json!({
        "raw": format!("{{{{baseUrl}}}}/{}", words.join("/")),
        "host": ["{{baseUrl}}"],
        "path": words,
        "variable": variables,
        "query": query,
    })
}

fn parameters<'a>(operation: &'a Value, place: &'a str) -> impl Iterator<Item = &'a Value> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.filter(move |parameter| parameter["in"] == place)
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;

    fn requests<'a>(item: &'a Value, found: &mut Vec<&'a Value>) {
        for child in item["item"].as_array().into_iter().flatten() {
            requests(child, found);
        }
        if item["request"].is_object() {
            found.push(item);
        }
    }

    #[test]
    fn every_operation_is_a_request_in_the_folder_of_its_tag() {
        let document = document("https://errors.example.com");
        let collection = of(&document);
        let mut found = Vec::new();
        requests(&collection, &mut found);
        let documented = document["paths"].as_object().unwrap().values();
        let documented: usize = documented.map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(found.len(), documented);
        let folders = collection["item"].as_array().unwrap();
        let folders: Vec<_> = folders
            .iter()
            .map(|each| each["name"].as_str().unwrap())
            .collect();
        assert_eq!(folders, ["ingest", "mini-sentry", "sentry"]);
        let variables = collection["variable"].as_array().unwrap();
        for request in found {
            for used in request["request"].to_string().split("{{").skip(1) {
                let name = used.split("}}").next().unwrap();
                assert!(
                    variables.iter().any(|each| each["key"] == name),
                    "{name}: {request}"
                );
            }
        }
    }

    #[test]
    fn a_request_has_its_address_its_credentials_and_a_body() {
        let collection = of(&document("https://errors.example.com"));
        let mut found = Vec::new();
        requests(&collection, &mut found);
        let named = |name: &str| {
            let found = found.iter().find(|each| each["name"] == name);
            &found.unwrap()["request"]
        };
        let change = named("PUT /api/0/organizations/{organisation}/issues/");
        let url = &change["url"];
        assert_eq!(
            url["raw"],
            "{{baseUrl}}/api/0/organizations/:organisation/issues/"
        );
        assert_eq!(
            url["variable"],
            json!([{ "key": "organisation", "value": "{{organisation}}" }])
        );
        assert_eq!(url["query"][0]["disabled"], true);
        assert!(change["auth"].is_null(), "the collection's");
        let body: Value = serde_json::from_str(change["body"]["raw"].as_str().unwrap()).unwrap();
        assert_eq!(body["status"], "resolved");
        let send = named("POST /api/{project}/envelope/");
        assert_eq!(send["auth"]["type"], "noauth");
        assert!(send["header"].to_string().contains("sentry_key={{key}}"));
        assert_eq!(send["body"]["raw"].as_str().unwrap().lines().count(), 3);
    }

    #[test]
    fn a_path_is_about_what_it_names_behind_its_owner() {
        for (path, expected) in [
            (
                "/api/0/organizations/{organisation}/issues/{issue}/tags/",
                "issues",
            ),
            ("/api/0/projects/{organisation}/{project}/", "projects"),
            ("/api/0/issues/{issue}/", "issues"),
            ("/api/{project}/envelope/", "envelope"),
            ("/api/0/", "api"),
            ("/metrics/", "metrics"),
        ] {
            assert_eq!(subject(path), expected, "{path}");
        }
    }
}
