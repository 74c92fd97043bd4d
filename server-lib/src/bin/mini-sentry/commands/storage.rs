//! `mini-sentry storage`: what takes space.

use std::path::Path;

use mini_sentry_server::blob;
use serde_json::json;

use super::Context;
use super::catalogue::open_store;
use super::snapshot::{BLOBS, SEGMENTS, tree};
use crate::failure::{During as _, Failure};
use crate::output::{human_bytes, table};

/// Prints what takes space.
pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let settings = context.settings();
    let data_dir = &settings.config.data_dir;
    let store = open_store(settings).await?;
    let mut parts: Vec<(String, u64)> = Vec::new();
    for (name, bytes) in store.upkeep.space().await? {
        parts.push((format!("database: {name}"), bytes));
    }
    if let Some(bodies) = &store.bodies {
        parts.push(("bodies in the database".to_owned(), bodies.bytes().await?));
    }
    parts.push((
        "bodies: segments".to_owned(),
        bytes_of(&data_dir.join(SEGMENTS))?,
    ));
    parts.push((
        "bodies: large attachments".to_owned(),
        bytes_of(&data_dir.join(BLOBS))?,
    ));
    parts.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let partitions = store.upkeep.partitions().await?;
    store.upkeep.close().await?;

    let total: u64 = parts.iter().map(|(_, bytes)| bytes).sum();
    let events: u64 = partitions.iter().map(|partition| partition.events).sum();
    let free = free_bytes(data_dir)?;
    let value = json!({
        "total_bytes": total,
        "free_bytes": free,
        "events": events,
        "parts": parts
            .iter()
            .map(|(name, bytes)| json!({"name": name, "bytes": bytes}))
            .collect::<Vec<_>>(),
        "partitions": partitions
            .iter()
            .map(|partition| json!({
                "id": partition.id.to_string(),
                "events": partition.events,
                "oldest": partition.opened.to_rfc3339(),
                "newest": partition.newest.to_rfc3339(),
            }))
            .collect::<Vec<_>>(),
    });
    context.output.show(&value, |_| {
        let rows: Vec<_> = parts
            .iter()
            .filter(|(_, bytes)| *bytes > 0)
            .map(|(name, bytes)| vec![human_bytes(*bytes), name.clone()])
            .collect();
        let each = total.checked_div(events).unwrap_or(0);
        format!(
            "{}\n{} in all for {events} events in {} partitions, {} for each; {} are free\n",
            table(&["size", "what"], &rows),
            human_bytes(total),
            partitions.len(),
            human_bytes(each),
            human_bytes(free),
        )
    })
}

/// Returns the bytes of all files under a folder; 0 when there is no such folder.
pub(crate) fn bytes_of(dir: &Path) -> Result<u64, Failure> {
    if !dir.exists() {
        return Ok(0);
    }
    let files = tree(dir).during(format_args!("look into {}", dir.display()))?;
    // A file that went away meanwhile takes no space.
    let lengths = files.values().filter_map(|path| path.metadata().ok());
    Ok(lengths.map(|metadata| metadata.len()).sum())
}

/// Returns the free space of the disk that holds the folder.
pub(crate) fn free_bytes(dir: &Path) -> Result<u64, Failure> {
    blob::free_bytes(dir).during(format_args!("ask for the free space of {}", dir.display()))
}
