//! Ordered pairs of text, as request headers, cookies and query strings come.

use serde::de::{Deserializer, MapAccess, SeqAccess};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::protocol::lenient::{Any, Field, Lenient, Notes, Sparse, scalar_text};
use crate::protocol::shape::{Shape, read_entries, read_shape};
use crate::protocol::tags::each_pair;

/// Pairs in their order, or the text that they were not yet split from.
///
/// Reads a map, a list of pairs, or text. Writes a map; where a key repeats, a list of pairs.
#[derive(Clone, Debug, PartialEq)]
pub enum Pairs {
    /// As one text, such as `a=1&b=2`.
    Text(String),
    /// As pairs.
    List(Vec<(String, String)>),
}

impl Default for Pairs {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Pairs {
    /// The first value of a key; case does not matter. Text is not searched.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        match self {
            Self::Text(_) => None,
            Self::List(list) => list
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(key))
                .map(|(_, value)| value.as_str()),
        }
    }

    /// Adds a pair; text stays as it is.
    pub fn push(&mut self, key: impl Into<String>, value: impl Into<String>) {
        if let Self::List(list) = self {
            list.push((key.into(), value.into()));
        }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Pairs {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self::List(
            pairs
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let list = match self {
            Self::Text(text) => return serializer.serialize_str(text),
            Self::List(list) => list,
        };
        let mut keys: Vec<&str> = list.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return serializer.collect_seq(list);
        }
        let mut map = serializer.serialize_map(Some(list.len()))?;
        for (key, value) in list {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl Field for Pairs {
    fn fill<'de, D: Deserializer<'de>>(
        &mut self,
        input: D,
        notes: &mut Notes,
    ) -> Result<(), D::Error> {
        if let Some(pairs) = read_shape(input, PairsShape, notes)? {
            *self = pairs;
        }
        Ok(())
    }
}

impl Sparse for Pairs {
    fn is_absent(&self) -> bool {
        matches!(self, Self::List(list) if list.is_empty())
    }
}

struct PairsShape;

impl<'de> Shape<'de> for PairsShape {
    type Out = Pairs;

    fn object<A: MapAccess<'de>>(self, map: A, notes: &mut Notes) -> Result<Pairs, A::Error> {
        let mut list = Vec::new();
        read_entries(map, notes, |key, Several(values)| {
            for value in values {
                list.push((key.clone(), value));
            }
        })?;
        Ok(Pairs::List(list))
    }

    fn list<A: SeqAccess<'de>>(self, seq: A, notes: &mut Notes) -> Result<Option<Pairs>, A::Error> {
        let mut list = Vec::new();
        each_pair(seq, notes, |key, any, notes| {
            for text in several(any, notes) {
                list.push((key.clone(), text));
            }
        })?;
        Ok(Some(Pairs::List(list)))
    }

    fn scalar(self, any: Any<'de>, notes: &mut Notes) -> Option<Pairs> {
        match any {
            Any::Null => None,
            Any::Text(text) => Some(Pairs::Text(text.into_owned())),
            other => {
                notes.invalid(other.into_value());
                None
            }
        }
    }
}

/// The values of one key: one scalar, or a list of them.
struct Several(Vec<String>);

impl Lenient for Several {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Self>, D::Error> {
        Ok(Some(Self(several(Any::read(input)?, notes))))
    }
}

fn several(any: Any<'_>, notes: &mut Notes) -> Vec<String> {
    match any {
        Any::Null => vec![String::new()],
        Any::Nested(Value::Array(list)) if list.is_empty() => vec![String::new()],
        Any::Nested(Value::Array(list)) => list
            .into_iter()
            .filter_map(|value| scalar_text(Any::from_value(value), notes))
            .collect(),
        scalar => scalar_text(scalar, notes).into_iter().collect(),
    }
}
