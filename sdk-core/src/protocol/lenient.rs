//! Reading that never loses an event over one bad field.
//!
//! Every interface reads itself from any JSON value. What has the wrong type becomes a [`Note`],
//! with its path and the value as it came, and the rest of the event lives. Keys that we do not
//! know are kept in `other`, so that writing an event again loses nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::limits;

/// A JSON object, as free-form fields are kept.
pub type Object = serde_json::Map<String, Value>;

/// A map with text keys, in the order of its keys.
pub type Map<K, V> = BTreeMap<K, V>;

/// One thing that could not be read as the protocol wants it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Note {
    /// Dotted path of the field, such as `exception.values.0.type`.
    pub path: String,
    /// What is wrong: `invalid_data` or `too_many_items`.
    pub kind: &'static str,
    /// The value as it came; none where a list or map was cut, or the value is nested too deeply.
    pub value: Option<Value>,
}

/// Bytes that the elements of all lists and maps of one reading may take in memory, so that
/// many lists of empty objects cannot make a small input large.
const MAX_ELEMENT_BYTES: usize = 32 * 1024 * 1024;
/// Levels of a noted value. Deeper ones could make the whole too deep where it is written.
const MAX_NOTE_DEPTH: usize = 64;

/// The notes of one reading, bounded in number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    entries: Vec<Note>,
    /// Bytes of elements so far.
    element_bytes: usize,
}

impl Notes {
    /// All notes in the order of reading.
    #[must_use]
    pub fn into_vec(self) -> Vec<Note> {
        self.entries
    }

    /// True when everything read as it should.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn invalid(&mut self, value: Value) {
        let value = is_within(&value, MAX_NOTE_DEPTH).then_some(value);
        self.push("invalid_data", value);
    }

    /// Counts one more element of this size; false when there is no room for it.
    pub(crate) fn afford(&mut self, bytes: usize) -> bool {
        self.element_bytes = self.element_bytes.saturating_add(bytes);
        self.element_bytes <= MAX_ELEMENT_BYTES
    }

    pub(crate) fn too_many(&mut self) {
        self.push("too_many_items", None);
    }

    fn push(&mut self, kind: &'static str, value: Option<Value>) {
        if self.entries.len() < limits::MAX_NOTES {
            let path = String::new();
            self.entries.push(Note { path, kind, value });
        }
    }

    /// Runs a read below `segment`, so that its notes carry the path. Costs nothing without notes.
    pub(crate) fn below<T>(
        &mut self,
        segment: impl fmt::Display,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let mark = self.entries.len();
        let out = read(self);
        for note in self.entries.iter_mut().skip(mark) {
            note.path = match note.path.as_str() {
                "" => segment.to_string(),
                rest => format!("{segment}.{rest}"),
            };
        }
        out
    }
}

/// True when the value has at most so many levels.
fn is_within(value: &Value, levels: usize) -> bool {
    let is_inner_within = |inner: &Value| match levels.checked_sub(1) {
        Some(left) => is_within(inner, left),
        None => false,
    };
    match value {
        Value::Array(list) => list.iter().all(is_inner_within),
        Value::Object(object) => object.values().all(is_inner_within),
        _ => true,
    }
}

/// A value that reads itself from any JSON.
pub trait Lenient: Sized {
    /// Reads one value; `None` for null and for what does not fit, which is noted.
    ///
    /// # Errors
    /// Only when the input is not JSON at all.
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Self>, D::Error>;
}

/// A field of an interface: absent by default, filled by a lenient read.
pub trait Field: Default {
    /// Reads into the field; leaves it as it is when the value does not fit.
    ///
    /// # Errors
    /// Only when the input is not JSON at all.
    fn fill<'de, D: Deserializer<'de>>(
        &mut self,
        input: D,
        notes: &mut Notes,
    ) -> Result<(), D::Error>;
}

/// A field that is left out in writing when it holds nothing.
pub trait Sparse {
    /// True when there is nothing to write.
    fn is_absent(&self) -> bool;
}

