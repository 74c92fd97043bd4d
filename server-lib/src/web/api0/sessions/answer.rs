//! The answer to a question on sessions.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::measure::{Ending, Measure};
use super::question::{By, Key, Question};
use crate::model::time::Millis;
use crate::store::{Health, HealthRow};
use crate::web::error::ApiError;

/// Numbers of an answer at most.
const MAX_NUMBERS: usize = 200_000;

/// A group of sessions, of one ending where sums are split by it.
struct Group<'a> {
    row: &'a HealthRow,
    ending: Option<Ending>,
}

impl Question {
    /// Shows groups of sums.
    pub(super) fn answer(&self, mut rows: Vec<HealthRow>) -> Result<Map<String, Value>, ApiError> {
        if rows.is_empty() && self.by.iter().all(|by| *by == By::Ending) {
            // Sums of nothing are known: there was no session.
            rows.push(HealthRow {
                project: None,
                release: None,
                environment: None,
                whole: Health::default(),
                series: Vec::new(),
            });
        }
        let endings: Vec<_> = match self.by.contains(&By::Ending) {
            true => Ending::ALL.into_iter().map(Some).collect(),
            false => vec![None],
        };
        let mut groups: Vec<_> = rows
            .iter()
            .flat_map(|row| endings.iter().map(move |&ending| Group { row, ending }))
            .collect();
        groups.sort_by(|one, two| self.compare(one, two));
        groups.truncate(self.groups);
        if self.with_series {
            let numbers = groups.len().saturating_mul(self.fields.len());
            if numbers.saturating_mul(self.series.len()) > MAX_NUMBERS {
                let detail = format!(
                    "the answer has more than {MAX_NUMBERS} numbers; ask for fewer groups with \
                     per_page, or for longer intervals"
                );
                return Err(ApiError::invalid("too_many_numbers", detail));
            }
        }
        let groups: Vec<_> = groups.iter().map(|group| self.group(group)).collect();
        let times = self.series.times();
        let mut shown = Map::new();
        shown.insert("start".to_owned(), json!(times.start().to_rfc3339()));
        shown.insert("end".to_owned(), json!(times.end().plus(1).to_rfc3339()));
        let intervals: Vec<_> = self.series.starts().map(Millis::to_rfc3339).collect();
        shown.insert("intervals".to_owned(), json!(intervals));
        shown.insert("groups".to_owned(), json!(groups));
        Ok(shown)
    }

    fn group(&self, group: &Group<'_>) -> Value {
        let Group { row, ending } = group;
        let mut by = Map::new();
        for (name, part) in By::ALL {
            if self.by.contains(&part) {
                by.insert(name.to_owned(), name_of(group, part));
            }
        }
        let mut shown = json!({ "by": by });
        let numbers = |sums: &Health, measure: Measure| measure.value(sums, *ending);
        if self.with_totals {
            let totals = self.fields.iter();
            let totals = totals.map(|(name, it)| (name.clone(), numbers(&row.whole, *it)));
            insert(&mut shown, "totals", totals.collect());
        }
        if self.with_series {
            let mut sums = vec![Health::default(); self.series.len()];
            for (at, health) in &row.series {
                if let Some(sum) = self.series.place(*at).and_then(|at| sums.get_mut(at)) {
                    *sum = *health;
                }
            }
            let series = self.fields.iter().map(|(name, it)| {
                let values = sums.iter().map(|sum| numbers(sum, *it));
                (name.clone(), values.collect())
            });
            insert(&mut shown, "series", series.collect());
        }
        shown
    }

