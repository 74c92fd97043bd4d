//! Finding, listing and counting events.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use super::data::{Dice, Feed, event_id, grouping, projects};
use super::reference::Reference;
use super::{NOW, Place, missing, options, partitioned};
use crate::error::Error;
use crate::model::event::Level;
use crate::model::ids::ProjectId;
use crate::model::time::Millis;
use crate::store::query::{EventFilter, Minutes, Page};
use crate::store::{MAX_ENVIRONMENTS, Store};

const LEVELS: &[Level] = &[Level::Fatal, Level::Error, Level::Warning, Level::Info];
const ENVIRONMENTS: &[&str] = &["", "production", "staging", "it's \"odd\" %_"];
const RELEASES: &[&str] = &["", "1.0", "1.1", "2.0-beta", "app@\u{1F980}"];

/// Writes events that share minutes, milliseconds, issues and names, in several partitions.
async fn filled(
    store: &Store,
    projects: &[ProjectId],
    dice: &mut Dice,
) -> Result<(Feed, Reference), Error> {
    let mut feed = Feed::new();
    let mut reference = Reference::default();
    for _ in 0..10 {
        for _ in 0..40 {
            let project = dice.one_of(projects);
            // Some far apart, some in the same hours, some in the same milliseconds.
            let age = match dice.below(4) {
                0 => dice.below(40 * 24 * 60) * 60_000,
                1 => dice.below(3 * 60 * 60 * 1000),
                2 => dice.below(120_000),
                _ => dice.below(3),
            };
            let moment = NOW.plus(-i64::try_from(age).unwrap_or(0));
            feed.event(project, |event| {
                event.facts.timestamp = moment;
                event.facts.level = dice.one_of(LEVELS);
                event.facts.environment = dice.one_of(ENVIRONMENTS).to_owned();
                event.facts.release = dice.one_of(RELEASES).to_owned();
                event.facts.grouping = grouping(dice.below(12));
                event.facts.user = Some(i64::try_from(dice.below(5)).unwrap_or(0));
            });
            if dice.below(10) == 0 {
                feed.record();
            }
        }
        let applied = feed.apply(store).await?;
        reference.learn(&feed, &applied);
    }
    Ok((feed, reference))
}

fn some_filter(dice: &mut Dice, projects: &[ProjectId], reference: &Reference) -> EventFilter {
    let mut filter = EventFilter {
        projects: dice.some_of(projects),
        ..EventFilter::default()
    };
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    if dice.below(3) == 0 {
        filter.levels = dice.some_of(LEVELS);
    }
    if dice.below(3) == 0 {
        filter.environments = owned(dice.some_of(ENVIRONMENTS));
    }
    if dice.below(3) == 0 {
        filter.releases = owned(dice.some_of(&["", "1.0", "1.1", "9.9", "app@\u{1F980}"]));
    }
    if dice.below(4) == 0 {
        let issues: Vec<_> = reference.rows().iter().map(|row| row.issue).collect();
        filter.issue = Some(dice.one_of(&issues));
    }
    if dice.below(2) == 0 {
        let spans: [u64; 4] = [3, 60_000, 3_600_000, 50 * 24 * 3_600_000];
        let back = dice.one_of(&spans);
        let last = NOW.plus(-i64::try_from(dice.below(back)).unwrap_or(0));
        let length = dice.one_of(&spans);
        let first = last.plus(-i64::try_from(dice.below(length)).unwrap_or(0));
        filter.times = Some(first..=last);
    }
    filter
}

fn some_page(dice: &mut Dice) -> Page {
    let offset = match dice.below(3) {
        0 => dice.below(400),
        1 => dice.below(10),
        _ => 0,
    };
    Page {
        offset,
        limit: dice.below(60),
    }
}

