//! What people do with issues, and what events do to those that people had done with.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use super::data::{Feed, grouping, projects};
use super::indexing::index;
use super::{NOW, Place, assert_refused, missing, options};
use crate::error::{Error, ErrorKind};
use crate::model::activity::ActivityKind;
use crate::model::ids::{IssueId, ProjectId};
use crate::model::issue::{
    Actor, Issue, IssueChange, IssueStatus, Mark, MarkChange, Priority, Resolution, Snooze,
    StatusChange, Substatus, Threshold,
};
use crate::model::outcome::Outcome;
use crate::model::release::{Commit, NewRelease, ReleaseChange};
use crate::model::time::Millis;
use crate::store::query::{EventFilter, OutcomeFilter, Page};
use crate::store::{NewActivity, Store};

fn somebody(name: &str) -> Result<Actor, Error> {
    Actor::new(name).ok_or_else(|| missing("an actor"))
}

async fn issue(store: &Store, id: IssueId) -> Result<Issue, Error> {
    let found = store.issues.get(&[id]).await?.pop();
    found.ok_or_else(|| missing("an issue"))
}

/// A project with one issue, of the grouping key 1.
async fn one_issue(store: &Store, feed: &mut Feed) -> Result<(ProjectId, IssueId), Error> {
    let project = projects(store, 1).await?.pop().unwrap_or_default();
    feed.event(project, |event| event.facts.release = "1.0".to_owned());
    let applied = feed.apply(store).await?;
    let stored = applied.stored.first().ok_or_else(|| missing("an event"))?;
    Ok((project, stored.issue))
}

async fn set(store: &Store, id: IssueId, status: StatusChange) -> Result<(), Error> {
    let change = IssueChange {
        status: Some(status),
        ..IssueChange::default()
    };
    let changed = store.issues.change(&[id], change, None, NOW).await?;
    assert_eq!(changed, [id]);
    Ok(())
}

/// Sends an event of a release; tells whether it opened an issue again.
async fn again(
    store: &Store,
    feed: &mut Feed,
    project: ProjectId,
    release: &str,
) -> Result<Option<Substatus>, Error> {
    feed.event(project, |event| event.facts.release = release.to_owned());
    let applied = feed.apply(store).await?;
    assert!(applied.stored.iter().all(|stored| !stored.is_new));
    let reopened = applied.reopened.first();
    if let (Some(reopened), Some(stored)) = (reopened, applied.stored.first()) {
        assert_eq!((reopened.issue, reopened.seq), (stored.issue, stored.seq));
    }
    Ok(reopened.map(|reopened| reopened.substatus))
}

pub async fn a_resolved_issue_is_opened_by_a_further_event(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (project, id) = one_issue(&store, &mut feed).await?;
    let ann = somebody("user:1")?;
    let change = IssueChange {
        status: Some(StatusChange::Resolve(Resolution::Now)),
        ..IssueChange::default()
    };
    let changed = store
        .issues
        .change(&[id], change.clone(), Some(&ann), NOW)
        .await?;
    assert_eq!(changed, [id]);
    assert_eq!(
        store.issues.change(&[id], change, Some(&ann), NOW).await?,
        []
    );
    let state = issue(&store, id).await?.state;
    assert_eq!(state.status, IssueStatus::Resolved);
    assert_eq!(state.resolution, Some(Resolution::Now));

    let regressed = Some(Substatus::Regressed);
    assert_eq!(again(&store, &mut feed, project, "1.0").await?, regressed);
    assert_eq!(again(&store, &mut feed, project, "1.0").await?, None);
    let state = issue(&store, id).await?.state;
    assert_eq!(
        (state.status, state.resolution),
        (IssueStatus::Unresolved, None)
    );
    assert_eq!(state.substatus, Substatus::Regressed);
    let history = store.issues.activity(id, None, Page::first(9)).await?;
    let kinds: Vec<_> = history.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [ActivityKind::Regression, ActivityKind::Resolved]);
    let actors: Vec<_> = history.iter().map(|entry| entry.actor.clone()).collect();
    assert_eq!(actors, [None, Some(ann)]);
    Ok(())
}

