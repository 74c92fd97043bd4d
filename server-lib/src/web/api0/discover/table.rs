//! Events put together by what they have, with numbers of each row, from the index.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::answer::Rows;
use super::candidates::{Candidates, candidates};
use super::columns::{Column, Dimension, Shows, What};
use super::functions::{Function, Numbers};
use super::measure::measure;
use super::question::Question;
use super::sort::{self, Sort};
use crate::model::issue::Issue;
use crate::model::short_id;
use crate::state::AppState;
use crate::store::index::{PartKey, SplitBy};
use crate::store::query::EventQuery;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::paging::Part;

/// What is asked for, and by whom.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) state: &'a AppState,
    pub(super) caller: &'a Access,
    pub(super) question: &'a Question,
    /// The columns; those behind the first `shown` are only sorted by.
    pub(super) columns: &'a [Column],
    pub(super) shown: usize,
    pub(super) sorts: &'a [Sort],
}

/// A row before it is shown.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The parts of the events that it stands for; one, unless parts look alike.
    pub(super) keys: Vec<Vec<PartKey>>,
    /// Its values, by column.
    pub(super) values: Vec<Value>,
    pub(super) numbers: Numbers,
}

/// Lines in their order.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) lines: Vec<Line>,
    /// By what they are put together.
    pub(super) by: Vec<Dimension>,
    pub(super) is_incomplete: bool,
    pub(super) has_more: bool,
}

impl Ask<'_> {
    /// Returns true when the index puts events together by all that is asked for.
    pub(super) fn is_of_index(&self) -> bool {
        let mut whats = self.whats();
        whats.all(|(_, what)| what.dimension().is_some())
    }

    /// Returns true when numbers are asked for.
    pub(super) fn has_functions(&self) -> bool {
        !self.functions().is_empty()
    }

    fn whats(&self) -> impl Iterator<Item = (usize, &What)> {
        let columns = self.columns.iter().enumerate();
        columns.filter_map(|(nth, column)| match &column.shows {
            Shows::What(what) => Some((nth, what)),
            Shows::Number(_) => None,
        })
    }

    /// Returns the functions with the places of their columns.
    pub(super) fn functions(&self) -> Vec<(usize, &Function)> {
        let columns = self.columns.iter().enumerate();
        let function = columns.filter_map(|(nth, column)| match &column.shows {
            Shows::Number(function) => Some((nth, function)),
            Shows::What(_) => None,
        });
        function.collect()
    }

    /// Returns by what events are put together. A project needs nothing where issues do it.
    fn dimensions(&self) -> Vec<Dimension> {
        let mut all = Vec::new();
        for dimension in self.whats().filter_map(|(_, what)| what.dimension()) {
            if !all.contains(&dimension) {
                all.push(dimension);
            }
        }
        if all.contains(&Dimension::Issue) {
            all.retain(|dimension| *dimension != Dimension::Project);
        }
        all
    }

    /// Compares two rows: by what is asked for, else those with the most events first.
    pub(super) fn compare(&self, one: &Line, other: &Line) -> Ordering {
        let value = |line: &Line, nth: usize| line.values.get(nth).cloned().unwrap_or_default();
        for sort in self.sorts {
            let (one, other) = (value(one, sort.column), value(other, sort.column));
            let order = sort::compare(*sort, &one, &other);
            if order != Ordering::Equal {
                return order;
            }
        }
        let by_events = other.numbers.events.cmp(&one.numbers.events);
        by_events.then_with(|| one.keys.cmp(&other.keys))
    }

    /// Fills in the values of functions.
    pub(super) fn fill(&self, line: &mut Line, functions: &[(usize, &Function)]) {
        let seconds = self.question.seconds();
        for (nth, function) in functions {
            if let Some(value) = line.values.get_mut(*nth) {
                *value = function.show(*nth, &line.numbers, seconds);
            }
        }
    }

    /// Shows a row.
    pub(super) fn show(&self, line: Line) -> Value {
        let shown = self.columns.iter().take(self.shown).zip(line.values);
        let shown = shown.map(|(column, value)| (column.name.clone(), value));
        Value::Object(shown.collect::<Map<_, _>>())
    }
}