fn some_minutes(dice: &mut Dice) -> Minutes {
    let length = dice.one_of(&[1, 15, 60, 90, 24 * 60]);
    let count = dice.one_of(&[1, 7, 96]);
    let start = NOW.plus(-i64::from(length) * i64::from(count) * Millis::MINUTE);
    let step = i64::from(length) * Millis::MINUTE;
    // Some begin where longer intervals do, and some do not.
    let start = match dice.below(2) {
        0 => Millis(start.0.div_euclid(step) * step),
        _ => start,
    };
    Minutes::new(start, length, count)
}

async fn compare(
    store: &Store,
    projects: &[ProjectId],
    reference: &Reference,
    dice: &mut Dice,
) -> Result<(), Error> {
    for _ in 0..250 {
        let filter = some_filter(dice, projects, reference);
        reference.compare(store, &filter, some_page(dice)).await?;
        reference
            .compare_series(store, &filter, some_minutes(dice))
            .await?;
    }
    let everything = EventFilter {
        projects: projects.to_vec(),
        ..EventFilter::default()
    };
    reference
        .compare(store, &everything, Page::first(1000))
        .await
}

pub async fn an_event_is_found_by_id_in_the_projects_asked(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(2)).await?;
    let made = projects(&store, 3).await?;
    let mut feed = Feed::new();
    for project in &made {
        feed.event(*project, |event| event.event_id = event_id(7));
        feed.event(*project, |_| ());
        feed.apply(&store).await?;
    }
    let first = made.first().copied().unwrap_or_default();
    let last = made.last().copied().unwrap_or_default();
    let found = store.events.find(event_id(7), &[last, first]).await?;
    let mut found: Vec<_> = found.iter().map(|row| row.project).collect();
    found.sort_unstable();
    assert_eq!(found, [first, last]);
    assert_eq!(store.events.find(event_id(7), &[]).await?, []);
    assert_eq!(store.events.find(event_id(999), &made).await?, []);
    Ok(())
}

pub async fn lists_and_counts_agree_with_a_slow_reference(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(100)).await?;
    let made = projects(&store, 3).await?;
    let mut dice = Dice::new(1);
    let (_, reference) = filled(&store, &made, &mut dice).await?;
    assert!(store.upkeep.partitions().await?.len() >= 3);
    compare(&store, &made, &reference, &mut dice).await
}

pub async fn lists_and_counts_agree_after_hiding_erasing_and_dropping(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(partitioned(100)).await?;
    let made = projects(&store, 3).await?;
    let mut dice = Dice::new(2);
    let (_, mut reference) = filled(&store, &made, &mut dice).await?;

    let seqs: Vec<_> = reference.rows().iter().map(|row| row.seq).collect();
    let erased: Vec<_> = (0..40).map(|_| dice.one_of(&seqs)).collect();
    store.upkeep.erase(&erased).await?;
    erased.iter().for_each(|seq| reference.erase(*seq));
    compare(&store, &made, &reference, &mut dice).await?;

    let partitions = store.upkeep.partitions().await?;
    let oldest = partitions.first().ok_or_else(|| missing("a partition"))?;
    store.upkeep.drop_partition(oldest.id).await?;
    reference.drop_through(oldest.last);
    compare(&store, &made, &reference, &mut dice).await?;

    let hidden = made.first().copied().unwrap_or_default();
    let floor = NOW.plus(250);
    store.upkeep.hide_before(hidden, floor).await?;
    reference.hide(hidden, floor);
    compare(&store, &made, &reference, &mut dice).await?;

    // Half swept, then swept.
    store.upkeep.sweep(10).await?;
    compare(&store, &made, &reference, &mut dice).await?;
    while store.upkeep.sweep(7).await? > 0 {}
    compare(&store, &made, &reference, &mut dice).await?;
    assert_eq!(store.upkeep.check().await?, [""; 0]);

    let held: u64 = (store.upkeep.partitions().await?.iter())
        .map(|partition| partition.events)
        .sum();
    assert_eq!(held, reference.rows().len() as u64);
    Ok(())
}

