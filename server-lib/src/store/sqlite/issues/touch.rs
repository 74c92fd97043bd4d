//! What a batch of events does to groups, issues and releases, written once a batch.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, params};

use super::reopen;
use crate::error::Error;
use crate::model::event::{EventFacts, GroupingKey, NewEvent};
use crate::model::ids::{ProjectId, Seq};
use crate::model::issue::{IssueStatus, Priority, Reopened, Substatus};
use crate::model::time::Millis;
use crate::store::sqlite::generations::Generations;
use crate::store::sqlite::names::Names;
use crate::store::sqlite::releases;
use crate::store::sqlite::row::{level_code, one, stored};
use crate::store::state::MAX_RELEASES;

const TOUCH: &str = include_str!("../sql/touch_issue.sql");

const OPEN: &str = include_str!("../sql/open_issue.sql");

/// Where events of a key go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::sqlite) enum Place {
    /// Into a group of an issue.
    Group {
        /// The group.
        group: i64,
        /// The issue that has it.
        issue: i64,
    },
    /// Nowhere: people want none of them any more.
    Nowhere,
}

/// Places that were looked up lately. Forgotten whenever groups move.
#[derive(Default)]
pub(in crate::store::sqlite) struct IssueMemory {
    places: Generations<(ProjectId, GroupingKey), Place, 8192>,
    numbers: Generations<ProjectId, i64, 1024>,
}

/// What a batch does to the issues that it touches.
#[derive(Default)]
pub(in crate::store::sqlite) struct Touched<'a> {
    issues: BTreeMap<i64, Touch<'a>>,
    groups: BTreeMap<i64, GroupTouch>,
    releases: BTreeMap<(ProjectId, &'a str), (Millis, Millis)>,
    numbers: BTreeMap<ProjectId, i64>,
}

struct Touch<'a> {
    project: ProjectId,
    /// What a new issue begins with.
    opened: Option<Opened<'a>>,
    events: u64,
    earliest: &'a EventFacts,
    latest: &'a EventFacts,
    /// Each release with its first event of the batch.
    releases: Vec<(&'a str, Seq)>,
}

/// What an issue begins with.
struct Opened<'a> {
    number: i64,
    first: &'a EventFacts,
}

struct GroupTouch {
    events: u64,
    first_seen: Millis,
    last_seen: Millis,
}

/// What became of an event's group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::sqlite) struct Counted {
    /// Where it went.
    pub(in crate::store::sqlite) place: Place,
    /// Whether it opened the issue.
    pub(in crate::store::sqlite) is_new: bool,
}

impl<'a> Touched<'a> {
    /// Counts an event to its group and issue, which it opens when there are none.
    pub(in crate::store::sqlite) fn count(
        &mut self,
        transaction: &Transaction<'_>,
        memory: &mut IssueMemory,
        event: &'a NewEvent,
    ) -> Result<Counted, Error> {
        let facts = &event.facts;
        let key = (event.project, facts.grouping);
        let (place, number) = match memory.places.get(&key) {
            Some(place) => (place, None),
            None => {
                let (place, number) = self.find_or_open(transaction, memory, event)?;
                memory.places.insert(key, place);
                (place, number)
            }
        };
        let is_new = number.is_some();
        let Place::Group { group, issue } = place else {
            return Ok(Counted { place, is_new });
        };
        let at = facts.timestamp;
        let of_group = self.groups.entry(group).or_insert(GroupTouch {
            events: 0,
            first_seen: at,
            last_seen: at,
        });
        of_group.events = of_group.events.saturating_add(1);
        of_group.first_seen = of_group.first_seen.min(at);
        of_group.last_seen = of_group.last_seen.max(at);
        let touch = self.issues.entry(issue).or_insert(Touch {
            project: event.project,
            opened: number.map(|number| Opened {
                number,
                first: facts,
            }),
            events: 0,
            earliest: facts,
            latest: facts,
            releases: Vec::new(),
        });
        touch.events = touch.events.saturating_add(1);
        if at < touch.earliest.timestamp {
            touch.earliest = facts;
        }
        if at >= touch.latest.timestamp {
            touch.latest = facts;
        }
        let release = facts.release.as_str();
        let is_known = touch.releases.iter().any(|(known, _)| *known == release);
        if !is_known && touch.releases.len() < MAX_RELEASES {
            touch.releases.push((release, event.seq));
        }
        if !release.is_empty() {
            let (first, last) = self
                .releases
                .entry((event.project, release))
                .or_insert((at, at));
            *first = at.min(*first);
            *last = at.max(*last);
        }
        Ok(Counted { place, is_new })
    }

