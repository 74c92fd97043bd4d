//! Takes fields out of a log entry by the names that loggers use.

use mini_sentry::protocol::Timestamp;
use serde_json::{Map, Value};

/// Fields of an entry.
pub(super) type Fields = Map<String, Value>;

/// Takes out the first field of these names for which `read` finds something. A name with dots is
/// tried whole and as a path, because both are in use: `"log.level"` and `"log":{"level":…}`.
pub(super) fn take<T>(
    fields: &mut Fields,
    names: &[&str],
    read: impl Fn(&Value) -> Option<T>,
) -> Option<T> {
    names.iter().find_map(|name| take_one(fields, name, &read))
}

/// Takes out a text that is not blank.
pub(super) fn take_text(fields: &mut Fields, names: &[&str]) -> Option<String> {
    take(fields, names, |value| text(value).map(str::to_owned))
}

/// Takes out a text or number.
pub(super) fn take_word(fields: &mut Fields, names: &[&str]) -> Option<String> {
    take(fields, names, word)
}

/// Returns the text of a value that is not blank.
pub(super) fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}

/// Returns a text, number or truth value as text.
pub(super) fn word(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        other => text(other).map(|text| text.trim().to_owned()),
    }
}

/// Returns the beginning of a text, at most so many bytes, whole characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// Reads a time: RFC 3339, or a number since 1970 in whichever unit its size tells.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.trim().parse() {
            Ok(number) => number,
            Err(_) => return clock_text(text.trim()),
        },
        _ => return None,
    };
    let seconds = match number {
        n if n < 1e8 => return None,
        n if n < 1e11 => n,
        n if n < 1e14 => n / 1e3,
        n if n < 1e17 => n / 1e6,
        n => n / 1e9,
    };
    Timestamp::from_seconds(seconds)
}

/// Reads a time as text, with the comma of Python's loggers or a zone without a colon, too.
fn clock_text(text: &str) -> Option<Timestamp> {
    if let Some(time) = Timestamp::parse(text) {
        return Some(time);
    }
    let mut text = text.replacen(',', ".", 1);
    let zone = text.len().checked_sub(5)?;
    let is_zone = text
        .get(zone..)?
        .strip_prefix(['+', '-'])
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    if is_zone {
        text.insert(zone.saturating_add(3), ':');
    }
    Timestamp::parse(&text)
}

fn take_one<T>(fields: &mut Fields, name: &str, read: &impl Fn(&Value) -> Option<T>) -> Option<T> {
    if let Some(found) = fields.get(name).and_then(read) {
        fields.remove(name);
        return Some(found);
    }
    let (first, rest) = name.split_once('.')?;
    let inner = fields.get_mut(first)?.as_object_mut()?;
    let found = take_one(inner, rest, read)?;
    if inner.is_empty() {
        fields.remove(first);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("gr\u{fc}\u{df}", 3), "gr");
        assert_eq!(cut("abc", 9), "abc");
        assert_eq!(cut("\u{fc}", 1), "");
    }

    #[test]
    fn a_dotted_name_is_found_flat_and_nested_and_leaves_its_neighbours() {
        let mut fields = json!({"log.level": "a", "log": {"level": "b", "file": "f"}});
        let fields = fields.as_object_mut().unwrap();
        assert_eq!(take_text(fields, &["log.level"]).as_deref(), Some("a"));
        assert_eq!(take_text(fields, &["log.level"]).as_deref(), Some("b"));
        assert_eq!(take_text(fields, &["log.level"]), None);
        assert_eq!(json!(fields), json!({"log": {"file": "f"}}));
    }

    #[test]
    fn a_time_is_read_in_every_unit() {
        for given in [
            json!("2026-01-02T03:04:05Z"),
            json!("2026-01-02 03:04:05,000"),
            json!("2026-01-02T04:04:05.000+0100"),
            json!(1_767_323_045),
            json!(1_767_323_045_000_i64),
            json!("1767323045000000"),
            json!(1_767_323_045_000_000_000_i64),
        ] {
            let read = time(&given).map(|time| time.to_string());
            assert_eq!(read.as_deref(), Some("2026-01-02T03:04:05Z"), "{given}");
        }
        assert_eq!(time(&json!("+")), None);
        assert_eq!(time(&json!("yesterday at ü")), None);
        assert_eq!(time(&json!(17)), None);
    }
}
