//! Does what the indexer does, from the rows of the store and the facts of the case.

use std::collections::HashMap;

use super::data::Feed;
use crate::error::Error;
use crate::model::ids::Seq;
use crate::store::Store;
use crate::store::index::{GroupText, IndexedEvent, Pending, Renewal, key};

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
            let hash = key::text(text);
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

/// Takes out what was erased, as the server does between times.
pub(super) async fn purge(store: &Store, feed: &Feed) -> Result<(), Error> {
    let facts = |seq: &Seq| {
        let given = feed.given().iter().find(|event| event.seq == *seq);
        given.map(|event| event.facts.clone())
    };
    while let Some(stale) = store.index.stale_group().await? {
        let texts = stale
            .places
            .iter()
            .filter_map(facts)
            .map(|facts| GroupText {
                group: stale.group,
                project: stale.project,
                hash: key::text(&facts.text),
                text: facts.text,
            });
        let texts: Vec<_> = texts.filter(|text| !text.text.is_empty()).collect();
        let renewal = Renewal {
            kept: texts.iter().map(|text| text.hash).collect(),
            texts,
            latest: stale.latest.as_ref().and_then(facts),
            of: stale,
        };
        assert!(store.index.renew(renewal).await?);
    }
    while store.index.purge().await? {}
    Ok(())
}
