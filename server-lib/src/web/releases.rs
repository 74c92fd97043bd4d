//! Names and fields of releases in requests, the same for both interfaces.

use mini_sentry::protocol::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::access::Access;
use super::error::ApiError;
use crate::model::release::{Commit, Deployment, ReleaseChange};
use crate::model::scope::Scope;
use crate::model::time::Millis;
use crate::state::AppState;

/// What reading releases takes. Tokens of build machines may.
pub const READ: &[Scope] = &[
    Scope::ProjectRead,
    Scope::ProjectReleases,
    Scope::OrgRead,
    Scope::OrgCi,
];
/// What changing them takes.
pub const WRITE: &[Scope] = &[Scope::ProjectReleases, Scope::ProjectWrite, Scope::OrgCi];
/// The longest name of a release or an environment.
const MAX_CHARS: usize = 200;
/// The longest address and the longest word on what it was built from.
const MAX_TEXT: usize = 1_000;
/// The longest message of a commit that is kept; the rest is cut.
const MAX_MESSAGE: usize = 4_000;
/// Commits of a release at most.
const MAX_COMMITS: usize = 1_000;

/// Returns what the audit log calls the change of a release.
#[must_use]
pub fn put_action(is_new: bool) -> &'static str {
    if is_new {
        "release.create"
    } else {
        "release.edit"
    }
}

/// Writes a deployment into the audit log.
pub async fn note_deployment(state: &AppState, caller: &Access, made: &Deployment) {
    let told = format!("{} to {}", made.version, made.environment);
    let project = Some(made.project);
    caller.note(state, "deploy.create", told, project).await;
}

/// Checks the name of a release.
///
/// # Errors
///
/// 400 when it cannot be one: it must fit into an address.
pub fn version(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    let is_fine = !text.is_empty()
        && text.chars().count() <= MAX_CHARS
        && !matches!(text, "." | ".." | "latest")
        && !text.contains(|c: char| c.is_control() || c == '/' || c == '\\');
    if is_fine {
        return Ok(text.to_owned());
    }
    let detail = format!(
        "a release's name has 1 to {MAX_CHARS} characters, no slashes and no line breaks, and is \
         not latest"
    );
    Err(ApiError::invalid("invalid_version", detail))
}

/// Checks the name of an environment.
///
/// # Errors
///
/// 400 when it cannot be one.
pub fn environment(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    let is_fine = !text.is_empty()
        && text.chars().count() <= MAX_CHARS
        && !text.contains(|c: char| c.is_control() || c == '/');
    if is_fine {
        return Ok(text.to_owned());
    }
    let detail = format!("an environment has 1 to {MAX_CHARS} characters and no slashes");
    Err(ApiError::invalid("invalid_environment", detail))
}

/// Checks a text that is only kept and shown.
///
/// # Errors
///
/// 400 when it is too long.
pub fn plain(name: &str, text: Option<String>) -> Result<Option<String>, ApiError> {
    match text {
        Some(text) if text.chars().count() > MAX_TEXT => {
            let detail = format!("{name} has at most {MAX_TEXT} characters");
            Err(ApiError::invalid("too_long", detail))
        }
        text => Ok(text),
    }
}

/// Reads a moment in a body.
///
/// # Errors
///
/// 400 when it is none.
pub fn moment(name: &str, text: Option<&str>) -> Result<Option<Millis>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    Timestamp::parse(text)
        .map(|at| Some(at.into()))
        .ok_or_else(|| ApiError::invalid("invalid_time", format!("{name} is no time")))
}

/// What clients say of a release.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Told {
    /// Its address.
    pub url: Option<String>,
    /// What it was built from.
    #[serde(rename = "ref", alias = "reference")]
    pub reference: Option<String>,
    /// When work on it began.
    #[serde(rename = "dateStarted", alias = "started_at")]
    pub started: Option<String>,
    /// When it was released.
    #[serde(rename = "dateReleased", alias = "released_at")]
    pub released: Option<String>,
    /// `open` or `archived`.
    pub status: Option<String>,
    /// All its commits, latest first.
    pub commits: Option<Vec<ToldCommit>>,
    /// The latest commit of each repository.
    pub refs: Option<Vec<ToldReference>>,
}

/// A commit as clients send it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ToldCommit {
    id: String,
    repository: Option<String>,
    author_name: Option<String>,
    author_email: Option<String>,
    message: Option<String>,
    timestamp: Option<String>,
}

