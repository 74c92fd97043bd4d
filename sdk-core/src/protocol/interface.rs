//! The two declarations that all protocol types are made with.
//!
//! `interface!` makes a struct that reads leniently, keeps unknown keys and leaves absent fields
//! out in writing. `names!` makes an enum with one stable name per variant.

/// The JSON key of a field: the one given, else the field's own name.
macro_rules! json_key {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $key:literal) => {
        $key
    };
}
pub(crate) use json_key;

/// The seed that fills a field: by its type, or by the reader named after `as`.
macro_rules! field_seed {
    ($field:expr, $notes:expr) => {
        $crate::protocol::lenient::FieldSeed {
            field: $field,
            notes: $notes,
        }
    };
    ($field:expr, $notes:expr, $form:ty) => {
        $crate::protocol::lenient::FormSeed::<_, $form>::new($field, $notes)
    };
}
pub(crate) use field_seed;

/// Declares a protocol interface: `pub field: Type = "jsonKey" | "alias" as Form`.
macro_rules! interface {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(
                $(#[$field_meta:meta])*
                pub $field:ident : $ty:ty $(= $key:literal $(| $alias:literal)* $(as $form:ty)?)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $ty, )*
            /// Keys that this version does not know, kept as they came.
            pub other: $crate::protocol::Object,
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $(
                    if !$crate::protocol::lenient::Sparse::is_absent(&self.$field) {
                        map.serialize_entry(
                            $crate::protocol::interface::json_key!($field $($key)?),
                            &self.$field,
                        )?;
                    }
                )*
                for (key, value) in &self.other {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }

        impl $name {
            /// Reads the fields of an object whose opening brace is already behind us.
            pub(crate) fn read_fields<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                mut map: A,
                notes: &mut $crate::protocol::lenient::Notes,
            ) -> Result<(), A::Error> {
                use $crate::protocol::lenient::Key;
                while let Some(Key(key)) = map.next_key::<Key<'_>>()? {
                    $(
                        if key == $crate::protocol::interface::json_key!($field $($key)?)
                            $($(|| key == $alias)*)?
                        {
                            let field = &mut self.$field;
                            notes.below(&key, |notes| {
                                map.next_value_seed(
                                    $crate::protocol::interface::field_seed!(field, notes $($(, $form)?)?),
                                )
                            })?;
                            continue;
                        }
                    )*
                    let value = map.next_value::<serde_json::Value>()?;
                    self.other.insert(key.into_owned(), value);
                }
                Ok(())
            }
        }

        const _: () = {
            struct ObjectShape;

            impl<'de> $crate::protocol::shape::Shape<'de> for ObjectShape {
                type Out = $name;

                fn object<A: serde::de::MapAccess<'de>>(
                    self,
                    map: A,
                    notes: &mut $crate::protocol::lenient::Notes,
                ) -> Result<$name, A::Error> {
                    let mut out = $name::default();
                    out.read_fields(map, notes)?;
                    Ok(out)
                }
            }

            impl $crate::protocol::lenient::Lenient for $name {
                fn read<'de, D: serde::Deserializer<'de>>(
                    input: D,
                    notes: &mut $crate::protocol::lenient::Notes,
                ) -> Result<Option<Self>, D::Error> {
                    $crate::protocol::shape::read_shape(input, ObjectShape, notes)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                    let mut notes = $crate::protocol::lenient::Notes::default();
                    let read = <$name as $crate::protocol::lenient::Lenient>::read(input, &mut notes)?;
                    read.ok_or_else(|| {
                        serde::de::Error::custom(concat!("expected an object for ", stringify!($name)))
                    })
                }
            }
        };
    };
}
pub(crate) use interface;

/// Declares an enum of stable names: `Variant = "name" | "alias"`. With a last `..` variant that
/// holds text, unknown names are kept in it; without, they are noted as invalid.
macro_rules! names {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $text:literal $(| $alias:literal)* ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )+
        }

        impl $name {
            /// The stable name, as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }

            /// Reads a name or one of its known aliases; case does not matter.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                $(
                    if name.eq_ignore_ascii_case($text) $(|| name.eq_ignore_ascii_case($alias))* {
                        return Some(Self::$variant);
                    }
                )+
                None
            }
        }

        $crate::protocol::lenient::lenient_scalar!($name, |any| match any {
            $crate::protocol::lenient::Any::Text(text) => {
                Self::from_name(&text).ok_or($crate::protocol::lenient::Any::Text(text))
            }
            other => Err(other),
        });

        $crate::protocol::interface::names!(@text $name, |value| value.as_str());
    };
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $text:literal $(| $alias:literal)* ),+ ,
            .. $(#[$other_meta:meta])* $other:ident $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )+
            $(#[$other_meta])*
            $other(Box<str>),
        }

        impl $name {
            /// The stable name, as it is written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::$other(text) => text,
                }
            }

            /// Reads a name; one that this version does not know is kept as it came.
            #[must_use]
            pub fn from_name(name: &str) -> Self {
                $(
                    if name.eq_ignore_ascii_case($text) $(|| name.eq_ignore_ascii_case($alias))* {
                        return Self::$variant;
                    }
                )+
                Self::$other(name.into())
            }
        }

        $crate::protocol::lenient::lenient_scalar!($name, |any| match any {
            $crate::protocol::lenient::Any::Text(text) => Ok(Self::from_name(&text)),
            other => Err(other),
        });

        $crate::protocol::interface::names!(@text $name, |value| value.as_str());
    };
    (@text $name:ident, |$value:ident| $text:expr) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let $value = self;
                f.write_str($text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $value = self;
                serializer.serialize_str($text)
            }
        }
    };
}
pub(crate) use names;
