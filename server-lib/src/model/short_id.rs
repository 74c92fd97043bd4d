//! Short ids of issues, as people say them: `MY-APP-1F`, the project's slug and the issue's number
//! in its project.

/// Digits without those that are mistaken for others.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Writes the short id of an issue.
#[must_use]
pub fn write(slug: &str, number: u64) -> String {
    let mut digits = Vec::new();
    let mut rest = number;
    loop {
        let digit = usize::try_from(rest % 32)
            .ok()
            .and_then(|it| DIGITS.get(it));
        digits.extend(digit.copied().map(char::from));
        rest /= 32;
        if rest == 0 {
            break;
        }
    }
    let number: String = digits.into_iter().rev().collect();
    format!("{}-{number}", slug.to_ascii_uppercase())
}

/// Reads a short id, in any case: the project's slug in lower case, and the number.
#[must_use]
pub fn read(text: &str) -> Option<(String, u64)> {
    let (slug, digits) = text.trim().rsplit_once('-')?;
    if slug.is_empty() || digits.is_empty() {
        return None;
    }
    let mut number: u64 = 0;
    for digit in digits.bytes() {
        let digit = match digit.to_ascii_uppercase() {
            b'I' | b'L' => b'1',
            b'O' => b'0',
            digit => digit,
        };
        let value = DIGITS.iter().position(|known| *known == digit)?;
        let value = u64::try_from(value).ok()?;
        number = number.checked_mul(32)?.checked_add(value)?;
    }
    (number > 0).then(|| (slug.to_ascii_lowercase(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_reads_as_it_is_written() {
        for (slug, number, text) in [
            ("my-app", 1, "MY-APP-1"),
            ("my-app", 47, "MY-APP-1F"),
            ("a_b", 32, "A_B-10"),
            ("shop-2", u64::MAX, "SHOP-2-FZZZZZZZZZZZZ"),
        ] {
            assert_eq!(write(slug, number), text);
            assert_eq!(read(text), Some((slug.to_owned(), number)));
            assert_eq!(read(&text.to_lowercase()), Some((slug.to_owned(), number)));
        }
        assert_eq!(read("my-app-LO"), Some(("my-app".to_owned(), 32)));
    }

    #[test]
    fn what_names_no_issue_is_no_short_id() {
        for text in ["", "-", "MY-APU", "-1", "A-", "A-0", "A-U", "A-ä", "12"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("A-GZZZZZZZZZZZZ"), None);
    }
}
