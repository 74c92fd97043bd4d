//! JSON at random that looks like an event: known names, and values of any type.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Names that the model knows at some level, old names included.
const NAMES: &[&str] = &[
    "event_id",
    "type",
    "level",
    "timestamp",
    "platform",
    "logger",
    "transaction",
    "culprit",
    "server_name",
    "release",
    "dist",
    "environment",
    "fingerprint",
    "message",
    "logentry",
    "formatted",
    "params",
    "exception",
    "values",
    "value",
    "module",
    "thread_id",
    "mechanism",
    "handled",
    "exception_id",
    "meta",
    "data",
    "stacktrace",
    "raw_stacktrace",
    "frames",
    "frames_omitted",
    "registers",
    "function",
    "filename",
    "lineno",
    "colno",
    "pre_context",
    "in_app",
    "vars",
    "instruction_addr",
    "lock",
    "threads",
    "id",
    "name",
    "crashed",
    "current",
    "held_locks",
    "breadcrumbs",
    "category",
    "user",
    "username",
    "ip_address",
    "geo",
    "city",
    "request",
    "url",
    "method",
    "query_string",
    "headers",
    "cookies",
    "env",
    "contexts",
    "os",
    "runtime",
    "device",
    "app",
    "browser",
    "trace",
    "response",
    "trace_id",
    "span_id",
    "op",
    "status",
    "status_code",
    "app_start_time",
    "tags",
    "extra",
    "modules",
    "debug_meta",
    "images",
    "image_addr",
    "image_size",
    "sdk_info",
    "sdk",
    "version",
    "integrations",
    "packages",
    "errors",
    "sentry.interfaces.Exception",
    "sentry.interfaces.Http",
    "spans",
    "measurements",
    "unit",
    "start_timestamp",
    "sid",
    "did",
    "init",
    "seq",
    "started",
    "duration",
    "attrs",
    "aggregates",
    "exited",
    "items",
    "attributes",
    "body",
    "severity_number",
    "links",
    "monitor_slug",
    "check_in_id",
    "monitor_config",
    "schedule",
    "discarded_events",
    "quantity",
    "key",
    "_meta",
];

/// Texts that some field takes.
const TEXTS: &[&str] = &[
    "",
    "error",
    "WARN",
    "log",
    "ok",
    "internal",
    "crashed",
    "2023-11-14T22:13:20.5Z",
    "1700000000.25",
    "0x7f00",
    "12",
    "fc6d8c0c-43fc-4630-ad85-0ee518f1b9d0",
    "e9c0f0f2b7a1d3c5",
    "a=1&b=2",
    "\u{fffd}\u{0}\n",
    "crontab",
    "string",
    "NaN",
];

pub(super) fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => select(NAMES).prop_map(str::to_owned),
        1 => ".{0,6}",
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-3_i64..2_000_000_000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0.0..2e9).prop_map(Value::from),
        select(TEXTS).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ]
}

/// Any JSON value.
pub(super) fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(6, 96, 8, |inner| {
        let pair = (key(), inner.clone()).prop_map(|(key, value)| json!([key, value]));
        prop_oneof![
            2 => vec(inner.clone(), 0..6).prop_map(Value::from),
            1 => vec(pair, 0..6).prop_map(Value::from),
            4 => btree_map(key(), inner, 0..8).prop_map(to_object),
        ]
    })
}

/// Any JSON object.
pub(crate) fn object() -> impl Strategy<Value = Value> {
    btree_map(key(), value(), 0..16).prop_map(to_object)
}

fn to_object(map: std::collections::BTreeMap<String, Value>) -> Value {
    Value::Object(map.into_iter().collect::<Map<_, _>>())
}
