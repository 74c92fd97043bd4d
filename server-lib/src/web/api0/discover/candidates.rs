//! The issues of which a table can have rows: those that were seen in the time asked for and may
//! have such events, the likeliest first.

use super::columns::Shows;
use super::functions::{Function, Numbers};
use super::measure::{Functions, Measured, measure};
use super::table::{Ask, Line};
use crate::model::ids::IssueId;
use crate::model::issue::Issue;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::index::{Measures, PartKey, SplitBy};
use crate::store::query::{
    EventPredicate, EventQuery, Expr, Interval, IssueOrder, IssuePredicate, IssueQuery,
};
use crate::web::error::ApiError;
use crate::web::present::series::HOUR;

/// Issues of one table: where all their events are meant, and where some are.
const MAX_ISSUES: usize = 100;
const MAX_NARROWED: usize = 50;
/// Questions to the store, each of which looks at a bounded number of issues.
const MAX_QUESTIONS: usize = 4;

/// Issues that may have rows.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    pub(super) issues: Vec<Issue>,
    /// Whether there are others behind them.
    pub(super) is_cut: bool,
    order: IssueOrder,
}

/// Finds them.
///
/// # Errors
///
/// When the store cannot be read.
pub(super) async fn candidates(
    ask: &Ask<'_>,
    question: &EventQuery,
    wanted: u64,
) -> Result<Candidates, ApiError> {
    let times = question.times.as_ref();
    let seen = |predicate: fn(Interval<_>) -> IssuePredicate, from, to| {
        Expr::Is(predicate(Interval { from, to }))
    };
    let start = times.map(|times| *times.start());
    let end = times.map(|times| *times.end());
    let order = match ask
        .sorts
        .first()
        .and_then(|sort| ask.columns.get(sort.column))
    {
        Some(column) if column.shows == Shows::Number(Function::Last) => IssueOrder::LastSeen,
        _ => IssueOrder::Events,
    };
    let mut asked = IssueQuery {
        projects: question.projects.clone(),
        filter: of_issues(&question.filter)
            .and(seen(IssuePredicate::LastSeen, start, None))
            .and(seen(IssuePredicate::FirstSeen, None, end)),
        order,
        after: None,
        limit: 0,
    };
    let most = match question.filter == Expr::everything() {
        true => MAX_ISSUES,
        false => MAX_NARROWED,
    };
    let most = usize::try_from(wanted)
        .unwrap_or(usize::MAX)
        .clamp(MAX_NARROWED, most);
    let mut found = Candidates {
        order,
        ..Candidates::default()
    };
    for _ in 0..MAX_QUESTIONS {
        let missing = most.saturating_sub(found.issues.len());
        asked.limit = u32::try_from(missing).unwrap_or(u32::MAX);
        let page = ask.state.store.issues.search(&asked).await?;
        found.issues.extend(page.issues);
        asked.after = page.next;
        if asked.after.is_none() || found.issues.len() >= most {
            break;
        }
    }
    found.is_cut = asked.after.is_some();
    Ok(found)
}

impl Candidates {
    /// Returns the issue of a part.
    pub(super) fn of_key(&self, key: &[PartKey]) -> Option<&Issue> {
        let id = key.iter().find_map(|part| match part {
            PartKey::Issue(issue) => Some(*issue),
            _ => None,
        })?;
        self.issues.iter().find(|issue| issue.id == id)
    }