impl<T> Sparse for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Sparse for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<K, T> Sparse for Map<K, T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Sparse for Object {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Lenient> Field for Option<T> {
    fn fill<'de, D: Deserializer<'de>>(
        &mut self,
        input: D,
        notes: &mut Notes,
    ) -> Result<(), D::Error> {
        if let Some(value) = T::read(input, notes)? {
            *self = Some(value);
        }
        Ok(())
    }
}

impl<T: Lenient> Field for Vec<T> {
    fn fill<'de, D: Deserializer<'de>>(
        &mut self,
        input: D,
        notes: &mut Notes,
    ) -> Result<(), D::Error> {
        if let Some(list) = Self::read(input, notes)? {
            *self = list;
        }
        Ok(())
    }
}

impl<T: Lenient> Field for Map<String, T> {
    fn fill<'de, D: Deserializer<'de>>(
        &mut self,
        input: D,
        notes: &mut Notes,
    ) -> Result<(), D::Error> {
        if let Some(map) = Self::read(input, notes)? {
            *self = map;
        }
        Ok(())
    }
}

impl Field for Object {
    fn fill<'de, D: Deserializer<'de>>(
        &mut self,
        input: D,
        notes: &mut Notes,
    ) -> Result<(), D::Error> {
        if let Some(object) = Self::read(input, notes)? {
            *self = object;
        }
        Ok(())
    }
}

/// A JSON value of any type, with text still borrowed where the input allows it.
pub(crate) enum Any<'de> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Cow<'de, str>),
    Nested(Value),
}

impl Any<'_> {
    pub(crate) fn from_value(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::String(text) => Self::Text(Cow::Owned(text)),
            other => Self::Nested(other),
        }
    }

    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => value.into(),
            Self::Unsigned(value) => value.into(),
            Self::Signed(value) => value.into(),
            Self::Float(value) => value.into(),
            Self::Text(value) => value.into_owned().into(),
            Self::Nested(value) => value,
        }
    }

    pub(crate) fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Any<'de>, D::Error> {
        input.deserialize_any(AnyVisitor)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Any::Null)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Any::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Any::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Any::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(value).map_or(Any::Signed(value), Any::Unsigned))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Any::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Any::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Any::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
        Ok(Any::Text(Cow::Owned(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Any::Nested(Value::Array(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            object.insert(key, value);
        }
        Ok(Any::Nested(Value::Object(object)))
    }
}

/// Implements [`Lenient`] for a type that is made from a scalar, by one function from [`Any`].
macro_rules! lenient_scalar {
    ($ty:ty, |$any:ident| $read:expr) => {
        impl $crate::protocol::lenient::Lenient for $ty {
            fn read<'de, D: serde::Deserializer<'de>>(
                input: D,
                notes: &mut $crate::protocol::lenient::Notes,
            ) -> Result<Option<Self>, D::Error> {
                let $any = $crate::protocol::lenient::Any::read(input)?;
                if matches!($any, $crate::protocol::lenient::Any::Null) {
                    return Ok(None);
                }
                let read: Result<$ty, $crate::protocol::lenient::Any<'_>> = $read;
                match read {
                    Ok(value) => Ok(Some(value)),
                    Err(any) => {
                        notes.invalid(any.into_value());
                        Ok(None)
                    }
                }
            }
        }
    };
}
pub(crate) use lenient_scalar;

lenient_scalar!(String, |any| match any {
    Any::Text(text) => Ok(text.into_owned()),
    other => Err(other),
});
lenient_scalar!(Cow<'static, str>, |any| match any {
    Any::Text(text) => Ok(Cow::Owned(text.into_owned())),
    other => Err(other),
});
lenient_scalar!(bool, |any| match any {
    Any::Bool(value) => Ok(value),
    other => Err(other),
});
lenient_scalar!(u64, |any| match any {
    Any::Unsigned(value) => Ok(value),
    Any::Float(value) => whole(value).ok_or(Any::Float(value)),
    other => Err(other),
});
lenient_scalar!(i64, |any| match any {
    Any::Signed(value) => Ok(value),
    Any::Unsigned(value) => i64::try_from(value).map_err(|_| Any::Unsigned(value)),
    other => Err(other),
});

/// The count that some languages write as `12.0`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range was checked"
)]
fn whole(value: f64) -> Option<u64> {
    let is_exact = (0.0..=9_007_199_254_740_992.0).contains(&value) && value.fract() == 0.0;
    is_exact.then_some(value as u64)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a float is what the protocol asks for here"
)]
mod floats {
    use super::Any;

