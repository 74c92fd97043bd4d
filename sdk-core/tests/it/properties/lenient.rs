//! Lenient reading: of any JSON object, of unknown fields and of wrong types at any level.

use std::sync::LazyLock;

use mini_sentry::limits;
use mini_sentry::protocol::Event;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::json;
use crate::{fuzz_targets, golden};

/// Fields whose values stay as they are, so that any type is right below them.
const FREE_FORM: &[&str] = &[
    "extra",
    "vars",
    "data",
    "env",
    "meta",
    "params",
    "sdk_info",
    "future",
    "future_number",
    "_meta",
    "order",
    "lock",
    "errors",
];
/// Maps whose values are texts, so that an unknown key is no unknown field.
const TEXT_MAPS: &[&str] = &[
    "tags",
    "modules",
    "headers",
    "cookies",
    "query_string",
    "registers",
];

/// Events as their vectors say they are written, those without notes.
static WRITTEN: LazyLock<Vec<Value>> = LazyLock::new(|| {
    golden::names("events", ".out.json", 44)
        .iter()
        .map(|name| golden::bytes(&format!("events/{name}.out.json")))
        .map(|bytes| serde_json::from_slice(&bytes).unwrap())
        .filter(|event: &Value| event.get("errors").is_none())
        .collect()
});

/// Every typed value that is no list or object: its event, and where it stands.
static SCALARS: LazyLock<Vec<(&Value, String)>> = LazyLock::new(|| {
    let is_scalar = |_: &str, value: &Value| !value.is_object() && !value.is_array();
    let of_event = |event| {
        let places = pointers(event, is_scalar).into_iter();
        places.map(move |place| (event, place))
    };
    WRITTEN.iter().flat_map(of_event).collect()
});

fn read(event: &Value) -> Value {
    let event = Event::from_json(event.to_string().as_bytes()).unwrap();
    serde_json::to_value(event).unwrap()
}

/// Pointers to all values below that `wanted` takes, free-form parts left out.
fn pointers(value: &Value, wanted: fn(&str, &Value) -> bool) -> Vec<String> {
    fn walk(value: &Value, path: &str, wanted: fn(&str, &Value) -> bool, out: &mut Vec<String>) {
        let name = path.rsplit('/').next().unwrap_or_default();
        if FREE_FORM.contains(&name) || TEXT_MAPS.contains(&name) {
            return;
        }
        if wanted(name, value) {
            out.push(path.to_owned());
        }
        match value {
            Value::Array(list) => {
                for (index, value) in list.iter().enumerate() {
                    walk(value, &format!("{path}/{index}"), wanted, out);
                }
            }
            Value::Object(object) => {
                for (key, value) in object {
                    walk(value, &format!("{path}/{key}"), wanted, out);
                }
            }
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk(value, "", wanted, &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_object_reads_and_settles(object in json::object()) {
        let text = object.to_string();
        prop_assert!(Event::from_json(text.as_bytes()).is_ok());
        fuzz_targets::event(text.as_bytes());
    }

    #[test]
    fn any_value_reads_or_is_refused(value in json::value()) {
        let text = value.to_string();
        let refused = Event::from_json(text.as_bytes()).err().map(|error| error.code());
        prop_assert_eq!(refused, (!value.is_object()).then_some("not_an_object"));
    }

    #[test]
    fn an_unknown_field_survives_at_any_level(
        which in any::<Index>(),
        place in any::<Index>(),
        key in "x[a-z]{0,4}",
        value in json::value(),
    ) {
        let mut event = WRITTEN[which.index(WRITTEN.len())].clone();
        // A null context is no context; other nulls stay.
        let places = pointers(&event, |name, value| value.is_object() && name != "contexts");
        let place = &places[place.index(places.len())];
        event.pointer_mut(place).unwrap()[key] = value;
        prop_assert_eq!(read(&event), event);
    }

    #[test]
    fn a_wrong_type_is_noted_where_it_stood_and_harms_nothing_else(which in any::<Index>()) {
        let (event, place) = &SCALARS[which.index(SCALARS.len())];
        let mut event = (*event).clone();
        let wrong = json!([{"wrong": 1}]);
        *event.pointer_mut(place).unwrap() = wrong.clone();
        let found = read(&event);
        // What does not fit is gone from its place, and its note says where that was.
        let (parent, name) = place.rsplit_once('/').unwrap();
        match event.pointer_mut(parent).unwrap() {
            Value::Object(parent) => drop(parent.remove(name)),
            Value::Array(parent) => drop(parent.remove(name.parse().unwrap())),
            _ => unreachable!("a parent holds its child"),
        }
        event["errors"] = json!([{
            "type": "invalid_data",
            "name": place.trim_start_matches('/').replace('/', "."),
            "value": wrong,
        }]);
        prop_assert_eq!(without_empty(found), without_empty(event));
    }

    #[test]
    fn notes_stay_within_their_limit(length in 0..200_usize) {
        let wrong = vec![json!([1]); length];
        let event = read(&json!({ "fingerprint": wrong }));
        let notes = event["errors"].as_array().map_or(0, Vec::len);
        prop_assert_eq!(notes, length.min(limits::MAX_NOTES));
    }
}

#[test]
fn lists_and_maps_keep_what_their_limits_allow() {
    for length in [0, 1, 999, 1_000, 1_001, 9_999, 10_000, 10_001, 30_000] {
        let texts: Vec<String> = (0..length).map(|n| n.to_string()).collect();
        let tags: serde_json::Map<_, _> = texts.iter().map(|t| (t.clone(), json!("x"))).collect();
        let event = read(&json!({"fingerprint": texts, "tags": tags, "modules": tags}));
        let count = |key: &str| match &event[key] {
            Value::Array(list) => list.len(),
            Value::Object(object) => object.len(),
            _ => 0,
        };
        assert_eq!(count("fingerprint"), length.min(limits::MAX_LIST_ITEMS));
        assert_eq!(count("tags"), length.min(limits::MAX_MAP_ENTRIES));
        assert_eq!(count("modules"), length.min(limits::MAX_MAP_ENTRIES));
        let is_list_cut = length > limits::MAX_LIST_ITEMS;
        let is_map_cut = length > limits::MAX_MAP_ENTRIES;
        let notes = usize::from(is_list_cut) + 2 * usize::from(is_map_cut);
        assert_eq!(count("errors"), notes, "notes of {length}");
    }
}

/// Without the objects and lists that the removal left empty.
fn without_empty(value: Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    };
    match value {
        Value::Array(list) => list.into_iter().map(without_empty).collect(),
        Value::Object(object) => object
            .into_iter()
            .map(|(key, value)| (key, without_empty(value)))
            .filter(|(_, value)| !is_empty(value))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        scalar => scalar,
    }
}