pub async fn the_release_decides_what_opens_an_issue_again(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (project, id) = one_issue(&store, &mut feed).await?;
    let regressed = Some(Substatus::Regressed);

    let fixed = Resolution::Release("1.5".to_owned());
    set(&store, id, StatusChange::Resolve(fixed)).await?;
    assert_eq!(again(&store, &mut feed, project, "1.4").await?, None);
    assert_eq!(again(&store, &mut feed, project, "").await?, None);
    assert_eq!(again(&store, &mut feed, project, "1.5").await?, regressed);

    let next = Resolution::NextRelease {
        after: String::new(),
    };
    set(&store, id, StatusChange::Resolve(next)).await?;
    let told = Resolution::NextRelease {
        after: "1.5".to_owned(),
    };
    assert_eq!(issue(&store, id).await?.state.resolution, Some(told));
    assert_eq!(again(&store, &mut feed, project, "1.5").await?, None);
    assert_eq!(again(&store, &mut feed, project, "1.4").await?, None);
    assert_eq!(again(&store, &mut feed, project, "1.10").await?, regressed);
    Ok(())
}

pub async fn a_commit_resolves_in_the_release_that_brings_it(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (project, id) = one_issue(&store, &mut feed).await?;
    let commit = Resolution::Commit {
        repository: "shop".to_owned(),
        commit: "cafe".to_owned(),
    };
    set(&store, id, StatusChange::Resolve(commit.clone())).await?;
    assert_eq!(issue(&store, id).await?.state.resolution, Some(commit));
    assert_eq!(again(&store, &mut feed, project, "3.0").await?, None);
    let release = NewRelease {
        project,
        version: "2.0".to_owned(),
        at: NOW,
        change: ReleaseChange {
            commits: Some(vec![Commit {
                id: "cafe".to_owned(),
                ..Commit::default()
            }]),
            ..ReleaseChange::default()
        },
    };
    store.releases.put(release).await?;
    let resolution = issue(&store, id).await?.state.resolution;
    assert_eq!(resolution, Some(Resolution::Release("2.0".to_owned())));
    assert_eq!(again(&store, &mut feed, project, "1.9").await?, None);
    let regressed = Some(Substatus::Regressed);
    assert_eq!(again(&store, &mut feed, project, "2.0").await?, regressed);
    Ok(())
}

pub async fn an_ignored_issue_comes_back_when_it_was_told_to(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (project, id) = one_issue(&store, &mut feed).await?;
    let escalating = Some(Substatus::Escalating);

    set(&store, id, StatusChange::Ignore(Snooze::default())).await?;
    assert_eq!(issue(&store, id).await?.state.substatus, Substatus::Forever);
    assert_eq!(again(&store, &mut feed, project, "").await?, None);

    let after_two = Snooze {
        events: Some(Threshold {
            count: 2,
            window_minutes: None,
        }),
        ..Snooze::default()
    };
    set(&store, id, StatusChange::Ignore(after_two)).await?;
    assert_eq!(issue(&store, id).await?.state.snooze, Some(after_two));
    assert_eq!(again(&store, &mut feed, project, "").await?, None);
    assert_eq!(again(&store, &mut feed, project, "").await?, escalating);
    assert_eq!(issue(&store, id).await?.state.snooze, None);

    let until = Snooze {
        until: Some(NOW.plus(5000)),
        ..Snooze::default()
    };
    set(&store, id, StatusChange::Ignore(until)).await?;
    assert_eq!(store.issues.wake(NOW.plus(4999)).await?, []);
    let woken = store.issues.wake(NOW.plus(5000)).await?;
    assert_eq!(woken.iter().map(|one| one.issue).collect::<Vec<_>>(), [id]);
    assert_eq!(store.issues.wake(NOW.plus(5000)).await?, []);
    let state = issue(&store, id).await?.state;
    assert_eq!(
        (state.status, state.since),
        (IssueStatus::Unresolved, NOW.plus(5000))
    );
    Ok(())
}

pub async fn an_ignored_issue_counts_events_in_intervals(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (project, id) = one_issue(&store, &mut feed).await?;
    let ten_in_an_hour = Snooze {
        events: Some(Threshold {
            count: 3,
            window_minutes: Some(60),
        }),
        ..Snooze::default()
    };
    set(&store, id, StatusChange::Ignore(ten_in_an_hour)).await?;
    let hour = 60 * Millis::MINUTE;
    let mut reopened = Vec::new();
    for (hours, events) in [(0, 2), (2, 2), (4, 3)] {
        for _ in 0..events {
            let at = NOW.plus(hours * hour);
            feed.event(project, |event| event.facts.timestamp = at);
        }
        reopened.push(feed.apply(&store).await?.reopened.len());
    }
    assert_eq!(reopened, [0, 0, 1]);
    Ok(())
}

