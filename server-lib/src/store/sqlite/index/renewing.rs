//! What is known of groups that lost events is read again.

use std::collections::BTreeSet;

use rusqlite::{Connection, Transaction, params};

use super::add::add_text;
use crate::error::Error;
use crate::model::ids::{GroupId, ProjectId, Seq};
use crate::model::time::Millis;
use crate::store::index::people::{self, People};
use crate::store::index::renewal::MAX_PLACES;
use crate::store::index::{Renewal, StaleGroup};
use crate::store::sqlite::issues;
use crate::store::sqlite::names::Names;
use crate::store::sqlite::partition::{self, Span};
use crate::store::sqlite::row::{counted, level_code, one, rows, stored};
use crate::store::sqlite::writer::{Durability, Writer};

const HEADLINE: &str = include_str!("../sql/renew_issue.sql");

/// Returns a group that lost events, as far as the index knows of that.
pub(super) fn stale_group(connection: &Connection) -> Result<Option<StaleGroup>, Error> {
    let select = "SELECT stale_groups.id, mark, project, issue FROM stale_groups
        LEFT JOIN groups USING (id)
        WHERE seq <= (SELECT value FROM counters WHERE name = 'indexed') ORDER BY id LIMIT 1";
    let found = one(connection, select, [], |row| {
        let project: Option<u32> = row.get(2)?;
        let stale = StaleGroup {
            group: GroupId(row.get(0)?),
            mark: row.get(1)?,
            project: ProjectId(project.unwrap_or_default()),
            ..StaleGroup::default()
        };
        Ok((stale, row.get::<_, Option<i64>>(3)?))
    })?;
    let Some((mut stale, issue)) = found else {
        return Ok(None);
    };
    let Some(issue) = issue else {
        return Ok(Some(stale));
    };
    let group = stale.group.to_i64();
    let texts = "SELECT hash FROM texts WHERE group_id = ?1";
    stale.texts = rows(connection, texts, [group], |row| Ok(row.get(0)?))?;
    let spans = partition::all(connection)?;
    for span in spans.iter().rev() {
        let places = format!(
            "SELECT seq FROM events_{} WHERE group_id = ?1 ORDER BY happened DESC LIMIT ?2",
            span.id
        );
        let most = u64::from(MAX_PLACES).saturating_sub(stale.places.len() as u64);
        let of = params![group, stored(most)];
        stale.places.extend(rows(connection, &places, of, |row| {
            Ok(Seq(counted(row.get(0)?)))
        })?);
    }
    stale.latest = latest_of_issue(connection, &spans, issue)?.map(|(_, seq)| seq);
    stale.left = left(connection, &spans, group)?;
    Ok(Some(stale))
}

/// Returns the people of a group of whom it has no event any more, where they are known one by one.
fn left(connection: &Connection, spans: &[Span], group: i64) -> Result<Vec<u32>, Error> {
    let select = "SELECT people FROM group_people WHERE id = ?1";
    let known: Option<Vec<u8>> = one(connection, select, [group], |row| Ok(row.get(0)?))?;
    let known = People::from_bytes(&known.unwrap_or_default());
    let Some(numbers) = known.numbers().filter(|numbers| !numbers.is_empty()) else {
        return Ok(Vec::new());
    };
    let mut left: BTreeSet<u32> = numbers.iter().copied().collect();
    for span in spans {
        let select = format!(
            "SELECT DISTINCT user FROM events_{} WHERE group_id = ?1 AND user IS NOT NULL",
            span.id
        );
        rows(connection, &select, [group], |row| {
            left.remove(&people::number(row.get(0)?));
            Ok(())
        })?;
    }
    Ok(left.into_iter().collect())
}

/// Returns the latest event of a group, with its time.
fn latest_of_group(
    connection: &Connection,
    spans: &[Span],
    group: i64,
) -> Result<Option<(i64, Seq)>, Error> {
    let mut latest = None;
    for span in spans {
        let select = format!(
            "SELECT happened, seq FROM events_{} WHERE group_id = ?1
            ORDER BY happened DESC, seq DESC LIMIT 1",
            span.id
        );
        let found = one(connection, &select, [group], |row| {
            Ok((row.get(0)?, Seq(counted(row.get(1)?))))
        })?;
        latest = latest.max(found);
    }
    Ok(latest)
}

