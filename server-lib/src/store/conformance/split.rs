//! Events split up by what they have, compared with looking at every event.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use std::collections::{BTreeMap, BTreeSet};

use super::data::{Dice, Feed, projects};
use super::indexing::{index, merge};
use super::search::Field;
use super::{NOW, Place, missing, options};
use crate::error::Error;
use crate::model::event::EventRow;
use crate::model::ids::{IssueId, Seq};
use crate::model::time::Millis;
use crate::store::index::{Measures, Part, PartKey, Split, SplitBy};
use crate::store::query::{EventPredicate, EventQuery, Expr, TagTest, TextPattern};

const HOUR: i64 = 60 * Millis::MINUTE;
const ALL: Measures = Measures {
    users: true,
    issues: true,
    first: true,
    last: true,
};

impl Field {
    /// Returns the keys of an event: more than one when a tag has more than one value.
    fn keys(&self, row: &EventRow, by: &[SplitBy]) -> Vec<Vec<PartKey>> {
        let mut keys = vec![Vec::new()];
        for by in by {
            let values: Vec<PartKey> = match by {
                SplitBy::Project => vec![PartKey::Project(row.project)],
                SplitBy::Issue(among) => (among.iter())
                    .filter(|issue| **issue == row.issue)
                    .map(|issue| PartKey::Issue(*issue))
                    .collect(),
                SplitBy::Tag(name) => {
                    let value = self.tags(row.seq).get(name).map(str::to_owned);
                    vec![PartKey::Tag(value)]
                }
                SplitBy::TagOf(name, among) => {
                    let value = self.tags(row.seq).get(name).map(str::to_owned);
                    let is_meant = among.contains(&value);
                    is_meant
                        .then_some(PartKey::Tag(value))
                        .into_iter()
                        .collect()
                }
                SplitBy::Tags(tags) => {
                    let of = |(name, among): &(String, Vec<String>)| {
                        let value = self.tags(row.seq).get(name).map(str::to_owned);
                        let known = value.clone().filter(|value| among.contains(value));
                        let any = value.map(|_| PartKey::TagOf(name.clone(), None));
                        let one = known.map(|value| PartKey::TagOf(name.clone(), Some(value)));
                        any.into_iter().chain(one).collect::<Vec<_>>()
                    };
                    tags.iter().flat_map(of).collect()
                }
            };
            let longer = |key: &Vec<PartKey>| {
                let with = |value: &PartKey| [key.as_slice(), std::slice::from_ref(value)].concat();
                values.iter().map(with).collect::<Vec<_>>()
            };
            keys = keys.iter().flat_map(longer).collect();
        }
        keys
    }

    fn parts(&self, query: &EventQuery, split: &Split) -> Vec<Part> {
        let mut parts = BTreeMap::<_, Vec<EventRow>>::new();
        for row in self.expected(query) {
            let at = split.step.map(|step| {
                let step = step.max(1);
                Millis(row.timestamp.0.div_euclid(step) * step)
            });
            for key in self.keys(&row, &split.by) {
                parts.entry((key, at)).or_default().push(row.clone());
            }
        }
        let part = |((key, at), rows): ((Vec<PartKey>, _), Vec<EventRow>)| Part {
            key,
            at,
            events: rows.len() as u64,
            users: distinct(rows.iter().filter_map(|row| row.user)),
            issues: distinct(rows.iter().map(|row| row.issue)),
            first: rows.iter().map(|row| row.timestamp).min(),
            last: rows.iter().map(|row| row.timestamp).max(),
        };
        parts.into_iter().map(part).collect()
    }

    async fn compare_split(&self, query: &EventQuery, split: &Split) -> Result<(), Error> {
        let found = self.store.index.split(query, split).await?;
        assert!(!found.is_incomplete, "{query:?} {split:?}");
        let mut expected = self.parts(query, split);
        for part in &mut expected {
            if !split.measures.users {
                part.users = 0;
            }
            if !split.measures.issues {
                part.issues = 0;
            }
            if !split.measures.first {
                part.first = None;
            }
            if !split.measures.last {
                part.last = None;
            }
        }
        assert_eq!(found.parts, expected, "{query:?} {split:?}");
        Ok(())
    }

    fn all(&self) -> EventQuery {
        EventQuery {
            projects: self.projects.clone(),
            filter: Expr::everything(),
            times: None,
            after: None,
            limit: 0,
        }
    }
}

fn distinct<T: Ord>(all: impl Iterator<Item = T>) -> u64 {
    all.collect::<BTreeSet<_>>().len() as u64
}