/// Answers with a part of the rows.
///
/// # Errors
///
/// When the store cannot be read.
pub(super) async fn table(
    ask: &Ask<'_>,
    question: &EventQuery,
    part: &Part,
) -> Result<Rows, ApiError> {
    let Lines {
        lines,
        is_incomplete,
        has_more,
        ..
    } = lines(ask, question, part).await?;
    Ok(Rows {
        next: part.next(lines.len()),
        data: lines.into_iter().map(|line| ask.show(line)).collect(),
        is_incomplete,
        has_more,
    })
}

/// Returns a part of the rows, not shown yet.
///
/// # Errors
///
/// When the store cannot be read.
pub(super) async fn lines(
    ask: &Ask<'_>,
    question: &EventQuery,
    part: &Part,
) -> Result<Lines, ApiError> {
    let dimensions = ask.dimensions();
    let mut found = None;
    if dimensions.contains(&Dimension::Issue) {
        let wanted = part.cursor.offset.saturating_add(part.limit);
        found = Some(candidates(ask, question, wanted).await?);
    }
    let by: Vec<SplitBy> = (dimensions.iter())
        .map(|dimension| match dimension {
            Dimension::Issue => {
                let issues = found.iter().flat_map(|found| &found.issues);
                SplitBy::Issue(issues.map(|issue| issue.id).collect())
            }
            Dimension::Project => SplitBy::Project,
            Dimension::Tag(name) => SplitBy::Tag(name.clone()),
        })
        .collect();
    let functions = ask.functions();
    let is_sorted_by = |nth: usize| ask.sorts.iter().any(|sort| sort.column == nth);
    let (first, rest): (Vec<_>, Vec<_>) =
        (functions.iter().copied()).partition(|(nth, _)| is_sorted_by(*nth));
    let measured = match &found {
        Some(found) if dimensions == [Dimension::Issue] => {
            found.measure(ask.state, question, &first).await?
        }
        _ => measure(ask.state, question, &by, None, &first).await?,
    };
    let mut is_incomplete = measured.is_incomplete;
    let mut lines = Vec::new();
    let mut places = BTreeMap::<String, usize>::new();
    for ((key, _), numbers) in measured.parts {
        let values = values(ask, &dimensions, &key, found.as_ref());
        let name = json!(values).to_string();
        match places.get(&name).and_then(|place| lines.get_mut(*place)) {
            None => {
                places.insert(name, lines.len());
                lines.push(Line {
                    keys: vec![key],
                    values,
                    numbers,
                });
            }
            Some(line) => {
                // Somebody may be in both.
                is_incomplete |= numbers.users > 0;
                line.keys.push(key);
                line.numbers.add(numbers);
            }
        }
    }
    if dimensions.is_empty() && lines.is_empty() {
        lines.push(Line {
            keys: vec![Vec::new()],
            values: vec![Value::Null; ask.columns.len()],
            numbers: Numbers::default(),
        });
    }
    for line in &mut lines {
        ask.fill(line, &first);
    }
    lines.sort_by(|one, other| ask.compare(one, other));
    let all = lines.len();
    let (mut lines, mut has_more) = part.of_list(lines);
    if let Some(found) = &found
        && found.is_cut
    {
        let is_full = lines.len() as u64 >= part.limit;
        has_more |= is_full && all as u64 > part.cursor.offset;
        is_incomplete |= !is_full || !found.is_certain(ask, lines.last());
    }
    if !rest.is_empty() {
        is_incomplete |= add_rest(
            ask,
            question,
            &dimensions,
            &rest,
            &mut lines,
            found.as_ref(),
        )
        .await?;
    }
    Ok(Lines {
        lines,
        by: dimensions,
        is_incomplete,
        has_more,
    })
}