fn latest_of_issue(
    connection: &Connection,
    spans: &[Span],
    issue: i64,
) -> Result<Option<(i64, Seq)>, Error> {
    let select = "SELECT id FROM groups WHERE issue = ?1";
    let groups: Vec<i64> = rows(connection, select, [issue], |row| Ok(row.get(0)?))?;
    let mut latest = None;
    for group in groups {
        latest = latest.max(latest_of_group(connection, spans, group)?);
    }
    Ok(latest)
}

/// Writes what was read again; false when the issue has a later event.
pub(super) fn renew(writer: &mut Writer, renewal: &Renewal) -> Result<bool, Error> {
    writer.erase(Durability::Process, |transaction, memory| {
        let stale = &renewal.of;
        let group = stale.group.to_i64();
        let issue = "SELECT issue FROM groups WHERE id = ?1";
        if let Some(issue) = one(transaction, issue, [group], |row| Ok(row.get::<_, i64>(0)?))? {
            let spans = partition::all(transaction)?;
            if !renew_issue(transaction, &mut memory.names, renewal, issue, &spans)? {
                return Ok(false);
            }
            if let Some((at, _)) = latest_of_group(transaction, &spans, group)? {
                let update = "UPDATE groups SET last_seen = ?2 WHERE id = ?1";
                transaction.execute(update, [group, at])?;
            }
            renew_texts(transaction, renewal)?;
            renew_people(transaction, stale, issue)?;
        }
        let done = "DELETE FROM stale_groups WHERE id = ?1 AND mark = ?2";
        transaction.execute(done, [group, stale.mark])?;
        super::purging::note(transaction)?;
        Ok(true)
    })
}

fn renew_issue(
    transaction: &Transaction<'_>,
    names: &mut Names,
    renewal: &Renewal,
    issue: i64,
    spans: &[Span],
) -> Result<bool, Error> {
    let latest = latest_of_issue(transaction, spans, issue)?;
    let Some((at, seq)) = latest else {
        return Ok(true);
    };
    let Some(facts) = &renewal.latest else {
        return Ok(true);
    };
    if renewal.of.latest != Some(seq) {
        // What the issue says is the later event's already, if it came in the order of time.
        let select = "SELECT last_seen FROM issues WHERE id = ?1";
        let last_seen = one(transaction, select, [issue], |row| Ok(Millis(row.get(0)?)))?;
        return Ok(last_seen == Some(Millis(at)));
    }
    transaction.prepare_cached(HEADLINE)?.execute(params![
        issue,
        at,
        facts.kind.code(),
        level_code(facts.level),
        facts.handled == Some(false),
        facts.platform,
        facts.title,
        facts.culprit,
        facts.headline.error_type,
        facts.headline.value,
        facts.headline.filename,
        facts.headline.function,
        names.intern(transaction, &facts.release)?,
    ])?;
    Ok(true)
}

fn renew_texts(transaction: &Transaction<'_>, renewal: &Renewal) -> Result<(), Error> {
    let group = renewal.of.group.to_i64();
    let gone = renewal.of.texts.iter();
    for hash in gone.filter(|hash| !renewal.kept.contains(hash)) {
        for delete in [
            "DELETE FROM text_words WHERE rowid IN
                (SELECT id FROM texts WHERE group_id = ?1 AND hash = ?2)",
            "DELETE FROM texts WHERE group_id = ?1 AND hash = ?2",
        ] {
            transaction
                .prepare_cached(delete)?
                .execute([group, *hash])?;
        }
    }
    for text in &renewal.texts {
        add_text(transaction, text)?;
    }
    Ok(())
}

fn renew_people(
    transaction: &Transaction<'_>,
    stale: &StaleGroup,
    issue: i64,
) -> Result<(), Error> {
    if stale.left.is_empty() {
        return Ok(());
    }
    let group = stale.group.to_i64();
    let select = "SELECT people FROM group_people WHERE id = ?1";
    let known: Option<Vec<u8>> = one(transaction, select, [group], |row| Ok(row.get(0)?))?;
    let mut people = People::from_bytes(&known.unwrap_or_default());
    for number in &stale.left {
        people.remove(*number);
    }
    let update = "UPDATE group_people SET people = ?2 WHERE id = ?1";
    transaction.execute(update, params![group, people.to_bytes()])?;
    let people = issues::people(transaction, issue)?;
    let update = "UPDATE issues SET users = ?2, users_exact = ?3 WHERE id = ?1";
    let columns = params![issue, stored(people.count()), people.is_exact()];
    transaction.execute(update, columns)?;
    Ok(())
}
