//! Which room may enter which: reads the sources, collects every path into the crate and
//! compares it with `TABLE`. `docs/architecture.md` gives the reasons.

use std::{fs, io, path::Path};

use crate::source::{FoundPath, read};

/// Each room and the rooms it may import besides itself. A room inside a room has its own line.
const TABLE: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("protocol", &["limits"]),
    ("envelope", &["protocol", "ratelimit", "limits"]),
    ("dsn", &["auth", "limits"]),
    ("auth", &["limits"]),
    ("ratelimit", &["limits"]),
    ("clock", &["protocol"]),
    ("losses", &["envelope", "protocol", "ratelimit"]),
    ("scrub", &["protocol", "limits"]),
    ("grouping", &["protocol", "limits"]),
    ("transport", TRANSPORT),
    ("transport::outbox", TRANSPORT),
    ("client", CLIENT),
    ("client::pipeline", CLIENT),
    (
        "client::bridge",
        &[
            "client",
            "transport",
            "transport::outbox",
            "envelope",
            "protocol",
            "dsn",
            "ratelimit",
            "limits",
            "clock",
            "scrub",
        ],
    ),
    ("integrations", &["client", "protocol", "limits"]),
    (
        "init",
        &[
            "client",
            "client::bridge",
            "client::pipeline",
            "integrations",
            "transport",
            "dsn",
            "clock",
            "protocol",
        ],
    ),
];

const TRANSPORT: &[&str] = &[
    "transport",
    "transport::outbox",
    "envelope",
    "protocol",
    "dsn",
    "auth",
    "ratelimit",
    "limits",
    "clock",
    "losses",
];

const CLIENT: &[&str] = &[
    "client",
    "client::pipeline",
    "transport",
    "envelope",
    "protocol",
    "dsn",
    "auth",
    "ratelimit",
    "limits",
    "clock",
    "losses",
    "scrub",
];

/// Rooms that run in a browser as they are: no network, threads, files, processes or clocks.
const MODEL: &[&str] = &[
    "limits",
    "protocol",
    "envelope",
    "dsn",
    "auth",
    "ratelimit",
    "losses",
    "scrub",
    "grouping",
];

/// Rooms that ask `Clock` for the time: the system clock panics in a browser.
const NO_SYSTEM_CLOCK: &[&str] = &["client", "client::bridge"];

const HOST_MODULES: &[&str] = &["net", "thread", "fs", "process", "env"];

const NAMES_WITHOUT_A_SUBJECT: &[&str] = &["utils", "helpers", "common", "misc", "manager"];

const MAX_LINES: usize = 600;

