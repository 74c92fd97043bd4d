use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

type Paths = BTreeMap<String, BTreeSet<String>>;

#[test]
fn the_document_and_the_routes_name_the_same_paths_and_methods() {
    let mut routed = Paths::new();
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
    for folder in [
        "",
        "api",
        "api0",
        "api0/discover",
        "api0/issues",
        "ingest",
        "login",
        "openapi",
    ] {
        for file in std::fs::read_dir(web.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let is_source = path.extension().is_some_and(|end| end == "rs");
            if is_source && !path.ends_with("openapi/tests.rs") {
                collect(&std::fs::read_to_string(path).unwrap(), &mut routed);
            }
        }
    }
    assert!(routed.len() > 40, "only {} routes were found", routed.len());
    let documented = operations().fold(Paths::new(), |mut paths, operation| {
        let methods = paths.entry(operation.path.to_owned()).or_default();
        assert!(methods.insert(operation.method.to_owned()), "{operation:?}");
        paths
    });
    assert_eq!(documented, routed);
}

/// Reads `.either("path", get(…).post(…))` out of a source.
fn collect(source: &str, paths: &mut Paths) {
    for call in source.split(".either(").skip(1) {
        let Some(rest) = call.trim_start().strip_prefix('"') else {
            continue;
        };
        let (path, rest) = rest.split_once('"').unwrap();
        let mut depth = 1;
        let end = rest.find(|letter| {
            depth += i32::from(letter == '(') - i32::from(letter == ')');
            depth == 0
        });
        let handlers = rest.get(..end.unwrap()).unwrap();
        for method in ["get", "post", "put", "delete", "patch"] {
            let names_it = |separator: char| handlers.contains(&format!("{separator}{method}("));
            if names_it(' ') || names_it('.') {
                let methods = paths.entry(path.to_owned()).or_default();
                methods.insert(method.to_owned());
            }
        }
    }
}

#[test]
fn every_schema_that_is_referred_to_exists_and_every_operation_has_its_own_name() {
    let document = document("https://errors.example.com");
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name}");
    }
    let ids: BTreeSet<_> = operations().map(Operation::id).collect();
    assert_eq!(ids.len(), operations().count());
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "https://errors.example.com");
}

#[test]
fn scopes_in_the_document_are_known() {
    for operation in operations() {
        if let Access::Token(scopes) = operation.access {
            for scope in scopes {
                assert!(
                    crate::model::scope::Scope::from_name(scope).is_some(),
                    "{scope}"
                );
            }
        }
    }
}

#[test]
fn no_two_routes_collide() {
    let config = crate::config::HttpConfig::default();
    let _all: Router<AppState> = Router::new()
        .merge(crate::web::ingest::routes(&config))
        .merge(crate::web::api::routes())
        .merge(crate::web::api0::routes())
        .merge(crate::web::login::routes())
        .merge(crate::web::health::routes())
        .merge(routes());
}
