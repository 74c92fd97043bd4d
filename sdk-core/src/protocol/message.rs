//! Messages: plain text, or a template with its parameters.

use serde::de::{MapAccess, SeqAccess};
use serde::{Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::protocol::interface::interface;
use crate::protocol::lenient::{Any, Field, Lenient, Notes, Object, Sparse};
use crate::protocol::shape::{Shape, read_positions, read_shape};

interface! {
    /// A message with its parameters apart, so that messages group by their template.
    pub struct LogEntry {
        /// The template, such as `user %s is gone`.
        pub message: Option<String>,
        /// The text with the parameters filled in.
        pub formatted: Option<String>,
        /// The parameters.
        pub params: Params,
    }
}

/// A message: plain text, or with its parameters apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Plain text.
    Text(String),
    /// With parameters apart.
    Entry(Box<LogEntry>),
}

impl Message {
    /// The text for people: the formatted one where there is one.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Entry(entry) => entry
                .formatted
                .as_deref()
                .or(entry.message.as_deref())
                .unwrap_or_default(),
        }
    }
}

impl<T: Into<String>> From<T> for Message {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Entry(entry) => entry.serialize(serializer),
        }
    }
}

impl Lenient for Message {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Self>, D::Error> {
        Ok(match Any::read(input)? {
            Any::Null => None,
            Any::Nested(object @ Value::Object(_)) => LogEntry::read(object, notes)
                .ok()
                .flatten()
                .map(|entry| Self::Entry(Box::new(entry))),
            Any::Nested(other) => {
                notes.invalid(other);
                None
            }
            Any::Text(text) => Some(Self::Text(text.into_owned())),
            scalar => Some(Self::Text(scalar.into_value().to_string())),
        })
    }
}

/// What a template is filled with: by place, or by name.
#[derive(Clone, Debug, PartialEq)]
pub enum Params {
    /// By place; a null holds its place.
    List(Vec<Value>),
    /// By name.
    Map(Object),
}

impl Default for Params {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl From<Vec<Value>> for Params {
    fn from(list: Vec<Value>) -> Self {
        Self::List(list)
    }
}

impl From<Object> for Params {
    fn from(map: Object) -> Self {
        Self::Map(map)
    }
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::List(list) => list.serialize(serializer),
            Self::Map(map) => map.serialize(serializer),
        }
    }
}

impl Sparse for Params {
    fn is_absent(&self) -> bool {
        match self {
            Self::List(list) => list.is_empty(),
            Self::Map(map) => map.is_empty(),
        }
    }
}

impl Field for Params {
    fn fill<'de, D: Deserializer<'de>>(
        &mut self,
        input: D,
        notes: &mut Notes,
    ) -> Result<(), D::Error> {
        if let Some(params) = read_shape(input, ParamsShape, notes)? {
            *self = params;
        }
        Ok(())
    }
}

struct ParamsShape;

impl<'de> Shape<'de> for ParamsShape {
    type Out = Params;

    fn object<A: MapAccess<'de>>(self, mut map: A, _notes: &mut Notes) -> Result<Params, A::Error> {
        let mut object = Object::new();
        while let Some((key, value)) = map.next_entry()? {
            object.insert(key, value);
        }
        Ok(Params::Map(object))
    }

    fn list<A: SeqAccess<'de>>(
        self,
        seq: A,
        notes: &mut Notes,
    ) -> Result<Option<Params>, A::Error> {
        read_positions(seq, notes).map(|list| Some(Params::List(list)))
    }
}

#[cfg(test)]
mod tests {
    use crate::protocol::Event;

    #[test]
    fn parameters_by_place_and_by_name_are_kept_with_their_nulls() {
        for params in [r#"[null,"a",{"b":1}]"#, r#"{"id":7,"name":null}"#] {
            let json = format!(r#"{{"logentry":{{"message":"m","params":{params}}}}}"#);
            let event = Event::from_json(json.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&event).unwrap(), json);
        }
    }
}
