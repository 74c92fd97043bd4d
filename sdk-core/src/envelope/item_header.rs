//! The header line of an item: a few typed fields, and everything else as it came.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::kind::ItemKind;

/// The header of an item.
///
/// Nothing that was read gets lost: unknown keys, and known keys with a value of another type,
/// stand in [`other`](Self::other) and are written back.
///
/// ```
/// use mini_sentry::envelope::{ItemHeader, ItemKind};
///
/// let header = ItemHeader::from_json(br#"{"type":"event","length":2,"x":[1]}"#).unwrap();
/// assert_eq!(header.kind, ItemKind::Event);
/// assert_eq!(header.length, Some(2));
/// assert_eq!(header.other["x"][0], 1);
/// assert_eq!(serde_json::to_string(&header)?, r#"{"type":"event","length":2,"x":[1]}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ItemHeader {
    /// What the item is.
    pub kind: ItemKind,
    /// Bytes of the payload; without it the payload runs to the next line feed.
    pub length: Option<u64>,
    /// Media type of the payload.
    pub content_type: Option<String>,
    /// Name of an attached file.
    pub filename: Option<String>,
    /// Role of an attachment, such as `event.minidump`.
    pub attachment_type: Option<String>,
    /// Number of entries in a container.
    pub item_count: Option<u64>,
    /// Platform of a profile chunk.
    pub platform: Option<String>,
    /// All other keys, and known ones with a value of another type.
    pub other: Map<String, Value>,
}

impl ItemHeader {
    /// Makes a header that says no more than the type.
    #[must_use]
    pub fn new(kind: ItemKind) -> Self {
        Self {
            kind,
            length: None,
            content_type: None,
            filename: None,
            attachment_type: None,
            item_count: None,
            platform: None,
            other: Map::new(),
        }
    }

    /// Reads a header line; `None` when it is not a JSON object or has no `type` of text.
    pub fn from_json(line: &[u8]) -> Option<Self> {
        Self::from_fields(serde_json::from_slice(line).ok()?)
    }

    /// Takes over the fields of a header; `None` when there is no `type` of text.
    pub fn from_fields(mut fields: Map<String, Value>) -> Option<Self> {
        let kind = ItemKind::from_name(&take_text(&mut fields, "type")?);
        Some(Self {
            kind,
            length: take_number(&mut fields, "length"),
            content_type: take_text(&mut fields, "content_type"),
            filename: take_text(&mut fields, "filename"),
            attachment_type: take_text(&mut fields, "attachment_type"),
            item_count: take_number(&mut fields, "item_count"),
            platform: take_text(&mut fields, "platform"),
            other: fields,
        })
    }
}

impl Serialize for ItemHeader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize_counted(self.length, self.item_count, serializer)
    }
}

impl ItemHeader {
    /// Writes the header with other counts than those that were read.
    pub(super) fn serialize_counted<S: Serializer>(
        &self,
        length: Option<u64>,
        item_count: Option<u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let numbers = [("length", length), ("item_count", item_count)];
        let texts = [
            ("content_type", self.content_type.as_deref()),
            ("filename", self.filename.as_deref()),
            ("attachment_type", self.attachment_type.as_deref()),
            ("platform", self.platform.as_deref()),
        ];
        // A key that is set above must not be written twice.
        let is_set = |key: &str| {
            key == "type"
                || numbers
                    .iter()
                    .any(|(name, value)| *name == key && value.is_some())
                || texts
                    .iter()
                    .any(|(name, value)| *name == key && value.is_some())
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.kind.as_str())?;
        for (name, value) in numbers {
            if let Some(value) = value {
                map.serialize_entry(name, &value)?;
            }
        }
        for (name, value) in texts {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        for (name, value) in &self.other {
            if !is_set(name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

fn take_text(fields: &mut Map<String, Value>, key: &str) -> Option<String> {
    if !fields.get(key)?.is_string() {
        return None;
    }
    match fields.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn take_number(fields: &mut Map<String, Value>, key: &str) -> Option<u64> {
    let number = fields.get(key)?.as_u64()?;
    fields.remove(key);
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_key_of_another_type_is_kept_as_it_came() {
        let line =
            br#"{"type":"event","length":"12","filename":7,"item_count":-1,"platform":null}"#;
        let header = ItemHeader::from_json(line).unwrap();
        assert_eq!((header.length, header.item_count), (None, None));
        assert_eq!(
            (header.filename.as_deref(), header.platform.as_deref()),
            (None, None)
        );
        let written: Value = serde_json::to_value(&header).unwrap();
        assert_eq!(written, serde_json::from_slice::<Value>(line).unwrap());
    }

    #[test]
    fn a_typed_field_wins_over_a_stray_key_of_the_same_name() {
        let mut header = ItemHeader::from_json(br#"{"type":"event","length":"x"}"#).unwrap();
        header.length = Some(3);
        assert_eq!(
            serde_json::to_string(&header).unwrap(),
            r#"{"type":"event","length":3}"#
        );
    }

    #[test]
    fn a_header_without_a_type_of_text_is_none() {
        assert_eq!(ItemHeader::from_json(b"{}"), None);
        assert_eq!(ItemHeader::from_json(br#"{"type":3}"#), None);
        assert_eq!(ItemHeader::from_json(b"[]"), None);
    }
}
