//! Releases as Sentry's clients read them: the rows of one version in several projects are one.

use serde_json::{Value, json};

use super::issue;
use crate::model::catalog::Project;
use crate::model::release::{Commit, Deployment, Release};

/// Shows the rows of one version, each with its project; `None` without any.
#[must_use]
pub fn release(rows: &[(Release, &Project)]) -> Option<Value> {
    let (first, _) = rows.first()?;
    let all = || rows.iter().map(|(release, _)| release);
    let time = |at: Option<crate::model::time::Millis>| at.map(|at| at.to_rfc3339());
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let told = |of: fn(&Release) -> &str| all().find_map(|release| text(of(release)));
    let deployed = all().filter_map(|release| release.last_deployment.as_ref());
    let deployed = deployed.max_by_key(|deployment| (deployment.finished, deployment.id));
    let commit = told(|release| &release.last_commit);
    let sum = |of: fn(&Release) -> u64| all().map(of).fold(0_u64, u64::saturating_add);
    let is_archived = all().all(|release| release.is_archived);
    let projects: Vec<_> = rows
        .iter()
        .map(|(release, project)| {
            let mut shown = issue::project(project);
            if let Value::Object(shown) = &mut shown {
                shown.insert("newGroups".to_owned(), json!(release.new_issues));
            }
            shown
        })
        .collect();
    Some(json!({
        "id": all().map(|release| release.id).min().map(|id| id.0),
        "version": first.version,
        "shortVersion": short(&first.version),
        "status": if is_archived { "archived" } else { "open" },
        "ref": told(|release| &release.reference),
        "url": told(|release| &release.url),
        "dateCreated": time(all().map(|release| release.created).min()),
        "dateStarted": time(all().filter_map(|release| release.started).min()),
        "dateReleased": time(all().filter_map(|release| release.released).max()),
        "firstEvent": time(all().filter_map(|release| release.first_event).min()),
        "lastEvent": time(all().filter_map(|release| release.last_event).max()),
        "newGroups": sum(|release| release.new_issues),
        "commitCount": all().map(|release| release.commits).max(),
        "lastCommit": commit.map(|id| json!({ "id": id })),
        "lastDeploy": deployed.map(deploy),
        "authors": [],
        "data": {},
        "owner": null,
        "projects": projects,
    }))
}

/// Shows a deployment.
#[must_use]
pub fn deploy(deployment: &Deployment) -> Value {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    json!({
        "id": deployment.id.to_string(),
        "environment": deployment.environment,
        "name": text(&deployment.name),
        "url": text(&deployment.url),
        "dateStarted": deployment.started.map(|at| at.to_rfc3339()),
        "dateFinished": deployment.finished.to_rfc3339(),
    })
}

/// Shows a commit.
#[must_use]
pub fn commit(commit: &Commit) -> Value {
    json!({
        "id": commit.id,
        "repository": commit.repository,
        "author_name": commit.author_name,
        "author_email": commit.author_email,
        "author": { "name": commit.author_name, "email": commit.author_email },
        "message": commit.message,
        "timestamp": commit.at.map(|at| at.to_rfc3339()),
        "dateCreated": commit.at.map(|at| at.to_rfc3339()),
    })
}

/// Returns what stands behind the package's name; of a commit's id, its first twelve digits.
fn short(version: &str) -> &str {
    let short = version
        .rsplit_once('@')
        .map_or(version, |(_, version)| version);
    let is_commit = short.len() == 40 && short.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_commit {
        short.get(..12).unwrap_or(short)
    } else {
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_version_leaves_the_package_and_the_end_of_a_commit_out() {
        assert_eq!(short("shop@1.2.3+4"), "1.2.3+4");
        assert_eq!(short("1.0"), "1.0");
        assert_eq!(
            short("0123456789abcdef0123456789abcdef01234567"),
            "0123456789ab"
        );
        assert_eq!(release(&[]), None);
    }
}
