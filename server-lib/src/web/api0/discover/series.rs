//! Numbers of events over time: of all, or of the rows that a table would begin with.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::columns::{Column, Shows};
use super::functions::{Function, Numbers};
use super::measure::{Functions, Measured, measure};
use super::question::{Question, by_minutes};
use super::sort::{self, Sort};
use super::table::{Ask, Line, lines, restricted};
use super::{intervals, rows};
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::index::{PartKey, SplitBy};
use crate::store::query::EventQuery;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::Pairs;
use crate::web::paging::{Cursor, Part};
use crate::web::present::series::{HOUR, Series};

/// Rows of which a series is shown.
const MAX_TOP: u64 = 10;

/// Numbers over time.
#[derive(Debug)]
pub(super) struct Chart {
    /// What the answer calls its data.
    pub(super) dataset: String,
    /// What is counted.
    pub(super) axes: Vec<Column>,
    /// The intervals.
    pub(super) series: Series,
    /// The lines: one, or one for each row.
    pub(super) lanes: Vec<Lane>,
    /// Whether lines are rows.
    pub(super) is_of_rows: bool,
    /// Whether numbers may be too small.
    pub(super) is_incomplete: bool,
    /// What time it is.
    pub(super) now: Millis,
}

/// One line of a chart.
#[derive(Debug)]
pub(super) struct Lane {
    /// By what the row is told from others.
    pub(super) group: Vec<(String, Value)>,
    /// Whether it is all that is in no other line.
    pub(super) is_other: bool,
    /// The values of each axis, one for each interval.
    pub(super) values: Vec<Vec<Value>>,
}

/// Reads a request and answers it; rows are told apart by the fields that `by` names.
///
/// # Errors
///
/// 400 when something of the request is not readable.
pub(super) async fn chart(
    state: &AppState,
    caller: &Access,
    query: &Pairs,
    by: &str,
) -> Result<Chart, ApiError> {
    let mut axes = Column::read_all(query.all("yAxis"))?;
    if axes.is_empty() {
        axes.push(Column::read("count()")?);
    }
    if let Some(axis) = axes.iter().find(|axis| !axis.is_function()) {
        let name = super::columns::shown(&axis.name);
        let detail = format!("`{name}` is no function, and yAxis has to be one");
        return Err(ApiError::invalid("invalid_axis", detail));
    }
    let fields = Column::read_all(query.all(by))?;
    let groups: Vec<Column> = (fields.into_iter())
        .filter(|column| !column.is_function())
        .collect();
    let top = query.parsed::<u64>("topEvents")?.unwrap_or(0).min(MAX_TOP);
    let question = Question::of(state, caller, query).await?;
    question.check(state, &groups).await?;
    let mut chart = Chart {
        dataset: question.dataset.clone(),
        series: intervals::of(query, &question.times)?,
        axes,
        lanes: Vec::new(),
        is_of_rows: top > 0 && !groups.is_empty(),
        is_incomplete: false,
        now: state.clock.now(),
    };
    if question.search.is_none() {
        return Ok(chart);
    }
    if chart.is_of_rows {
        let mut columns = groups.clone();
        columns.extend(chart.axes.iter().cloned());
        let shown = groups.len();
        let mut sorts = sort::read(query, &mut columns)?;
        if sorts.is_empty() {
            sorts.push(Sort {
                column: shown,
                is_descending: true,
            });
        }
        let ask = Ask {
            state,
            caller,
            question: &question,
            columns: &columns,
            shown,
            sorts: &sorts,
        };
        let has_others = matches!(query.first("excludeOther"), None | Some("0" | "false"));
        chart.of_rows(&ask, top, has_others).await?;
    } else {
        let columns = chart.axes.clone();
        let ask = Ask {
            state,
            caller,
            question: &question,
            columns: &columns,
            shown: columns.len(),
            sorts: &[],
        };
        chart.of_all(&ask).await?;
    }
    Ok(chart)
}