    lenient_scalar!(f64, |any| match any {
        Any::Float(value) => Ok(value),
        Any::Unsigned(value) => Ok(value as f64),
        Any::Signed(value) => Ok(value as f64),
        other => Err(other),
    });
}

impl Lenient for Value {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        _notes: &mut Notes,
    ) -> Result<Option<Self>, D::Error> {
        Self::deserialize(input).map(|value| (!value.is_null()).then_some(value))
    }
}

impl<T: Lenient> Lenient for Box<T> {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Self>, D::Error> {
        Ok(T::read(input, notes)?.map(Self::new))
    }
}

impl Lenient for Object {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Self>, D::Error> {
        match Any::read(input)? {
            Any::Null => Ok(None),
            Any::Nested(Value::Object(object)) => Ok(Some(object)),
            any => {
                notes.invalid(any.into_value());
                Ok(None)
            }
        }
    }
}

/// Reads a value through [`Lenient`] where serde wants a seed.
pub(crate) struct Seed<'n, T> {
    notes: &'n mut Notes,
    marker: PhantomData<T>,
}

impl<'n, T> Seed<'n, T> {
    pub(crate) fn new(notes: &'n mut Notes) -> Self {
        Self {
            notes,
            marker: PhantomData,
        }
    }
}

impl<'de, T: Lenient> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        T::read(input, self.notes)
    }
}

/// Fills a [`Field`] where serde wants a seed.
pub(crate) struct FieldSeed<'a, F> {
    pub(crate) field: &'a mut F,
    pub(crate) notes: &'a mut Notes,
}

impl<'de, F: Field> DeserializeSeed<'de> for FieldSeed<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        self.field.fill(input, self.notes)
    }
}

/// Another way to read a type than its own, for one field: several forms in, one out.
pub(crate) trait Form<T> {
    fn read<'de, D: Deserializer<'de>>(input: D, notes: &mut Notes) -> Result<Option<T>, D::Error>;
}

/// Fills a field through a [`Form`].
pub(crate) struct FormSeed<'a, T, F> {
    field: &'a mut T,
    notes: &'a mut Notes,
    form: PhantomData<F>,
}

impl<'a, T, F> FormSeed<'a, T, F> {
    pub(crate) fn new(field: &'a mut T, notes: &'a mut Notes) -> Self {
        Self {
            field,
            notes,
            form: PhantomData,
        }
    }
}

impl<'de, T, F: Form<T>> DeserializeSeed<'de> for FormSeed<'_, T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        if let Some(value) = F::read(input, self.notes)? {
            *self.field = value;
        }
        Ok(())
    }
}

/// Text that other scalars are turned into, such as a user id that came as a number.
pub(crate) struct AnyText;

impl Form<Option<String>> for AnyText {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Option<String>>, D::Error> {
        Ok(scalar_text(Any::read(input)?, notes).map(Some))
    }
}

impl Form<Vec<String>> for AnyText {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Vec<String>>, D::Error> {
        Ok(Vec::<Text>::read(input, notes)?
            .map(|list| list.into_iter().map(|Text(text)| text).collect()))
    }
}

/// A scalar of any type, as text.
pub(crate) struct Text(pub(crate) String);

impl Lenient for Text {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Self>, D::Error> {
        Ok(scalar_text(Any::read(input)?, notes).map(Text))
    }
}

pub(crate) fn scalar_text(any: Any<'_>, notes: &mut Notes) -> Option<String> {
    match any {
        Any::Null => None,
        Any::Text(text) => Some(text.into_owned()),
        Any::Nested(value @ (Value::Array(_) | Value::Object(_))) => {
            notes.invalid(value);
            None
        }
        scalar => Some(scalar.into_value().to_string()),
    }
}

/// An object key, borrowed from the input where it has no escapes.
pub(crate) struct Key<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object key")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        input.deserialize_str(KeyVisitor)
    }
}
