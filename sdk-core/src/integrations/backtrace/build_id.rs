//! Identifiers of images: the GNU build id, and the debug id that is made of it.

use std::fmt::Write as _;

/// The type of the note that holds the build id.
const NT_GNU_BUILD_ID: u32 = 3;
/// Bytes of the words in a note.
const WORD: usize = 4;

/// The build id among the notes of an image.
pub(super) fn build_id(notes: &[u8]) -> Option<&[u8]> {
    let mut rest = notes;
    loop {
        let (name_len, after) = word(rest)?;
        let (desc_len, after) = word(after)?;
        let (kind, after) = word(after)?;
        let (name, after) = padded(after, name_len)?;
        let (desc, after) = padded(after, desc_len)?;
        if kind == NT_GNU_BUILD_ID && name == b"GNU\0" && !desc.is_empty() {
            return Some(desc);
        }
        rest = after;
    }
}

fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (word, rest) = bytes.split_first_chunk::<WORD>()?;
    Some((u32::from_ne_bytes(*word), rest))
}

/// A field and what follows its padding, which the last field may lack.
fn padded(bytes: &[u8], len: u32) -> Option<(&[u8], &[u8])> {
    let len = usize::try_from(len).ok()?;
    let (field, _) = bytes.split_at_checked(len)?;
    let end = len.checked_next_multiple_of(WORD)?.min(bytes.len());
    Some((field, bytes.get(end..)?))
}

/// The whole build id in hexadecimal digits.
pub(super) fn code_id(build_id: &[u8]) -> String {
    build_id.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first 16 bytes as a UUID, whose first three fields are numbers in the image's byte order.
pub(super) fn debug_id(build_id: &[u8]) -> String {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(build_id) {
        *to = *from;
    }
    let id = if cfg!(target_endian = "little") {
        uuid::Uuid::from_bytes_le(bytes)
    } else {
        uuid::Uuid::from_bytes(bytes)
    };
    id.hyphenated().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(kind: u32, name: &[u8], desc: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for number in [name.len() as u32, desc.len() as u32, kind] {
            out.extend(number.to_ne_bytes());
        }
        for field in [name, desc] {
            out.extend(field);
            out.resize(out.len().next_multiple_of(WORD), 0);
        }
        out
    }

    #[test]
    fn the_build_id_is_found_behind_other_notes() {
        let id: Vec<u8> = (1..=20).collect();
        let mut notes = note(1, b"GNU\0", &[0; 16]);
        notes.extend(note(3, b"Go\0\0", b"x"));
        notes.extend(note(3, b"GNU\0", &id));
        assert_eq!(build_id(&notes), Some(&*id));
        assert_eq!(code_id(&id), "0102030405060708090a0b0c0d0e0f1011121314");
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_debug_id_has_the_first_three_fields_turned() {
        let id: Vec<u8> = (1..=20).collect();
        assert_eq!(debug_id(&id), "04030201-0605-0807-090a-0b0c0d0e0f10");
        assert_eq!(debug_id(&[1]), "00000001-0000-0000-0000-000000000000");
    }

    #[test]
    fn broken_notes_hold_none() {
        let whole = note(3, b"GNU\0", &[7; 20]);
        for end in 0..whole.len() {
            assert_eq!(build_id(&whole[..end]), None, "{end}");
        }
        let mut lying = whole;
        lying[..4].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(build_id(&lying), None);
    }
}
