//! What can be typed next, and the whole language as data, for search boxes.

use serde::Serialize;

use super::keys::{FAMILIES, KEYS, Kind, Subject};
use super::parser::{MAX_CHARS, MAX_DEPTH, MAX_TERMS, MAX_VALUES};

/// A way to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Completion {
    /// What the word under the cursor becomes.
    pub text: String,
    /// What it asks for.
    pub about: &'static str,
}

/// Returns ways to complete the word under the cursor, the usual ones first: keys, or the values of
/// the key that the word has already. Tags and their values are the caller's to add.
#[must_use]
pub fn completions(prefix: &str, subject: Subject, limit: usize) -> Vec<Completion> {
    let (sign, word) = match prefix.strip_prefix('!') {
        Some(rest) => ("!", rest),
        None => ("", prefix),
    };
    let Some((key, begun)) = word.split_once(':') else {
        return names(word, subject, |_| true)
            .map(|(name, about)| Completion {
                text: format!("{sign}{name}"),
                about,
            })
            .take(limit)
            .collect();
    };
    let with_key = |(value, about): (String, &'static str)| Completion {
        text: format!("{sign}{key}:{value}"),
        about,
    };
    let spec = KEYS
        .iter()
        .find(|spec| spec.name == key || spec.aliases.contains(&key));
    let Some(spec) = spec.filter(|spec| is_allowed(spec.kind, subject)) else {
        return Vec::new();
    };
    if spec.kind == Kind::Has {
        let is_field = |spec: &super::keys::KeySpec| spec.field.is_some();
        return names(begun, subject, is_field)
            .map(|(name, about)| (name.trim_end_matches(':').to_owned(), about))
            .map(with_key)
            .take(limit)
            .collect();
    }
    let begun = begun.to_lowercase();
    spec.kind
        .values()
        .iter()
        .filter(|value| value.starts_with(&begun))
        .map(|value| with_key(((*value).to_owned(), spec.about)))
        .take(limit)
        .collect()
}

/// Keys and families that begin with the word, as they are typed.
fn names<'a>(
    word: &'a str,
    subject: Subject,
    is_wanted: impl Fn(&super::keys::KeySpec) -> bool + 'a,
) -> impl Iterator<Item = (String, &'static str)> + 'a {
    let begins = move |name: &str| {
        name.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let keys = KEYS
        .iter()
        .filter(move |spec| is_allowed(spec.kind, subject) && is_wanted(spec))
        .filter(move |spec| begins(spec.name) || spec.aliases.iter().any(|name| begins(name)))
        .map(|spec| (format!("{}:", spec.name), spec.about));
    let families = FAMILIES
        .iter()
        .filter(move |(name, _)| begins(name))
        .map(|(name, about)| ((*name).to_owned(), *about));
    keys.chain(families)
}

fn is_allowed(kind: Kind, subject: Subject) -> bool {
    subject == Subject::Issues || !kind.is_of_issues()
}

/// The language as data.
#[derive(Clone, Debug, Serialize)]
pub struct Language {
    /// What is searched.
    pub subject: Subject,
    /// The keys, the usual ones first.
    pub keys: Vec<KeyDescription>,
    /// Beginnings of keys that go on with a name.
    pub families: Vec<FamilyDescription>,
    /// Words and signs between terms.
    pub operators: &'static [&'static str],
    /// Signs between a key and a value.
    pub comparisons: &'static [&'static str],
    /// What a query may have at most.
    pub limits: Limits,
}

/// A key.
#[derive(Clone, Debug, Serialize)]
pub struct KeyDescription {
    /// Its canonical name.
    pub key: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// What sort of value it takes.
    takes: Kind,
    /// All its values, or those worth offering.
    pub values: &'static [&'static str],
    /// Whether `has:` takes it.
    pub optional: bool,
    /// What it asks for.
    pub about: &'static str,
}

/// A family of keys.
#[derive(Clone, Debug, Serialize)]
pub struct FamilyDescription {
    /// How they begin.
    pub prefix: &'static str,
    /// What they ask for.
    pub about: &'static str,
}

/// Bounds of a query.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Limits {
    /// Characters.
    pub characters: usize,
    /// Parentheses and negations inside each other.
    pub depth: usize,
    /// Terms.
    pub terms: usize,
    /// Values in lists.
    pub values: usize,
}

/// Describes the language for a subject.
#[must_use]
pub fn language(subject: Subject) -> Language {
    let keys = KEYS
        .iter()
        .filter(|spec| is_allowed(spec.kind, subject))
        .map(|spec| KeyDescription {
            key: spec.name,
            aliases: spec.aliases,
            takes: spec.kind,
            values: spec.kind.values(),
            optional: spec.field.is_some(),
            about: spec.about,
        })
        .collect();
    let families = FAMILIES
        .iter()
        .map(|(prefix, about)| FamilyDescription { prefix, about })
        .collect();
    Language {
        subject,
        keys,
        families,
        operators: &["AND", "OR", "NOT", "!", "(", ")"],
        comparisons: &[">", ">=", "<", "<=", "="],
        limits: Limits {
            characters: MAX_CHARS,
            depth: MAX_DEPTH,
            terms: MAX_TERMS,
            values: MAX_VALUES,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(prefix: &str, subject: Subject) -> Vec<String> {
        let found = completions(prefix, subject, 20).into_iter();
        found.map(|completion| completion.text).collect()
    }

    #[test]
    fn a_key_is_completed_by_its_names() {
        assert_eq!(texts("lev", Subject::Issues), ["level:"]);
        assert_eq!(texts("sev", Subject::Issues), ["level:"]);
        assert_eq!(texts("!lev", Subject::Issues), ["!level:"]);
        assert_eq!(
            texts("stack.f", Subject::Events),
            ["stack.filename:", "stack.function:"]
        );
        assert_eq!(texts("ta", Subject::Events), ["tags["]);
        assert_eq!(texts("ä", Subject::Events), [""; 0]);
    }

    #[test]
    fn a_value_is_completed_after_its_key() {
        assert_eq!(
            texts("is:re", Subject::Issues),
            ["is:resolved", "is:regressed"]
        );
        assert_eq!(texts("!env:", Subject::Issues), [""; 0]);
        assert_eq!(
            texts("has:us", Subject::Events).first().unwrap(),
            "has:user"
        );
        assert_eq!(completions("", Subject::Issues, 3).len(), 3);
    }

    #[test]
    fn keys_of_issues_are_not_offered_for_events() {
        assert_eq!(texts("is:re", Subject::Events), [""; 0]);
        assert_eq!(texts("assig", Subject::Events), [""; 0]);
        let events = serde_json::to_value(language(Subject::Events)).unwrap();
        let issues = serde_json::to_value(language(Subject::Issues)).unwrap();
        let count = |language: &serde_json::Value| language["keys"].as_array().unwrap().len();
        assert!(count(&events) < count(&issues));
        assert_eq!(issues["keys"][2]["takes"], "level");
        assert_eq!(issues["limits"]["terms"], MAX_TERMS);
    }
}
