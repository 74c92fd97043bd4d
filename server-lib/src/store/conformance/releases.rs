//! Releases, deployments and health.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use super::data::{Feed, grouping, projects};
use super::{NOW, Place, assert_refused, missing, options};
use crate::error::{Error, ErrorKind};
use crate::model::ids::ProjectId;
use crate::model::release::{Commit, NewDeployment, NewRelease, ReleaseChange};
use crate::model::session::SessionTally;
use crate::model::time::Millis;
use crate::store::health::Split;
use crate::store::query::{Page, ReleaseFilter};
use crate::store::{HealthFilter, HealthRow, Store};

async fn versions(store: &Store, filter: &ReleaseFilter) -> Result<Vec<String>, Error> {
    let found = store.releases.list(filter, Page::first(50)).await?;
    Ok(found.into_iter().map(|release| release.version).collect())
}

fn tally(project: ProjectId, minute: i64, release: &str, crashed: u64) -> SessionTally {
    SessionTally {
        project,
        started: NOW.plus(minute * Millis::MINUTE),
        user: None,
        release: release.to_owned(),
        environment: "production".to_owned(),
        exited: 9,
        errored: 2,
        abnormal: 1,
        crashed,
    }
}

pub async fn events_and_sessions_make_releases_known(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    for (release, at) in [("1.0", 5), ("", 6), ("1.0", 3), ("1.0", 9)] {
        feed.event(project, |event| {
            event.facts.release = release.to_owned();
            event.facts.timestamp = NOW.plus(at);
        });
    }
    feed.event(project, |event| {
        event.facts.release = "1.1".to_owned();
        event.facts.grouping = grouping(7);
    });
    feed.apply(&store).await?;
    feed.event(project, |event| event.facts.grouping = grouping(8));
    feed.batch().tallies.push(tally(project, 0, "2.0", 0));
    feed.apply(&store).await?;
    let filter = ReleaseFilter {
        projects: vec![project],
        ..ReleaseFilter::default()
    };
    assert_eq!(versions(&store, &filter).await?, ["2.0", "1.1", "1.0"]);
    let found = store.releases.find(&[project], "1.0").await?;
    let first = found.first().ok_or_else(|| missing("a release"))?;
    assert_eq!(first.first_event, Some(NOW.plus(3)));
    assert_eq!(first.last_event, Some(NOW.plus(9)));
    assert_eq!(first.new_issues, 1);
    let only_sessions = store.releases.find(&[project], "2.0").await?;
    assert_eq!(
        only_sessions.first().and_then(|release| release.last_event),
        None
    );
    Ok(())
}

pub async fn releases_are_made_changed_and_listed(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let one = made.first().copied().unwrap_or_default();
    for (at, version) in [(1, "shop@1.0"), (2, "shop@2.0"), (3, "other")] {
        let release = NewRelease {
            project: one,
            version: version.to_owned(),
            at: NOW.plus(at),
            change: ReleaseChange::default(),
        };
        let (_, is_new) = store.releases.put(release.clone()).await?;
        assert!(is_new);
        assert!(!store.releases.put(release).await?.1);
    }
    let change = ReleaseChange {
        released: Some(Some(NOW)),
        url: Some("https://example.com/r".to_owned()),
        is_archived: Some(true),
        commits: Some(vec![
            Commit {
                id: "b".to_owned(),
                repository: "shop".to_owned(),
                author_name: "user-42".to_owned(),
                author_email: "a@example.com".to_owned(),
                message: "mends it".to_owned(),
                at: Some(NOW),
            },
            Commit {
                id: "a".to_owned(),
                ..Commit::default()
            },
        ]),
        ..ReleaseChange::default()
    };
    let commits = change.commits.clone().unwrap_or_default();
    let changed = store.releases.update(one, "shop@1.0", change).await?;
    assert_eq!(changed.released, Some(NOW));
    assert_eq!(changed.commits, 2);
    assert_eq!(changed.last_commit.as_ref(), commits.first());
    assert_eq!(store.releases.commits(one, "shop@1.0").await?, commits);
    let refused = store
        .releases
        .update(one, "none", ReleaseChange::default())
        .await;
    assert_refused(refused, ErrorKind::NotFound);

    let filter = |text: &str, is_archived| ReleaseFilter {
        projects: made.clone(),
        text: text.to_owned(),
        created: None,
        is_archived,
    };
    assert_eq!(
        versions(&store, &filter("", None)).await?,
        ["other", "shop@2.0", "shop@1.0"]
    );
    assert_eq!(
        versions(&store, &filter("SHOP", Some(false))).await?,
        ["shop@2.0"]
    );
    assert_eq!(
        versions(&store, &filter("", Some(true))).await?,
        ["shop@1.0"]
    );
    store.releases.delete(one, "shop@1.0").await?;
    assert_refused(
        store.releases.delete(one, "shop@1.0").await,
        ErrorKind::NotFound,
    );
    assert_eq!(store.releases.find(&made, "shop@1.0").await?, []);
    Ok(())
}

