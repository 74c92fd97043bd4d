//! Reading objects and lists of any shape without ever failing on the wrong one.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::limits;
use crate::protocol::lenient::{Any, Key, Lenient, Map, Notes, Object, Seed};

/// What an interface read finds instead of, or as, its object.
pub(crate) trait Shape<'de>: Sized {
    type Out;

    fn object<A: MapAccess<'de>>(self, map: A, notes: &mut Notes) -> Result<Self::Out, A::Error>;

    fn list<A: SeqAccess<'de>>(
        self,
        mut seq: A,
        notes: &mut Notes,
    ) -> Result<Option<Self::Out>, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        notes.invalid(Value::Array(list));
        Ok(None)
    }

    fn scalar(self, any: Any<'de>, notes: &mut Notes) -> Option<Self::Out> {
        if !matches!(any, Any::Null) {
            notes.invalid(any.into_value());
        }
        None
    }
}

/// Reads any JSON value into a [`Shape`].
pub(crate) fn read_shape<'de, D: Deserializer<'de>, S: Shape<'de>>(
    input: D,
    shape: S,
    notes: &mut Notes,
) -> Result<Option<S::Out>, D::Error> {
    input.deserialize_any(ShapeVisitor { shape, notes })
}

struct ShapeVisitor<'n, S> {
    shape: S,
    notes: &'n mut Notes,
}

impl<'de, S: Shape<'de>> Visitor<'de> for ShapeVisitor<'_, S> {
    type Value = Option<S::Out>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.shape.object(map, self.notes).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        self.shape.list(seq, self.notes)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.shape.scalar(Any::Null, self.notes))
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(self.shape.scalar(Any::Null, self.notes))
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(self.shape.scalar(Any::Bool(value), self.notes))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(self.shape.scalar(Any::Unsigned(value), self.notes))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(self.shape.scalar(Any::Signed(value), self.notes))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(self.shape.scalar(Any::Float(value), self.notes))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(self
            .shape
            .scalar(Any::Text(Cow::Borrowed(value)), self.notes))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(self
            .shape
            .scalar(Any::Text(Cow::Owned(value.to_owned())), self.notes))
    }
}

/// Reads the elements of a list, bounded; a null element is left out.
pub(crate) fn read_elements<'de, T: Lenient, A: SeqAccess<'de>>(
    seq: A,
    notes: &mut Notes,
) -> Result<Vec<T>, A::Error> {
    let mut list = Vec::new();
    each_element(seq, limits::MAX_LIST_ITEMS, notes, |element, _| {
        list.extend(element);
    })?;
    Ok(list)
}

/// Reads the elements of a list where their places matter, so that a null stays.
pub(crate) fn read_positions<'de, A: SeqAccess<'de>>(
    seq: A,
    notes: &mut Notes,
) -> Result<Vec<Value>, A::Error> {
    let mut list = Vec::new();
    each_element(seq, limits::MAX_LIST_ITEMS, notes, |element, _| {
        list.push(element.unwrap_or_default());
    })?;
    Ok(list)
}

/// Reads the elements of a list one by one, at most so many, and passes over the others.
pub(crate) fn each_element<'de, T: Lenient, A: SeqAccess<'de>>(
    mut seq: A,
    at_most: usize,
    notes: &mut Notes,
    mut take: impl FnMut(Option<T>, &mut Notes),
) -> Result<(), A::Error> {
    for index in 0..at_most {
        if !notes.afford(size_of::<T>()) {
            break;
        }
        match notes.below(index, |notes| seq.next_element_seed(Seed::<T>::new(notes)))? {
            None => return Ok(()),
            Some(element) => notes.below(index, |notes| take(element, notes)),
        }
    }
    if seq.next_element::<IgnoredAny>()?.is_some() {
        notes.too_many();
        while seq.next_element::<IgnoredAny>()?.is_some() {}
    }
    Ok(())
}

/// Reads the entries of a map, bounded; a null value is left out.
pub(crate) fn read_entries<'de, T: Lenient, A: MapAccess<'de>>(
    mut map: A,
    notes: &mut Notes,
    mut keep: impl FnMut(String, T),
) -> Result<(), A::Error> {
    let mut count = 0_usize;
    while let Some(Key(key)) = map.next_key::<Key<'_>>()? {
        count = count.saturating_add(1);
        if count > limits::MAX_MAP_ENTRIES || !notes.afford(size_of::<T>()) {
            notes.too_many();
            map.next_value::<IgnoredAny>()?;
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            break;
        }
        let value = notes.below(&key, |notes| map.next_value_seed(Seed::<T>::new(notes)))?;
        if let Some(value) = value {
            keep(key.into_owned(), value);
        }
    }
    Ok(())
}

struct ListShape<T>(PhantomData<T>);

impl<'de, T: Lenient> Shape<'de> for ListShape<T> {
    type Out = Vec<T>;

    fn object<A: MapAccess<'de>>(self, mut map: A, notes: &mut Notes) -> Result<Vec<T>, A::Error> {
        let mut object = Object::new();
        while let Some((key, value)) = map.next_entry()? {
            object.insert(key, value);
        }
        notes.invalid(Value::Object(object));
        Ok(Vec::new())
    }

    fn list<A: SeqAccess<'de>>(
        self,
        seq: A,
        notes: &mut Notes,
    ) -> Result<Option<Vec<T>>, A::Error> {
        read_elements(seq, notes).map(Some)
    }
}

impl<T: Lenient> Lenient for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Self>, D::Error> {
        read_shape(input, ListShape(PhantomData), notes)
    }
}

struct MapShape<T>(PhantomData<T>);

impl<'de, T: Lenient> Shape<'de> for MapShape<T> {
    type Out = Map<String, T>;

    fn object<A: MapAccess<'de>>(self, map: A, notes: &mut Notes) -> Result<Self::Out, A::Error> {
        let mut out = Map::new();
        read_entries(map, notes, |key, value| {
            out.insert(key, value);
        })?;
        Ok(out)
    }
}

impl<T: Lenient> Lenient for Map<String, T> {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Self>, D::Error> {
        read_shape(input, MapShape(PhantomData), notes)
    }
}
