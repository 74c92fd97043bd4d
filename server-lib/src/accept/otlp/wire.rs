//! The wire format of protocol buffers, read without copying.

#![warn(clippy::arithmetic_side_effects)]

/// A message ends early, or holds what no message may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wire<'a> {
    /// Integers, booleans and names of enumerations.
    Varint(u64),
    /// Eight bytes: a time, or a number with a fraction.
    Fixed64(u64),
    /// Four bytes.
    Fixed32(u32),
    /// Text, bytes, or another message.
    Bytes(&'a [u8]),
}

/// Returns the fields of a message, each with its number. It ends after the first error.
pub(super) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

/// Returns the messages in the fields of one number.
pub(super) fn messages(
    message: &[u8],
    number: u32,
) -> impl Iterator<Item = Result<&[u8], Malformed>> {
    fields(message).filter_map(move |field| match field {
        Ok((found, Wire::Bytes(bytes))) if found == number => Some(Ok(bytes)),
        Ok((found, _)) if found == number => Some(Err(Malformed)),
        Ok(_) => None,
        Err(malformed) => Some(Err(malformed)),
    })
}

#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Wire<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field.ok_or(Malformed))
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u32, Wire<'a>)> {
        let key = u32::try_from(self.varint()?).ok()?;
        let number = key >> 3;
        let value = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.array()?)),
            // Groups have died out.
            _ => return None,
        };
        (number > 0).then_some((number, value))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            let placed = bits.checked_shl(shift)?;
            // The tenth byte has room for one bit.
            if placed.checked_shr(shift)? != bits {
                return None;
            }
            value |= placed;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_field_is_read() {
        let message = [
            0x08, 0xac, 0x02, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x1a, 2, b'h', b'i', 0x25, 2, 0, 0, 0,
        ];
        let read: Result<Vec<_>, _> = fields(&message).collect();
        assert_eq!(
            read.unwrap(),
            [
                (1, Wire::Varint(300)),
                (2, Wire::Fixed64(1)),
                (3, Wire::Bytes(b"hi")),
                (4, Wire::Fixed32(2)),
            ]
        );
    }

    #[test]
    fn a_number_has_at_most_sixty_four_bits() {
        let mut most = vec![0x08];
        most.extend([0xff; 9]);
        most.push(1);
        assert_eq!(fields(&most).next(), Some(Ok((1, Wire::Varint(u64::MAX)))));
        *most.last_mut().unwrap() = 2;
        assert_eq!(fields(&most).next(), Some(Err(Malformed)));
        assert_eq!(fields(&[0xff; 11]).next(), Some(Err(Malformed)));
    }

    #[test]
    fn what_no_message_holds_ends_the_reading() {
        for message in [
            &[0x0a][..],
            &[0x0a, 5, 1],
            &[0x0b],
            &[0x02, 0],
            &[0x09, 1, 2],
            &[0x0f, 1],
            b"{\"resourceLogs\":[]}",
        ] {
            let mut fields = fields(message);
            assert_eq!(fields.next(), Some(Err(Malformed)), "{message:?}");
            assert_eq!(fields.next(), None);
        }
    }
}