    /// Writes what was counted, each group and issue once. Returns the issues that came again.
    pub(in crate::store::sqlite) fn write(
        &self,
        transaction: &Transaction<'_>,
        names: &mut Names,
        at: Millis,
    ) -> Result<Vec<Reopened>, Error> {
        for ((project, release), (first, last)) in &self.releases {
            releases::seen(transaction, *project, release, at, Some((*first, *last)))?;
        }
        self.write_groups(transaction)?;
        let mut reopened = Vec::new();
        let mut update = transaction.prepare_cached(TOUCH)?;
        let mut open = transaction.prepare_cached(OPEN)?;
        for (id, touch) in &self.issues {
            let latest = touch.latest;
            let columns = params![
                id,
                stored(touch.events),
                touch.earliest.timestamp.0,
                names.intern(transaction, &touch.earliest.release)?,
                latest.timestamp.0,
                latest.kind.code(),
                level_code(latest.level),
                latest.handled == Some(false),
                latest.platform,
                latest.title,
                latest.culprit,
                latest.headline.error_type,
                latest.headline.value,
                latest.headline.filename,
                latest.headline.function,
                names.intern(transaction, &latest.release)?,
            ];
            if let Some(opened) = &touch.opened {
                let beginning = params![
                    touch.project.0,
                    opened.number,
                    opened.first.grouping.0,
                    Priority::of_level(opened.first.level).code(),
                    IssueStatus::Unresolved.code(),
                    Substatus::New.code(),
                    opened.first.timestamp.0,
                ];
                // Whole at once: a row that grows may leave a copy of itself or of its neighbours.
                open.execute(&*[columns, beginning].concat())?;
                continue;
            }
            let status: u8 = update.query_row(columns, |row| row.get(0))?;
            let touch = reopen::Touch {
                issue: *id,
                project: touch.project,
                releases: &touch.releases,
                last_seen: latest.timestamp,
                events: touch.events,
            };
            reopened.extend(match IssueStatus::from_code(status) {
                Some(IssueStatus::Resolved) => reopen::regressed(transaction, &touch, at)?,
                Some(IssueStatus::Ignored) => reopen::escalated(transaction, &touch, at)?,
                _ => None,
            });
        }
        let number = "INSERT INTO issue_numbers (project, number) VALUES (?1, ?2)
            ON CONFLICT DO UPDATE SET number = max(number, excluded.number)";
        for (project, last) in &self.numbers {
            transaction
                .prepare_cached(number)?
                .execute(params![project.0, last])?;
        }
        Ok(reopened)
    }

    fn write_groups(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let mut update = transaction.prepare_cached(
            "UPDATE groups SET events = events + ?2, first_seen = min(first_seen, ?3),
                last_seen = max(last_seen, ?4) WHERE id = ?1",
        )?;
        for (id, touch) in &self.groups {
            let (first, last) = (touch.first_seen.0, touch.last_seen.0);
            update.execute(params![id, stored(touch.events), first, last])?;
        }
        Ok(())
    }

    /// Finds where events of a key go, or opens a group. Returns the number in the project that a new
    /// issue has.
    fn find_or_open(
        &mut self,
        transaction: &Transaction<'_>,
        memory: &mut IssueMemory,
        event: &NewEvent,
    ) -> Result<(Place, Option<i64>), Error> {
        let (project, facts) = (event.project, &event.facts);
        if let Some(place) = find(transaction, project, facts.grouping)? {
            return Ok((place, None));
        }
        let former = match facts.former_grouping {
            Some(former) => find(transaction, project, former)?,
            None => None,
        };
        let open = "INSERT INTO groups (project, grouping, issue, first_seen, last_seen, events)
            VALUES (?1, ?2, ?3, ?4, ?4, 0)";
        let mut open = transaction.prepare_cached(open)?;
        match former {
            Some(Place::Nowhere) => return Ok((Place::Nowhere, None)),
            Some(Place::Group { issue, .. }) => {
                let at = facts.timestamp.0;
                let group = open.insert(params![project.0, facts.grouping.0, issue, at])?;
                return Ok((Place::Group { group, issue }, None));
            }
            None => {}
        }
        let at = facts.timestamp.0;
        let group = open.insert(params![project.0, facts.grouping.0, 0, at])?;
        transaction
            .prepare_cached("UPDATE groups SET issue = id WHERE id = ?1")?
            .execute([group])?;
        let number = self.next_number(transaction, memory, project)?;
        let place = Place::Group {
            group,
            issue: group,
        };
        Ok((place, Some(number)))
    }

    fn next_number(
        &mut self,
        connection: &Connection,
        memory: &mut IssueMemory,
        project: ProjectId,
    ) -> Result<i64, Error> {
        let last = match memory.numbers.get(&project) {
            Some(last) => last,
            None => {
                let last = "SELECT number FROM issue_numbers WHERE project = ?1";
                one(connection, last, [project.0], |row| Ok(row.get(0)?))?.unwrap_or(0)
            }
        };
        let number = last.saturating_add(1);
        memory.numbers.insert(project, number);
        self.numbers.insert(project, number);
        Ok(number)
    }
}

fn find(
    connection: &Connection,
    project: ProjectId,
    grouping: GroupingKey,
) -> Result<Option<Place>, Error> {
    let find = "SELECT id, issue FROM groups WHERE project = ?1 AND grouping = ?2";
    let found = one(connection, find, params![project.0, grouping.0], |row| {
        Ok(Place::Group {
            group: row.get(0)?,
            issue: row.get(1)?,
        })
    })?;
    if found.is_some() {
        return Ok(found);
    }
    let is_discarded = "SELECT 1 FROM discarded_groups WHERE project = ?1 AND grouping = ?2";
    one(
        connection,
        is_discarded,
        params![project.0, grouping.0],
        |_| Ok(Place::Nowhere),
    )
}
