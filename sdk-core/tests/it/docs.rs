//! The texts for people say what the code says.

use std::path::{Path, PathBuf};
use std::{fs, io};

use mini_sentry::envelope::ItemKind;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> io::Result<String> {
    fs::read_to_string(repository().join(path))
}

/// What a constant's expression comes to, for a product of numbers and units.
fn product(expression: &str) -> Option<u64> {
    let factor = |text: &str| match text.trim() {
        "KIB" => Some(1 << 10),
        "MIB" => Some(1 << 20),
        number => number.replace('_', "").parse::<u64>().ok(),
    };
    expression.split('*').map(factor).product()
}

/// How the table writes a value.
fn written(name: &str, value: u64) -> String {
    match value {
        _ if name.ends_with("_BYTES") && value.is_multiple_of(1 << 20) => {
            format!("{} MiB", value >> 20)
        }
        _ if name.ends_with("_BYTES") && value.is_multiple_of(1 << 10) => {
            format!("{} KiB", value >> 10)
        }
        1_000.. => format!("{},{:03}", value / 1_000, value % 1_000),
        _ => value.to_string(),
    }
}

#[test]
fn the_table_of_limits_has_every_constant_with_its_value() {
    let source = read("sdk-core/src/limits.rs").unwrap();
    let constants = source.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("pub const ")?.split_once(':')?;
        let (_, expression) = rest.split_once('=')?;
        Some((name, expression.trim_end_matches(';')))
    });
    let expected: Vec<String> = constants
        .map(|(name, expression)| {
            let value = product(expression).expect(expression);
            format!("| `{name}` | {} |", written(name, value))
        })
        .collect();
    assert!(expected.len() > 20, "the constants were not found");
    let table = read("docs/limits.md").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let named: Vec<&str> = rows
        .filter(|row| row.split('`').nth(1).is_some_and(is_constant))
        .collect();
    for (row, expected) in named.iter().zip(&expected) {
        assert!(row.starts_with(expected), "{row}\nis not {expected}");
    }
    assert_eq!(named.len(), expected.len());
}

fn is_constant(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte == b'_' || byte.is_ascii_uppercase())
}

#[test]
fn the_protocol_page_has_every_type_of_item() {
    let page = read("docs/protocol.md").unwrap();
    for kind in ItemKind::KNOWN {
        assert!(page.contains(&format!("| `{kind}` |")), "{kind}");
    }
}

#[test]
fn the_guide_has_every_option() {
    let source = read("sdk-core/src/client/options.rs").unwrap();
    let (_, options) = source.split_once("\noptions! {\n").unwrap();
    let (options, _) = options.split_once("\n}\n").unwrap();
    let names: Vec<&str> = options
        .lines()
        .filter(|line| !line.trim_start().starts_with("///"))
        .filter_map(|line| Some(line.split_once(':')?.0.trim()))
        .collect();
    assert!(names.len() > 20, "the options were not found");
    let guide = read("docs/sdk/rust.md").unwrap();
    for name in names {
        assert!(guide.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn links_between_the_texts_lead_somewhere() {
    for page in [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/README.md",
        "docs/architecture.md",
        "docs/limits.md",
        "docs/privacy.md",
        "docs/protocol.md",
        "docs/sdk/rust.md",
        "docs/style.md",
        "examples/envelope-sink/README.md",
        "sdk-core/README.md",
    ] {
        let text = read(page).unwrap();
        let folder = repository().join(page).parent().unwrap().to_owned();
        for target in text.split("](").skip(1) {
            let target = target.split(')').next().unwrap();
            let (file, _) = target.split_once('#').unwrap_or((target, ""));
            let is_elsewhere = file.contains("://") || file.is_empty();
            assert!(
                is_elsewhere || folder.join(file).exists(),
                "{page}: {target}"
            );
        }
    }
}
