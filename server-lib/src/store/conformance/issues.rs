//! Issues: events of one grouping key in one project.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use std::collections::HashMap;

use super::data::{Dice, Feed, grouping, projects};
use super::{NOW, Place, missing, options, partitioned};
use crate::error::Error;
use crate::model::event::{EventKind, Headline, Level};
use crate::model::ids::{IssueId, ProjectId};
use crate::model::issue::{Affected, Issue, IssueState, Priority};
use crate::store::Store;
use crate::store::query::Page;

async fn only_issue(store: &Store, project: ProjectId) -> Result<Issue, Error> {
    let mut issues = store.issues.list(&[project], Page::first(2)).await?;
    assert_eq!(issues.len(), 1);
    issues.pop().ok_or_else(|| missing("an issue"))
}

pub async fn events_of_one_key_share_an_issue(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let one = made.first().copied().unwrap_or_default();
    let two = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    feed.event(one, |_| ());
    feed.event(one, |_| ());
    feed.event(two, |_| ());
    feed.event(one, |event| event.facts.grouping = grouping(2));
    let applied = feed.apply(&store).await?;
    let opened: Vec<_> = applied.stored.iter().map(|one| one.is_new).collect();
    assert_eq!(opened, [true, false, true, true]);
    feed.event(one, |_| ());
    let again = feed.apply(&store).await?;
    let issues: Vec<_> = (applied.stored.iter().chain(&again.stored))
        .map(|one| one.issue)
        .collect();
    let (first, of_two, second) = match *issues {
        [a, b, c, d, e] if a == b && a == e => (a, c, d),
        _ => return Err(missing("one issue for one key")),
    };
    assert!(first != of_two && first != second && of_two != second);
    assert_eq!(again.stored.first().map(|one| one.is_new), Some(false));

    let asked = [second, IssueId(9_999), first];
    let found = store.issues.get(&asked).await?;
    let found: Vec<_> = found.iter().map(|one| (one.id, one.events)).collect();
    assert_eq!(found, [(second, 1), (first, 3)]);
    Ok(())
}

pub async fn issue_numbers_count_up_in_each_project(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let mut feed = Feed::new();
    for key in 0..3 {
        for project in &made {
            feed.event(*project, |event| event.facts.grouping = grouping(key));
        }
    }
    feed.apply(&store).await?;
    store.upkeep.close().await?;
    let store = place.open(options()).await?;
    let first = made.first().copied().unwrap_or_default();
    feed.event(first, |event| event.facts.grouping = grouping(77));
    feed.apply(&store).await?;
    for (project, expected) in made.iter().zip([4, 3]) {
        let issues = store.issues.list(&[*project], Page::first(9)).await?;
        let mut numbers: Vec<_> = issues.iter().map(|issue| issue.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=expected).collect::<Vec<_>>());
    }
    Ok(())
}

pub async fn an_issue_shows_its_latest_event(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    feed.event(project, |event| event.facts.timestamp = NOW);
    feed.event(project, |event| {
        event.facts.timestamp = NOW.plus(1000);
        event.facts.title = "latest".to_owned();
        event.facts.culprit = "checkout in pay".to_owned();
        event.facts.platform = "python".to_owned();
        event.facts.level = Level::Fatal;
        event.facts.kind = EventKind::Default;
        event.facts.release = "2.0".to_owned();
        event.facts.handled = Some(false);
        event.facts.headline = Headline {
            error_type: "PaymentError".to_owned(),
            value: "card declined".to_owned(),
            filename: "pay.py".to_owned(),
            function: "pay".to_owned(),
        };
    });
    feed.event(project, |event| {
        event.facts.timestamp = NOW.plus(-1000);
        event.facts.release = "1.0".to_owned();
    });
    feed.apply(&store).await?;
    let expected = Issue {
        id: only_issue(&store, project).await?.id,
        project,
        number: 1,
        grouping: grouping(1),
        kind: EventKind::Default,
        title: "latest".to_owned(),
        culprit: "checkout in pay".to_owned(),
        platform: "python".to_owned(),
        level: Level::Fatal,
        headline: Headline {
            error_type: "PaymentError".to_owned(),
            value: "card declined".to_owned(),
            filename: "pay.py".to_owned(),
            function: "pay".to_owned(),
        },
        is_unhandled: true,
        first_seen: NOW.plus(-1000),
        last_seen: NOW.plus(1000),
        events: 3,
        affected: Affected {
            users: 0,
            is_exact: true,
        },
        first_release: "1.0".to_owned(),
        last_release: "2.0".to_owned(),
        state: IssueState::new(NOW),
        priority: Priority::High,
        assignee: None,
        comments: 0,
    };
    assert_eq!(only_issue(&store, project).await?, expected);

    // A batch of older events changes the count and the beginning only.
    feed.event(project, |event| event.facts.timestamp = NOW.plus(-2000));
    feed.event(project, |event| event.facts.timestamp = NOW.plus(999));
    feed.apply(&store).await?;
    let after = only_issue(&store, project).await?;
    assert_eq!(after.first_seen, NOW.plus(-2000));
    assert_eq!((after.title.as_str(), after.events), ("latest", 5));
    assert_eq!(after.last_seen, NOW.plus(1000));

    // Of two at the same time, the later one is shown.
    feed.event(project, |event| {
        event.facts.timestamp = NOW.plus(1000);
        event.facts.title = "O'Neil's \u{1F980}".to_owned();
    });
    feed.apply(&store).await?;
    let after = only_issue(&store, project).await?;
    assert_eq!(after.title, "O'Neil's \u{1F980}");
    Ok(())
}

