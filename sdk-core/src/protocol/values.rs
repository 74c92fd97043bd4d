//! Lists that the protocol wraps as `{"values": [...]}`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde::de::{Deserializer, Error, MapAccess, SeqAccess};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::protocol::lenient::{Field, Key, Lenient, Notes, Object, Seed, Sparse};
use crate::protocol::shape::{Shape, read_elements, read_shape};

/// A list that reads from an array or from `{"values": [...]}`, and writes the latter.
#[derive(Clone, PartialEq)]
pub struct Values<T> {
    /// The elements.
    pub values: Vec<T>,
    /// Keys beside `values`, kept as they came.
    pub other: Object,
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            other: Object::new(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Values<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.values.fmt(f)
    }
}

impl<T> Deref for Values<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.values
    }
}

impl<T> DerefMut for Values<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.values
    }
}

impl<T> From<Vec<T>> for Values<T> {
    fn from(values: Vec<T>) -> Self {
        Self {
            values,
            other: Object::new(),
        }
    }
}

impl<T> FromIterator<T> for Values<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        values.into_iter().collect::<Vec<_>>().into()
    }
}

impl<T> IntoIterator for Values<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Values<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.iter()
    }
}

impl<T: Serialize> Serialize for Values<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("values", &self.values)?;
        for (key, value) in &self.other {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<T> Sparse for Values<T> {
    fn is_absent(&self) -> bool {
        self.values.is_empty() && self.other.is_empty()
    }
}

struct ValuesShape<T>(PhantomData<T>);

impl<'de, T: Lenient> Shape<'de> for ValuesShape<T> {
    type Out = Values<T>;

    fn object<A: MapAccess<'de>>(
        self,
        mut map: A,
        notes: &mut Notes,
    ) -> Result<Values<T>, A::Error> {
        let mut out = Values::default();
        let mut wrapped = false;
        while let Some(Key(key)) = map.next_key::<Key<'_>>()? {
            if key == "values" {
                wrapped = true;
                let values = notes.below("values", |notes| {
                    map.next_value_seed(Seed::<Vec<T>>::new(notes))
                })?;
                out.values = values.unwrap_or_default();
            } else {
                out.other.insert(key.into_owned(), map.next_value()?);
            }
        }
        if !wrapped && !out.other.is_empty() {
            let lone = std::mem::take(&mut out.other);
            let read =
                |notes: &mut Notes| notes.below(0, |notes| T::read(Value::Object(lone), notes));
            let one = notes.below("values", read).map_err(A::Error::custom)?;
            out.values = one.into_iter().collect();
        }
        Ok(out)
    }

    fn list<A: SeqAccess<'de>>(
        self,
        seq: A,
        notes: &mut Notes,
    ) -> Result<Option<Values<T>>, A::Error> {
        // The path is that of the written form, so that a reader finds the place.
        notes
            .below("values", |notes| read_elements(seq, notes))
            .map(|values| Some(values.into()))
    }
}

impl<T: Lenient> Field for Values<T> {
    fn fill<'de, D: Deserializer<'de>>(
        &mut self,
        input: D,
        notes: &mut Notes,
    ) -> Result<(), D::Error> {
        if let Some(values) = read_shape(input, ValuesShape(PhantomData), notes)? {
            *self = values;
        }
        Ok(())
    }
}
