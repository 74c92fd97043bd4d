//! Issues found by conditions, compared with looking at every issue.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use super::data::Dice;
use super::indexing::index;
use super::search::Field;
use super::{NOW, Place, missing};
use crate::error::Error;
use crate::model::event::Level;
use crate::model::ids::IssueId;
use crate::model::issue::{
    Actor, Issue, IssueChange, IssueStatus, MarkChange, Resolution, StatusChange,
};
use crate::store::query::{
    Expr, Interval, IssueOrder, IssuePredicate, IssueQuery, TagTest, TextPattern,
};

fn equals(value: &str) -> TextPattern {
    TextPattern::Equals(value.to_owned())
}

struct Known {
    issue: Issue,
    tags: BTreeSet<(String, String)>,
    texts: Vec<String>,
    is_bookmarked: bool,
}

fn picks(predicate: &IssuePredicate, known: &Known) -> bool {
    use IssuePredicate as Is;
    let issue = &known.issue;
    match predicate {
        Is::Status(status) => issue.state.status == *status,
        Is::Level(level) => issue.level == *level,
        Is::IsAssigned => issue.assignee.is_some(),
        Is::AssignedTo(actors) => issue
            .assignee
            .as_ref()
            .is_some_and(|one| actors.contains(one)),
        Is::BookmarkedBy(_) => known.is_bookmarked,
        Is::Events(counts) => counts.holds(&issue.events),
        Is::LastSeen(times) => times.holds(&issue.last_seen),
        Is::Title(pattern) => pattern.matches(&issue.title),
        Is::FirstRelease(pattern) => pattern.matches(&issue.first_release),
        Is::Number(number) => issue.number == *number,
        Is::Tag(name, TagTest::Present) => known.tags.iter().any(|(key, _)| key == name),
        Is::Tag(name, TagTest::Value(pattern)) => known
            .tags
            .iter()
            .any(|(key, value)| key == name && pattern.matches(value)),
        Is::Text(text) => {
            let text = text.replace('"', "").to_lowercase();
            known
                .texts
                .iter()
                .any(|own| own.to_lowercase().contains(&text))
        }
        _ => false,
    }
}

fn predicate(dice: &mut Dice) -> Result<IssuePredicate, Error> {
    use IssuePredicate as Is;
    let actor = Actor::new("user:1").ok_or_else(|| missing("an actor"))?;
    let value = |name: &str, pattern| Is::Tag(name.to_owned(), TagTest::Value(pattern));
    Ok(match dice.below(13) {
        0 => Is::Status(IssueStatus::Unresolved),
        1 => Is::Status(IssueStatus::Resolved),
        2 => Is::Level(Level::Error),
        3 => Is::IsAssigned,
        4 => Is::AssignedTo(vec![actor]),
        5 => Is::BookmarkedBy(actor),
        6 => Is::Events(Interval {
            from: Some(20),
            to: None,
        }),
        7 => Is::Title(TextPattern::Like("*1".to_owned())),
        8 => Is::FirstRelease(equals("1.1")),
        9 => value("rare", equals("yes")),
        10 => value("feature", TextPattern::Like("f1*".to_owned())),
        11 => Is::Text("\"database error\"".to_owned()),
        _ => Is::Text("timeo".to_owned()),
    })
}

pub async fn issues_are_found_as_by_looking_at_each(place: &dyn Place) -> Result<(), Error> {
    let field = Field::new(place, 500, 200).await?;
    index(&field.store, &field.feed, 90).await?;
    let store = &field.store;
    let ids: BTreeSet<IssueId> = field.rows.iter().map(|row| row.issue).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let actor = Actor::new("user:1").ok_or_else(|| missing("an actor"))?;
    let mut dice = Dice::new(8);
    let resolve = IssueChange {
        status: Some(StatusChange::Resolve(Resolution::Now)),
        ..IssueChange::default()
    };
    store
        .issues
        .change(&dice.some_of(&ids), resolve, None, NOW)
        .await?;
    let assign = IssueChange {
        assignee: Some(Some(actor.clone())),
        ..IssueChange::default()
    };
    store
        .issues
        .change(&dice.some_of(&ids), assign, None, NOW)
        .await?;
    let bookmark = MarkChange {
        is_bookmarked: Some(true),
        ..MarkChange::default()
    };
    store
        .issues
        .mark(&dice.some_of(&ids), &actor, bookmark)
        .await?;
    let of_first = field
        .rows
        .iter()
        .filter(|row| Some(&row.project) == field.projects.first());
    let of_first: BTreeSet<_> = of_first.map(|row| row.issue).collect();
    let pair: Vec<_> = of_first.into_iter().take(2).collect();
    if let [parent, child] = pair.as_slice() {
        store.issues.merge(*parent, &[*child], None, NOW).await?;
    }
    let mut known = HashMap::new();
    let marks = store.issues.marks(&ids, &actor).await?;
    for (asked, mark) in ids.iter().zip(marks) {
        let issue = store.issues.get(&[*asked]).await?.pop();
        let issue = issue.ok_or_else(|| missing("an issue"))?;
        let entry = known.entry(issue.id).or_insert(Known {
            issue,
            tags: BTreeSet::new(),
            texts: Vec::new(),
            is_bookmarked: false,
        });
        entry.is_bookmarked |= mark.is_bookmarked;
        for row in field.rows.iter().filter(|row| row.issue == *asked) {
            let tags = field.tags(row.seq);
            let tags = tags
                .iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()));
            entry.tags.extend(tags);
            entry.texts.push(field.text(row.seq));
        }
    }
    for round in 0..80 {
        let mut parts = Vec::new();
        for _ in 0..dice.below(4) {
            let part = Expr::Is(predicate(&mut dice)?);
            parts.push(if dice.below(3) == 0 {
                part.negated()
            } else {
                part
            });
        }
        let orders = [
            IssueOrder::LastSeen,
            IssueOrder::FirstSeen,
            IssueOrder::Events,
            IssueOrder::Users,
            IssueOrder::Priority,
        ];
        let order = orders.get(round % 5).copied().unwrap_or_default();
        let mut query = IssueQuery {
            projects: dice.some_of(&field.projects),
            filter: if dice.below(4) == 0 {
                Expr::Any(parts)
            } else {
                Expr::All(parts)
            },
            order,
            after: None,
            limit: 4,
        };
        let mut expected: Vec<_> = (known.values())
            .filter(|known| query.projects.contains(&known.issue.project))
            .filter(|known| query.filter.holds(&mut |predicate| picks(predicate, known)))
            .map(|known| &known.issue)
            .collect();
        expected.sort_by_key(|issue| Reverse((value(order, issue), issue.id)));
        let expected: Vec<_> = expected.iter().map(|issue| issue.id).collect();
        let mut found = Vec::new();
        loop {
            let page = store.issues.search(&query).await?;
            assert!(page.issues.len() <= 4);
            found.extend(page.issues.iter().map(|issue| issue.id));
            query.after = page.next;
            if page.next.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{query:?}");
    }
    Ok(())
}

fn value(order: IssueOrder, issue: &Issue) -> (i64, i64) {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    match order {
        IssueOrder::LastSeen => (issue.last_seen.0, 0),
        IssueOrder::FirstSeen => (issue.first_seen.0, 0),
        IssueOrder::Events => (count(issue.events), 0),
        IssueOrder::Users => (count(issue.affected.users), 0),
        IssueOrder::Priority => (i64::from(issue.priority.code()), issue.last_seen.0),
    }
}
