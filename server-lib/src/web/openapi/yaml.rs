//! Writes JSON as YAML, for people who read the document in files and for tools that want it so.

use std::fmt::Write as _;

use serde_json::Value;

/// Writes a value as a YAML document. Texts are in double quotes, as in JSON, which YAML reads alike.
#[must_use]
pub(super) fn write(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

fn block(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (key, value) in object {
                indent(depth, out);
                // Writing into a `String` cannot fail.
                let _ = write!(out, "{}:", Value::from(key.as_str()));
                below(value, depth, out);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for value in list {
                indent(depth, out);
                out.push('-');
                below(value, depth, out);
            }
        }
        other => {
            indent(depth, out);
            let _ = writeln!(out, "{other}");
        }
    }
}

/// Writes what stands behind a key or a hyphen: on the same line, or below it.
fn below(value: &Value, depth: usize, out: &mut String) {
    let is_block = match value {
        Value::Object(object) => !object.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    };
    if is_block {
        out.push('\n');
        block(value, depth.saturating_add(1), out);
    } else {
        let _ = writeln!(out, " {value}");
    }
}

fn indent(depth: usize, out: &mut String) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_and_lists_are_indented_and_the_rest_stands_on_the_line() {
        let value = json!({ "a": [], "b": [1, { "c": "x: \"y\"" }], "d": { "e": null } });
        let text =
            "\"a\": []\n\"b\":\n  - 1\n  -\n    \"c\": \"x: \\\"y\\\"\"\n\"d\":\n  \"e\": null\n";
        assert_eq!(write(&value), text);
    }
}
