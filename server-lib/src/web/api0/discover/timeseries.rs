//! Series as the newer of the two shapes has them: a list of lines with their values.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::READ;
use super::series::{Chart, Lane, chart};
use crate::model::time::Millis;
use crate::state::AppState;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Names, Pairs};

pub(super) async fn show(
    State(state): State<AppState>,
    caller: Access,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    caller.organisation(&organisation)?;
    let chart = chart(&state, &caller, &query, "groupBy").await?;
    let mut lines = Vec::new();
    for (order, lane) in chart.lanes.iter().enumerate() {
        for nth in 0..chart.axes.len() {
            lines.extend(line(&chart, lane, nth, order));
        }
    }
    let times = chart.series.times();
    Ok(Json(json!({
        "meta": {
            "dataset": chart.dataset,
            "start": times.start().0,
            "end": times.end().plus(1).0,
            "dataScanned": if chart.is_incomplete { "partial" } else { "full" },
        },
        "timeSeries": lines,
    })))
}

/// Shows one axis of a line.
fn line(chart: &Chart, lane: &Lane, nth: usize, order: usize) -> Option<Value> {
    let (axis, values) = chart.axes.get(nth).zip(lane.values.get(nth))?;
    let value = |(at, value): (Millis, &Value)| {
        let is_open = at.plus(chart.series.step()) > chart.now;
        json!({ "timestamp": at.0, "value": value, "incomplete": is_open })
    };
    let values: Vec<Value> = chart.series.starts().zip(values).map(value).collect();
    let group = lane.group.iter();
    let group: Vec<Value> = group
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect();
    Some(json!({
        "yAxis": axis.name,
        "groupBy": chart.is_of_rows.then_some(group),
        "values": values,
        "meta": {
            "valueType": axis.kind(),
            "valueUnit": axis.unit(),
            "interval": chart.series.step(),
            "order": order,
            "isOther": lane.is_other,
        },
    }))
}
