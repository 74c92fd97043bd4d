//! From flags, environment and file to settings, each with where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::file::{Entry, FileText, entries};
use super::keys::{FOREIGN, KEYS, Key, UNUSED, UNUSED_FAMILIES};
use super::{DEFAULT_DATA, Settings, nearest};

/// A setting given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    /// The setting.
    pub(crate) key: String,
    /// The flag as it was written, such as `--listen`.
    pub(crate) flag: &'static str,
    /// Its value.
    pub(crate) value: String,
}

/// The settings, and how they came about.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// The settings.
    pub(crate) settings: Settings,
    /// Each setting with its source, in the order of the table.
    pub(crate) origins: Vec<Origin>,
    /// What the environment has that sets nothing.
    pub(crate) notes: Vec<String>,
}

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The setting.
    pub(crate) key: &'static str,
    /// What it means.
    pub(crate) about: &'static str,
    /// Its name in the environment.
    pub(crate) environment: String,
    /// Its value, secrets hidden.
    pub(crate) value: String,
    /// Its source.
    pub(crate) source: Source,
}

/// A source of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The command line.
    Flag(&'static str),
    /// The environment.
    Environment(String),
    /// A line of the file.
    File(PathBuf, usize),
    /// Nobody said otherwise.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File(path, line) => write!(f, "file {}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Somebody named it: it must be there.
    Named(PathBuf),
    /// The one in the data folder, if there is one.
    InData(PathBuf),
}

/// Tells which file to read: `--config`, then `MINI_SENTRY_CONFIG`, then `mini-sentry.toml` in the
/// data folder.
pub(crate) fn wanted_file(
    config_flag: Option<&Path>,
    flags: &[Flag],
    environment: &BTreeMap<String, String>,
) -> Wanted {
    if let Some(path) = config_flag {
        return Wanted::Named(path.to_owned());
    }
    if let Some(path) = set_in(environment, "MINI_SENTRY_CONFIG") {
        return Wanted::Named(path.into());
    }
    let flag = flags.iter().rev().find(|flag| flag.key == "data");
    let data = flag
        .map(|flag| flag.value.as_str())
        .or_else(|| set_in(environment, "MINI_SENTRY_DATA"))
        .unwrap_or(DEFAULT_DATA);
    Wanted::InData(Path::new(data).join("mini-sentry.toml"))
}

/// Takes each setting from the first source that has it.
///
/// # Errors
///
/// A sentence that names the setting and where its value came from.
pub(crate) fn resolve(
    flags: &[Flag],
    environment: &BTreeMap<String, String>,
    file: Option<&FileText>,
) -> Result<Resolved, String> {
    if let Some(flag) = flags.iter().find(|flag| Key::find(&flag.key).is_none()) {
        let hint = nearest(&flag.key, KEYS.iter().map(|key| key.name));
        let hint = hint.map_or_else(String::new, |hint| format!("; did you mean {hint}?"));
        return Err(format!("{}: unknown setting {}{hint}", flag.flag, flag.key));
    }
    let in_file = match file {
        Some(file) => entries(file)?,
        None => Vec::new(),
    };
    if let Some(file) = file {
        check_data(file, &in_file)?;
    }
    let mut settings = Settings::default();
    let mut sources = Vec::with_capacity(KEYS.len());
    for key in KEYS {
        let found = find(key, flags, environment, file, &in_file);
        if let Some((value, source)) = &found {
            (key.set)(&mut settings, value)
                .map_err(|reason| format!("{} from {source}: {reason}", key.name))?;
        }
        sources.push(found.map_or(Source::Default, |(_, source)| source));
    }
    let origins = KEYS
        .iter()
        .zip(sources)
        .map(|(key, source)| Origin {
            key: key.name,
            about: key.about,
            environment: key.environment(),
            value: (key.show)(&settings),
            source,
        })
        .collect();
    Ok(Resolved {
        settings,
        origins,
        notes: notes(environment),
    })
}

fn find(
    key: &Key,
    flags: &[Flag],
    environment: &BTreeMap<String, String>,
    file: Option<&FileText>,
    in_file: &[Entry],
) -> Option<(String, Source)> {
    if let Some(flag) = flags.iter().rev().find(|flag| flag.key == key.name) {
        return Some((flag.value.clone(), Source::Flag(flag.flag)));
    }
    let name = key.environment();
    if let Some(value) = set_in(environment, &name) {
        return Some((value.to_owned(), Source::Environment(name)));
    }
    for alias in key.aliases {
        if let Some(value) = set_in(environment, alias) {
            let value = match *alias {
                "PORT" => format!("127.0.0.1:{value}"),
                _ => value.to_owned(),
            };
            return Some((value, Source::Environment((*alias).to_owned())));
        }
    }
    let entry = in_file.iter().find(|entry| entry.key == key.name)?;
    let source = Source::File(file?.path.clone(), entry.line);
    Some((entry.value.clone(), source))
}

/// Refuses a data folder in the file that was found through the data folder.
fn check_data(file: &FileText, in_file: &[Entry]) -> Result<(), String> {
    match in_file.iter().find(|entry| entry.key == "data") {
        Some(entry) if file.is_in_data => Err(format!(
            "{}:{}: data cannot be set here, because this file was found through the data folder",
            file.path.display(),
            entry.line
        )),
        _ => Ok(()),
    }
}

/// Returns a value of the environment; empty ones count as not set, as compose files write them.
fn set_in<'a>(environment: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    environment
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}

fn notes(environment: &BTreeMap<String, String>) -> Vec<String> {
    let names = environment
        .keys()
        .filter(|name| set_in(environment, name).is_some());
    names.filter_map(|name| note(name)).collect()
}

fn note(name: &str) -> Option<String> {
    let exact = UNUSED.iter().find(|(known, _)| *known == name);
    let family = || {
        UNUSED_FAMILIES
            .iter()
            .find(|(prefix, _)| name.starts_with(prefix))
    };
    if let Some((_, why)) = exact.or_else(family) {
        return Some(format!("{name} is known but not used: {why}"));
    }
    let is_ours = name.starts_with("MINI_SENTRY_");
    let is_foreign = FOREIGN.contains(&name) || name.starts_with("MINI_SENTRY_TEST_");
    let known: Vec<_> = KEYS.iter().map(Key::environment).collect();
    if !is_ours || is_foreign || known.iter().any(|known| known == name) {
        return None;
    }
    Some(match nearest(name, known.iter().map(String::as_str)) {
        Some(meant) => format!("{name} is not known; did you mean {meant}?"),
        None => format!("{name} is not known"),
    })
}