    /// Returns those of some parts.
    pub(super) fn only<'a>(&self, keys: impl Iterator<Item = &'a Vec<PartKey>>) -> Self {
        Self {
            issues: keys.filter_map(|key| self.of_key(key)).cloned().collect(),
            ..Self::default()
        }
    }

    /// Finds out what functions need of each issue. What issues know of themselves is not asked
    /// for, nor is it looked for in the events what is added up by the hour.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub(super) async fn measure(
        &self,
        state: &AppState,
        question: &EventQuery,
        functions: &Functions<'_>,
    ) -> Result<Measured, ApiError> {
        let mut measures = Measures::default();
        for (_, function) in functions {
            function.needs(&mut measures);
        }
        let is_known = |function: &Function| {
            function.is_of_counts()
                || matches!(function, Function::Users | Function::First | Function::Last)
        };
        let is_of_all = question.filter == Expr::everything();
        let is_simple = is_of_all && functions.iter().all(|(_, function)| is_known(function));
        let times = question.times.as_ref().filter(|_| is_simple);
        let begins = |at: Millis| at.0.rem_euclid(HOUR) == 0;
        let is_of_hours =
            times.is_some_and(|times| begins(*times.start()) && begins(times.end().plus(1)));
        let mut measured = Measured::default();
        let (mut added_up, mut asked) = (Vec::new(), Vec::new());
        for issue in &self.issues {
            let holds = |at| times.is_some_and(|times| times.contains(&at));
            let (begins, ends) = (holds(issue.first_seen), holds(issue.last_seen));
            let is_enough = (begins || !measures.first) && (ends || !measures.last);
            if begins && ends {
                measured.put(issue, issue.events, issue.affected.users);
            } else if is_of_hours && is_enough && !measures.users {
                added_up.push(issue.id);
                measured.put(issue, 0, 0);
            } else {
                asked.push(issue.id);
            }
        }
        if let Some(times) = times.filter(|_| !added_up.is_empty()) {
            for hour in state.store.index.hours(&added_up, times.clone()).await? {
                let key = (vec![PartKey::Issue(hour.issue)], None);
                if let Some(numbers) = measured.parts.get_mut(&key) {
                    numbers.events = numbers.events.saturating_add(hour.events);
                }
            }
            measured.parts.retain(|_, numbers| numbers.events > 0);
        }
        if !asked.is_empty() {
            let by = [SplitBy::Issue(asked)];
            let found = measure(state, question, &by, None, functions).await?;
            measured.is_incomplete |= found.is_incomplete;
            measured.parts.extend(found.parts);
        }
        Ok(measured)
    }

    /// Reports whether no issue that was left out can have a row before the last one: it has had
    /// fewer events than that, or was seen earlier.
    pub(super) fn is_certain(&self, ask: &Ask<'_>, last: Option<&Line>) -> bool {
        let (Some(line), Some(least)) = (last, self.issues.last()) else {
            return false;
        };
        let Some(sort) = ask.sorts.first() else {
            return line.numbers.events >= least.events;
        };
        let shows = ask.columns.get(sort.column).map(|column| &column.shows);
        sort.is_descending
            && match (shows, self.order) {
                (Some(Shows::Number(Function::Last)), IssueOrder::LastSeen) => {
                    line.numbers.last >= Some(least.last_seen)
                }
                (Some(Shows::Number(function)), IssueOrder::Events) if function.is_of_counts() => {
                    line.numbers.events >= least.events
                }
                _ => false,
            }
    }
}

impl Measured {
    /// Notes what an issue knows of its events.
    fn put(&mut self, issue: &Issue, events: u64, users: u64) {
        let numbers = Numbers {
            events,
            users,
            first: Some(issue.first_seen),
            last: Some(issue.last_seen),
            ..Numbers::default()
        };
        let key = (vec![PartKey::Issue(issue.id)], None);
        self.parts.insert(key, numbers);
    }
}

/// Returns a condition that issues meet which have events that meet the one on events, and perhaps
/// others: what one event has not, another of the issue may have.
fn of_issues(filter: &Expr<EventPredicate>) -> Expr<IssuePredicate> {
    match filter {
        Expr::All(parts) => Expr::All(parts.iter().map(of_issues).collect()),
        Expr::Any(parts) => Expr::Any(parts.iter().map(of_issues).collect()),
        Expr::Not(_) => Expr::everything(),
        Expr::Is(EventPredicate::Issue(ids)) => {
            let is = |id: &IssueId| Expr::Is(IssuePredicate::Id(*id));
            Expr::Any(ids.iter().map(is).collect())
        }
        Expr::Is(EventPredicate::Tag(name, test)) => {
            Expr::Is(IssuePredicate::Tag(name.clone(), test.clone()))
        }
        Expr::Is(EventPredicate::GroupText(text)) => Expr::Is(IssuePredicate::Text(text.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::query::TagTest;

    #[test]
    fn what_events_have_not_says_nothing_about_their_issue() {
        let tag = Expr::Is(EventPredicate::Tag("a".to_owned(), TagTest::Present));
        let of_tag = Expr::Is(IssuePredicate::Tag("a".to_owned(), TagTest::Present));
        let issues = Expr::Is(EventPredicate::Issue(vec![IssueId(3)]));
        let filter = Expr::All(vec![tag.clone().negated(), Expr::Any(vec![tag, issues])]);
        let id = Expr::Is(IssuePredicate::Id(IssueId(3)));
        let expected = Expr::All(vec![
            Expr::everything(),
            Expr::Any(vec![of_tag, Expr::Any(vec![id])]),
        ]);
        assert_eq!(of_issues(&filter), expected);
    }
}
