//! Does what the indexer does, from the rows of the store and the facts of the case.

use std::collections::HashMap;

use super::data::Feed;
use crate::error::Error;
use crate::model::ids::Seq;
use crate::store::Store;
use crate::store::index::{IndexedEvent, Pending};

/// Indexes everything that is stored and not indexed, a few events at a time.
pub(super) async fn index(store: &Store, feed: &Feed, at_once: u32) -> Result<(), Error> {
    let given: HashMap<Seq, _> = feed
        .given()
        .iter()
        .map(|event| (event.seq, event))
        .collect();
    loop {
        let after = store.index.position().await?;
        let found = store.index.rows_after(after, at_once).await?;
        if found.through <= after {
            return Ok(());
        }
        let (partition, base) = found.partition.unwrap_or_default();
        let mut pending = Pending::new(base);
        for row in &found.rows {
            let Some(event) = given.get(&row.seq) else {
                continue;
            };
            let text = event.facts.text.as_str();
            let hash = text.bytes().fold(7_i64, |hash, byte| {
                hash.wrapping_mul(31).wrapping_add(i64::from(byte))
            });
            pending.add(&IndexedEvent {
                seq: row.seq,
                project: row.project,
                group: row.group,
                timestamp: row.timestamp,
                user: row.user,
                is_user_known: false,
                tags: &event.facts.tags,
                text: (!text.is_empty()).then_some((hash, text)),
            });
        }
        let batch = pending.finish(partition, after.next(), found.through)?;
        store.index.add(batch).await?;
    }
}

/// Merges until there is nothing to merge.
pub(super) async fn merge(store: &Store) -> Result<(), Error> {
    while store.index.merge().await? {}
    Ok(())
}
