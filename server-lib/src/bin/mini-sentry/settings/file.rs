//! The TOML file: each value as text, with the line it stands on.

use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

use super::keys::{KEYS, Key};
use super::nearest;

/// A file that was read.
#[derive(Clone, Debug)]
pub(crate) struct FileText {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it holds.
    pub(crate) text: String,
    /// Whether it is the one in the data folder, and nobody named it.
    pub(crate) is_in_data: bool,
}

/// A value of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: &'static str,
    pub(super) value: String,
    pub(super) line: usize,
}

/// Reads all values of the file.
///
/// # Errors
///
/// A sentence that names the place.
pub(super) fn entries(file: &FileText) -> Result<Vec<Entry>, String> {
    let table = DeTable::parse(&file.text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        format!("{}: {}", place(file, start), error.message())
    })?;
    let mut found = Vec::new();
    collect(file, table.get_ref(), "", &mut found)?;
    Ok(found)
}

fn collect(
    file: &FileText,
    table: &DeTable<'_>,
    section: &str,
    found: &mut Vec<Entry>,
) -> Result<(), String> {
    for (name, value) in table {
        let start = name.span().start;
        let key = match section {
            "" => name.get_ref().to_string(),
            _ => format!("{section}.{}", name.get_ref()),
        };
        if let Some(known) = Key::find(&key) {
            let text = text_of(value.get_ref()).ok_or_else(|| {
                format!(
                    "{}: {key} must be text, a number or a list of texts",
                    place(file, start)
                )
            })?;
            found.push(Entry {
                key: known.name,
                value: text,
                line: line_of(&file.text, start),
            });
            continue;
        }
        let is_section = section.is_empty()
            && KEYS.iter().any(|known| {
                known
                    .name
                    .split_once('.')
                    .is_some_and(|(head, _)| head == key)
            });
        match value.get_ref() {
            DeValue::Table(inner) if is_section => collect(file, inner, &key, found)?,
            _ => return Err(format!("{}: {}", place(file, start), unknown(&key))),
        }
    }
    Ok(())
}

fn unknown(key: &str) -> String {
    let sections = KEYS
        .iter()
        .filter_map(|known| known.name.split_once('.'))
        .map(|(section, _)| section);
    let last = |name: &'static str| name.rsplit_once('.').map_or(name, |(_, last)| last);
    let same_name = || KEYS.iter().find(|known| last(known.name) == key);
    let meant = nearest(key, KEYS.iter().map(|known| known.name).chain(sections))
        .or_else(|| same_name().map(|known| known.name));
    match meant {
        Some(meant) => format!("unknown setting {key}; did you mean {meant}?"),
        None => format!("unknown setting {key}; `mini-sentry config` lists the known ones"),
    }
}

fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(|number| number.to_string()),
        DeValue::Array(entries) => {
            let texts: Option<Vec<_>> = entries
                .iter()
                .map(|entry| entry.get_ref().as_str())
                .collect();
            Some(texts?.join(","))
        }
        DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

fn place(file: &FileText, offset: usize) -> String {
    format!("{}:{}", file.path.display(), line_of(&file.text, offset))
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    before
        .filter(|byte| *byte == b'\n')
        .count()
        .saturating_add(1)
}
