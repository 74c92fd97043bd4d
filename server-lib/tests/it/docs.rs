//! The document in the repository, held against the one that is served.

use std::fs;
use std::path::PathBuf;

use mini_sentry_server::web::openapi::document_as_yaml;

fn committed() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.yaml")
}

fn for_files() -> String {
    document_as_yaml("https://errors.example.com")
}

#[test]
fn the_document_in_the_repository_is_the_one_that_is_served() {
    let text = fs::read_to_string(committed()).unwrap();
    assert!(
        text == for_files(),
        "docs/openapi.yaml is old: run the ignored test docs::writes_the_document"
    );
}

#[test]
#[ignore = "writes docs/openapi.yaml"]
fn writes_the_document() {
    fs::write(committed(), for_files()).unwrap();
}