pub async fn events_are_split_up_as_by_looking_at_each(place: &dyn Place) -> Result<(), Error> {
    let field = Field::new(place, 400, 130).await?;
    index(&field.store, &field.feed, 27).await?;
    let issues: BTreeSet<IssueId> = field.rows.iter().map(|row| row.issue).collect();
    let some: Vec<IssueId> = issues.into_iter().step_by(2).collect();
    let ways = [
        SplitBy::Project,
        SplitBy::Issue(some),
        SplitBy::Tag("level".to_owned()),
        SplitBy::Tag("feature".to_owned()),
        SplitBy::TagOf("feature".to_owned(), vec![None, Some("f1".to_owned())]),
        SplitBy::Tags(vec![
            ("feature".to_owned(), vec!["f1".to_owned(), "f2".to_owned()]),
            ("rare".to_owned(), Vec::new()),
        ]),
    ];
    let mut dice = Dice::new(5);
    for round in 0..60 {
        if round == 30 {
            merge(&field.store).await?;
        }
        let mut query = field.question(&mut dice);
        // Longer periods are looked at by the hour, as another case does.
        if let Some(times) = &query.times {
            query.times = Some(*times.start()..=times.start().plus(HOUR + 59 * Millis::MINUTE));
        }
        let nth = |number: u64| ways.get(usize::try_from(number).unwrap_or(0)).cloned();
        let by = (0..dice.below(3)).filter_map(|_| nth(dice.below(ways.len() as u64)));
        let by = by.collect();
        let step = dice.one_of(&[None, Some(HOUR), Some(24 * HOUR), Some(5 * Millis::MINUTE)]);
        let is_of_rows = step.is_some_and(|step| step < HOUR);
        let measures = Measures {
            first: !is_of_rows && dice.below(2) == 0,
            last: !is_of_rows && dice.below(2) == 0,
            ..ALL
        };
        let split = Split { by, step, measures };
        field.compare_split(&query, &split).await?;
    }
    Ok(())
}

pub async fn people_and_issues_of_long_periods_are_summed_by_hour(
    place: &dyn Place,
) -> Result<(), Error> {
    let field = Field::new(place, 400, 130).await?;
    index(&field.store, &field.feed, 27).await?;
    let begin = Millis(NOW.0.div_euclid(HOUR) * HOUR);
    for is_merged in [false, true] {
        if is_merged {
            merge(&field.store).await?;
        }
        for times in [None, Some(begin.plus(5 * HOUR)..=begin.plus(29 * HOUR - 1))] {
            for by in [Vec::new(), vec![SplitBy::Project]] {
                for step in [None, Some(HOUR), Some(6 * HOUR)] {
                    let (times, by) = (times.clone(), by.clone());
                    let query = EventQuery {
                        times,
                        ..field.all()
                    };
                    let measures = ALL;
                    let split = Split { by, step, measures };
                    field.compare_split(&query, &split).await?;
                }
            }
        }
    }
    Ok(())
}

pub async fn parts_of_erased_events_and_deleted_issues_shrink(
    place: &dyn Place,
) -> Result<(), Error> {
    let mut field = Field::new(place, 300, 110).await?;
    index(&field.store, &field.feed, 40).await?;
    let erased: Vec<Seq> = field.rows.iter().step_by(7).map(|row| row.seq).collect();
    field.store.upkeep.erase(&erased).await?;
    let deleted = field.rows.first().ok_or_else(|| missing("an event"))?.issue;
    field.store.issues.delete(&[deleted]).await?;
    (field.rows).retain(|row| !erased.contains(&row.seq) && row.issue != deleted);
    let narrow = TagTest::Value(TextPattern::Equals("error".to_owned()));
    let narrow = Expr::Is(EventPredicate::Tag("level".to_owned(), narrow));
    for filter in [Expr::everything(), narrow] {
        let is_wide = filter == Expr::everything();
        let query = EventQuery {
            filter,
            ..field.all()
        };
        let measures = Measures {
            users: !is_wide,
            ..ALL
        };
        let by = vec![SplitBy::Tag("environment".to_owned())];
        let step = None;
        field
            .compare_split(&query, &Split { by, step, measures })
            .await?;
        let by = Vec::new();
        field
            .compare_split(&query, &Split { by, step, measures })
            .await?;
    }
    Ok(())
}

pub async fn too_many_rows_are_not_read(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let project = projects(&store, 1).await?.pop().unwrap_or_default();
    let mut feed = Feed::new();
    for number in 0..4_500_i64 {
        feed.event(project, |event| {
            event.facts.user = Some(number);
            event.facts.tags = [("level", "error")].into_iter().collect();
        });
        if number % 900 == 899 {
            feed.apply(&store).await?;
        }
    }
    index(&store, &feed, 5_000).await?;
    let value = TagTest::Value(TextPattern::Equals("error".to_owned()));
    let question = |filter| EventQuery {
        projects: vec![project],
        filter,
        times: None,
        after: None,
        limit: 0,
    };
    let split = Split {
        measures: ALL,
        ..Split::default()
    };
    let narrow = Expr::Is(EventPredicate::Tag("level".to_owned(), value));
    let found = store.index.split(&question(narrow), &split).await?;
    let part = found.parts.first().ok_or_else(|| missing("a part"))?;
    assert!(found.is_incomplete);
    assert_eq!(part.events, 4_500);
    assert!((3_600..4_400).contains(&part.users), "{part:?}");
    // What is summed up has no such bound.
    let wide = question(Expr::everything());
    let found = store.index.split(&wide, &split).await?;
    let part = found.parts.first().ok_or_else(|| missing("a part"))?;
    assert!(!found.is_incomplete);
    assert!((4_100..4_900).contains(&part.users), "{part:?}");
    Ok(())
}
