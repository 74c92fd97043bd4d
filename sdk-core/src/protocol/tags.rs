//! Tags: three forms in, one map out.

use serde::de::{Deserializer, MapAccess, SeqAccess};
use serde_json::Value;

use crate::limits;
use crate::protocol::lenient::{Any, Form, Map, Notes, Object, Text, scalar_text};
use crate::protocol::shape::{Shape, each_element, read_entries, read_shape};

/// Reads a map, a list of pairs or a list of `{"key", "value"}`; null values are left out.
pub(crate) struct TagsForm;

impl Form<Map<String, String>> for TagsForm {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Map<String, String>>, D::Error> {
        read_shape(input, TagsShape, notes)
    }
}

struct TagsShape;

impl<'de> Shape<'de> for TagsShape {
    type Out = Map<String, String>;

    fn object<A: MapAccess<'de>>(self, map: A, notes: &mut Notes) -> Result<Self::Out, A::Error> {
        let mut tags = Map::new();
        read_entries(map, notes, |key, Text(value)| {
            tags.insert(key, value);
        })?;
        Ok(tags)
    }

    fn list<A: SeqAccess<'de>>(
        self,
        seq: A,
        notes: &mut Notes,
    ) -> Result<Option<Self::Out>, A::Error> {
        let mut tags = Map::new();
        each_pair(seq, notes, |key, any, notes| {
            if let Some(text) = scalar_text(any, notes) {
                tags.insert(key, text);
            }
        })?;
        Ok(Some(tags))
    }
}

/// Reads a list of pairs, bounded like a map; what is no pair is noted, and null passed over.
pub(crate) fn each_pair<'de, A: SeqAccess<'de>>(
    seq: A,
    notes: &mut Notes,
    mut take: impl FnMut(String, Any<'de>, &mut Notes),
) -> Result<(), A::Error> {
    each_element(seq, limits::MAX_MAP_ENTRIES, notes, |pair, notes| {
        let Some(pair) = pair else {
            return;
        };
        match split_pair(pair) {
            Ok((key, value, rest)) => {
                take(key, Any::from_value(value), notes);
                if !rest.is_empty() {
                    notes.invalid(Value::Object(rest));
                }
            }
            Err(other) => notes.invalid(other),
        }
    })
}

/// Takes a pair apart, written as a list of two or as `key` (or `name`) and `value`. Returns
/// what else an object holds too.
fn split_pair(pair: Value) -> Result<(String, Value, Object), Value> {
    match pair {
        Value::Array(mut list) => match list.as_mut_slice() {
            [Value::String(key), value] => Ok((std::mem::take(key), value.take(), Object::new())),
            _ => Err(Value::Array(list)),
        },
        Value::Object(mut object) => {
            let key = ["key", "name"]
                .into_iter()
                .find(|name| object.get(*name).is_some_and(Value::is_string));
            match key.and_then(|name| object.remove(name)) {
                Some(Value::String(key)) => {
                    let value = object.remove("value").unwrap_or_default();
                    Ok((key, value, object))
                }
                _ => Err(Value::Object(object)),
            }
        }
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use crate::limits;
    use crate::protocol::Event;
    use serde_json::{Value, json};

    fn read(tags: &Value) -> Value {
        let event = json!({ "tags": tags }).to_string();
        serde_json::to_value(Event::from_json(event.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_is_no_pair_is_noted_whole() {
        for odd in [
            json!({"value": "x"}),
            json!({"key": 1, "value": "b"}),
            json!(["a"]),
            json!(["a", "b", "c"]),
            json!([1, "b"]),
            json!("a"),
        ] {
            let event = read(&json!([["kept", "x"], null, odd]));
            assert_eq!(event["tags"], json!({"kept": "x"}), "{odd}");
            assert_eq!(event["errors"][0]["name"], "tags.2", "{odd}");
            assert_eq!(event["errors"][0]["value"], odd);
        }
    }

    #[test]
    fn what_stands_beside_a_pair_is_noted() {
        let event = read(&json!([{"key": "a", "value": "b", "more": 1}]));
        assert_eq!(event["tags"], json!({"a": "b"}));
        assert_eq!(event["errors"][0]["value"], json!({"more": 1}));
    }

    #[test]
    fn pairs_over_the_limit_are_left_out_with_a_note() {
        let pairs: Vec<_> = (0..limits::MAX_MAP_ENTRIES + 1)
            .map(|n| json!([n.to_string(), "x"]))
            .collect();
        let event = read(&pairs.into());
        assert_eq!(
            event["tags"].as_object().unwrap().len(),
            limits::MAX_MAP_ENTRIES
        );
        assert_eq!(
            event["errors"],
            json!([{"type": "too_many_items", "name": "tags"}])
        );
    }
}
