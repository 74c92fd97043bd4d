//! Text as a JSON string.

const EVERY: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes text with its quotes.
pub(super) fn append_text(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len().saturating_add(2));
    out.push(b'"');
    append_inside(text, out);
    out.push(b'"');
}

/// Writes text without quotes.
pub(super) fn append_inside(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(at) = find_special(rest) {
        let (plain, behind) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((special, behind)) = behind.split_first() else {
            return;
        };
        append_escape(*special, out);
        rest = behind;
    }
    out.extend_from_slice(rest);
}

/// The first byte that JSON wants escaped: a quote, a backslash, a control character.
fn find_special(bytes: &[u8]) -> Option<usize> {
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = specials(u64::from_le_bytes(*word));
        if found != 0 {
            return index.checked_mul(8)?.checked_add(first(found));
        }
    }
    // Blanks behind the tail are nothing special.
    let mut word = [b' '; 8];
    word.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
    let found = specials(u64::from_le_bytes(word));
    (found != 0).then(|| words.len().saturating_mul(8).saturating_add(first(found)))
}

/// Marks special bytes by their highest bit. Above the first mark there may be false ones, since
/// subtraction borrows.
const fn specials(word: u64) -> u64 {
    let quotes = word ^ (EVERY * b'"' as u64);
    let slashes = word ^ (EVERY * b'\\' as u64);
    let is_quote = quotes.wrapping_sub(EVERY) & !quotes;
    let is_slash = slashes.wrapping_sub(EVERY) & !slashes;
    let is_control = word.wrapping_sub(EVERY * 0x20) & !word;
    (is_quote | is_slash | is_control) & HIGH
}

const fn first(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

fn append_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            let digit = |nibble: u8| HEX.get(usize::from(nibble & 15)).copied().unwrap_or(b'0');
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[digit(byte >> 4), digit(byte)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_at_every_place_is_written_as_serde_json_writes_it() {
        let others = ['\u{7f}', '\u{80}', 'ä', '\u{2028}', '😀'];
        for special in (0_u8..=0x7f).map(char::from).chain(others) {
            for before in 0..18 {
                for after in 0..3 {
                    let text = format!("{}{special}{}", "x".repeat(before), "y\"".repeat(after));
                    let mut ours = Vec::new();
                    append_text(&text, &mut ours);
                    assert_eq!(ours, serde_json::to_vec(&text).unwrap(), "{text:?}");
                }
            }
        }
    }
}