#[test]
fn every_import_follows_the_table() -> io::Result<()> {
    let sources = sources()?;
    assert!(!sources.is_empty(), "found no sources to check");
    let found: Vec<String> = sources
        .iter()
        .flat_map(|(file, text)| broken_rules(file, text))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

#[test]
fn an_arrow_that_points_up_is_reported_with_its_place_and_rule() {
    let text = "//! A room.\n\nuse crate::envelope::Envelope;\nuse crate::client::Hub;\n";
    assert_eq!(
        broken_rules("src/transport/worker.rs", text),
        [
            "src/transport/worker.rs:4: transport → client (client::Hub); transport may import only: \
          transport, transport::outbox, envelope, protocol, dsn, auth, ratelimit, limits, clock, losses"
        ]
    );
}

#[test]
fn every_way_to_write_a_path_is_seen() {
    for planted in [
        "use crate::{limits, client::{Hub, Scope as S}};",
        "use crate::client::*;",
        "pub(crate) use crate :: client :: Hub;",
        "fn f() { crate::client::capture() }",
        "fn f(hub: &'static crate::client::Hub) -> char { '\\'' }",
        "macro_rules! m { () => { $crate::client::capture() } }",
        "use super::super::client::Hub;",
        "mod inner { use super::super::super::client::Hub; }",
        "fn f() -> &'static str { r#\"\"\"#; crate::client::NAME }",
    ] {
        let found = broken_rules("src/protocol/event.rs", planted);
        assert!(
            found.iter().any(|text| text.contains("protocol → client ")),
            "not seen: {planted} {found:?}"
        );
    }
}

#[test]
fn paths_in_comments_and_strings_are_no_imports() {
    for harmless in [
        "// use crate::client::Hub;",
        "/// See [`crate::client::Hub`].",
        "/* /* nested */ crate::client::Hub */",
        "const A: &str = \"\\\" crate::client::Hub\";",
        "const A: &str = r#\"crate::client::\"Hub\"#;",
        "use super::level::Level; use self::parts::Part; use crate::protocol::Event;",
        "fn f(value: &str) { value.parse::<u8>(); crate::interface! { } }",
    ] {
        assert_eq!(
            broken_rules("src/protocol/event.rs", harmless),
            [""; 0],
            "{harmless}"
        );
    }
}

#[test]
fn the_model_may_not_touch_the_host() {
    for planted in [
        "use std::{fmt, net::TcpStream};",
        "fn f() { std::thread::spawn(|| {}); }",
        "fn f() { let now = SystemTime::now(); }",
        "fn f() { let now = std::time::Instant::now(); }",
    ] {
        assert_eq!(
            broken_rules("src/envelope/parse.rs", planted).len(),
            1,
            "{planted}"
        );
        assert_eq!(
            broken_rules("src/transport/http.rs", planted),
            [""; 0],
            "{planted}"
        );
    }
    let in_tests = "mod tests { fn f() { std::thread::spawn(|| {}); } }";
    assert_eq!(broken_rules("src/envelope/parse.rs", in_tests), [""; 0]);
    assert_eq!(
        broken_rules("src/client/session.rs", "fn f() { Instant::now(); }").len(),
        1
    );
}

#[test]
fn a_root_reexport_hides_the_arrow_and_is_reported() {
    let found = broken_rules("src/dsn.rs", "use crate::Client;");
    assert_eq!(
        found,
        ["src/dsn.rs:1: dsn → crate root (Client); import from the room that defines it"]
    );
}

#[test]
fn unknown_rooms_vague_names_and_long_files_are_reported() {
    assert_eq!(
        broken_rules("src/extras.rs", ""),
        ["src/extras.rs:1: the room `extras` is not in the table of tests/it/layers.rs"]
    );
    assert!(
        broken_rules("src/client/utils.rs", "")
            .concat()
            .contains("named `utils`")
    );
    assert!(
        broken_rules("src/client/helpers/mod.rs", "")
            .concat()
            .contains("named `helpers`")
    );
    assert!(
        broken_rules("src/dsn.rs", "mod common { }")
            .concat()
            .contains("named `common`")
    );
    assert!(
        broken_rules("src/dsn.rs", &"\n".repeat(601))
            .concat()
            .contains("601 lines")
    );
    assert_eq!(broken_rules("src/dsn.rs", &"\n".repeat(600)), [""; 0]);
}

/// Every source file of the crate with its path from the crate's folder.
fn sources() -> io::Result<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(root)
                    .unwrap_or(&path)
                    .to_string_lossy()
                    .replace('\\', "/");
                found.push((name, fs::read_to_string(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What a file does that its room may not, one sentence each.
fn broken_rules(file: &str, text: &str) -> Vec<String> {
    let module = module_path(file);
    let seen = read(&module, text);
    let mut found = Vec::new();

    let lines = text.lines().count();
    if lines > MAX_LINES {
        found.push(format!(
            "{file}:{MAX_LINES}: {lines} lines; split files of more than {MAX_LINES}"
        ));
    }
    let own_names = module.iter().map(|name| (1, name.as_str()));
    for (line, name) in own_names.chain(
        seen.modules
            .iter()
            .map(|(line, name)| (*line, name.as_str())),
    ) {
        if NAMES_WITHOUT_A_SUBJECT.contains(&name) {
            found.push(format!(
                "{file}:{line}: a module is named `{name}`; name it after its subject"
            ));
        }
    }
    let Some(top) = module.first() else {
        return found;
    };
    let Some((room, allowed)) = room_of(&module) else {
        found.push(format!(
            "{file}:1: the room `{top}` is not in the table of tests/it/layers.rs"
        ));
        return found;
    };
    // An exported macro can only name what the crate's users can: the root.
    let is_exported = |path: &FoundPath| {
        let line = text.lines().nth(path.line.saturating_sub(1));
        path.segments.len() == 1 && line.is_some_and(|line| line.contains("$crate::"))
    };
    for path in seen.paths.iter().filter(|path| !is_exported(path)) {
        found.extend(
            broken_rule(room, allowed, path).map(|rule| format!("{file}:{}: {rule}", path.line)),
        );
    }
    found
}

fn broken_rule(room: &str, allowed: &[&str], path: &FoundPath) -> Option<String> {
    let text = path.segments.join("::");
    if path.outside {
        let reads_clock = text.ends_with("Instant::now") || text.ends_with("SystemTime::now");
        let is_host = path.segments.first().is_some_and(|name| name == "std")
            && path
                .segments
                .get(1)
                .is_some_and(|name| HOST_MODULES.contains(&name.as_str()));
        let forbidden = (MODEL.contains(&room) && (is_host || reads_clock))
            || (NO_SYSTEM_CLOCK.contains(&room) && reads_clock);
        return (forbidden && !path.in_tests).then(|| {
            format!("{room} → host ({text}); {room} must run in a browser, which has none")
        });
    }
    match room_of(&path.segments) {
        Some((target, _)) if target == room || allowed.contains(&target) => None,
        Some((target, _)) => {
            let rule = if allowed.is_empty() {
                "nothing".to_owned()
            } else {
                allowed.join(", ")
            };
            Some(format!(
                "{room} → {target} ({text}); {room} may import only: {rule}"
            ))
        }
        None if path.is_macro => None,
        None => Some(format!(
            "{room} → crate root ({text}); import from the room that defines it"
        )),
    }
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
    let inner = file.trim_start_matches("src/").trim_end_matches(".rs");
    let inner = inner.trim_end_matches("/mod");
    inner
        .split('/')
        .filter(|name| !name.is_empty() && *name != "lib")
        .map(str::to_owned)
        .collect()
}
