//! Releases as Sentry's clients read them: the rows of one version in several projects are one.

use serde_json::{Value, json};

use super::issue;
use crate::model::catalog::Project;
use crate::model::release::{Commit, Deployment, Release};
use crate::model::time::Millis;

/// Shows the rows of one version, each with its project; `None` without any.
#[must_use]
pub fn release(rows: &[(Release, &Project)]) -> Option<Value> {
    let (first, _) = rows.first()?;
    let all = || rows.iter().map(|(release, _)| release);
    let time = |at: Option<Millis>| at.map(|at| at.to_rfc3339());
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let told = |of: fn(&Release) -> &str| all().find_map(|release| text(of(release)));
    let deployed = all().filter_map(|release| release.last_deployment.as_ref());
    let deployed = deployed.max_by_key(|deployment| (deployment.finished, deployment.id));
    let mut latest = all().filter_map(|release| {
        let found = release.last_commit.as_ref()?;
        Some(commit(found, release.created))
    });
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
        // Clients show it, and ask for the release by it.
        "shortVersion": first.version,
        "versionInfo": version_info(&first.version),
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
        "lastCommit": latest.next(),
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

/// Shows a commit of a release that was made known at a moment: strict clients want a date, and of
/// a commit without its own that is the best there is.
#[must_use]
pub fn commit(commit: &Commit, known: Millis) -> Value {
    let is_named = !commit.repository.is_empty();
    json!({
        "id": commit.id,
        "repository": is_named.then(|| json!({ "name": commit.repository })),
        "author_name": commit.author_name,
        "author_email": commit.author_email,
        "author": { "name": commit.author_name, "email": commit.author_email },
        "message": commit.message,
        "timestamp": commit.at.map(|at| at.to_rfc3339()),
        "dateCreated": commit.at.unwrap_or(known).to_rfc3339(),
    })
}

/// Takes a version apart: the package before the last at sign, and what stands behind it, of which
/// people read a commit's id by its first twelve digits.
#[must_use]
pub fn version_info(version: &str) -> Value {
    let (package, rest) = version
        .rsplit_once('@')
        .map_or((None, version), |(package, rest)| (Some(package), rest));
    let is_commit = rest.len() == 40 && rest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = rest.get(..12).filter(|_| is_commit).unwrap_or(rest);
    json!({
        "package": package,
        "version": { "raw": rest },
        "description": short,
        "buildHash": is_commit.then_some(rest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_taken_apart_for_people() {
        assert_eq!(
            version_info("shop@1.2.3+4"),
            json!({
                "package": "shop",
                "version": { "raw": "1.2.3+4" },
                "description": "1.2.3+4",
                "buildHash": null,
            })
        );
        assert_eq!(version_info("1.0")["package"], Value::Null);
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let info = version_info(commit);
        assert_eq!(info["description"], "0123456789ab");
        assert_eq!(info["buildHash"], commit);
        assert_eq!(release(&[]), None);
    }

    #[test]
    fn a_commit_has_the_objects_and_dates_that_strict_clients_decode() {
        let told = Commit {
            id: "cafe".to_owned(),
            repository: "shop".to_owned(),
            ..Commit::default()
        };
        let shown = commit(&told, Millis(1_767_323_045_678));
        assert_eq!(shown["repository"], json!({ "name": "shop" }));
        assert_eq!(shown["dateCreated"], "2026-01-02T03:04:05.678Z");
        assert_eq!(shown["timestamp"], Value::Null);
        let bare = commit(&Commit::default(), Millis(0));
        assert_eq!(bare["repository"], Value::Null);
    }
}