impl Chart {
    /// Makes the one line of all events.
    async fn of_all(&mut self, ask: &Ask<'_>) -> Result<(), ApiError> {
        let functions = ask.functions();
        let lane = match ask.question.of_index(ask.state).await? {
            Some((index, is_exact)) => {
                self.is_incomplete |= !is_exact;
                let measured = self.measured(ask, &index, &[], &functions).await?;
                Some(self.lane(&[Vec::new()], &measured, &functions))
            }
            None => self.of_events(ask, &functions).await?,
        };
        self.lanes.extend(lane);
        Ok(())
    }

    /// Makes a line from the events themselves, so many at most.
    async fn of_events(
        &mut self,
        ask: &Ask<'_>,
        functions: &Functions<'_>,
    ) -> Result<Option<Lane>, ApiError> {
        let Some(search) = &ask.question.search else {
            return Ok(None);
        };
        let place = |at: Millis| self.series.place(at);
        let (by_place, is_incomplete) = rows::by_place(ask, search, place).await?;
        self.is_incomplete |= is_incomplete;
        Ok(Some(self.shown(Vec::new(), false, &by_place, functions)))
    }

    /// Makes a line for each of the first rows.
    async fn of_rows(&mut self, ask: &Ask<'_>, top: u64, has_others: bool) -> Result<(), ApiError> {
        let index = match ask.question.of_index(ask.state).await? {
            Some((index, is_exact)) if ask.is_of_index() => {
                self.is_incomplete |= !is_exact;
                index
            }
            _ => {
                let detail = "series can be split by issue, project and tags, and of searches that \
                    the index decides: without conditions on single events' bodies";
                return Err(ApiError::invalid("cannot_be_split", detail));
            }
        };
        let part = Part {
            cursor: Cursor::default(),
            limit: top,
        };
        let found = lines(ask, &index, &part).await?;
        self.is_incomplete |= found.is_incomplete;
        let by = restricted(&found.by, &found.lines);
        let axes: Vec<_> = (ask.functions().into_iter())
            .filter(|(nth, _)| (ask.shown..ask.shown.saturating_add(self.axes.len())).contains(nth))
            .collect();
        if found.lines.is_empty() {
            return Ok(());
        }
        let measured = self.measured(ask, &index, &by, &axes).await?;
        for line in &found.lines {
            let mut lane = self.lane(&line.keys, &measured, &axes);
            lane.group = group(ask, line);
            self.lanes.push(lane);
        }
        if has_others && found.has_more {
            let all = self.measured(ask, &index, &[], &axes).await?;
            let other = self.others(&found.lines, &measured, &all, &axes);
            self.lanes.push(other);
        }
        Ok(())
    }

    /// Asks the index. Intervals become hours where shorter ones would take too many rows.
    async fn measured(
        &mut self,
        ask: &Ask<'_>,
        index: &EventQuery,
        by: &[SplitBy],
        functions: &Functions<'_>,
    ) -> Result<Measured, ApiError> {
        let mut index = index.clone();
        index.times = Some(self.series.times());
        if self.series.step().rem_euclid(HOUR) != 0 {
            let is_counted = by.is_empty() && functions.iter().all(|(_, it)| it.is_of_counts());
            if is_counted && let Some(filter) = by_minutes(&index) {
                return self.by_minutes(ask.state, filter).await;
            }
            let step = Some(self.series.step());
            let found = measure(ask.state, &index, by, step, functions).await?;
            if !found.is_incomplete || !self.lanes.is_empty() {
                self.is_incomplete |= found.is_incomplete;
                return Ok(found);
            }
            self.series = intervals::by_hours(&ask.question.times, self.series.step());
            index.times = Some(self.series.times());
        }
        let step = Some(self.series.step());
        let found = measure(ask.state, &index, by, step, functions).await?;
        self.is_incomplete |= found.is_incomplete;
        Ok(found)
    }

    /// Counts from the sums by the minute.
    async fn by_minutes(
        &self,
        state: &AppState,
        mut filter: crate::store::query::EventFilter,
    ) -> Result<Measured, ApiError> {
        let mut measured = Measured::default();
        for start in self.series.starts() {
            filter.times = Some(start..=start.plus(self.series.step()).plus(-1));
            let events = state.store.events.count(&filter).await?;
            let numbers = Numbers {
                events,
                ..Numbers::default()
            };
            measured.parts.insert((Vec::new(), Some(start)), numbers);
        }
        Ok(measured)
    }