pub async fn issues_are_listed_latest_seen_first(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 3).await?;
    let mut dice = Dice::new(4);
    let mut feed = Feed::new();
    let mut latest = HashMap::new();
    for _ in 0..120 {
        let project = dice.one_of(&made);
        let key = grouping(dice.below(20));
        let at = NOW.plus(i64::try_from(dice.below(100_000)).unwrap_or(0) * 1000);
        feed.event(project, |event| {
            event.facts.grouping = key;
            event.facts.timestamp = at;
        });
        let seen = latest.entry((project, key)).or_insert(at);
        *seen = at.max(*seen);
    }
    feed.apply(&store).await?;
    let asked: Vec<_> = made.iter().take(2).copied().collect();
    let mut expected: Vec<_> = latest
        .into_iter()
        .filter(|((project, _), _)| asked.contains(project))
        .map(|(_, at)| at)
        .collect();
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let mut listed = Vec::new();
    while listed.len() < expected.len() {
        let page = Page {
            offset: listed.len() as u64,
            limit: 7,
        };
        let issues = store.issues.list(&asked, page).await?;
        assert!(!issues.is_empty());
        listed.extend(issues.iter().map(|issue| issue.last_seen));
    }
    assert_eq!(listed, expected);
    assert_eq!(store.issues.list(&[], Page::first(5)).await?, []);
    Ok(())
}

pub async fn many_issues_in_many_batches_keep_their_numbers(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(partitioned(700)).await?;
    let made = projects(&store, 2).await?;
    let mut dice = Dice::new(5);
    let mut feed = Feed::new();
    let mut known: HashMap<_, IssueId> = HashMap::new();
    let mut counts: HashMap<IssueId, u64> = HashMap::new();
    for _ in 0..15 {
        for _ in 0..200 {
            let project = dice.one_of(&made);
            let key = grouping(dice.below(300));
            feed.event(project, |event| event.facts.grouping = key);
        }
        let applied = feed.apply(&store).await?;
        assert_eq!(applied.stored.len(), 200);
        for one in applied.stored {
            let (issue, opened) = (one.issue, one.is_new);
            let given = feed.given().iter().find(|event| event.seq == one.seq);
            let given = given.ok_or_else(|| missing("an event"))?;
            let key = (given.project, given.facts.grouping);
            assert_eq!(known.insert(key, issue).unwrap_or(issue), issue);
            let count = counts.entry(issue).or_default();
            assert_eq!(opened, *count == 0);
            *count += 1;
        }
    }
    let ids: Vec<_> = counts.keys().copied().collect();
    let found = store.issues.get(&ids).await?;
    assert_eq!(found.len(), ids.len());
    for issue in found {
        assert_eq!(counts.get(&issue.id), Some(&issue.events));
        let key = (issue.project, issue.grouping);
        assert_eq!(known.get(&key), Some(&issue.id));
    }
    Ok(())
}

pub async fn issues_of_a_deleted_project_are_gone(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let gone = made.first().copied().unwrap_or_default();
    let mut feed = Feed::new();
    for project in &made {
        feed.event(*project, |_| ());
    }
    feed.apply(&store).await?;
    let issue = only_issue(&store, gone).await?.id;
    store.catalog.delete_project(gone).await?;
    assert_eq!(store.issues.get(&[issue]).await?, []);
    assert_eq!(store.issues.list(&made, Page::first(9)).await?.len(), 1);
    while store.upkeep.sweep(100).await? > 0 {}
    assert_eq!(store.issues.get(&[issue]).await?, []);
    assert_eq!(store.issues.list(&made, Page::first(9)).await?.len(), 1);
    Ok(())
}
