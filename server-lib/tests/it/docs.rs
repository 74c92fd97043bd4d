//! The document in the repository, held against the one that is served.

use std::fs;
use std::path::PathBuf;

use mini_sentry_server::web::openapi::{document_as_yaml, postman_collection};

const BASE: &str = "https://errors.example.com";

/// Returns the files in `docs/` with what belongs into each.
fn files() -> [(PathBuf, String); 2] {
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let collection = serde_json::to_string_pretty(&postman_collection(BASE)).unwrap();
    [
        (docs.join("openapi.yaml"), document_as_yaml(BASE)),
        (docs.join("postman.json"), collection + "\n"),
    ]
}

#[test]
fn the_documents_in_the_repository_are_those_that_are_served() {
    for (file, expected) in files() {
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text == expected,
            "{} is old: run the ignored test docs::writes_the_documents",
            file.display()
        );
    }
}

#[test]
#[ignore = "writes docs/openapi.yaml and docs/postman.json"]
fn writes_the_documents() {
    for (file, text) in files() {
        fs::write(file, text).unwrap();
    }
}
