//! Where a string stops being plain.

const EVERY: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Finds the first quote, backslash or control character.
#[inline]
pub(super) fn find_special(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let found = marks(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at.saturating_add((found.trailing_zeros() / 8) as usize));
        }
        at = at.saturating_add(8);
    }
    let found = bytes.get(at..)?.iter().position(is_special)?;
    Some(at.saturating_add(found))
}

fn is_special(byte: &u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f)
}

/// Marks special bytes by their highest bit. Above the first mark there may be false ones, since
/// subtraction borrows.
#[inline]
const fn marks(word: u64) -> u64 {
    let quotes = word ^ (EVERY.wrapping_mul(b'"' as u64));
    let slashes = word ^ (EVERY.wrapping_mul(b'\\' as u64));
    let is_quote = quotes.wrapping_sub(EVERY) & !quotes;
    let is_slash = slashes.wrapping_sub(EVERY) & !slashes;
    let is_control = word.wrapping_sub(EVERY.wrapping_mul(0x20)) & !word;
    (is_quote | is_slash | is_control) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_at_every_place_exactly_when_it_is_special() {
        for byte in 0..=u8::MAX {
            for place in 0..70 {
                let mut bytes = vec![b'x'; 75];
                bytes[place] = byte;
                let expected = is_special(&byte).then_some(place);
                for from in [0, 1, 13] {
                    let expected = expected.filter(|place| *place >= from);
                    assert_eq!(find_special(&bytes, from), expected, "{byte} at {place}");
                }
            }
        }
    }
}
