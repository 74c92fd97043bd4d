//! Tags: three forms in, one map out.

use serde::de::{Deserializer, MapAccess, SeqAccess};
use serde_json::Value;

use crate::limits;
use crate::protocol::lenient::{Any, Form, Map, Notes, Text, scalar_text};
use crate::protocol::shape::{Shape, read_elements, read_entries, read_shape};

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
        let pairs: Vec<Value> = read_elements(seq, notes)?;
        let mut tags = Map::new();
        for (index, pair) in pairs.into_iter().enumerate().take(limits::MAX_MAP_ENTRIES) {
            match split_pair(pair) {
                Ok((_, Value::Null)) => {}
                Ok((Value::String(key), value)) => {
                    let text = notes.below(index, |notes| {
                        let any = Any::from_value(value);
                        scalar_text(any, notes)
                    });
                    if let Some(text) = text {
                        tags.insert(key, text);
                    }
                }
                Ok((key, value)) => {
                    notes.below(index, |notes| notes.invalid(vec![key, value].into()))
                }
                Err(other) => notes.below(index, |notes| notes.invalid(other)),
            }
        }
        Ok(Some(tags))
    }
}

/// Takes a pair apart, written as a list of two or as `key` (or `name`) and `value`.
pub(crate) fn split_pair(pair: Value) -> Result<(Value, Value), Value> {
    match pair {
        Value::Array(list) => <[Value; 2]>::try_from(list)
            .map(|[key, value]| (key, value))
            .map_err(Value::Array),
        Value::Object(mut object) => {
            let name = if object.contains_key("key") {
                "key"
            } else {
                "name"
            };
            match (object.remove(name), object.remove("value")) {
                (Some(key), Some(value)) => Ok((key, value)),
                (Some(key), None) => Ok((key, Value::Null)),
                (None, _) => Err(Value::Object(object)),
            }
        }
        other => Err(other),
    }
}