/// The latest commit of a repository.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ToldReference {
    repository: Option<String>,
    commit: String,
}

impl Told {
    /// Returns what changes.
    ///
    /// # Errors
    ///
    /// 400 when a part is not readable or too long.
    pub fn change(self) -> Result<ReleaseChange, ApiError> {
        let is_archived = match self.status.as_deref() {
            None => None,
            Some("open") => Some(false),
            Some("archived") => Some(true),
            Some(_) => {
                let detail = "a release's status is open or archived";
                return Err(ApiError::invalid("unknown_status", detail));
            }
        };
        let commits = match (self.commits, self.refs) {
            (Some(commits), _) => Some(read_commits(commits)?),
            (None, Some(refs)) => Some(heads(refs)?),
            (None, None) => None,
        };
        let started = moment("dateStarted", self.started.as_deref())?;
        let released = moment("dateReleased", self.released.as_deref())?;
        Ok(ReleaseChange {
            started: started.map(Some),
            released: released.map(Some),
            url: plain("url", self.url)?,
            reference: plain("ref", self.reference)?,
            is_archived,
            commits,
        })
    }
}

fn read_commits(told: Vec<ToldCommit>) -> Result<Vec<Commit>, ApiError> {
    limited(told.len())?;
    let read = |told: ToldCommit| {
        let message: String = told.message.unwrap_or_default();
        Ok(Commit {
            id: commit_id(&told.id)?,
            repository: cut(told.repository),
            author_name: cut(told.author_name),
            author_email: cut(told.author_email),
            message: message.chars().take(MAX_MESSAGE).collect(),
            at: moment("a commit's timestamp", told.timestamp.as_deref())?,
        })
    };
    told.into_iter().map(read).collect()
}

fn heads(told: Vec<ToldReference>) -> Result<Vec<Commit>, ApiError> {
    limited(told.len())?;
    let read = |told: ToldReference| {
        Ok(Commit {
            id: commit_id(&told.commit)?,
            repository: cut(told.repository),
            ..Commit::default()
        })
    };
    told.into_iter().map(read).collect()
}

fn limited(count: usize) -> Result<(), ApiError> {
    if count <= MAX_COMMITS {
        return Ok(());
    }
    let detail = format!("a release has at most {MAX_COMMITS} commits");
    Err(ApiError::invalid("too_many_commits", detail))
}

fn commit_id(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    let is_fine = !text.is_empty() && text.chars().count() <= 64;
    is_fine
        .then(|| text.to_owned())
        .ok_or_else(|| ApiError::invalid("invalid_commit", "a commit's id has 1 to 64 characters"))
}

fn cut(text: Option<String>) -> String {
    text.unwrap_or_default().chars().take(MAX_CHARS).collect()
}

/// Reads a list of projects' names or numbers.
///
/// # Errors
///
/// 400 when one is neither.
pub fn names(projects: &[Value]) -> Result<Vec<String>, ApiError> {
    let name = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => {
            let detail = "projects are slugs or numbers";
            Err(ApiError::invalid("invalid_project", detail))
        }
    };
    projects.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_release_has_a_name_that_fits_into_an_address() {
        for fine in ["shop@1.2.3+4", "deadbeef", " 1.0 "] {
            assert_eq!(version(fine).unwrap(), fine.trim());
        }
        for other in [
            "",
            "  ",
            ".",
            "..",
            "latest",
            "a/b",
            "a\nb",
            "a\\b",
            &"x".repeat(201),
        ] {
            assert!(version(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn commits_count_before_references_and_are_checked() {
        let read = |value: Value| serde_json::from_value::<Told>(value).unwrap().change();
        let both = json!({
            "commits": [{ "id": "c1", "message": "m", "timestamp": "2026-01-02T03:04:05Z" }],
            "refs": [{ "repository": "r", "commit": "c2" }],
        });
        let commits = read(both).unwrap().commits.unwrap();
        assert_eq!(commits[0].id, "c1");
        assert_eq!(commits[0].at, Some(Millis(1_767_323_045_000)));
        let refs = json!({ "refs": [{ "repository": "r", "commit": "c2" }] });
        assert_eq!(read(refs).unwrap().commits.unwrap()[0].id, "c2");
        assert_eq!(read(json!({})).unwrap(), ReleaseChange::default());
        for bad in [
            json!({ "status": "odd" }),
            json!({ "dateReleased": "soon" }),
            json!({ "commits": [{ "id": "" }] }),
            json!({ "url": "x".repeat(1001) }),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
