//! The container that logs, metrics and newer spans travel in.

use std::marker::PhantomData;

use serde::de::{Deserializer, MapAccess};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::protocol::lenient::{Key, Lenient, Notes, Object, Seed};
use crate::protocol::shape::{Shape, read_shape};

/// Many things of one kind: `{"items": [...]}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Items<T> {
    /// The things.
    pub items: Vec<T>,
    /// Keys beside `items`, kept as they came.
    pub other: Object,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            other: Object::new(),
        }
    }
}

impl<T> From<Vec<T>> for Items<T> {
    fn from(items: Vec<T>) -> Self {
        Self {
            items,
            other: Object::new(),
        }
    }
}

impl<T: Serialize> Serialize for Items<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("items", &self.items)?;
        for (key, value) in &self.other {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<T: Lenient> Lenient for Items<T> {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Self>, D::Error> {
        read_shape(input, ItemsShape(PhantomData), notes)
    }
}

struct ItemsShape<T>(PhantomData<T>);

impl<'de, T: Lenient> Shape<'de> for ItemsShape<T> {
    type Out = Items<T>;

    fn object<A: MapAccess<'de>>(
        self,
        mut map: A,
        notes: &mut Notes,
    ) -> Result<Items<T>, A::Error> {
        let mut out = Items::default();
        while let Some(Key(key)) = map.next_key::<Key<'_>>()? {
            if key == "items" {
                let items = notes.below("items", |notes| {
                    map.next_value_seed(Seed::<Vec<T>>::new(notes))
                })?;
                out.items = items.unwrap_or_default();
            } else {
                out.other.insert(key.into_owned(), map.next_value()?);
            }
        }
        Ok(out)
    }
}
