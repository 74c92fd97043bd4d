//! Writes what the indexer gathered.

use crate::error::{Error, ErrorKind};
use crate::model::ids::{GroupId, Seq};
use crate::model::issue::{IssueStatus, Reopened};
use crate::model::time::Millis;
use crate::store::index::page::Page;
use crate::store::index::people::People;
use crate::store::index::{GroupText, IndexBatch};
use crate::store::postgres::digest::{BEGIN, LOCK};
use crate::store::postgres::issues::{people, reopen};
use crate::store::postgres::pool::Lease;
use crate::store::postgres::row::{big, get, int, seq, text};

/// Texts of one group that are searched.
const MAX_TEXTS: i64 = 8;

/// Returns the last record that is indexed.
pub(super) async fn position(lease: &mut Lease) -> Result<Seq, Error> {
    let row = lease
        .query_one("SELECT value FROM counters WHERE name = 'indexed'", &[])
        .await?;
    seq(&row, 0)
}

/// Writes a batch. Returns the issues that have more people than somebody wanted to hear of.
pub(super) async fn add(
    lease: &mut Lease,
    batch: &IndexBatch,
    now: Millis,
) -> Result<Vec<Reopened>, Error> {
    lease.begin(BEGIN).await?;
    // Digest changes issues too, and in another order.
    lease.query(LOCK, &[]).await?;
    let row = lease
        .query_one(
            "SELECT value FROM counters WHERE name = 'indexed' FOR UPDATE",
            &[],
        )
        .await?;
    let position = seq(&row, 0)?;
    if batch.last <= position {
        lease.rollback().await?;
        return Ok(Vec::new());
    }
    if batch.first <= position {
        return Err(Error::because(
            ErrorKind::Conflict,
            format!(
                "record {} is indexed already, and its batch is not",
                batch.first
            ),
        ));
    }
    if let Some(partition) = batch.partition {
        let part = int(partition.0);
        if exists(lease, part).await? && !batch.pages.is_empty() {
            let run = next_run(lease).await?;
            lease
                .execute(
                    "INSERT INTO runs (id, part, level, complete) VALUES ($1, $2, 0, true)",
                    &[&run, &part],
                )
                .await?;
            insert_pages(lease, part, run, &batch.pages).await?;
        }
    }
    let mut reopened = Vec::new();
    for (group, numbers) in &batch.people {
        reopened.extend(add_people(lease, *group, numbers, now).await?);
    }
    add_texts(lease, &batch.texts).await?;
    lease
        .execute(
            "UPDATE counters SET value = $1 WHERE name = 'indexed'",
            &[&batch.last.to_i64()],
        )
        .await?;
    lease.commit().await?;
    Ok(reopened)
}

/// Reports whether a partition is there, and keeps it there until the transaction ends.
pub(super) async fn exists(lease: &mut Lease, part: i32) -> Result<bool, Error> {
    let sql = "SELECT id FROM partitions WHERE id = $1 FOR KEY SHARE";
    Ok(lease.query_opt(sql, &[&part]).await?.is_some())
}

/// Returns the number of a new run.
pub(super) async fn next_run(lease: &mut Lease) -> Result<i64, Error> {
    let sql = "UPDATE counters SET value = value + 1 WHERE name = 'run' RETURNING value";
    get(&lease.query_one(sql, &[]).await?, 0)
}

/// Inserts pages of a run.
pub(super) async fn insert_pages(
    lease: &mut Lease,
    part: i32,
    run: i64,
    pages: &[Page],
) -> Result<(), Error> {
    for chunk in pages.chunks(64) {
        let kinds: Vec<_> = chunk.iter().map(|page| i16::from(page.kind)).collect();
        let first: Vec<_> = chunk.iter().map(|page| page.first.as_slice()).collect();
        let bodies: Vec<_> = chunk.iter().map(|page| page.body.as_slice()).collect();
        lease
            .execute_text(
                &format!(
                    "INSERT INTO pages_{part} (part, run, kind, first, body) \
                     SELECT {part}, $1, * FROM unnest($2::smallint[], $3::bytea[], $4::bytea[])"
                ),
                &[&run, &kinds, &first, &bodies],
            )
            .await?;
    }
    Ok(())
}

async fn add_people(
    lease: &mut Lease,
    group: GroupId,
    numbers: &[u32],
    now: Millis,
) -> Result<Option<Reopened>, Error> {
    let row = lease
        .query_opt(
            "SELECT g.issue, p.people, (SELECT count(*) FROM groups o WHERE o.issue = g.issue) \
             FROM groups g LEFT JOIN group_people p ON p.id = g.id WHERE g.id = $1",
            &[&group.to_i64()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (issue, groups): (i64, i64) = (get(&row, 0)?, get(&row, 2)?);
    let known: Option<&[u8]> = get(&row, 1)?;
    let mut all = People::from_bytes(known.unwrap_or_default());
    let mut is_changed = false;
    for number in numbers {
        is_changed |= all.insert(*number);
    }
    if !is_changed {
        return Ok(None);
    }
    lease
        .execute(
            "INSERT INTO group_people (id, people) VALUES ($1, $2) \
             ON CONFLICT (id) DO UPDATE SET people = EXCLUDED.people",
            &[&group.to_i64(), &all.to_bytes()],
        )
        .await?;
    if groups > 1 {
        all = people(lease, issue).await?;
    }
    let row = lease
        .query_opt(
            "UPDATE issues SET users = $2, users_exact = $3 WHERE id = $1 \
             RETURNING status, wake_users",
            &[&issue, &big(all.count()), &all.is_exact()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (status, bound): (i16, Option<i64>) = (get(&row, 0)?, get(&row, 1)?);
    let is_ignored = status == i16::from(IssueStatus::Ignored.code());
    if is_ignored && bound.is_some_and(|bound| big(all.count()) >= bound) {
        return reopen::wake(lease, issue, "users", Seq(0), now)
            .await
            .map(Some);
    }
    Ok(None)
}

/// Adds texts to those of their groups, where they have not enough.
pub(super) async fn add_texts(lease: &mut Lease, texts: &[GroupText]) -> Result<(), Error> {
    if texts.is_empty() {
        return Ok(());
    }
    let groups: Vec<_> = texts.iter().map(|text| text.group.to_i64()).collect();
    let hashes: Vec<_> = texts.iter().map(|text| text.hash).collect();
    // The words as we see them: the database would make one of a path or an address.
    let plain = |words: &str| -> String {
        let plain = words
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { ' ' });
        text(&plain.collect::<String>()).into_owned()
    };
    let words: Vec<_> = texts.iter().map(|text| plain(&text.text)).collect();
    lease
        .execute(
            "INSERT INTO texts (group_id, hash, words) \
             SELECT n.group_id, n.hash, to_tsvector('simple', n.words) \
             FROM (SELECT *, row_number() OVER (PARTITION BY u.group_id ORDER BY u.place) AS nth \
             FROM unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY \
             AS u (group_id, hash, words, place)) AS n JOIN groups g ON g.id = n.group_id \
             WHERE n.nth + (SELECT count(*) FROM texts t WHERE t.group_id = n.group_id) <= $4 \
             ON CONFLICT DO NOTHING",
            &[&groups, &hashes, &words, &MAX_TEXTS],
        )
        .await?;
    Ok(())
}
