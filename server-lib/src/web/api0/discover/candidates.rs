//! The issues of which a table can have rows: those that were seen in the time asked for and may
//! have such events, the likeliest first.

use super::columns::Shows;
use super::functions::Function;
use super::table::{Ask, Line};
use crate::model::ids::IssueId;
use crate::model::issue::Issue;
use crate::store::index::PartKey;
use crate::store::query::{
    EventPredicate, EventQuery, Expr, Interval, IssueOrder, IssuePredicate, IssueQuery,
};
use crate::web::error::ApiError;

/// Issues of one table.
const MAX_ISSUES: usize = 100;
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
    let most = usize::try_from(wanted)
        .unwrap_or(usize::MAX)
        .clamp(50, MAX_ISSUES);
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
