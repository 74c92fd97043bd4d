//! `mini-sentry doctor`: looks for what will be trouble, beside a running server.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use clap::Args;
use mini_sentry_server::blob::Blobs;
use mini_sentry_server::clock::{Clock as _, SystemClock};
use mini_sentry_server::error::ErrorKind;
use mini_sentry_server::jobs::orphans::orphans;
use mini_sentry_server::store::Store;
use serde::Serialize;
use serde_json::json;

use super::catalogue::open_store;
use super::snapshot::{BLOBS, SEGMENTS, segments, stale_pins};
use super::storage::free_bytes;
use super::{Context, presence};
use crate::failure::Failure;
use crate::output::{human_bytes, table};
use crate::settings::Settings;

/// What is as bad as less free space than the journal leaves alone is told from this factor on.
const FREE_SPACE_FACTOR: u64 = 4;
/// Files that a server has open besides its connections.
const OTHER_FILES: u64 = 128;
/// A clock before 2025 is wrong.
const EARLIEST: i64 = 1_735_689_600_000;

/// What to look at.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Leaves out reading the whole database
    #[arg(long)]
    quick: bool,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warning,
    Bad,
}

/// What a check found.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    status: Status,
    detail: String,
}

/// Prints what was found; fails when something is bad.
pub(crate) async fn run(context: &Context, arguments: &DoctorArgs) -> Result<(), Failure> {
    let settings = context.settings();
    let mut findings = vec![folder(&settings.config.data_dir)];
    findings.extend(permissions(&settings.config.data_dir));
    findings.extend(space(settings));
    match open_store(settings).await {
        Ok(store) => {
            findings.extend(database(&store, arguments.quick).await);
            findings.push(files(&store, &settings.config.data_dir).await);
            // Nothing was written; a failure to close says nothing about the database.
            let _ = store.upkeep.close().await;
        }
        Err(failure) => findings.push(bad("database", failure.to_string())),
    }
    findings.extend(journal(&settings.config.data_dir));
    findings.push(clock(&settings.config.data_dir));
    findings.extend(open_files(settings));
    findings.extend(reachability(settings));
    let notes = context.resolved.notes.iter();
    findings.extend(notes.map(|note| warning("settings", note.clone())));

    let bad = findings
        .iter()
        .filter(|finding| finding.status == Status::Bad);
    let bad = bad.count();
    context
        .output
        .show(&json!({"ok": bad == 0, "findings": findings}), |_| {
            let rows: Vec<_> = findings
                .iter()
                .map(|finding| {
                    let status = match finding.status {
                        Status::Ok => "ok",
                        Status::Warning => "warning",
                        Status::Bad => "BAD",
                    };
                    vec![
                        finding.check.to_owned(),
                        status.to_owned(),
                        finding.detail.clone(),
                    ]
                })
                .collect();
            table(&["check", "status", "detail"], &rows)
        })?;
    match bad {
        0 => Ok(()),
        1 => Err(Failure::other("one check needs attention")),
        count => Err(Failure::other(format!("{count} checks need attention"))),
    }
}

fn folder(dir: &Path) -> Finding {
    let probe = dir.join(format!(".doctor-{}", std::process::id()));
    let written = fs::write(&probe, b"probe").and_then(|()| fs::remove_file(&probe));
    match written {
        Ok(()) => ok("data folder", format!("{} can be written", dir.display())),
        Err(error) => bad(
            "data folder",
            format!("{} cannot be written: {error}", dir.display()),
        ),
    }
}

fn permissions(dir: &Path) -> Option<Finding> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = fs::metadata(dir).ok()?.mode();
    let others = mode & 0o077;
    Some(match others {
        0 => ok(
            "permissions",
            "only the owner can look into the data folder",
        ),
        _ => warning(
            "permissions",
            format!(
                "others can look into the data folder; chmod 700 {}",
                dir.display()
            ),
        ),
    })
}

fn space(settings: &Settings) -> Option<Finding> {
    let free = free_bytes(&settings.config.data_dir).ok()?;
    let kept = settings.config.journal.min_free_bytes;
    let detail = format!("{} are free", human_bytes(free));
    Some(if free < kept {
        bad(
            "disk space",
            format!("{detail}, less than journal.min_free_bytes: events are answered 503"),
        )
    } else if free < kept.saturating_mul(FREE_SPACE_FACTOR) {
        warning(
            "disk space",
            format!(
                "{detail}; below {} events are answered 503",
                human_bytes(kept)
            ),
        )
    } else {
        ok("disk space", detail)
    })
}

