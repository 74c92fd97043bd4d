//! Looks for a text in everything that a server keeps, packed or not.

use std::fs;
use std::path::Path;

use rusqlite::types::ValueRef;

/// How packed data begins.
const PACKED: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Packed data is unpacked up to so much.
const MAX_PLAIN: usize = 64 << 20;

/// Reports whether bytes have the text, as it is or packed. Words in an index share beginnings with
/// their neighbours, so the end of it is enough.
fn holds(bytes: &[u8], text: &str) -> bool {
    let end = &text.as_bytes()[text.len() - 8..];
    let has = |bytes: &[u8]| bytes.windows(end.len()).any(|window| window == end);
    if has(bytes) {
        return true;
    }
    let starts = bytes.windows(PACKED.len()).enumerate();
    let starts = starts.filter(|(_, window)| *window == PACKED);
    starts.into_iter().any(|(start, _)| {
        let packed = &bytes[start..];
        let Ok(length) = zstd::zstd_safe::find_frame_compressed_size(packed) else {
            return false;
        };
        let plain = zstd::bulk::decompress(&packed[..length], MAX_PLAIN);
        plain.is_ok_and(|plain| has(&plain))
    })
}

/// Returns the files below a folder that have the text.
pub(super) fn in_files(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(in_files(&path, text));
            continue;
        }
        // A file may go while we look.
        let bytes = fs::read(&path).unwrap_or_default();
        if holds(&bytes, text) || path.to_string_lossy().contains(text) {
            found.push(format!("file {}", path.display()));
        }
    }
    found
}

/// Returns the tables of the SQLite file that have the text.
pub(super) fn in_sqlite(folder: &Path, text: &str) -> Vec<String> {
    let file = rusqlite::Connection::open(folder.join("mini-sentry.db")).unwrap();
    let select = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'";
    let mut tables = file.prepare(select).unwrap();
    let names = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut found = Vec::new();
    for table in names {
        let table = table.unwrap();
        let mut all = file.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = all.column_count();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let is_here = (0..columns).any(|column| match row.get_ref(column).unwrap() {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => holds(bytes, text),
                _ => false,
            });
            if is_here {
                found.push(format!("table {table}"));
            }
        }
    }
    found
}

/// Returns the free pages of the SQLite file that have anything.
pub(super) fn in_free_pages(folder: &Path) -> Vec<String> {
    // What was written since is in the log; all of it belongs into the file.
    let file = rusqlite::Connection::open(folder.join("mini-sentry.db")).unwrap();
    let write_back = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy = file.query_row(write_back, [], |row| row.get::<_, bool>(0));
    if is_busy.unwrap() {
        return vec!["the log is being read".to_owned()];
    }
    let bytes = fs::read(folder.join("mini-sentry.db")).unwrap();
    let number = |bytes: &[u8], at: usize| -> usize {
        let four = bytes[at..at + 4].try_into().unwrap();
        usize::try_from(u32::from_be_bytes(four)).unwrap()
    };
    let size = usize::from(u16::from_be_bytes(bytes[16..18].try_into().unwrap()));
    let page = |number: usize| &bytes[(number - 1) * size..number * size];
    let mut found = Vec::new();
    let mut trunk = number(&bytes, 32);
    while trunk != 0 {
        let content = page(trunk);
        let leaves = number(content, 4);
        for leaf in 0..leaves {
            let leaf = number(content, 8 + leaf * 4);
            if page(leaf).iter().any(|byte| *byte != 0) {
                found.push(format!("free page {leaf}"));
            }
        }
        trunk = number(content, 0);
    }
    found
}

/// Returns the tables of the PostgreSQL database that have the text.
pub(super) async fn in_postgres(uri: &str, text: &str) -> Vec<String> {
    let (client, driver) = tokio_postgres::connect(uri, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(driver);
    let columns = "SELECT table_name::text, column_name::text, data_type::text \
        FROM information_schema.columns WHERE table_schema = 'mini_sentry'";
    let mut found = Vec::new();
    for column in client.query(columns, &[]).await.unwrap() {
        let (table, name, kind): (String, String, String) =
            (column.get(0), column.get(1), column.get(2));
        let value = match kind.as_str() {
            "bytea" => format!("\"{name}\""),
            _ => format!("convert_to(\"{name}\"::text, 'UTF8')"),
        };
        let select =
            format!("SELECT {value} FROM mini_sentry.{table} WHERE \"{name}\" IS NOT NULL");
        // A table may go while we look.
        let rows = client.query(&select, &[]).await.unwrap_or_default();
        if rows.iter().any(|row| holds(row.get(0), text)) {
            found.push(format!("table {table}, {name}"));
        }
    }
    found
}
