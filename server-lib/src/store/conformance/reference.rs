//! The index of events as a plain list: slow, and plainly right.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::data::{Feed, row};
use crate::error::Error;
use crate::model::event::EventRow;
use crate::model::ids::{ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::query::{EventFilter, LevelCounts, Minutes, Page};
use crate::store::{Applied, Store};

/// What the store should show.
#[derive(Default)]
pub(super) struct Reference {
    rows: Vec<EventRow>,
    floors: BTreeMap<ProjectId, Millis>,
}

impl Reference {
    /// Learns what a batch stored.
    pub(super) fn learn(&mut self, feed: &Feed, applied: &Applied) {
        for stored in &applied.stored {
            let given = feed.given().iter().find(|event| event.seq == stored.seq);
            self.rows.extend(given.map(|event| row(event, stored)));
        }
    }

    /// Forgets an event.
    pub(super) fn erase(&mut self, seq: Seq) {
        self.rows.retain(|row| row.seq != seq);
    }

    /// Forgets the events up to a place.
    pub(super) fn drop_through(&mut self, seq: Seq) {
        self.rows.retain(|row| row.seq > seq);
    }

    /// Hides a project's events that arrived up to the moment.
    pub(super) fn hide(&mut self, project: ProjectId, received: Millis) {
        self.floors.insert(project, received);
    }

    /// Returns what is visible.
    pub(super) fn rows(&self) -> Vec<EventRow> {
        let is_visible = |row: &&EventRow| {
            let floor = self.floors.get(&row.project);
            floor.is_none_or(|floor| row.received > *floor)
        };
        self.rows.iter().filter(is_visible).cloned().collect()
    }

    /// Returns all that a filter lets through, newest first.
    pub(super) fn list(&self, filter: &EventFilter) -> Vec<EventRow> {
        let mut rows = self.rows();
        rows.retain(|row| matches(row, filter));
        rows.sort_by_key(|row| Reverse((row.timestamp, row.seq)));
        rows
    }

    /// Compares the store's series with one that is counted event by event.
    pub(super) async fn compare_series(
        &self,
        store: &Store,
        filter: &EventFilter,
        minutes: Minutes,
    ) -> Result<(), Error> {
        let mut expected = vec![LevelCounts::default(); minutes.count()];
        let filter = EventFilter {
            times: None,
            ..filter.clone()
        };
        for row in self.list(&filter) {
            let place = minutes.place(row.timestamp.minute());
            if let Some(counts) = place.and_then(|place| expected.get_mut(place)) {
                counts.add(row.level, 1);
            }
        }
        let series = store.events.series(&filter, minutes).await?;
        assert_eq!(series, expected, "{filter:?} {minutes:?}");
        Ok(())
    }

    /// Compares the store's answers with its own.
    pub(super) async fn compare(
        &self,
        store: &Store,
        filter: &EventFilter,
        page: Page,
    ) -> Result<(), Error> {
        let expected = self.list(filter);
        let count = store.events.count(filter).await?;
        assert_eq!(count, expected.len() as u64, "{filter:?}");
        let listed = store.events.list(filter, page).await?;
        let skipped = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let expected: Vec<_> = expected.into_iter().skip(skipped).take(limit).collect();
        assert_eq!(listed, expected, "{filter:?} {page:?}");
        Ok(())
    }
}

fn matches(row: &EventRow, filter: &EventFilter) -> bool {
    let among = |wanted: &[String], value: &String| wanted.is_empty() || wanted.contains(value);
    filter.projects.contains(&row.project)
        && filter.issue.is_none_or(|issue| issue == row.issue)
        && (filter.levels.is_empty() || filter.levels.contains(&row.level))
        && among(&filter.environments, &row.environment)
        && among(&filter.releases, &row.release)
        && (filter.times.as_ref()).is_none_or(|times| times.contains(&row.timestamp))
}
