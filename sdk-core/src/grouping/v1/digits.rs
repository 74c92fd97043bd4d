//! Texts that computers made up: numbers, hashes, random ids.

/// Reports whether a text is a hash or id in hexadecimal digits: of `least` or more, and not a word
/// or a number alone.
pub(super) fn is_hex_id(text: &str, least: usize) -> bool {
    text.len() >= least
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && (text.bytes().any(|byte| byte.is_ascii_digit()) || text.len() >= 16)
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reports whether a text is a UUID with its hyphens.
pub(super) fn is_uuid(word: &str) -> bool {
    word.len() == 36
        && word.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && word
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Reports whether letters and digits alternate as no one would choose them.
pub(super) fn is_random(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 10 || !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let changes = changes(bytes);
    let has_digit = bytes.iter().any(u8::is_ascii_digit);
    has_digit && (changes.saturating_mul(3) >= bytes.len() || (bytes.len() >= 20 && changes >= 3))
}

/// Reports whether eight characters are what bundlers put behind a file's name.
pub(super) fn is_bundle_hash(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 8 {
        return false;
    }
    let is_in_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    bytes.iter().all(is_in_alphabet)
        && (bytes.iter().any(u8::is_ascii_digit)
            || bytes.iter().all(u8::is_ascii_uppercase)
            || changes(bytes) >= 2)
}

/// Counts where lower case turns to upper case, and where digits begin or end.
fn changes(bytes: &[u8]) -> usize {
    bytes
        .windows(2)
        .filter(|pair| match pair {
            [a, b] => {
                (a.is_ascii_lowercase() && b.is_ascii_uppercase())
                    || a.is_ascii_digit() != b.is_ascii_digit()
            }
            _ => false,
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_no_ids() {
        for id in [
            "NffrFeUfNV2Hib",
            "Zx81kd92LsQ04bTf",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            assert!(is_random(id), "{id}");
        }
        for word in [
            "OAuth2Client",
            "Base64Utf8Codec",
            "checkout",
            "InternalServerError",
        ] {
            assert!(!is_random(word), "{word}");
        }
        assert!(is_hex_id("deadbeef01", 8) && !is_hex_id("deadbeef", 8) && !is_hex_id("ab1", 8));
        for hash in ["BxZ12_ab", "D4kQ9sLm", "CdXKLqTo", "ZQYVKRAB"] {
            assert!(is_bundle_hash(hash), "{hash}");
        }
        for name in ["settings", "polyfill", "Settings", "myWidget", "main"] {
            assert!(!is_bundle_hash(name), "{name}");
        }
    }
}