pub async fn pages_put_together_are_the_whole_list(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(100)).await?;
    let made = projects(&store, 2).await?;
    let mut dice = Dice::new(3);
    let (_, reference) = filled(&store, &made, &mut dice).await?;
    let filter = EventFilter {
        projects: made,
        levels: vec![Level::Error, Level::Info],
        ..EventFilter::default()
    };
    let mut read = Vec::new();
    loop {
        let page = Page {
            offset: read.len() as u64,
            limit: 17,
        };
        let rows = store.events.list(&filter, page).await?;
        if rows.is_empty() {
            break;
        }
        read.extend(rows);
    }
    assert_eq!(read, reference.list(&filter));
    let beyond = Page {
        offset: u64::MAX,
        limit: u64::MAX,
    };
    assert_eq!(store.events.list(&filter, beyond).await?, []);
    assert_eq!(store.events.list(&filter, Page::first(0)).await?, []);
    Ok(())
}

pub async fn equal_times_are_ordered_by_place(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(3)).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    for _ in 0..4 {
        for _ in 0..3 {
            feed.event(project, |event| event.facts.timestamp = NOW);
        }
        feed.apply(&store).await?;
    }
    let filter = EventFilter {
        projects: vec![project],
        times: Some(NOW..=NOW),
        ..EventFilter::default()
    };
    let page = Page {
        offset: 1,
        limit: 20,
    };
    let listed = store.events.list(&filter, page).await?;
    let listed: Vec<_> = listed.iter().map(|row| row.seq.0).collect();
    assert_eq!(listed, (1..12).rev().collect::<Vec<_>>());
    let filter = EventFilter {
        times: Some(NOW.plus(1)..=NOW.plus(Millis::DAY)),
        ..filter
    };
    assert_eq!(store.events.count(&filter).await?, 0);
    Ok(())
}

pub async fn no_projects_means_no_events(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    feed.event(project, |_| ());
    feed.apply(&store).await?;
    let none = EventFilter::default();
    assert_eq!(store.events.count(&none).await?, 0);
    assert_eq!(store.events.list(&none, Page::first(5)).await?, []);
    // An inverted span of time holds nothing.
    let inverted = EventFilter {
        projects: vec![project],
        times: Some(NOW.plus(500)..=NOW),
        ..EventFilter::default()
    };
    assert_eq!(store.events.count(&inverted).await?, 0);
    assert_eq!(store.events.list(&inverted, Page::first(5)).await?, []);
    Ok(())
}

pub async fn environments_are_noted_once_and_bounded(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(partitioned(50)).await?;
    let made = projects(&store, 3).await?;
    let one = made.first().copied().unwrap_or_default();
    let two = made.get(1).copied().unwrap_or_default();
    let mut feed = Feed::new();
    for round in 0..3 {
        for name in ["staging", "", "production", "it's \"odd\" %_"] {
            feed.event(one, |event| event.facts.environment = name.to_owned());
        }
        feed.event(two, |event| {
            event.facts.environment = format!("review-{round}")
        });
        feed.apply(&store).await?;
    }
    let pair = |project: ProjectId, name: &str| (project, name.to_owned());
    let expected = [
        pair(one, "it's \"odd\" %_"),
        pair(one, "production"),
        pair(one, "staging"),
        pair(two, "review-0"),
        pair(two, "review-1"),
        pair(two, "review-2"),
    ];
    assert_eq!(store.events.environments(&made).await?, expected);
    assert_eq!(store.events.environments(&[]).await?, []);

    for number in 0..MAX_ENVIRONMENTS + 10 {
        feed.event(one, |event| {
            event.facts.environment = format!("flood-{number}")
        });
        if number % 200 == 0 {
            feed.apply(&store).await?;
        }
    }
    feed.apply(&store).await?;
    let noted = store.events.environments(&[one]).await?.len();
    assert_eq!(noted, MAX_ENVIRONMENTS);
    store.catalog.delete_project(two).await?;
    while store.upkeep.sweep(1000).await? > 0 {}
    assert_eq!(store.events.environments(&[two]).await?, []);
    Ok(())
}
