//! Which room may enter which: reads the sources, collects every path into the crate and
//! compares it with `TABLE`. `docs/architecture.md` gives the reasons.

use std::fs;
use std::path::Path;

use crate::source::read;

/// Each room and the rooms it may import besides itself. A room inside a room has its own line.
const TABLE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("config", &[]),
    ("secret", &["error"]),
    ("model", &[]),
    ("clock", &["model"]),
    ("metrics", &[]),
    ("block", &["error", "model"]),
    ("blob", &["error", "model", "secret"]),
    ("facts", &["model"]),
    ("address", &["config", "error", "model"]),
    ("tokens", &["error", "model", "secret"]),
    ("store", STORE),
    ("store::sqlite", BACKEND),
    ("store::postgres", BACKEND),
    ("store::conformance", BACKEND),
    (
        "store::open",
        &[
            "store",
            "store::sqlite",
            "store::postgres",
            "clock",
            "error",
        ],
    ),
    (
        "journal",
        &[
            "blob", "block", "clock", "config", "error", "metrics", "model", "store",
        ],
    ),
    ("catalog", &["error", "model", "secret", "store"]),
    ("people", &["config", "error", "model", "secret", "store"]),
    (
        "provision",
        &[
            "clock", "error", "model", "people", "secret", "store", "tokens",
        ],
    ),
    (
        "accept",
        &[
            "blob", "catalog", "clock", "config", "error", "facts", "journal", "metrics", "model",
            "secret", "store",
        ],
    ),
    (
        "digest",
        &[
            "catalog", "clock", "error", "facts", "journal", "metrics", "model", "store",
        ],
    ),
    (
        "indexer",
        &["catalog", "digest", "error", "facts", "model", "store"],
    ),
    ("state", PARTS),
    ("jobs", JOBS),
    ("web", WEB),
    ("serve", &["config", "metrics"]),
    (
        "builder",
        &[
            "server",
            "state",
            "store::open",
            "accept",
            "blob",
            "catalog",
            "clock",
            "config",
            "digest",
            "error",
            "indexer",
            "journal",
            "metrics",
            "people",
            "store",
        ],
    ),
    (
        "server",
        &[
            "accept",
            "builder",
            "digest",
            "error",
            "indexer",
            "jobs",
            "model",
            "provision",
            "serve",
            "state",
            "web",
        ],
    ),
    (
        "testkit",
        &[
            "clock",
            "config",
            "error",
            "model",
            "provision",
            "server",
            "state",
        ],
    ),
];

const STORE: &[&str] = &["block", "clock", "error", "journal", "model", "secret"];
const BACKEND: &[&str] = &[
    "store",
    "store::open",
    "blob",
    "block",
    "clock",
    "error",
    "journal",
    "model",
    "secret",
];
const PARTS: &[&str] = &[
    "accept", "blob", "catalog", "clock", "config", "digest", "indexer", "journal", "metrics",
    "people", "store",
];
const JOBS: &[&str] = &[
    "state", "accept", "blob", "catalog", "clock", "config", "digest", "error", "facts", "journal",
    "metrics", "model", "people", "store",
];
const WEB: &[&str] = &[
    "state", "accept", "address", "blob", "catalog", "clock", "config", "digest", "error", "facts",
    "indexer", "journal", "metrics", "model", "people", "secret", "store", "tokens",
];

const NAMES_WITHOUT_A_SUBJECT: &[&str] = &["utils", "helpers", "common", "misc", "manager"];

const MAX_LINES: usize = 600;

#[test]
fn every_import_follows_the_table() {
    let sources = sources();
    assert!(sources.len() > 100, "found only {} sources", sources.len());
    let found: Vec<String> = sources
        .iter()
        .flat_map(|(file, text)| broken_rules(file, text))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_arrow_that_points_up_is_reported() {
    let found = broken_rules(
        "src/store/sqlite/events.rs",
        "use crate::web::error::ApiError;",
    );
    assert!(found.concat().contains("store::sqlite → web"), "{found:?}");
    let found = broken_rules(
        "src/store/sqlite/events.rs",
        "use crate::store::postgres::pool;",
    );
    assert!(
        found.concat().contains("store::sqlite → store::postgres"),
        "{found:?}"
    );
    assert_eq!(
        broken_rules("src/web/error.rs", "use crate::accept::Refusal;"),
        [""; 0]
    );
}

#[test]
fn sql_stays_in_the_backends() {
    for (file, text) in sources() {
        if file.starts_with("src/store/") {
            continue;
        }
        for verb in ["SELECT ", "INSERT INTO", "DELETE FROM", "CREATE TABLE"] {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            assert!(!code.contains(verb), "{file} holds SQL: {verb}");
        }
    }
}

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// What a file does that its room may not, one sentence each.
fn broken_rules(file: &str, text: &str) -> Vec<String> {
    let module = module_path(file);
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        found.push(format!(
            "{file}: {lines} lines; split files of more than {MAX_LINES}"
        ));
    }
    if let Some(name) = module
        .iter()
        .find(|name| NAMES_WITHOUT_A_SUBJECT.contains(&name.as_str()))
    {
        found.push(format!(
            "{file}: a module is named `{name}`; name it after its subject"
        ));
    }
    // The binary is a user of the library; the crate's root only re-exports.
    if module.is_empty() || module.first().is_some_and(|room| room == "bin") {
        return found;
    }
    let Some((room, allowed)) = room_of(&module) else {
        found.push(format!(
            "{file}: the room is not in the table of tests/it/layers.rs"
        ));
        return found;
    };
    for path in read(&module, text).paths {
        if path.outside || path.in_tests || path.is_macro {
            continue;
        }
        let Some((target, _)) = room_of(&path.segments) else {
            continue;
        };
        if target != room && !allowed.contains(&target) {
            let told = path.segments.join("::");
            found.push(format!("{file}:{}: {room} → {target} ({told})", path.line));
        }
    }
    found
}

/// The innermost room that holds a module path, and what it may import.
fn room_of(path: &[String]) -> Option<(&'static str, &'static [&'static str])> {
    let is_inside = |room: &str| {
        room.split("::")
            .enumerate()
            .all(|(index, name)| path.get(index).is_some_and(|own| own == name))
    };
    TABLE
        .iter()
        .filter(|(room, _)| is_inside(room))
        .max_by_key(|(room, _)| room.len())
        .copied()
}

fn module_path(file: &str) -> Vec<String> {
    let inner = file
        .trim_start_matches("src/")
        .trim_end_matches(".rs")
        .trim_end_matches("/mod");
    inner
        .split('/')
        .filter(|name| !name.is_empty() && *name != "lib")
        .map(str::to_owned)
        .collect()
}
