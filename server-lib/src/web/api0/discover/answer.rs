//! Answers as clients decode them: rows with the types of their columns.

use serde_json::{Map, Value, json};

use super::columns::Column;
use crate::web::paging::Cursor;

/// Rows of an answer.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The rows.
    pub(super) data: Vec<Value>,
    /// Whether there may be more to the numbers, because a question may look at so much only.
    pub(super) is_incomplete: bool,
    /// The place behind them.
    pub(super) next: Cursor,
    /// Whether anything may be there.
    pub(super) has_more: bool,
}

/// Tells the types of columns.
pub(super) fn meta<'a>(
    columns: impl Iterator<Item = &'a Column>,
    dataset: &str,
    is_incomplete: bool,
) -> Value {
    let (mut fields, mut units) = (Map::new(), Map::new());
    for column in columns {
        fields.insert(column.name.clone(), json!(column.kind()));
        units.insert(column.name.clone(), json!(column.unit()));
    }
    json!({
        "fields": fields,
        "units": units,
        "dataset": dataset,
        "datasetReason": "unchanged",
        "isMetricsData": false,
        "isMetricsExtractedData": false,
        "tips": { "query": null, "columns": null },
        "dataScanned": if is_incomplete { "partial" } else { "full" },
    })
}