pub async fn an_ignored_issue_comes_back_after_so_many_users(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (project, id) = one_issue(&store, &mut feed).await?;
    let after_two = Snooze {
        users: Some(Threshold {
            count: 2,
            window_minutes: None,
        }),
        ..Snooze::default()
    };
    set(&store, id, StatusChange::Ignore(after_two)).await?;
    for (user, status) in [
        (1, IssueStatus::Ignored),
        (1, IssueStatus::Ignored),
        (2, IssueStatus::Unresolved),
    ] {
        feed.event(project, |event| event.facts.user = Some(user));
        feed.apply(&store).await?;
        index(&store, &feed, 100).await?;
        assert_eq!(issue(&store, id).await?.state.status, status);
    }
    assert_eq!(issue(&store, id).await?.affected.users, 2);
    Ok(())
}

pub async fn assignment_and_priority_leave_a_history(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (_, id) = one_issue(&store, &mut feed).await?;
    assert_eq!(issue(&store, id).await?.priority, Priority::High);
    let team = somebody("team:2")?;
    let change = IssueChange {
        assignee: Some(Some(team.clone())),
        priority: Some(Priority::Low),
        ..IssueChange::default()
    };
    let asked = [id, IssueId(9_999)];
    assert_eq!(store.issues.change(&asked, change, None, NOW).await?, [id]);
    let after = issue(&store, id).await?;
    assert_eq!(
        (after.assignee, after.priority),
        (Some(team), Priority::Low)
    );
    let change = IssueChange {
        assignee: Some(None),
        ..IssueChange::default()
    };
    store
        .issues
        .change(&[id], change, None, NOW.plus(1))
        .await?;
    assert_eq!(issue(&store, id).await?.assignee, None);
    let history = store.issues.activity(id, None, Page::first(9)).await?;
    let kinds: Vec<_> = history.iter().map(|entry| entry.kind).collect();
    let expected = [
        ActivityKind::Unassigned,
        ActivityKind::Priority,
        ActivityKind::Assigned,
    ];
    assert_eq!(kinds, expected);
    let assigned = history.last().map(|entry| entry.data.as_str());
    assert_eq!(assigned, Some(r#"{"assignee":"team:2"}"#));
    Ok(())
}

pub async fn comments_are_written_changed_and_deleted(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (_, id) = one_issue(&store, &mut feed).await?;
    let note = |issue, text: &str| NewActivity {
        issue,
        kind: ActivityKind::Note,
        actor: Actor::new("user:7"),
        at: NOW,
        data: format!(r#"{{"text":"{text}"}}"#),
    };
    let first = store.issues.note(note(id, "one")).await?;
    let second = store.issues.note(note(id, "two")).await?;
    assert_eq!(issue(&store, id).await?.comments, 2);
    let edited = store.issues.edit_note(id, first.id, "{}").await?;
    assert_eq!((edited.id, edited.data.as_str()), (first.id, "{}"));
    store.issues.delete_note(id, second.id).await?;
    let notes = Some(ActivityKind::Note);
    let left = store.issues.activity(id, notes, Page::first(9)).await?;
    assert_eq!(left, std::slice::from_ref(&edited));
    assert_eq!(store.issues.entry(id, first.id).await?, Some(edited));
    assert_eq!(store.issues.entry(id, second.id).await?, None);
    assert_eq!(issue(&store, id).await?.comments, 1);
    let other = IssueId(id.0 + 1);
    assert_refused(
        store.issues.note(note(other, "x")).await,
        ErrorKind::NotFound,
    );
    assert_refused(
        store.issues.delete_note(id, second.id).await,
        ErrorKind::NotFound,
    );
    assert_refused(
        store.issues.edit_note(other, first.id, "{}").await,
        ErrorKind::NotFound,
    );
    Ok(())
}

pub async fn marks_belong_to_a_person(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (_, id) = one_issue(&store, &mut feed).await?;
    let (ann, bob) = (somebody("user:1")?, somebody("user:2")?);
    let change = MarkChange {
        is_bookmarked: Some(true),
        seen: Some(Some(NOW)),
        ..MarkChange::default()
    };
    store
        .issues
        .mark(&[id, IssueId(9_999)], &ann, change)
        .await?;
    let change = MarkChange {
        is_subscribed: Some(false),
        ..MarkChange::default()
    };
    store.issues.mark(&[id], &ann, change).await?;
    let expected = Mark {
        is_bookmarked: true,
        is_subscribed: Some(false),
        seen: Some(NOW),
    };
    assert_eq!(store.issues.marks(&[id], &ann).await?, [expected]);
    assert_eq!(store.issues.marks(&[id], &bob).await?, [Mark::default()]);
    Ok(())
}

/// Three issues of one project, each with two events.
async fn three_issues(store: &Store, feed: &mut Feed) -> Result<(ProjectId, Vec<IssueId>), Error> {
    let project = projects(store, 1).await?.pop().unwrap_or_default();
    for user in 0..2 {
        for key in 0..3 {
            feed.event(project, |event| {
                event.facts.grouping = grouping(key);
                event.facts.user = Some(user * (key as i64 + 1));
                event.facts.title = format!("title {key}");
            });
        }
    }
    let applied = feed.apply(store).await?;
    let mut ids: Vec<_> = applied.stored.iter().map(|stored| stored.issue).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    Ok((project, ids))
}

async fn seqs(store: &Store, project: ProjectId, issue: IssueId) -> Result<Vec<u64>, Error> {
    let filter = EventFilter {
        projects: vec![project],
        issue: Some(issue),
        ..EventFilter::default()
    };
    let rows = store.events.list(&filter, Page::first(100)).await?;
    assert_eq!(store.events.count(&filter).await?, rows.len() as u64);
    assert!(rows.iter().all(|row| row.issue == issue));
    Ok(rows.iter().map(|row| row.seq.0).collect())
}

pub async fn merged_issues_are_one_and_come_apart_again(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (project, ids) = three_issues(&store, &mut feed).await?;
    let [one, two, three] = *ids.as_slice() else {
        return Err(missing("three issues"));
    };
    index(&store, &feed, 100).await?;
    let second = issue(&store, two).await?;
    let third = issue(&store, three).await?;
    store
        .issues
        .merge(two, &[three, one, two], None, NOW)
        .await?;
    let merged = issue(&store, two).await?;
    assert_eq!((merged.events, merged.affected.users), (6, 4));
    assert_eq!(merged.title, third.title);
    assert_eq!(merged.first_seen, NOW.plus(1));
    // Their numbers lead to the one that has the events.
    for id in [one, three] {
        assert_eq!(issue(&store, id).await?.id, two);
        assert_eq!(seqs(&store, project, two).await?, [6, 5, 4, 3, 2, 1]);
    }
    let by_number = store.issues.by_number(project, third.number).await?;
    assert_eq!(by_number.map(|issue| issue.id), Some(two));
    assert_eq!(
        store.issues.list(&[project], Page::first(9)).await?.len(),
        1
    );

    // Further events go into it.
    feed.event(project, |event| event.facts.grouping = grouping(0));
    let applied = feed.apply(&store).await?;
    assert_eq!(applied.stored.first().map(|stored| stored.issue), Some(two));

    let groups = store.issues.groups(two).await?;
    assert_eq!(
        groups.iter().map(|group| group.events).collect::<Vec<_>>(),
        [3, 2, 2]
    );
    let of_third = groups.iter().find(|group| group.grouping == grouping(2));
    let of_third = of_third.ok_or_else(|| missing("a group"))?.id;
    assert_eq!(
        store.issues.unmerge(two, &[of_third], None, NOW).await?,
        [three]
    );
    let back = issue(&store, three).await?;
    assert_eq!(
        (back.id, back.events, back.number),
        (three, 2, third.number)
    );
    assert_eq!((back.title, back.affected), (third.title, third.affected));
    assert_eq!(seqs(&store, project, three).await?, [6, 3]);
    assert_eq!(issue(&store, two).await?.events, 5);
    let all = store.issues.groups(two).await?;
    let all: Vec<_> = all.iter().map(|group| group.id).collect();
    assert_refused(
        store.issues.unmerge(two, &all, None, NOW).await,
        ErrorKind::Invalid,
    );
    assert_refused(
        store.issues.unmerge(two, &[], None, NOW).await,
        ErrorKind::Invalid,
    );
    // The group that opened the issue keeps it, whoever is asked to leave.
    let of_second = store.issues.groups(two).await?;
    let of_second = of_second
        .iter()
        .find(|group| group.grouping == second.grouping);
    let of_second = of_second.ok_or_else(|| missing("a group"))?.id;
    assert_eq!(
        store.issues.unmerge(two, &[of_second], None, NOW).await?,
        [one]
    );
    assert_eq!(seqs(&store, project, one).await?, [7, 4, 1]);
    assert_eq!(seqs(&store, project, two).await?, [5, 2]);
    Ok(())
}

pub async fn only_issues_of_one_project_are_merged(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let mut feed = Feed::new();
    for project in &made {
        feed.event(*project, |_| ());
    }
    let applied = feed.apply(&store).await?;
    let ids: Vec<_> = applied.stored.iter().map(|stored| stored.issue).collect();
    let [one, two] = *ids.as_slice() else {
        return Err(missing("two issues"));
    };
    assert_refused(
        store.issues.merge(one, &[two], None, NOW).await,
        ErrorKind::Invalid,
    );
    assert_eq!(issue(&store, two).await?.id, two);
    Ok(())
}

pub async fn a_deleted_issue_is_gone_and_its_key_opens_another(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (project, ids) = three_issues(&store, &mut feed).await?;
    index(&store, &feed, 100).await?;
    let gone = ids.first().copied().unwrap_or_default();
    let all = EventFilter {
        projects: vec![project],
        ..EventFilter::default()
    };
    assert_eq!(store.issues.delete(&[gone, IssueId(9_999)]).await?, 1);
    assert_eq!(store.issues.get(&[gone]).await?, []);
    assert_eq!(store.events.list(&all, Page::first(100)).await?.len(), 4);
    while store.upkeep.sweep(100).await? > 0 {}
    assert_eq!(store.events.list(&all, Page::first(100)).await?.len(), 4);
    assert_eq!(store.events.count(&all).await?, 4);
    let dead = store
        .upkeep
        .dead(crate::model::ids::Seq(1)..=crate::model::ids::Seq(6))
        .await?;
    assert_eq!(
        dead.seqs.iter().map(|seq| seq.0).collect::<Vec<_>>(),
        [1, 4]
    );
    assert_eq!(store.upkeep.check().await?, [""; 0]);

    feed.event(project, |event| event.facts.grouping = grouping(0));
    let applied = feed.apply(&store).await?;
    let opened = applied.stored.first().ok_or_else(|| missing("an event"))?;
    assert!(opened.is_new && opened.issue != gone);
    // A number is never given twice.
    assert_eq!(issue(&store, opened.issue).await?.number, 4);
    Ok(())
}

pub async fn events_of_a_discarded_issue_are_dropped_and_counted(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (project, ids) = three_issues(&store, &mut feed).await?;
    let gone = ids.first().copied().unwrap_or_default();
    assert_eq!(store.issues.discard(&[gone]).await?, 1);
    let dropped = feed.event(project, |event| event.facts.grouping = grouping(0));
    feed.event(project, |event| event.facts.grouping = grouping(1));
    let applied = feed.apply(&store).await?;
    assert_eq!(applied.discarded, [dropped]);
    assert_eq!(applied.stored.len(), 1);
    assert_eq!(
        store.issues.list(&[project], Page::first(9)).await?.len(),
        2
    );
    let filter = OutcomeFilter {
        projects: vec![project],
        times: NOW..=NOW.plus(Millis::DAY),
        interval_minutes: 24 * 60,
    };
    let rows = store.stats.outcomes(&filter).await?;
    let of = |outcome, reason: &str| {
        let rows = rows.iter();
        let rows = rows.filter(|row| row.outcome == outcome && row.reason == reason);
        rows.map(|row| row.quantity).sum::<u64>()
    };
    assert_eq!(of(Outcome::Filtered, "discarded"), 1);
    assert_eq!(of(Outcome::Accepted, ""), 7);
    Ok(())
}

pub async fn a_key_that_replaces_another_joins_its_issue(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut feed = Feed::new();
    let (project, id) = one_issue(&store, &mut feed).await?;
    for former in [Some(grouping(1)), None] {
        feed.event(project, |event| {
            event.facts.grouping = grouping(50);
            event.facts.former_grouping = former;
        });
    }
    let applied = feed.apply(&store).await?;
    assert!(
        applied
            .stored
            .iter()
            .all(|stored| stored.issue == id && !stored.is_new)
    );
    let groups = store.issues.groups(id).await?;
    let fresh = groups.iter().find(|group| group.grouping == grouping(50));
    let fresh = fresh.ok_or_else(|| missing("a group"))?;
    assert_eq!(fresh.events, 2);
    // It has an issue of its own when it leaves.
    let split = store.issues.unmerge(id, &[fresh.id], None, NOW).await?;
    let split = split.first().copied().unwrap_or_default();
    let split = issue(&store, split).await?;
    assert_eq!(
        (split.number, split.events, split.grouping),
        (2, 2, grouping(50))
    );
    assert_eq!(issue(&store, id).await?.events, 1);
    Ok(())
}
