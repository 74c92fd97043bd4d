//! The search index, compared with looking at every event.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::data::{Dice, Feed, grouping, projects};
use super::indexing::{index, merge, purge};
use super::{NOW, Place, missing, options, partitioned};
use crate::error::Error;
use crate::model::event::{EventRow, Level};
use crate::model::ids::{IssueId, ProjectId, Seq};
use crate::model::tag::Tags;
use crate::model::time::Millis;
use crate::store::Store;
use crate::store::index::{CountBy, CountKey, IndexBatch, TagScope};
use crate::store::query::{EventPredicate, EventQuery, Expr, Page, TagTest, TextPattern};

const HOUR: i64 = 60 * Millis::MINUTE;

fn equals(value: &str) -> TextPattern {
    TextPattern::Equals(value.to_owned())
}

fn tag(name: &str, value: &str) -> EventPredicate {
    EventPredicate::Tag(name.to_owned(), TagTest::Value(equals(value)))
}

/// Returns one of the texts, all of them in turn.
fn nth(texts: &[&'static str], number: u64) -> &'static str {
    let place = number.checked_rem(texts.len() as u64).unwrap_or(0);
    let place = usize::try_from(place).unwrap_or(0);
    texts.get(place).copied().unwrap_or_default()
}

/// Events with some tags, over two projects, some partitions and two days.
pub(super) struct Field {
    pub(super) store: Store,
    pub(super) feed: Feed,
    pub(super) projects: Vec<ProjectId>,
    pub(super) rows: Vec<EventRow>,
}

impl Field {
    /// Makes so many events.
    pub(super) async fn new(
        place: &dyn Place,
        events: u64,
        per_partition: u64,
    ) -> Result<Self, Error> {
        let store = place.open(partitioned(per_partition)).await?;
        let projects = projects(&store, 2).await?;
        let mut field = Self {
            store,
            feed: Feed::new(),
            projects,
            rows: Vec::new(),
        };
        let mut dice = Dice::new(events);
        for number in 0..events {
            field.event(&mut dice, number);
            if number % 60 == 59 {
                field.apply().await?;
            }
        }
        field.apply().await?;
        Ok(field)
    }

    fn event(&mut self, dice: &mut Dice, number: u64) {
        let project = dice.one_of(&self.projects);
        let key = dice.below(12);
        let at = NOW.plus(i64::try_from(dice.below(48 * 3600)).unwrap_or(0) * 1000);
        let mut tags = Tags::default();
        let level = dice.one_of(&["info", "error"]);
        tags.push("level", level);
        tags.push("environment", nth(&["production", "staging", "ci"], number));
        if dice.below(3) == 0 {
            tags.push("feature", &format!("f{}", dice.below(5)));
        }
        tags.push("user.id", &number.to_string());
        if dice.below(20) == 0 {
            tags.push("rare", "yes");
        }
        let word = nth(&["timeout", "refused", "database error", "ReadOnly"], key);
        self.feed.event(project, |event| {
            event.facts.grouping = grouping(key);
            event.facts.timestamp = at;
            event.facts.level = if level == "info" {
                Level::Info
            } else {
                Level::Error
            };
            event.facts.title = format!("title {key}");
            event.facts.text = format!("Connection {word} after {} ms", key * 10);
            event.facts.user = i64::try_from(number % 17).ok();
            event.facts.release = format!("1.{}", key % 3);
            event.facts.tags = tags;
        });
    }

    async fn apply(&mut self) -> Result<(), Error> {
        let applied = self.feed.apply(&self.store).await?;
        for stored in &applied.stored {
            let given = self
                .feed
                .given()
                .iter()
                .find(|event| event.seq == stored.seq);
            self.rows
                .extend(given.map(|event| super::data::row(event, stored)));
        }
        Ok(())
    }

    /// Returns the tags of an event.
    pub(super) fn tags(&self, seq: Seq) -> Tags {
        let given = self.feed.given().iter().find(|event| event.seq == seq);
        given
            .map(|event| event.facts.tags.clone())
            .unwrap_or_default()
    }

    /// Returns the words of an event.
    pub(super) fn text(&self, seq: Seq) -> String {
        let given = self.feed.given().iter().find(|event| event.seq == seq);
        given
            .map(|event| event.facts.text.clone())
            .unwrap_or_default()
    }

    fn holds(&self, predicate: &EventPredicate, row: &EventRow) -> bool {
        match predicate {
            EventPredicate::Issue(issues) => issues.contains(&row.issue),
            EventPredicate::Tag(name, test) => {
                let tags = self.tags(row.seq);
                tags.iter().any(|(key, value)| {
                    key == name
                        && match test {
                            TagTest::Present => true,
                            TagTest::Value(pattern) => pattern.matches(value),
                        }
                })
            }
            EventPredicate::GroupText(text) => {
                let of_group = self.rows.iter().filter(|other| other.group == row.group);
                let text = text.to_lowercase();
                of_group
                    .map(|row| self.text(row.seq))
                    .any(|own| own.to_lowercase().contains(&text))
            }
        }
    }

    /// Returns what a question means, latest arrival first.
    pub(super) fn expected(&self, query: &EventQuery) -> Vec<EventRow> {
        let mut rows: Vec<_> = (self.rows.iter())
            .filter(|row| query.projects.contains(&row.project))
            .filter(|row| {
                query
                    .times
                    .as_ref()
                    .is_none_or(|times| times.contains(&row.timestamp))
            })
            .filter(|row| {
                query
                    .filter
                    .holds(&mut |predicate| self.holds(predicate, row))
            })
            .cloned()
            .collect();
        rows.sort_by_key(|row| Reverse(row.seq));
        rows
    }

    /// Asks page by page, and compares.
    pub(super) async fn compare(&self, mut query: EventQuery) -> Result<(), Error> {
        let expected = self.expected(&query);
        let mut found = Vec::new();
        loop {
            let hits = self.store.index.find(&query).await?;
            assert!(hits.rows.len() <= query.limit as usize && !hits.is_incomplete);
            found.extend(hits.rows);
            query.after = hits.next;
            if hits.next.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{query:?}");
        let counted = self.store.index.count(&query, CountBy::Nothing).await?;
        let count: u64 = counted.counts.iter().map(|(_, count)| count).sum();
        assert_eq!(count, expected.len() as u64, "{query:?}");
        Ok(())
    }

    pub(super) fn question(&self, dice: &mut Dice) -> EventQuery {
        let issues: Vec<_> = self.rows.iter().map(|row| row.issue).collect();
        let mut parts = Vec::new();
        for _ in 0..=dice.below(3) {
            let predicate = match dice.below(8) {
                0 => tag("level", "error"),
                1 => tag("environment", "staging"),
                2 => tag("feature", &format!("f{}", dice.below(6))),
                3 => EventPredicate::Tag("feature".to_owned(), TagTest::Present),
                4 => EventPredicate::Issue(vec![dice.one_of(&issues)]),
                5 => EventPredicate::Tag(
                    "feature".to_owned(),
                    TagTest::Value(TextPattern::Like("F*".to_owned())),
                ),
                6 => EventPredicate::GroupText("database error".to_owned()),
                _ => tag("rare", "yes"),
            };
            let part = Expr::Is(predicate);
            parts.push(if dice.below(3) == 0 {
                part.negated()
            } else {
                part
            });
        }
        let filter = match dice.below(3) {
            0 => Expr::Any(parts),
            _ => Expr::All(parts),
        };
        let from = i64::try_from(dice.below(40 * 3600)).unwrap_or(0) * 1000;
        let times = NOW.plus(from)..=NOW.plus(from + 7 * HOUR + 12_345);
        EventQuery {
            projects: dice.some_of(&self.projects),
            filter,
            times: (dice.below(2) == 0).then_some(times),
            after: None,
            limit: 7,
        }
    }
}

pub async fn events_are_found_as_by_looking_at_each(place: &dyn Place) -> Result<(), Error> {
    let field = Field::new(place, 600, 170).await?;
    index(&field.store, &field.feed, 23).await?;
    let mut dice = Dice::new(3);
    for round in 0..60 {
        if round == 30 {
            merge(&field.store).await?;
        }
        field.compare(field.question(&mut dice)).await?;
    }
    Ok(())
}

pub async fn what_is_erased_hidden_or_dropped_is_not_found(place: &dyn Place) -> Result<(), Error> {
    let mut field = Field::new(place, 300, 90).await?;
    index(&field.store, &field.feed, 40).await?;
    let erased: Vec<Seq> = field.rows.iter().step_by(7).map(|row| row.seq).collect();
    field.store.upkeep.erase(&erased).await?;
    let hidden = field.projects.first().copied().unwrap_or_default();
    let floor = NOW.plus(200);
    field.store.upkeep.hide_before(hidden, floor).await?;
    let oldest = field.store.upkeep.partitions().await?;
    let oldest = oldest.first().ok_or_else(|| missing("a partition"))?;
    field.store.upkeep.drop_partition(oldest.id).await?;
    field.rows.retain(|row| {
        !erased.contains(&row.seq)
            && (row.project != hidden || row.received > floor)
            && row.seq > oldest.last
    });
    for is_swept in [false, true] {
        if is_swept {
            while field.store.upkeep.sweep(50).await? > 0 {}
            merge(&field.store).await?;
        }
        for filter in [
            Expr::everything(),
            Expr::Is(tag("level", "error")),
            Expr::Is(tag("rare", "yes")).negated(),
        ] {
            let query = EventQuery {
                projects: field.projects.clone(),
                filter,
                times: None,
                after: None,
                limit: 50,
            };
            field.compare(query).await?;
        }
    }
    assert_eq!(field.store.upkeep.check().await?, [""; 0]);
    Ok(())
}

pub async fn events_are_counted_by_hour_tag_and_issue(place: &dyn Place) -> Result<(), Error> {
    let field = Field::new(place, 300, 110).await?;
    index(&field.store, &field.feed, 50).await?;
    let mut query = EventQuery {
        projects: field.projects.clone(),
        filter: Expr::Is(tag("level", "error")),
        times: Some(NOW.plus(3 * HOUR)..=NOW.plus(30 * HOUR + 1234)),
        after: None,
        limit: 0,
    };
    for _ in 0..2 {
        let rows = field.expected(&query);
        let mut by_hour = BTreeMap::<_, u64>::new();
        let mut by_issue = BTreeMap::<_, u64>::new();
        let mut by_tag = BTreeMap::<_, u64>::new();
        for row in &rows {
            let hour = Millis(row.timestamp.0.div_euclid(HOUR) * HOUR);
            *by_hour.entry(CountKey::Hour(hour)).or_default() += 1;
            *by_issue.entry(CountKey::Issue(row.issue)).or_default() += 1;
            if let Some(value) = field.tags(row.seq).get("feature") {
                *by_tag.entry(CountKey::Tag(value.to_owned())).or_default() += 1;
            }
        }
        for (by, expected) in [
            (CountBy::Hour, by_hour),
            (CountBy::Issue, by_issue),
            (CountBy::Tag("feature".to_owned()), by_tag),
        ] {
            let counts = field.store.index.count(&query, by.clone()).await?;
            assert!(!counts.is_incomplete);
            let mut expected: Vec<_> = expected.into_iter().collect();
            if by != CountBy::Hour {
                expected.sort_by(|(a, one), (b, two)| (two.cmp(one)).then_with(|| a.cmp(b)));
            }
            assert_eq!(counts.counts, expected, "{by:?}");
        }
        // Whole hours and no condition: the sums by hour answer.
        query.filter = Expr::everything();
        query.times = Some(NOW..=NOW.plus(100 * HOUR));
    }
    Ok(())
}

pub async fn tags_are_summed_up_for_issues_and_projects(place: &dyn Place) -> Result<(), Error> {
    let field = Field::new(place, 300, 110).await?;
    index(&field.store, &field.feed, 35).await?;
    let project = field.projects.first().copied().unwrap_or_default();
    let issue = field.rows.first().ok_or_else(|| missing("an event"))?.issue;
    for is_merged in [false, true] {
        if is_merged {
            merge(&field.store).await?;
        }
        for (scope, of) in [
            (TagScope::Projects(vec![project]), None),
            (TagScope::Issue(issue), Some(issue)),
        ] {
            let rows = field.rows.iter().filter(|row| match of {
                Some(issue) => row.issue == issue,
                None => row.project == project,
            });
            let mut totals = BTreeMap::<String, u64>::new();
            let mut features = BTreeMap::<String, u64>::new();
            for row in rows {
                for (key, value) in field.tags(row.seq).iter() {
                    *totals.entry(key.to_owned()).or_default() += 1;
                    if key == "feature" {
                        *features.entry(value.to_owned()).or_default() += 1;
                    }
                }
            }
            for values in [0, 3] {
                let tags = field.store.index.tags(&scope, None, values).await?;
                let found = tags.iter().map(|tag| (tag.key.clone(), tag.total));
                assert_eq!(found.collect::<BTreeMap<_, _>>(), totals);
                assert!(tags.windows(2).all(|pair| match pair {
                    [one, two] => one.total >= two.total,
                    _ => true,
                }));
            }
            let tags = field.store.index.tags(&scope, Some("feature"), 100).await?;
            let feature = tags.first().ok_or_else(|| missing("a tag"))?;
            let found = feature
                .top
                .iter()
                .map(|top| (top.value.clone(), top.seen.count));
            assert_eq!(found.collect::<BTreeMap<_, _>>(), features);
            assert_eq!((feature.unique, feature.others), (features.len() as u64, 0));
        }
    }
    Ok(())
}

pub async fn rare_values_beyond_a_bound_are_counted_as_others(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    let mut seqs = Vec::new();
    for number in 0..2_400_u64 {
        let value = if number < 300 { 0 } else { number };
        let seq = feed.event(project, |event| {
            event.facts.tags = [("order", value.to_string().as_str())]
                .into_iter()
                .collect();
        });
        seqs.push(seq);
        if number % 600 == 599 {
            feed.apply(&store).await?;
        }
    }
    index(&store, &feed, 5_000).await?;
    merge(&store).await?;
    let rows = store.index.rows_after(Seq(0), 1).await?.rows;
    let issue = rows.first().ok_or_else(|| missing("an event"))?.issue;
    let tags = store
        .index
        .tags(&TagScope::Issue(issue), Some("order"), 1)
        .await?;
    let order = tags.first().ok_or_else(|| missing("a tag"))?;
    assert_eq!((order.total, order.unique), (2_400, 1_000));
    assert_eq!(order.others, 2_400 - 300 - 999);
    let top = order.top.first().ok_or_else(|| missing("a value"))?;
    assert_eq!((top.value.as_str(), top.seen.count), ("0", 300));
    // What is not kept apart is found for all that.
    let query = EventQuery {
        projects: vec![project],
        filter: Expr::Is(tag("order", "2399")),
        times: None,
        after: None,
        limit: 5,
    };
    assert_eq!(store.index.find(&query).await?.rows.len(), 1);
    // Erased ones are in neither number any more.
    let some = seqs.iter().take(100).chain(seqs.iter().rev().take(50));
    let erased: Vec<Seq> = some.copied().collect();
    store.upkeep.erase(&erased).await?;
    purge(&store, &feed).await?;
    let tags = store
        .index
        .tags(&TagScope::Issue(issue), Some("order"), 1)
        .await?;
    let order = tags.first().ok_or_else(|| missing("a tag"))?;
    assert_eq!(order.total, 2_250);
    assert!((950..=1_000).contains(&order.unique), "{}", order.unique);
    assert_eq!(order.others, (2_250 - 200 + 1) - order.unique);
    let top = order.top.first().ok_or_else(|| missing("a value"))?;
    assert_eq!((top.value.as_str(), top.seen.count), ("0", 200));
    assert_eq!(store.index.find(&query).await?.rows.len(), 0);
    Ok(())
}

pub async fn the_events_of_an_issue_are_counted_by_hour(place: &dyn Place) -> Result<(), Error> {
    let field = Field::new(place, 200, 80).await?;
    index(&field.store, &field.feed, 30).await?;
    let issues: BTreeSet<IssueId> = field.rows.iter().map(|row| row.issue).collect();
    let issues: Vec<_> = issues.into_iter().collect();
    let times = NOW.plus(HOUR)..=NOW.plus(20 * HOUR);
    let found = field.store.index.hours(&issues, times.clone()).await?;
    let floor = |at: Millis| Millis(at.0.div_euclid(HOUR) * HOUR);
    let mut expected = BTreeMap::<_, u64>::new();
    for row in &field.rows {
        let hour = floor(row.timestamp);
        if hour >= floor(*times.start()) && hour <= floor(*times.end()) {
            *expected.entry((row.issue, hour)).or_default() += 1;
        }
    }
    let found: BTreeMap<_, _> = (found.iter())
        .map(|hour| ((hour.issue, hour.at), hour.events))
        .collect();
    assert_eq!(found, expected);
    Ok(())
}

pub async fn people_are_counted_once(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    for number in 0..2_000 {
        let few = number % 2 == 0;
        feed.event(project, |event| {
            event.facts.grouping = grouping(u64::from(few));
            event.facts.user = Some(if few { number % 20 } else { number });
        });
        if number % 500 == 499 {
            feed.apply(&store).await?;
            index(&store, &feed, 170).await?;
        }
    }
    let issues = store.issues.list(&[project], Page::first(9)).await?;
    for issue in issues {
        if issue.grouping == grouping(1) {
            assert_eq!((issue.affected.users, issue.affected.is_exact), (10, true));
        } else {
            assert!(!issue.affected.is_exact);
            assert!(
                (900..1_100).contains(&issue.affected.users),
                "{:?}",
                issue.affected
            );
        }
    }
    Ok(())
}

pub async fn the_same_index_batch_again_changes_nothing(place: &dyn Place) -> Result<(), Error> {
    let field = Field::new(place, 60, 1_000).await?;
    assert_eq!(field.store.index.position().await?, Seq(0));
    index(&field.store, &field.feed, 100).await?;
    assert_eq!(field.store.index.position().await?, Seq(60));
    let batch = IndexBatch {
        first: Seq(1),
        last: Seq(60),
        hours: vec![(crate::model::ids::GroupId(1), 0, 5)],
        ..IndexBatch::default()
    };
    field.store.index.add(batch).await?;
    let issues: Vec<_> = field.rows.iter().map(|row| row.issue).collect();
    let all = field
        .store
        .index
        .hours(&issues, Millis(0)..=NOW.plus(Millis::DAY))
        .await?;
    assert!(all.iter().all(|hour| hour.at >= NOW.plus(-HOUR)));
    field.store.upkeep.close().await?;
    let store = place.open(partitioned(1_000)).await?;
    assert_eq!(store.index.position().await?, Seq(60));
    Ok(())
}
