//! What a person leaves besides events.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use std::collections::{BTreeMap, BTreeSet};

use super::data::{Dice, Feed, projects};
use super::indexing::{index, purge};
use super::search::Field;
use super::stats::{change, totals, update};
use super::{NOW, Place, missing, options};
use crate::error::Error;
use crate::model::event::EventRow;
use crate::model::ids::{IssueId, Seq};
use crate::model::session::{SessionChange, SessionState};
use crate::model::time::Millis;
use crate::store::SessionTotals;
use crate::store::index::TagScope;
use crate::store::query::{Expr, IssuePredicate, IssueQuery, TagTest, TextPattern};

pub async fn the_sessions_of_a_user_are_erased(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let project = made.first().copied().unwrap_or_default();
    let other = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    let of = |user, change| SessionChange { user, ..change };
    let changes = vec![
        change(project, 1, 0, SessionState::Crashed),
        change(project, 2, 0, SessionState::Errored),
        SessionChange {
            begins: false,
            ..change(project, 3, 1, SessionState::Abnormal)
        },
        of(Some(43), change(project, 4, 0, SessionState::Crashed)),
        of(None, change(project, 5, 0, SessionState::Ok)),
        change(other, 1, 0, SessionState::Crashed),
    ];
    update(&store, &mut feed, changes).await?;
    assert_eq!(store.upkeep.erase_user(project, 42).await?, 3);
    assert_eq!(store.upkeep.erase_user(project, 42).await?, 0);
    for (sid, is_there) in [(1, false), (2, false), (3, false), (4, true), (5, true)] {
        let state = store.stats.session(project, [sid; 16]).await?;
        assert_eq!(state.is_some(), is_there, "{sid}");
    }
    let expected = SessionTotals {
        total: 2,
        errored: 0,
        abnormal: 0,
        crashed: 1,
    };
    assert_eq!(totals(&store, project).await?, expected);
    assert_eq!(totals(&store, other).await?.crashed, 1);
    assert_eq!(store.upkeep.check().await?, [""; 0]);
    Ok(())
}

/// Checks what is known of the events that are left against looking at each.
async fn agrees(field: &Field) -> Result<(), Error> {
    let mut dice = Dice::new(11);
    for _ in 0..25 {
        field.compare(field.question(&mut dice)).await?;
    }
    let issues: BTreeSet<IssueId> = field.rows.iter().map(|row| row.issue).collect();
    let scopes = issues.iter().map(|issue| TagScope::Issue(*issue));
    let projects = field
        .projects
        .iter()
        .map(|project| TagScope::Projects(vec![*project]));
    for scope in scopes.chain(projects) {
        let mut expected = BTreeMap::<(String, String), u64>::new();
        for row in field.rows.iter().filter(|row| match &scope {
            TagScope::Issue(issue) => row.issue == *issue,
            TagScope::Projects(projects) => projects.contains(&row.project),
        }) {
            for (name, value) in field.tags(row.seq).iter() {
                let sum = expected
                    .entry((name.to_owned(), value.to_owned()))
                    .or_default();
                *sum = sum.saturating_add(1);
            }
        }
        let mut found = BTreeMap::new();
        for tag in field.store.index.tags(&scope, None, u32::MAX).await? {
            assert_eq!(tag.others, 0);
            for value in tag.top {
                found.insert((tag.key.clone(), value.value), value.seen.count);
            }
        }
        assert_eq!(found, expected, "{scope:?}");
    }
    let all: Vec<_> = issues.into_iter().collect();
    let times = NOW..=NOW.plus(100 * Millis::DAY);
    let hours = field.store.index.hours(&all, times).await?;
    let hours: u64 = hours.iter().map(|hour| hour.events).sum();
    assert_eq!(hours, field.rows.len() as u64);
    for issue in field.store.issues.get(&all).await? {
        let rows = field.rows.iter().filter(|row| row.issue == issue.id);
        let users: BTreeSet<_> = rows.clone().filter_map(|row| row.user).collect();
        assert_eq!(issue.affected.users, users.len() as u64);
        assert_eq!(Some(issue.last_seen), rows.map(|row| row.timestamp).max());
    }
    Ok(())
}

/// Returns the issues that have an event of this number.
async fn with_number(field: &Field, seq: Seq) -> Result<Vec<IssueId>, Error> {
    let number = field
        .tags(seq)
        .get("user.id")
        .unwrap_or_default()
        .to_owned();
    let test = TagTest::Value(TextPattern::Equals(number));
    let query = IssueQuery {
        projects: field.projects.clone(),
        filter: Expr::Is(IssuePredicate::Tag("user.id".to_owned(), test)),
        order: Default::default(),
        after: None,
        limit: 10,
    };
    let page = field.store.issues.search(&query).await?;
    Ok(page.issues.iter().map(|issue| issue.id).collect())
}

pub async fn the_index_forgets_what_was_erased(place: &dyn Place) -> Result<(), Error> {
    let mut field = Field::new(place, 300, 110).await?;
    index(&field.store, &field.feed, 23).await?;
    let whole = field.rows.first().ok_or_else(|| missing("an event"))?.issue;
    let goes = |row: &EventRow| row.seq.0.is_multiple_of(3) || row.issue == whole;
    let erased: Vec<_> = field.rows.iter().filter(|row| goes(row)).cloned().collect();
    let seqs: Vec<Seq> = erased.iter().map(|row| row.seq).collect();
    field.store.upkeep.erase(&seqs).await?;
    field.rows.retain(|row| !goes(row));
    purge(&field.store, &field.feed).await?;
    agrees(&field).await?;
    for row in erased.iter().step_by(9) {
        assert_eq!(with_number(&field, row.seq).await?, []);
    }
    for row in field.rows.iter().step_by(19) {
        assert_eq!(with_number(&field, row.seq).await?, [row.issue]);
    }
    // What comes again is as if it had never been there.
    assert!(!field.store.index.purge().await?);
    assert_eq!(field.store.upkeep.check().await?, [""; 0]);
    Ok(())
}

pub async fn the_index_forgets_a_deleted_project(place: &dyn Place) -> Result<(), Error> {
    let mut field = Field::new(place, 200, 90).await?;
    index(&field.store, &field.feed, 40).await?;
    let gone = field.projects.pop().unwrap_or_default();
    field.rows.retain(|row| row.project != gone);
    field.store.catalog.delete_project(gone).await?;
    while field.store.upkeep.sweep(50).await? > 0 {}
    purge(&field.store, &field.feed).await?;
    agrees(&field).await?;
    assert!(!field.store.index.purge().await?);
    assert_eq!(field.store.upkeep.check().await?, [""; 0]);
    Ok(())
}
