//! Reads `MessagePack` into JSON values: the form in which native SDKs write events before a crash.

use serde_json::{Map, Value};

/// Values within values.
const MAX_DEPTH: usize = 64;

/// Reads one value; `None` when the bytes are broken.
pub(super) fn read(bytes: &[u8]) -> Option<Value> {
    Reader { bytes }.value(0)
}

/// Reads values one behind the other until the bytes end or break.
pub(super) fn read_all(bytes: &[u8]) -> Vec<Value> {
    let mut reader = Reader { bytes };
    std::iter::from_fn(|| reader.value(0)).collect()
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let [tag] = self.take_array()?;
        Some(match tag {
            0x00..=0x7f => tag.into(),
            0x80..=0x8f => self.map(u64::from(tag & 0x0f), depth)?,
            0x90..=0x9f => self.list(u64::from(tag & 0x0f), depth)?,
            0xa0..=0xbf => self.text(u64::from(tag & 0x1f))?,
            0xc0 => Value::Null,
            0xc1 => return None,
            0xc2 => false.into(),
            0xc3 => true.into(),
            0xc4..=0xc6 => {
                let length = self.number(tag - 0xc4)?;
                self.text(length)?
            }
            0xc7..=0xc9 => {
                let length = self.number(tag - 0xc7)?;
                self.take(length.checked_add(1)?)?;
                Value::Null
            }
            0xca => f64::from(f32::from_be_bytes(self.take_array()?)).into(),
            0xcb => f64::from_be_bytes(self.take_array()?).into(),
            0xcc..=0xcf => self.number(tag - 0xcc)?.into(),
            0xd0 => i8::from_be_bytes(self.take_array()?).into(),
            0xd1 => i16::from_be_bytes(self.take_array()?).into(),
            0xd2 => i32::from_be_bytes(self.take_array()?).into(),
            0xd3 => i64::from_be_bytes(self.take_array()?).into(),
            0xd4..=0xd8 => {
                self.take((1_u64 << (tag - 0xd4)).checked_add(1)?)?;
                Value::Null
            }
            0xd9..=0xdb => {
                let length = self.number(tag - 0xd9)?;
                self.text(length)?
            }
            0xdc | 0xdd => {
                let length = self.number(tag - 0xdc + 1)?;
                self.list(length, depth)?
            }
            0xde | 0xdf => {
                let length = self.number(tag - 0xde + 1)?;
                self.map(length, depth)?
            }
            0xe0..=0xff => i8::from_be_bytes([tag]).into(),
        })
    }

    fn list(&mut self, length: u64, depth: usize) -> Option<Value> {
        let depth = depth.checked_add(1)?;
        let mut list = Vec::new();
        for _ in 0..length {
            list.push(self.value(depth)?);
        }
        Some(Value::Array(list))
    }

    fn map(&mut self, length: u64, depth: usize) -> Option<Value> {
        let depth = depth.checked_add(1)?;
        let mut map = Map::new();
        for _ in 0..length {
            let key = match self.value(depth)? {
                Value::String(text) => text,
                other => other.to_string(),
            };
            map.insert(key, self.value(depth)?);
        }
        Some(Value::Object(map))
    }

    fn text(&mut self, length: u64) -> Option<Value> {
        let bytes = self.take(length)?;
        Some(String::from_utf8_lossy(bytes).into_owned().into())
    }

    /// Reads a number of one, two, four or eight bytes.
    fn number(&mut self, width: u8) -> Option<u64> {
        Some(match width {
            0 => u8::from_be_bytes(self.take_array()?).into(),
            1 => u16::from_be_bytes(self.take_array()?).into(),
            2 => u32::from_be_bytes(self.take_array()?).into(),
            _ => u64::from_be_bytes(self.take_array()?),
        })
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(usize::try_from(length).ok()?)?;
        self.bytes = rest;
        Some(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_shape_is_read() {
        let bytes = b"\x85\xa1a\x01\xa1b\x93\xff\xd1\x01\x00\xcd\x02\x00\xa1c\xc3\xa1d\xc0\xd9\x01e\xcb\x3f\xf8\0\0\0\0\0\0";
        assert_eq!(
            read(bytes).unwrap(),
            json!({"a": 1, "b": [-1, 256, 512], "c": true, "d": null, "e": 1.5})
        );
        assert_eq!(read_all(b"\x01\x02\xa1"), [json!(1), json!(2)]);
    }

    #[test]
    fn lying_lengths_and_depths_end_the_reading() {
        for bytes in [
            &b""[..],
            b"\xdf\xff\xff\xff\xff",
            b"\xdb\xff\xff\xff\xffa",
            b"\xc1",
            b"\x81\xa1a",
            &[0x91; 100],
        ] {
            assert_eq!(read(bytes), None);
        }
    }
}