    fn compare(&self, one: &Group<'_>, two: &Group<'_>) -> Ordering {
        for (key, is_descending) in &self.order {
            let order = match key {
                Key::Name(by) => {
                    let name = |group| name_of(group, *by).as_str().map(str::to_owned);
                    let number = |group| name_of(group, *by).as_u64();
                    let order = name(one).cmp(&name(two));
                    order.then_with(|| number(one).cmp(&number(two)))
                }
                Key::Measure(measure) => {
                    let number =
                        |group: &Group<'_>| measure.value(&group.row.whole, group.ending).as_f64();
                    match (number(one), number(two)) {
                        (Some(one), Some(two)) => one.total_cmp(&two),
                        // What is not known comes last in either direction.
                        (None, Some(_)) => return Ordering::Greater,
                        (Some(_), None) => return Ordering::Less,
                        (None, None) => Ordering::Equal,
                    }
                }
            };
            let order = if *is_descending {
                order.reverse()
            } else {
                order
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

fn name_of(group: &Group<'_>, by: By) -> Value {
    match by {
        By::Project => json!(group.row.project.map(|project| project.0)),
        By::Release => json!(group.row.release),
        By::Environment => json!(group.row.environment),
        By::Ending => json!(group.ending.map(Ending::name)),
    }
}

fn insert(shown: &mut Value, name: &str, numbers: Map<String, Value>) {
    if let Value::Object(shown) = shown {
        shown.insert(name.to_owned(), Value::Object(numbers));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SessionTotals;
    use crate::web::extract::Pairs;
    use crate::web::present::series::HOUR;

    const NOON: Millis = Millis(1_767_355_200_000);

    fn health(total: u64, crashed: u64) -> Health {
        Health {
            sessions: SessionTotals {
                total,
                errored: 1,
                abnormal: 1,
                crashed,
            },
            ..Health::default()
        }
    }

    fn row(release: &str, whole: Health) -> HealthRow {
        HealthRow {
            project: None,
            release: Some(release.to_owned()),
            environment: None,
            whole,
            series: vec![(NOON.plus(-HOUR), whole)],
        }
    }

    fn question(pairs: &[(&'static str, &'static str)]) -> Question {
        let query = Pairs::from_iter(pairs.iter().copied());
        Question::of(&query, NOON, "sum(session)").unwrap()
    }

    #[test]
    fn sessions_are_split_by_how_they_ended() {
        let question = question(&[
            ("statsPeriod", "2h"),
            ("groupBy", "session.status"),
            ("groupBy", "release"),
            ("field", "sum(session)"),
            ("field", "crash_free_rate(session)"),
        ]);
        let answer = question.answer(vec![row("1.0", health(8, 2))]).unwrap();
        let groups = answer["groups"].as_array().unwrap();
        assert_eq!(groups.len(), 4);
        assert_eq!(
            groups[3]["by"],
            json!({ "release": "1.0", "session.status": "healthy" })
        );
        assert_eq!(groups[3]["series"]["sum(session)"], json!([0, 4, 0]));
        assert_eq!(groups[1]["totals"]["sum(session)"], 2);
        assert_eq!(groups[1]["totals"]["crash_free_rate(session)"], 0.75);
    }

    #[test]
    fn groups_are_ordered_and_cut() {
        let question = question(&[
            ("groupBy", "release"),
            ("orderBy", "-crash_rate(session)"),
            ("orderBy", "release"),
            ("per_page", "3"),
            ("includeSeries", "0"),
        ]);
        let rows = vec![
            row("none", health(0, 0)),
            row("b", health(10, 1)),
            row("a", health(10, 1)),
            row("c", health(10, 5)),
        ];
        let answer = question.answer(rows).unwrap();
        let groups = answer["groups"].as_array().unwrap();
        let names: Vec<_> = groups.iter().map(|group| &group["by"]["release"]).collect();
        assert_eq!(names, ["c", "a", "b"]);
        assert!(groups.iter().all(|group| group.get("series").is_none()));
    }

    #[test]
    fn without_sessions_the_sum_is_nought_and_the_answer_has_a_bound() {
        let answer = question(&[]).answer(Vec::new()).unwrap();
        assert_eq!(answer["groups"][0]["totals"]["sum(session)"], 0);
        let by_release = question(&[("groupBy", "release")]);
        assert_eq!(by_release.answer(Vec::new()).unwrap()["groups"], json!([]));
        let large = question(&[("groupBy", "release"), ("interval", "1m")]);
        let rows = (0..200).map(|number| row(&number.to_string(), health(1, 0)));
        assert!(large.answer(rows.collect()).is_err());
    }
}