async fn database(store: &Store, quick: bool) -> Vec<Finding> {
    let mut findings = vec![ok("database", "opens, and its schema is this version's")];
    match store.digests.position().await {
        Ok(position) => findings.push(ok("digest", format!("{position} records are digested"))),
        Err(error) => findings.push(bad("digest", error.to_string())),
    }
    if quick {
        return findings;
    }
    match store.upkeep.check().await {
        Ok(damage) if damage.is_empty() => findings.push(ok("damage", "none found")),
        Ok(damage) => findings.extend(damage.into_iter().map(|line| bad("damage", line))),
        Err(error) if error.kind() == ErrorKind::Unavailable => {
            findings.push(warning("damage", format!("not looked for: {error}")));
        }
        Err(error) => findings.push(bad("damage", error.to_string())),
    }
    findings
}

/// Looks for files of large bodies that no record names.
async fn files(store: &Store, dir: &Path) -> Finding {
    let blobs = Blobs::at(dir.join(BLOBS));
    match orphans(&blobs, store, SystemClock.now()).await {
        Ok(orphans) if orphans.is_empty() => ok("files", "every file belongs to a record"),
        Ok(orphans) => {
            let bytes = orphans.iter().map(|orphan| orphan.bytes).sum();
            warning(
                "files",
                format!(
                    "files of large bodies that belong to no record: {}, {}; a running server \
                     removes them within a day",
                    orphans.len(),
                    human_bytes(bytes)
                ),
            )
        }
        Err(error) => bad("files", error.to_string()),
    }
}

fn journal(dir: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    match segments(&dir.join(SEGMENTS)) {
        Ok(segments) => {
            let lengths = segments.values().filter_map(|path| path.metadata().ok());
            let bytes: u64 = lengths.map(|metadata| metadata.len()).sum();
            let count = segments.len();
            findings.push(ok(
                "journal",
                format!("{count} segments, {}", human_bytes(bytes)),
            ));
        }
        Err(failure) => findings.push(bad("journal", failure.to_string())),
    }
    if let Some(is_served) = presence::is_served(dir) {
        let detail = match presence::url(dir) {
            Some(url) => format!("a server uses the data folder and is at {url}"),
            None if is_served => "a server uses the data folder".to_owned(),
            None => "no server uses the data folder now".to_owned(),
        };
        findings.push(ok("server", detail));
    }
    let stale = stale_pins(dir).unwrap_or_default();
    findings.extend(stale.iter().map(|left| {
        warning(
            "backup",
            format!(
                "a broken-off backup left {}; the next one removes it",
                left.display()
            ),
        )
    }));
    findings
}

/// Compares the clock with the newest file of the journal: a clock that was set back makes new
/// events look old.
fn clock(dir: &Path) -> Finding {
    let now = SystemClock.now();
    if now.0 < EARLIEST {
        return bad(
            "clock",
            format!("it is wrong: it says {}", now.to_rfc3339()),
        );
    }
    let segments = segments(&dir.join(SEGMENTS)).unwrap_or_default();
    let newest = segments
        .values()
        .filter_map(|path| path.metadata().ok()?.modified().ok())
        .max();
    match newest.and_then(|newest| newest.duration_since(SystemTime::now()).ok()) {
        Some(ahead) if ahead.as_secs() > 60 => bad(
            "clock",
            format!(
                "it was set back: the journal was written {} s in the future",
                ahead.as_secs()
            ),
        ),
        _ => ok("clock", now.to_rfc3339()),
    }
}

/// Compares the limit of open files with the connections that are allowed. The limit of this shell
/// may differ from the one of the service.
fn open_files(settings: &Settings) -> Option<Finding> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))?;
    let limit: u64 = line.split_whitespace().nth(3)?.parse().ok()?;
    let connections = u64::try_from(settings.config.http.max_connections).ok()?;
    let needed = connections.saturating_add(OTHER_FILES);
    Some(if limit < needed {
        warning(
            "open files",
            format!(
                "this shell may open {limit}, http.max_connections needs {needed}; see ulimit -n"
            ),
        )
    } else {
        ok("open files", format!("{limit} may be open"))
    })
}

fn reachability(settings: &Settings) -> Option<Finding> {
    let is_local = ["127.", "localhost:", "[::1]:"]
        .iter()
        .any(|start| settings.listen.starts_with(start));
    if is_local || settings.config.http.public_url.is_some() {
        return None;
    }
    Some(warning(
        "address",
        "http.public_url is not set: DSNs name the address that each request came to",
    ))
}

fn ok(check: &'static str, detail: impl Into<String>) -> Finding {
    finding(check, Status::Ok, detail)
}

fn warning(check: &'static str, detail: impl Into<String>) -> Finding {
    finding(check, Status::Warning, detail)
}

fn bad(check: &'static str, detail: impl Into<String>) -> Finding {
    finding(check, Status::Bad, detail)
}

fn finding(check: &'static str, status: Status, detail: impl Into<String>) -> Finding {
    Finding {
        check,
        status,
        detail: detail.into(),
    }
}
