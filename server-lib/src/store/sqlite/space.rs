//! What takes space.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::partition;
use super::row::{counted, one, rows};
use crate::error::Error;

/// Sizes of the tables of partitions that are no longer written.
#[derive(Default)]
pub(super) struct ClosedSizes(Mutex<HashMap<String, u64>>);

/// Returns the bytes of each group of tables, and of the free pages.
pub(super) fn of_tables(
    connection: &Connection,
    closed: &ClosedSizes,
) -> Result<BTreeMap<String, u64>, Error> {
    let spans = partition::all(connection)?;
    let last = spans.last().map(|span| span.id.to_string());
    let trees = "SELECT name, tbl_name FROM sqlite_schema WHERE rootpage > 0";
    let trees = rows(connection, trees, [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut known = std::mem::take(&mut *closed.0.lock().unwrap_or_else(PoisonError::into_inner));
    let mut still = HashMap::new();
    let mut sizes = BTreeMap::<String, u64>::new();
    for (tree, table) in trees {
        let (group, partition) = match table.rsplit_once('_') {
            Some((group, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                (group, Some(number))
            }
            _ => (table.as_str(), None),
        };
        // The index of a finished partition is still merged.
        let is_still = group != "pages" && group != "unindexed";
        let is_closed = is_still && partition.is_some() && partition != last.as_deref();
        let size = match known.remove(&tree).filter(|_| is_closed) {
            Some(size) => size,
            None => of_tree(connection, &tree)?,
        };
        let sum = sizes.entry(group.to_owned()).or_default();
        *sum = sum.saturating_add(size);
        if is_closed {
            still.insert(tree, size);
        }
    }
    *closed.0.lock().unwrap_or_else(PoisonError::into_inner) = still;
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    sizes.insert("free pages".to_owned(), counted(free.saturating_mul(page)));
    Ok(sizes)
}

fn of_tree(connection: &Connection, tree: &str) -> Result<u64, Error> {
    let select = "SELECT pgsize FROM dbstat WHERE name = ?1 AND aggregate = TRUE";
    let size = one(connection, select, [tree], |row| Ok(row.get(0)?))?;
    Ok(counted(size.unwrap_or(0)))
}

/// Returns the bytes of a file, or of the files in a folder; 0 when there is none.
pub(super) fn of_path(path: &Path) -> u64 {
    let Ok(metadata) = path.metadata() else {
        return 0;
    };
    if metadata.is_file() {
        return metadata.len();
    }
    let Ok(listed) = path.read_dir() else {
        return 0;
    };
    let sizes = listed
        .filter_map(Result::ok)
        .filter_map(|file| file.metadata().ok());
    sizes.map(|metadata| metadata.len()).sum()
}
