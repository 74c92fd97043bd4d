//! Releases, deployments and their health as Mini Sentry's own API shows them.

use serde_json::{Value, json};

use super::project::merged;
use crate::model::catalog::Project;
use crate::model::release::{Deployment, Release};
use crate::store::{Health, HealthRow};

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
    merged(names, totals(&row.whole))
}

/// Shows sums of sessions, of people and of times. Rates are per cent; null without any session, or
/// without any that names its user. People are counted once, whatever is added up.
#[must_use]
pub fn totals(health: &Health) -> Value {
    let Health {
        sessions,
        people,
        durations,
    } = health;
    let durations = durations.as_ref();
    json!({
        "total_sessions": sessions.total,
        "crashed_sessions": sessions.crashed,
        "errored_sessions": sessions.errored,
        "abnormal_sessions": sessions.abnormal,
        "crash_free_rate": crash_free(sessions.crashed, sessions.total),
        "total_users": people.total,
        "crashed_users": people.crashed,
        "errored_users": people.errored,
        "abnormal_users": people.abnormal,
        "crash_free_users_rate": crash_free(people.crashed, people.total),
        "users_are_exact": people.is_exact,
        "duration_p50_ms": durations.map(|durations| durations.p50),
        "duration_p95_ms": durations.map(|durations| durations.p95),
    })
}

/// Returns the part that did not crash, per cent; `None` of nothing.
fn crash_free(crashed: u64, total: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a rate is not exact anyway")]
    let rate = crashed.min(total) as f64 / total as f64;
    (total > 0).then_some((1.0 - rate) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SessionTotals;
    use crate::store::health::PeopleTotals;

    #[test]
    fn rates_are_per_cent_and_unknown_of_nothing() {
        let nothing = totals(&Health::default());
        assert_eq!(nothing["crash_free_rate"], Value::Null);
        assert_eq!(nothing["crash_free_users_rate"], Value::Null);
        let some = Health {
            sessions: SessionTotals {
                total: 4,
                crashed: 1,
                ..SessionTotals::default()
            },
            people: PeopleTotals {
                total: 2,
                crashed: 1,
                ..PeopleTotals::default()
            },
            durations: None,
        };
        assert_eq!(totals(&some)["crash_free_rate"], 75.0);
        assert_eq!(totals(&some)["crash_free_users_rate"], 50.0);
    }
}