pub async fn a_release_with_issues_is_not_deleted(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    feed.event(project, |event| event.facts.release = "1.0".to_owned());
    feed.apply(&store).await?;
    assert_refused(
        store.releases.delete(project, "1.0").await,
        ErrorKind::Conflict,
    );
    Ok(())
}

pub async fn deployments_make_releases_known(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut noted = Vec::new();
    for (at, version) in [(5, "1.0"), (7, "1.1"), (6, "1.0")] {
        let new = NewDeployment {
            project,
            version: version.to_owned(),
            environment: "production".to_owned(),
            name: format!("run {at}"),
            url: String::new(),
            started: Some(NOW),
            finished: NOW.plus(at),
        };
        noted.push(store.releases.deploy(new).await?);
    }
    let [first, second, third] = noted.as_slice() else {
        return Err(missing("deployments"));
    };
    let all = store
        .releases
        .deployments(&[project], None, Page::first(9))
        .await?;
    assert_eq!(all, [second.clone(), third.clone(), first.clone()]);
    let some = store
        .releases
        .deployments(&[project], Some("1.0"), Page::first(1))
        .await?;
    assert_eq!(some, std::slice::from_ref(third));
    assert_eq!(
        store.releases.deployment(first.id).await?.as_ref(),
        Some(first)
    );
    let release = store.releases.find(&[project], "1.0").await?.pop();
    let release = release.ok_or_else(|| missing("a release"))?;
    assert_eq!(release.last_deployment.as_ref(), Some(third));
    Ok(())
}

pub async fn health_is_summed_by_release_and_interval(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    feed.record();
    let hour = NOW.minute().div_euclid(60) * 60;
    let offset = hour - NOW.minute();
    for (minute, release, crashed) in [(0, "1.0", 1), (59, "1.0", 2), (60, "1.0", 4), (5, "2.0", 8)]
    {
        feed.batch()
            .tallies
            .push(tally(project, offset + minute, release, crashed));
    }
    feed.apply(&store).await?;
    let mut filter = HealthFilter {
        projects: vec![project],
        times: Millis(hour * Millis::MINUTE)..=NOW.plus(Millis::DAY),
        releases: Vec::new(),
        environments: Vec::new(),
        interval_minutes: None,
        by: Split::ALL,
        with_detail: false,
        most_groups: 2,
    };
    let sums = store.releases.health(&filter).await?;
    let told: Vec<_> = (sums.iter())
        .map(|row| {
            let sessions = row.whole.sessions;
            (row.release.as_deref(), sessions.total, sessions.crashed)
        })
        .collect();
    assert_eq!(told, [(Some("1.0"), 43, 7), (Some("2.0"), 20, 8)]);
    let names = sums
        .first()
        .map(|row| (row.project, row.environment.as_deref()));
    assert_eq!(names, Some((Some(project), Some("production"))));
    filter.by = Split::default();
    filter.interval_minutes = Some(60);
    let series = |sums: &[HealthRow]| -> Vec<_> {
        let all = sums.iter().flat_map(|row| &row.series);
        all.map(|(at, health)| (at.minute() - hour, health.sessions.crashed))
            .collect()
    };
    let sums = store.releases.health(&filter).await?;
    assert_eq!(series(&sums), [(0, 11), (60, 4)]);
    filter.releases = vec!["1.0".to_owned()];
    filter.environments = vec!["production".to_owned()];
    let sums = store.releases.health(&filter).await?;
    assert_eq!(series(&sums), [(0, 3), (60, 4)]);
    filter.environments = vec!["staging".to_owned()];
    assert_eq!(store.releases.health(&filter).await?, []);
    Ok(())
}
