//! Names in addresses.

/// The longest slug.
pub const MAX_SLUG: usize = 50;

/// Reports whether the text may be a slug: lower-case letters, digits, `-` and `_`, beginning and
/// ending with a letter or digit, and not digits alone, which would look like a number of ours.
#[must_use]
pub fn is_valid(slug: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends_plain = |byte: Option<u8>| byte.is_some_and(plain);
    slug.len() <= MAX_SLUG
        && ends_plain(slug.bytes().next())
        && ends_plain(slug.bytes().next_back())
        && slug
            .bytes()
            .all(|byte| plain(byte) || matches!(byte, b'-' | b'_'))
        && !slug.bytes().all(|byte| byte.is_ascii_digit())
}

/// Makes a slug of a name: `My Shop (EU)` gives `my-shop-eu`. `None` when nothing of the name can
/// be in an address.
#[must_use]
pub fn from_name(name: &str) -> Option<String> {
    let mut slug = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if slug.len() >= MAX_SLUG {
            break;
        }
        if letter.is_ascii_alphanumeric() || letter == '_' {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_matches(|letter| matches!(letter, '-' | '_'));
    let slug = if !slug.is_empty() && slug.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("p-{slug}")
    } else {
        slug.to_owned()
    };
    is_valid(&slug).then_some(slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_slug_that_is_allowed() {
        for (name, slug) in [
            ("My Shop (EU)", Some("my-shop-eu")),
            ("  API  ", Some("api")),
            ("café au lait", Some("caf-au-lait")),
            ("2024", Some("p-2024")),
            ("a_b", Some("a_b")),
            ("__", None),
            ("日本", None),
            ("", None),
        ] {
            assert_eq!(from_name(name).as_deref(), slug, "{name}");
        }
        let long = from_name(&"ab ".repeat(40)).unwrap();
        assert!(is_valid(&long), "{long}");
    }

    #[test]
    fn what_cannot_stand_in_an_address_is_no_slug() {
        for slug in [
            "",
            "-a",
            "a-",
            "A",
            "a b",
            "a/b",
            "12",
            "ä",
            &"a".repeat(51),
        ] {
            assert!(!is_valid(slug), "{slug}");
        }
        for slug in ["a", "a1", "1a", "my-shop_2"] {
            assert!(is_valid(slug), "{slug}");
        }
    }
}
