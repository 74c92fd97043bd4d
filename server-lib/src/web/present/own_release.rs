//! Releases, deployments and their health as Mini Sentry's own API shows them.

use serde_json::{Value, json};

use super::project::merged;
use crate::model::catalog::Project;
use crate::model::release::{Deployment, Release};
use crate::store::{HealthRow, SessionTotals};

/// Shows a release.
#[must_use]
pub fn release(release: &Release, project: &Project) -> Value {
    let deployed = release.last_deployment.as_ref();
    json!({
        "id": release.id,
        "project": project.slug,
        "version": release.version,
        "url": release.url,
        "ref": release.reference,
        "is_archived": release.is_archived,
        "created_at": release.created.to_rfc3339(),
        "started_at": release.started.map(|at| at.to_rfc3339()),
        "released_at": release.released.map(|at| at.to_rfc3339()),
        "first_event": release.first_event.map(|at| at.to_rfc3339()),
        "last_event": release.last_event.map(|at| at.to_rfc3339()),
        "new_groups": release.new_issues,
        "commits": release.commits,
        "last_commit": release.last_commit.as_ref().map_or("", |commit| &commit.id),
        "last_deployment": deployed.map(|it| deployment(it, project)),
    })
}

/// Shows a deployment.
#[must_use]
pub fn deployment(deployment: &Deployment, project: &Project) -> Value {
    json!({
        "id": deployment.id,
        "project": project.slug,
        "release": deployment.version,
        "environment": deployment.environment,
        "name": deployment.name,
        "url": deployment.url,
        "started_at": deployment.started.map(|at| at.to_rfc3339()),
        "finished_at": deployment.finished.to_rfc3339(),
        "created_at": deployment.finished.to_rfc3339(),
    })
}

/// Shows how healthy the sessions of a release in an environment are.
#[must_use]
pub fn health(row: &HealthRow, project: &Project) -> Value {
    let names = json!({
        "project": project.slug,
        "version": row.release,
        "environment": row.environment,
    });
    merged(names, totals(&row.sessions))
}

/// Shows sums of sessions. The rate is per cent; null without any session.
#[must_use]
pub fn totals(sessions: &SessionTotals) -> Value {
    json!({
        "total_sessions": sessions.total,
        "crashed_sessions": sessions.crashed,
        "errored_sessions": sessions.errored,
        "abnormal_sessions": sessions.abnormal,
        "crash_free_rate": crash_free(sessions).map(|rate| rate * 100.0),
    })
}

/// Returns the part of sessions that did not crash, from 0 to 1; `None` without any session.
#[must_use]
pub fn crash_free(sessions: &SessionTotals) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a rate is not exact anyway")]
    let rate = sessions.crashed as f64 / sessions.total as f64;
    (sessions.total > 0).then_some(1.0 - rate)
}

/// Adds sums to others.
pub fn add(sum: &mut SessionTotals, more: &SessionTotals) {
    for (sum, more) in [
        (&mut sum.total, more.total),
        (&mut sum.errored, more.errored),
        (&mut sum.abnormal, more.abnormal),
        (&mut sum.crashed, more.crashed),
    ] {
        *sum = sum.saturating_add(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_per_cent_and_unknown_without_sessions() {
        let mut sum = SessionTotals::default();
        assert_eq!(totals(&sum)["crash_free_rate"], Value::Null);
        let more = SessionTotals {
            total: 4,
            crashed: 1,
            ..SessionTotals::default()
        };
        add(&mut sum, &more);
        assert_eq!(totals(&sum)["crash_free_rate"], 75.0);
    }
}