    /// Makes a line of some parts.
    fn lane(&self, keys: &[Vec<PartKey>], measured: &Measured, functions: &Functions<'_>) -> Lane {
        let mut by_place = BTreeMap::<usize, Numbers>::new();
        for ((key, at), numbers) in &measured.parts {
            let place = at.and_then(|at| self.series.place(at));
            if let Some(place) = place.filter(|_| keys.contains(key)) {
                by_place.entry(place).or_default().add(numbers.clone());
            }
        }
        self.shown(Vec::new(), false, &by_place, functions)
    }

    /// Makes the line of what is in no other.
    fn others(
        &self,
        lines: &[Line],
        measured: &Measured,
        all: &Measured,
        functions: &Functions<'_>,
    ) -> Lane {
        let mut by_place = BTreeMap::<usize, Numbers>::new();
        for ((_, at), numbers) in &all.parts {
            if let Some(place) = at.and_then(|at| self.series.place(at)) {
                by_place.entry(place).or_default().add(numbers.clone());
            }
        }
        let keys: Vec<&Vec<PartKey>> = lines.iter().flat_map(|line| &line.keys).collect();
        for ((key, at), numbers) in &measured.parts {
            let place = at.and_then(|at| self.series.place(at));
            let rest = place.filter(|_| keys.contains(&key));
            if let Some(rest) = rest.and_then(|place| by_place.get_mut(&place)) {
                rest.events = rest.events.saturating_sub(numbers.events);
                for (nth, value) in &mut rest.own {
                    let known = numbers.own.iter().find(|(own, _)| own == nth);
                    *value = value.saturating_sub(known.map_or(0, |(_, known)| *known));
                }
            }
        }
        self.shown(Vec::new(), true, &by_place, functions)
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers are divided by it")]
    fn shown(
        &self,
        group: Vec<(String, Value)>,
        is_other: bool,
        by_place: &BTreeMap<usize, Numbers>,
        functions: &Functions<'_>,
    ) -> Lane {
        let seconds = self.series.step() as f64 / 1000.0;
        let none = Numbers::default();
        let values = |(nth, function): &(usize, &Function)| {
            let value = |place: usize| {
                let numbers = by_place.get(&place).unwrap_or(&none);
                let value = function.show(*nth, numbers, seconds);
                let is_told = value.is_number() && (!is_other || function.adds_up());
                if is_told { value } else { Value::Null }
            };
            (0..self.series.len()).map(value).collect()
        };
        Lane {
            group,
            is_other,
            values: functions.iter().map(values).collect(),
        }
    }
}

/// Returns by what a row is told from others.
fn group(ask: &Ask<'_>, line: &Line) -> Vec<(String, Value)> {
    let columns = ask.columns.iter().take(ask.shown).zip(&line.values);
    let shown = columns.filter(|(column, _)| matches!(column.shows, Shows::What(_)));
    shown
        .map(|(column, value)| (column.name.clone(), value.clone()))
        .collect()
}

/// Writes what tells a row from others in one text.
pub(super) fn label(group: &[(String, Value)]) -> String {
    let mut group: Vec<_> = group.iter().collect();
    group.sort_by(|(one, _), (other, _)| one.cmp(other));
    let text = |(_, value): &(String, Value)| match value {
        Value::Null => "(no value)".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => match values.last().and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => "(no value)".to_owned(),
        },
        other => json!(other).to_string(),
    };
    let text: Vec<String> = group.into_iter().map(text).collect();
    text.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_the_values_in_the_order_of_their_names() {
        let group = [
            ("release".to_owned(), json!("1.0")),
            ("issue.id".to_owned(), json!(7)),
            ("error.type".to_owned(), json!(["A", "B"])),
            ("dist".to_owned(), Value::Null),
        ];
        assert_eq!(label(&group), "(no value),B,7,1.0");
    }
}
