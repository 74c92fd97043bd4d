//! Series as the older of the two shapes has them: pairs of seconds and numbers.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::READ;
use super::answer::meta;
use super::series::{Chart, Lane, chart, label};
use crate::model::time::Millis;
use crate::state::AppState;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Names, Pairs};

/// What is in no other line.
const OTHER: &str = "Other";

pub(super) async fn show(
    State(state): State<AppState>,
    caller: Access,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    caller.organisation(&organisation)?;
    let chart = chart(&state, &caller, &query, "field").await?;
    if !chart.is_of_rows {
        return Ok(Json(match chart.lanes.first() {
            None => one(&chart, &[], None),
            Some(lane) => axes(&chart, lane, None),
        }));
    }
    let mut shown = Map::new();
    for (order, lane) in chart.lanes.iter().enumerate() {
        let name = match lane.is_other {
            true => OTHER.to_owned(),
            false => label(&lane.group),
        };
        shown.insert(name, axes(&chart, lane, Some(order)));
    }
    Ok(Json(Value::Object(shown)))
}

/// Shows a line: its only axis, or each by name.
fn axes(chart: &Chart, lane: &Lane, order: Option<usize>) -> Value {
    if let [values] = lane.values.as_slice() {
        return one(chart, values, order);
    }
    let mut shown = Map::new();
    for (nth, (axis, values)) in chart.axes.iter().zip(&lane.values).enumerate() {
        shown.insert(axis.name.clone(), one(chart, values, Some(nth)));
    }
    if let Some(order) = order {
        shown.insert("order".to_owned(), json!(order));
    }
    Value::Object(shown)
}

fn one(chart: &Chart, values: &[Value], order: Option<usize>) -> Value {
    let seconds = |at: Millis| at.0.div_euclid(1000);
    let pair = |(at, value): (Millis, &Value)| json!([seconds(at), [{ "count": value }]]);
    let data: Vec<Value> = chart.series.starts().zip(values).map(pair).collect();
    let times = chart.series.times();
    let mut shown = json!({
        "data": data,
        "start": seconds(*times.start()),
        "end": seconds(times.end().plus(1)),
        "isMetricsData": false,
        "meta": meta(chart.axes.iter(), &chart.dataset, chart.is_incomplete),
    });
    if let (Some(order), Value::Object(shown)) = (order, &mut shown) {
        shown.insert("order".to_owned(), json!(order));
    }
    shown
}
