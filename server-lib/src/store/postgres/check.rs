//! Looks for damage: sums that do not fit their rows, blocks that cannot be read.

use std::sync::Arc;

use bytes::Bytes;

use super::blocks::Range;
use super::pool::{Lease, Pool};
use super::row::{count, get, seq};
use crate::block::Block;
use crate::error::{Error, ErrorKind};

/// Returns one line for each finding.
pub(super) async fn findings(pool: &Arc<Pool>) -> Result<Vec<String>, Error> {
    let mut lease = pool.lend().await?;
    let mut findings = Vec::new();
    lease
        .begin(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
             SET LOCAL statement_timeout = '10min'",
        )
        .await?;
    indexes(&mut lease, &mut findings).await?;
    sums(&mut lease, &mut findings).await?;
    lease.commit().await?;
    for range in super::blocks::ranges(&mut lease).await? {
        blocks(&mut lease, &range, &mut findings).await?;
    }
    Ok(findings)
}

async fn indexes(lease: &mut Lease, findings: &mut Vec<String>) -> Result<(), Error> {
    let rows = lease
        .query(
            "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
             WHERE c.relnamespace = current_schema()::regnamespace AND NOT i.indisvalid \
             ORDER BY 1",
            &[],
        )
        .await?;
    for row in &rows {
        let name: &str = get(row, 0)?;
        findings.push(format!("the index {name} is not valid"));
    }
    Ok(())
}

async fn sums(lease: &mut Lease, findings: &mut Vec<String>) -> Result<(), Error> {
    let position = lease.query_one("SELECT position FROM digest", &[]).await?;
    let position = seq(&position, 0)?;
    let partitions = lease
        .query(
            "SELECT id, events, last_seq, items FROM partitions ORDER BY id",
            &[],
        )
        .await?;
    for partition in &partitions {
        let id: i32 = get(partition, 0)?;
        let expected = count(partition, 1)?;
        if seq(partition, 2)? > position {
            findings.push(format!("partition {id} goes beyond what is digested"));
        }
        let rows = lease
            .query_text(
                &format!(
                    "SELECT (SELECT count(*) FROM events_{id}), \
                     (SELECT COALESCE(sum(events), 0)::bigint FROM event_counts_{id}), \
                     (SELECT COALESCE(sum(events), 0)::bigint FROM issue_counts_{id}), \
                     (SELECT count(*) FROM items_{id})"
                ),
                &[],
            )
            .await?;
        for row in &rows {
            for (column, what) in [(0, "rows"), (1, "counts"), (2, "counts by issue")] {
                let found = count(row, column)?;
                if found != expected {
                    findings.push(format!(
                        "partition {id} should have {expected} events, its {what} have {found}"
                    ));
                }
            }
            let (items, noted) = (count(row, 3)?, count(partition, 3)?);
            if items != noted {
                findings.push(format!(
                    "partition {id} has {items} items and notes {noted}"
                ));
            }
        }
    }
    Ok(())
}

async fn blocks(lease: &mut Lease, range: &Range, findings: &mut Vec<String>) -> Result<(), Error> {
    let sql = format!(
        "SELECT first_seq, last_seq, bytes FROM {} WHERE first_seq > $1 \
         ORDER BY first_seq LIMIT 16",
        range.table()
    );
    let mut after = i64::MIN;
    loop {
        let rows = match lease.query_text(&sql, &[&after]).await {
            // Packed or dropped meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            after = get(row, 0)?;
            let (first, last) = (seq(row, 0)?, seq(row, 1)?);
            let bytes: Vec<u8> = get(row, 2)?;
            let read = Block::parse(Bytes::from(bytes)).and_then(|block| {
                block.verify()?;
                Ok((block.header().first, block.header().last))
            });
            match read {
                Ok(ends) if ends == (first, last) => {}
                Ok(_) => findings.push(format!("the block of record {first} holds others")),
                Err(error) => findings.push(format!("the block of record {first}: {error}")),
            }
        }
    }
}
