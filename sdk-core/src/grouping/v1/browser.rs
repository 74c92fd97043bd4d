//! What browsers say in words of their own about the same error.

use super::language::Language;

/// An error's type and text, in the words that stand for those of all browsers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Canonical<'a> {
    /// The type, where it differs from the one told.
    pub(super) kind: Option<&'static str>,
    /// The text.
    pub(super) value: &'a str,
    /// The variable or property that it is about.
    pub(super) subject: Option<&'a str>,
}

impl Canonical<'_> {
    pub(super) fn write_subject(&self, out: &mut String) {
        if let Some(subject) = self.subject {
            out.push(' ');
            out.push_str(subject);
        }
    }
}

/// Returns the words that stand for all browsers'; those told where they are none that browsers
/// differ in.
pub(super) fn canonical<'a>(
    language: Language,
    kind: Option<&str>,
    value: &'a str,
) -> Canonical<'a> {
    let told = Canonical {
        kind: None,
        value,
        subject: None,
    };
    if language != Language::JavaScript {
        return told;
    }
    let value = without_uncaught(value.trim(), kind.unwrap_or_default());
    let same = |value| Canonical { value, ..told };
    if let Some(subject) = missing_property(value) {
        return Canonical {
            value: "property of nothing:",
            subject: Some(subject),
            ..told
        };
    }
    if let Some((name, rest)) = value.split_once(" is not a function")
        && (rest.is_empty() || rest.starts_with(['.', ' ']))
    {
        return Canonical {
            value: "not a function:",
            subject: Some(last_name(name)),
            ..told
        };
    }
    if let Some(name) = value
        .strip_suffix(" is not defined")
        .or_else(|| value.strip_prefix("Can't find variable: "))
    {
        return Canonical {
            value: "not defined:",
            subject: Some(name),
            ..told
        };
    }
    if ["Maximum call stack", "too much recursion"]
        .iter()
        .any(|start| value.starts_with(start))
    {
        return Canonical {
            kind: Some("RangeError"),
            value: "stack is full",
            ..told
        };
    }
    FAMILIES
        .iter()
        .find(|(starts, _)| starts.iter().any(|start| value.starts_with(start)))
        .map_or(same(value), |(_, words)| same(words))
}

/// Beginnings of texts that mean the same, and words for them. The longer come first.
const FAMILIES: &[(&[&str], &str)] = &[
    (
        &[
            "Failed to fetch dynamically imported module",
            "error loading dynamically imported module",
            "Importing a module script failed",
        ],
        "module cannot be loaded",
    ),
    (
        &[
            "Failed to fetch",
            "NetworkError when attempting to fetch resource",
            "Load failed",
            "The Internet connection appears to be offline",
            "The network connection was lost",
        ],
        "fetch failed",
    ),
    (
        &[
            "Unexpected end of JSON input",
            "JSON.parse: unexpected end of data",
            "JSON Parse error: Unexpected EOF",
        ],
        "JSON ends early",
    ),
    (&["ResizeObserver loop"], "ResizeObserver loop"),
    (&["Script error"], "Script error"),
];

fn without_uncaught<'a>(value: &'a str, kind: &str) -> &'a str {
    let Some(rest) = value.strip_prefix("Uncaught ") else {
        return value;
    };
    let rest = rest.strip_prefix("(in promise) ").unwrap_or(rest);
    rest.strip_prefix(kind)
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(rest)
}

/// Finds the property that was asked of `undefined` or `null`.
fn missing_property(value: &str) -> Option<&str> {
    for start in ["Cannot read properties of ", "Cannot set properties of "] {
        if let Some(rest) = value.strip_prefix(start) {
            let (_, rest) = rest.split_once("ing '")?;
            return Some(rest.strip_suffix("')").unwrap_or(rest));
        }
    }
    for start in ["Cannot read property '", "Cannot set property '"] {
        if let Some(rest) = value.strip_prefix(start) {
            return rest.split_once('\'').map(|(name, _)| name);
        }
    }
    if let Some(rest) = value.strip_prefix("can't access property \"") {
        return rest.split_once('"').map(|(name, _)| name);
    }
    let (what, rest) = value.split_once(" is not an object (evaluating '")?;
    if !matches!(what, "undefined" | "null") {
        return None;
    }
    let expression = rest.strip_suffix("')").unwrap_or(rest);
    let target = expression.split(" = ").next().unwrap_or(expression);
    Some(last_name(target))
}

/// Returns the last name of `a.b.c`.
fn last_name(expression: &str) -> &str {
    expression.rsplit('.').next().unwrap_or(expression)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_browsers_say_the_same_in_the_end() {
        let said = |value| canonical(Language::JavaScript, Some("TypeError"), value);
        for texts in [
            &[
                "Cannot read properties of undefined (reading 'price')",
                "Cannot read property 'price' of undefined",
                "can't access property \"price\", item is undefined",
                "undefined is not an object (evaluating 'item.price')",
                "Uncaught TypeError: Cannot read properties of null (reading 'price')",
                "Cannot set properties of undefined (setting 'price')",
                "undefined is not an object (evaluating 'a.price = 1')",
            ][..],
            &[
                "a.track is not a function",
                "b.track is not a function. (In 'b.track()', 'b.track' is undefined)",
            ],
            &["user is not defined", "Can't find variable: user"],
            &[
                "Failed to fetch",
                "Failed to fetch (api.example.com)",
                "Load failed",
            ],
        ] {
            for text in texts {
                assert_eq!(said(text), said(texts[0]), "{text}");
            }
        }
        assert_ne!(said("a is not defined"), said("b is not defined"));
        let elsewhere = canonical(Language::Python, None, "Failed to fetch");
        assert_eq!(elsewhere.value, "Failed to fetch");
    }
}
