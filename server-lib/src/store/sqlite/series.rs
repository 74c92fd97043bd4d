//! Counts events by interval and level: from the sums of days, hours or minutes, whichever fit, and
//! from the index where sums do not know what is asked.

use rusqlite::{Connection, params};

use super::connection::damaged;
use super::partition::{self, Span};
use super::question::Question;
use super::row::{counted, level};
use super::sums::GRAINS;
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::model::time::Millis;
use crate::store::query::{EventFilter, LevelCounts, Minutes};

/// Reads the numbers of all intervals.
pub(super) fn read(
    connection: &Connection,
    filter: &EventFilter,
    minutes: Minutes,
) -> Result<Vec<LevelCounts>, Error> {
    let (begin, end) = minutes.bounds();
    let last = end.saturating_mul(Millis::MINUTE).saturating_sub(1);
    let times = Millis(begin.saturating_mul(Millis::MINUTE))..=Millis(last);
    let filter = EventFilter {
        times: Some(times),
        ..filter.clone()
    };
    let question = Question::new(connection, &filter)?;
    let mut reader = Reader {
        connection,
        question: &question,
        minutes,
        grain: grain(minutes),
        counts: vec![LevelCounts::default(); minutes.count()],
    };
    for span in partition::all(connection)? {
        let Some(times) = question.within(&span) else {
            continue;
        };
        for (project, floor) in &question.projects {
            let hidden = floor.hides_from(span.opened).then_some(floor.received);
            match hidden {
                Some(floor) if floor >= span.newest => {}
                None if question.groups.is_none() => reader.sums(&span, *project)?,
                _ => reader.scan(&span, *project, times, hidden)?,
            }
        }
    }
    Ok(reader.counts)
}

/// Returns the longest intervals that sums are kept of and that those asked for consist of.
fn grain(minutes: Minutes) -> i64 {
    let fitting = GRAINS
        .iter()
        .rev()
        .find(|grain| minutes.consists_of(**grain));
    fitting.copied().unwrap_or(1)
}

struct Reader<'a> {
    connection: &'a Connection,
    question: &'a Question,
    minutes: Minutes,
    grain: i64,
    counts: Vec<LevelCounts>,
}

impl Reader<'_> {
    fn sums(&mut self, span: &Span, project: ProjectId) -> Result<(), Error> {
        let (begin, end) = self.minutes.bounds();
        let (from, to) = (begin.div_euclid(self.grain), end.div_euclid(self.grain));
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT level, environment, release, bucket, events FROM counts_{}
            WHERE project = ?1 AND grain = ?2 AND bucket >= ?3 AND bucket < ?4",
            span.id
        ))?;
        let mut rows = select.query(params![project.0, self.grain, from, to])?;
        while let Some(row) = rows.next()? {
            let code = row.get(0)?;
            if self.question.matches(code, row.get(1)?, row.get(2)?) {
                let minute = row.get::<_, i64>(3)?.saturating_mul(self.grain);
                self.add(minute, code, counted(row.get(4)?))?;
            }
        }
        Ok(())
    }

    fn scan(
        &mut self,
        span: &Span,
        project: ProjectId,
        (first, last): (i64, i64),
        floor: Option<Millis>,
    ) -> Result<(), Error> {
        let floor = floor.map_or(i64::MIN, |floor| floor.0);
        for (column, owner) in self.question.owners(project) {
            let mut select = self.connection.prepare_cached(&format!(
                "SELECT level, environment, release, happened FROM events_{}
                WHERE {column} = ?1 AND happened BETWEEN ?2 AND ?3 AND received > ?4",
                span.id
            ))?;
            let mut rows = select.query(params![owner, first, last, floor])?;
            while let Some(row) = rows.next()? {
                let code = row.get(0)?;
                if self.question.matches(code, row.get(1)?, row.get(2)?) {
                    self.add(Millis(row.get(3)?).minute(), code, 1)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, minute: i64, code: i64, events: u64) -> Result<(), Error> {
        let level = level(code).ok_or_else(|| damaged("level"))?;
        let place = self.minutes.place(minute);
        if let Some(counts) = place.and_then(|place| self.counts.get_mut(place)) {
            counts.add(level, events);
        }
        Ok(())
    }
}
