//! Identifiers, each with one text form.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::protocol::lenient::{Any, lenient_scalar};

/// A text that is not the identifier it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct ParseIdError {
    expected: &'static str,
}

impl ParseIdError {
    /// Stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "invalid_id"
    }
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(byte.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

/// Reads exactly `N` bytes of hex, hyphens anywhere left out.
fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0_u8; N];
    let mut digits = text.bytes().filter(|byte| *byte != b'-').map(hex_digit);
    for slot in &mut out {
        let high = digits.next()??;
        let low = digits.next()??;
        *slot = (high << 4) | low;
    }
    digits.next().is_none().then_some(out)
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Lends the hex text of up to 16 bytes from the stack.
fn with_hex<const N: usize, R>(bytes: [u8; N], read: impl FnOnce(&str) -> R) -> R {
    let mut buffer = [0_u8; 32];
    for (pair, byte) in buffer.chunks_exact_mut(2).zip(bytes) {
        for (slot, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *slot = HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
        }
    }
    let text = buffer
        .get(..N.saturating_mul(2))
        .and_then(|hex| std::str::from_utf8(hex).ok());
    read(text.unwrap_or_default())
}

macro_rules! hex_id {
    ($(#[$meta:meta])* $name:ident, $bytes:literal, $expected:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The identifier of all zeros, which means "none".
            #[must_use]
            pub const fn nil() -> Self {
                Self([0; $bytes])
            }

            /// True for the identifier of all zeros.
            #[must_use]
            pub fn is_nil(&self) -> bool {
                *self == Self::nil()
            }

            /// Makes the identifier from its bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The identifier's bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                with_hex(self.0, |text| f.pad(text))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex(text).map(Self).ok_or(ParseIdError { expected: $expected })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                with_hex(self.0, |text| serializer.serialize_str(text))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                struct IdVisitor;
                impl Visitor<'_> for IdVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                input.deserialize_str(IdVisitor)
            }
        }

        lenient_scalar!($name, |any| match any {
            Any::Text(text) => text.parse().map_err(|_| Any::Text(text)),
            other => Err(other),
        });
    };
}

hex_id!(
    /// Identifier of an event: 32 hex digits, read with or without hyphens.
    ///
    /// ```
    /// use mini_sentry::protocol::EventId;
    /// let id: EventId = "fc6d8c0c-43fc-4630-ad85-0ee518f1b9d0".parse()?;
    /// assert_eq!(id.to_string(), "fc6d8c0c43fc4630ad850ee518f1b9d0");
    /// # Ok::<(), mini_sentry::protocol::ParseIdError>(())
    /// ```
    EventId, 16, "32 hex digits"
);
hex_id!(
    /// Identifier of a trace: 32 hex digits.
    TraceId, 16, "32 hex digits"
);
hex_id!(
    /// Identifier of a span within a trace: 16 hex digits.
    SpanId, 8, "16 hex digits"
);

impl From<EventId> for uuid::Uuid {
    fn from(id: EventId) -> Self {
        Self::from_bytes(id.0)
    }
}

impl From<uuid::Uuid> for EventId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_reads_with_and_without_hyphens_and_writes_without() {
        let plain: EventId = "FC6D8C0C43FC4630AD850EE518F1B9D0".parse().unwrap();
        let hyphens: EventId = "fc6d8c0c-43fc-4630-ad85-0ee518f1b9d0".parse().unwrap();
        assert_eq!(plain, hyphens);
        assert_eq!(plain.to_string(), "fc6d8c0c43fc4630ad850ee518f1b9d0");
    }

    #[test]
    fn wrong_lengths_and_other_letters_are_refused() {
        for text in [
            "",
            "12",
            "fc6d8c0c43fc4630ad850ee518f1b9d",
            "fc6d8c0c43fc4630ad850ee518f1b9d01",
            "zc6d8c0c43fc4630ad850ee518f1b9d0",
        ] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
        assert!("00000000000000001".parse::<SpanId>().is_err());
    }
}