/// Finds out what is shown and not sorted by, of the rows that are shown only.
async fn add_rest(
    ask: &Ask<'_>,
    question: &EventQuery,
    dimensions: &[Dimension],
    rest: &[(usize, &Function)],
    lines: &mut [Line],
    found: Option<&Candidates>,
) -> Result<bool, ApiError> {
    let is_more = |function: &Function| !function.is_of_counts();
    let asked: Vec<_> = (rest.iter().copied())
        .filter(|(_, function)| is_more(function))
        .collect();
    let mut is_incomplete = false;
    if !asked.is_empty() && !lines.is_empty() {
        let measured = match found {
            Some(found) if dimensions == [Dimension::Issue] => {
                let some = found.only(lines.iter().flat_map(|line| &line.keys));
                some.measure(ask.state, question, &asked).await?
            }
            _ => {
                let by = restricted(dimensions, lines);
                measure(ask.state, question, &by, None, &asked).await?
            }
        };
        is_incomplete = measured.is_incomplete;
        for line in lines.iter_mut() {
            let mut all = Numbers::default();
            for key in &line.keys {
                if let Some(numbers) = measured.parts.get(&(key.clone(), None)) {
                    all.add(numbers.clone());
                }
            }
            let counted = std::mem::take(&mut line.numbers);
            line.numbers = Numbers {
                events: counted.events,
                users: all.users.max(counted.users),
                issues: all.issues.max(counted.issues),
                first: all.first.or(counted.first),
                last: all.last.or(counted.last),
                own: counted.own.into_iter().chain(all.own).collect(),
            };
        }
    }
    for line in lines {
        ask.fill(line, rest);
    }
    Ok(is_incomplete)
}

/// Returns how to split events into these rows only.
pub(super) fn restricted(dimensions: &[Dimension], lines: &[Line]) -> Vec<SplitBy> {
    let keys = || lines.iter().flat_map(|line| &line.keys);
    let by = |(nth, dimension): (usize, &Dimension)| {
        let mut parts: Vec<_> = keys().filter_map(|key| key.get(nth)).collect();
        parts.sort_unstable();
        parts.dedup();
        let parts = parts.into_iter();
        match dimension {
            Dimension::Project => SplitBy::Project,
            Dimension::Issue => {
                let issue = |part: &PartKey| match part {
                    PartKey::Issue(issue) => Some(*issue),
                    _ => None,
                };
                SplitBy::Issue(parts.filter_map(issue).collect())
            }
            Dimension::Tag(name) => {
                let value = |part: &PartKey| match part {
                    PartKey::Tag(value) => Some(value.clone()),
                    _ => None,
                };
                SplitBy::TagOf(name.clone(), parts.filter_map(value).collect())
            }
        }
    };
    dimensions.iter().enumerate().map(by).collect()
}

/// Shows what the events of a part have in common; functions are null until they are known.
fn values(
    ask: &Ask<'_>,
    dimensions: &[Dimension],
    key: &[PartKey],
    found: Option<&Candidates>,
) -> Vec<Value> {
    let issue = found.and_then(|found| found.of_key(key));
    let of = |dimension: &Dimension| {
        let place = dimensions.iter().position(|own| own == dimension)?;
        key.get(place)
    };
    let value = |column: &Column| {
        let Shows::What(what) = &column.shows else {
            return Value::Null;
        };
        match what.dimension() {
            Some(Dimension::Issue) => json!(issue.map(|issue| of_issue(ask, what, issue))),
            Some(Dimension::Project) => {
                let project = match of(&Dimension::Project) {
                    Some(PartKey::Project(project)) => Some(*project),
                    _ => issue.map(|issue| issue.project),
                };
                let project = project.and_then(|id| ask.caller.project_by_id(id));
                match what {
                    What::ProjectId => json!(project.map(|project| project.id.0)),
                    _ => json!(project.map(|project| &project.slug)),
                }
            }
            Some(tag @ Dimension::Tag(_)) => match of(&tag) {
                Some(PartKey::Tag(value)) => what.of_tag(value.as_deref()),
                _ => Value::Null,
            },
            None => Value::Null,
        }
    };
    ask.columns.iter().map(value).collect()
}

/// Shows what an issue has.
fn of_issue(ask: &Ask<'_>, what: &What, issue: &Issue) -> Value {
    match what {
        What::IssueId => json!(issue.id.0),
        What::Title => json!(issue.title),
        What::Culprit => json!(issue.culprit),
        _ => short(ask, issue),
    }
}

/// Writes the short id of an issue.
pub(super) fn short(ask: &Ask<'_>, issue: &Issue) -> Value {
    let project = ask.caller.project_by_id(issue.project);
    json!(project.map(|project| short_id::write(&project.slug, issue.number)))
}
