//! Adds rows of sums up to groups and intervals. Rows come in the order of their minutes, so that
//! of each group only the whole and the current interval hold people and times.

use std::collections::BTreeMap;

use super::{Detail, Health, HealthFilter, HealthRow};
use crate::error::{Error, ErrorKind};
use crate::model::ids::ProjectId;
use crate::model::time::Millis;
use crate::store::SessionTotals;

/// Bytes of people and times at most.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Sums of an answer at most: groups, each with its intervals.
const MAX_SUMS: usize = 100_000;

/// The names of a group; `K` stands for a release or an environment.
type Key<K> = (Option<ProjectId>, Option<K>, Option<K>);

/// The sums of a row.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The minute.
    pub minute: i64,
    /// The sessions.
    pub sessions: SessionTotals,
    /// Who had them and how long they took, where that is asked.
    pub detail: Option<Detail>,
}

/// Sums that grow.
#[derive(Debug, Default)]
struct Sum {
    sessions: SessionTotals,
    detail: Detail,
}

impl Sum {
    fn add(&mut self, part: &Part) {
        for (sum, more) in [
            (&mut self.sessions.total, part.sessions.total),
            (&mut self.sessions.errored, part.sessions.errored),
            (&mut self.sessions.abnormal, part.sessions.abnormal),
            (&mut self.sessions.crashed, part.sessions.crashed),
        ] {
            *sum = sum.saturating_add(more);
        }
        if let Some(detail) = &part.detail {
            self.detail.add(detail);
        }
    }

    fn told(&self) -> Health {
        Health {
            sessions: self.sessions,
            people: self.detail.people(),
            durations: self.detail.duration_totals(),
        }
    }
}

#[derive(Debug, Default)]
struct Group {
    whole: Sum,
    current: Option<(i64, Sum)>,
    series: Vec<(Millis, Health)>,
}

impl Group {
    fn close(&mut self) {
        if let Some((minute, sum)) = self.current.take() {
            let at = Millis(minute.saturating_mul(Millis::MINUTE));
            self.series.push((at, sum.told()));
        }
    }
}

/// Groups that grow.
#[derive(Debug)]
pub struct Fold<'a, K> {
    filter: &'a HealthFilter,
    interval: Option<i64>,
    groups: BTreeMap<Key<K>, Group>,
    sums: usize,
    bytes: usize,
}

impl<'a, K: Ord + Clone> Fold<'a, K> {
    /// Begins an answer.
    #[must_use]
    pub fn new(filter: &'a HealthFilter) -> Self {
        let interval = filter.interval_minutes;
        Self {
            filter,
            interval: interval.map(|minutes| i64::from(minutes.max(1))),
            groups: BTreeMap::new(),
            sums: 0,
            bytes: 0,
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when the answer would be too large.
    pub fn add(
        &mut self,
        project: ProjectId,
        (release, environment): (&K, &K),
        part: &Part,
    ) -> Result<(), Error> {
        let by = self.filter.by;
        let key = (
            by.project.then_some(project),
            by.release.then(|| release.clone()),
            by.environment.then(|| environment.clone()),
        );
        if !self.groups.contains_key(&key) {
            if self.groups.len() >= self.filter.most_groups {
                let most = self.filter.most_groups;
                return Err(too_large(&format!("more than {most} groups")));
            }
            self.sums = self.sums.saturating_add(1);
        }
        let group = self.groups.entry(key).or_default();
        if let Some(interval) = self.interval {
            let begin = part.minute.saturating_sub(part.minute.rem_euclid(interval));
            if group.current.as_ref().is_none_or(|(now, _)| *now != begin) {
                group.close();
                self.sums = self.sums.saturating_add(1);
            }
            let (_, sum) = group.current.get_or_insert_with(|| (begin, Sum::default()));
            sum.add(part);
        }
        let before = group.whole.detail.size();
        group.whole.add(part);
        let grown = group.whole.detail.size().saturating_sub(before);
        self.bytes = self.bytes.saturating_add(grown);
        if self.sums > MAX_SUMS {
            return Err(too_large(&format!("more than {MAX_SUMS} sums")));
        }
        if self.bytes > MAX_BYTES {
            return Err(too_large("too many people in too many groups"));
        }
        Ok(())
    }

    /// Returns the groups in the order of their names, which `name` tells.
    ///
    /// # Errors
    ///
    /// What `name` says.
    pub fn finish(
        self,
        mut name: impl FnMut(K) -> Result<String, Error>,
    ) -> Result<Vec<HealthRow>, Error> {
        let mut rows = Vec::with_capacity(self.groups.len());
        for ((project, release, environment), mut group) in self.groups {
            group.close();
            rows.push(HealthRow {
                project,
                release: release.map(&mut name).transpose()?,
                environment: environment.map(&mut name).transpose()?,
                whole: group.whole.told(),
                series: group.series,
            });
        }
        rows.sort_by(|one, two| one.names().cmp(&two.names()));
        Ok(rows)
    }
}

fn too_large(what: &str) -> Error {
    Error::because(ErrorKind::Invalid, format!("the answer would have {what}"))
}
