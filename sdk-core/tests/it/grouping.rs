//! The grouping set: how many pairs of its events are put together, or apart, as people would.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use mini_sentry::grouping::{
    Expected, FingerprintRules, GroupKey, Grouper, Reason, StackRules, Subject, Variant, compare,
};
use mini_sentry::protocol::Event;
use mini_sentry::protocol::read::from_json;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::golden::{bytes, names};
use crate::properties::json::object;

/// An event of the set.
struct Sample {
    name: String,
    issue: String,
    event: Value,
}

/// All events of the set.
fn samples() -> &'static [Sample] {
    static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(read_samples);
    &SAMPLES
}

fn read_samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for file in names("grouping", ".json", 11) {
        let set: Value = serde_json::from_slice(&bytes(&format!("grouping/{file}.json"))).unwrap();
        for sample in set["events"].as_array().expect("a list of events") {
            samples.push(Sample {
                name: format!("{file}/{}", sample["name"].as_str().unwrap()),
                issue: sample["issue"].as_str().unwrap().to_owned(),
                event: sample["event"].clone(),
            });
        }
    }
    assert!(samples.len() >= 268, "only {} events", samples.len());
    samples
}

fn read(event: &Value) -> Event {
    let (event, _) = from_json(event.to_string().as_bytes()).expect("an event");
    event
}

fn key(event: &Value) -> GroupKey {
    Grouper::default()
        .group(&Subject::of_event(&read(event)))
        .key
}

#[test]
fn every_pair_of_the_set_is_together_or_apart_as_expected() {
    let samples = samples();
    let keys: Vec<_> = samples.iter().map(|sample| key(&sample.event)).collect();
    let (mut right, mut all) = (0_u32, 0_u32);
    let mut wrong = Vec::new();
    for (i, one) in samples.iter().enumerate() {
        for (j, other) in samples.iter().enumerate().skip(i + 1) {
            all += 1;
            let expected = one.issue == other.issue;
            if expected == (keys[i] == keys[j]) {
                right += 1;
            } else {
                let verb = if expected { "apart" } else { "together" };
                wrong.push(format!("{} and {} are {verb}", one.name, other.name));
            }
        }
    }
    let mut by_issue: BTreeMap<&str, BTreeSet<GroupKey>> = BTreeMap::new();
    for (sample, key) in samples.iter().zip(&keys) {
        by_issue.entry(&sample.issue).or_default().insert(*key);
    }
    println!(
        "grouping set: {right} of {all} pairs right, {} events, {} issues",
        samples.len(),
        by_issue.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Rules that make the templates of a team's page about fingerprints.
const TEMPLATES: &str = r#"
# Validation errors by field, from a tag or from the text.
error.type:ValidationError tags.field:* -> ValidationError.{{ tags.field }}
error.type:ValidationError value:"{'*': *" -> ValidationError.{{ value.1 }}
# Database errors by the kind of constraint.
error.type:IntegrityError value:"*unique constraint*" -> IntegrityError.unique_constraint
error.type:IntegrityError value:"*foreign key constraint*" -> IntegrityError.foreign_key_constraint
# Missing pages and forbidden ones by endpoint.
error.type:Http404 -> Http404.{{ http.path }} title="Not found: {{ http.path }}"
error.type:Http403 -> Http403.{{ http.method }}.{{ http.path }}
# In the browser.
error.type:TypeError value:"Cannot read propert* (reading '*')" -> TypeError.property_{{ value.2 }}
error.type:TypeError value:"Cannot set propert* (setting '*')" -> TypeError.set_{{ value.2 }}
error.type:ReferenceError value:"* is not defined" -> ReferenceError.undefined_{{ value.1 }}
error.type:NetworkError -> "NetworkError.{{ http.path }}"
"#;

#[test]
fn templates_of_fingerprints_are_rules() {
    let rules = FingerprintRules::parse(TEMPLATES).unwrap();
    let grouper = Grouper::default().fingerprint_rules(rules);
    let explain = |event: &Value| grouper.explain(&Subject::of_event(&read(event)));
    let told = |event: Value| {
        let why = explain(&event);
        assert_eq!(why.variant, Variant::Rule, "{event}");
        why.parts[0].value.clone()
    };
    let thrown = |kind: &str, value: &str, method: &str, url: &str| {
        json!({
            "exception": [{"type": kind, "value": value}],
            "request": {"method": method, "url": url},
        })
    };
    let text = |kind, value| told(thrown(kind, value, "GET", "https://shop.example.com/"));
    let page = |kind, method, url| told(thrown(kind, "x", method, url));
    let field = json!({"exception": [{"type": "ValidationError", "value": "x"}], "tags": {"field": "field_name"}});
    assert_eq!(told(field), "ValidationError.field_name");
    for (found, expected) in [
        (
            text("ValidationError", "{'email': ['Enter a valid address.']}"),
            "ValidationError.email",
        ),
        (
            text(
                "IntegrityError",
                "duplicate key value violates UNIQUE constraint \"u\"",
            ),
            "IntegrityError.unique_constraint",
        ),
        (
            text("IntegrityError", "violates foreign key constraint \"f\""),
            "IntegrityError.foreign_key_constraint",
        ),
        (
            page("Http404", "GET", "https://shop.example.com/api/users/42"),
            "Http404./api/users/{id}",
        ),
        (
            page(
                "Http404",
                "GET",
                "/api/materials/6f9619ff-8b86-d011-b42d-00c04fc964ff/comments?page=2",
            ),
            "Http404./api/materials/{id}/comments",
        ),
        (
            page("Http403", "POST", "https://shop.example.com/api/payments"),
            "Http403.POST./api/payments",
        ),
        (
            page("Http403", "DELETE", "https://shop.example.com/api/users/7"),
            "Http403.DELETE./api/users/{id}",
        ),
        (
            text(
                "TypeError",
                "Cannot read properties of undefined (reading 'message')",
            ),
            "TypeError.property_message",
        ),
        (
            text(
                "TypeError",
                "Cannot set properties of null (setting 'message')",
            ),
            "TypeError.set_message",
        ),
        (
            text("ReferenceError", "userContext is not defined"),
            "ReferenceError.undefined_userContext",
        ),
        (
            page("NetworkError", "GET", "https://api.example.com/api/users/9"),
            "NetworkError./api/users/{id}",
        ),
    ] {
        assert_eq!(found, expected);
    }
    let why = explain(&thrown("Http404", "x", "GET", "/api/users/42"));
    assert_eq!(why.title.as_deref(), Some("Not found: /api/users/{id}"));
    assert!(why.rule.unwrap().starts_with("error.type:Http404 ->"));
}

#[test]
fn a_rule_with_a_mistake_is_refused_with_its_place_and_what_was_expected() {
    for (text, line, column, expected) in [
        ("error.typ:A -> a", 1, 1, Expected::Matcher),
        ("\n# note\n  type A -> a", 3, 7, Expected::Colon),
        ("type: -> a", 1, 6, Expected::Pattern),
        ("type:A", 1, 7, Expected::Arrow),
        ("-> a", 1, 1, Expected::Matcher),
        ("type:A ->", 1, 10, Expected::FingerprintPart),
        ("type:A -> a,", 1, 13, Expected::FingerprintPart),
        ("type:\"A -> a", 1, 6, Expected::ClosingQuote),
        ("type:A -> {{ typo }}", 1, 14, Expected::Variable),
        ("type:A -> a-{{ type", 1, 13, Expected::ClosingBraces),
        ("type:A* -> {{ type.2 }}", 1, 15, Expected::Capture),
        ("value:A* -> {{ type.1 }}", 1, 16, Expected::Capture),
        ("type:A -> a title=b", 1, 19, Expected::Attribute),
        ("type:A -> a title=\"b\" c", 1, 23, Expected::EndOfLine),
        ("app:maybe -> a", 1, 5, Expected::YesOrNo),
        ("family:ruby -> a", 1, 8, Expected::Family),
    ] {
        let error = FingerprintRules::parse(text).unwrap_err()[0];
        assert_eq!(
            (error.line, error.column, error.expected),
            (line, column, expected),
            "{text}"
        );
    }
    for (text, column, expected) in [
        ("function:a", 11, Expected::Action),
        ("+app", 1, Expected::FrameMatcher),
        ("function:a ^app", 12, Expected::Matcher),
        ("function:a -apps", 12, Expected::Action),
        ("function:a max-frames=x", 23, Expected::Number),
        ("message:a -app", 1, Expected::FrameMatcher),
        ("[ function:a | function:b -app", 14, Expected::Matcher),
        ("[ function:a ] function:b -app", 16, Expected::Bar),
        ("function:b | [ type:A ] -app", 16, Expected::FrameMatcher),
    ] {
        let error = StackRules::parse(text).unwrap_err()[0];
        assert_eq!((error.column, error.expected), (column, expected), "{text}");
    }
}

/// The frames that count of `main → run → helper → fail`, of which `helper` is a library's.
fn counting(rules: &str) -> String {
    let frame = |function: &str| json!({"function": function, "module": "shop", "in_app": function != "helper"});
    let frames = ["main", "run", "helper", "fail"].map(frame);
    let event = json!({
        "platform": "python",
        "exception": [{"type": "A", "stacktrace": {"frames": frames}}],
    });
    let grouper = Grouper::default().stack_rules(StackRules::parse(rules).unwrap());
    let why = grouper.explain(&Subject::of_event(&read(&event)));
    let frames = why
        .parts
        .iter()
        .filter(|part| part.name == "frame" && part.counts);
    let names: Vec<_> = frames
        .map(|part| part.value.trim_start_matches("shop "))
        .collect();
    names.join(" ")
}

#[test]
fn stack_rules_mark_frames_and_those_on_either_side() {
    for (rules, expected) in [
        ("", "main run fail"),
        ("stack.function:helper +app", "main run helper fail"),
        ("stack.function:fail -group", "main run"),
        ("function:run ^-group", "main run"),
        ("function:run v-group -group", "fail"),
        ("function:run v-app -app", "fail"),
        ("function:helper ^-group -group", "main run"),
        ("app:no +group", "main run helper fail"),
        ("family:native app:yes -group", "main run fail"),
        ("!family:native function:main -group", "run fail"),
        ("error.type:A function:r* -group", "main fail"),
        ("error.type:B function:r* -group", "main run fail"),
        ("family:other max-frames=2", "run fail"),
        ("[ function:run ] | app:no +app", "main run helper fail"),
        ("[ function:main ] | app:no +app", "main run fail"),
        ("function:run | [ function:helper ] -group", "main fail"),
        (
            "function:run -group\nfunction:* +group",
            "main run helper fail",
        ),
    ] {
        assert_eq!(counting(rules), expected, "{rules}");
    }
}

#[test]
fn an_explanation_tells_what_counts_and_why_the_rest_does_not() {
    let event = json!({
        "platform": "javascript",
        "exception": [{"type": "TypeError", "value": "x is 5", "stacktrace": {"frames": [
            {"function": "render", "filename": "https://a.example/node_modules/react.js", "in_app": true},
            {"function": "Cart.show", "filename": "https://a.example/app.3f9a1c02.js?v=1", "in_app": true},
            {"function": "map", "filename": "[native code]", "in_app": true},
            {"function": "new Cart", "filename": "https://a.example/app.3f9a1c02.js?v=1", "in_app": true},
            {"function": "show", "filename": "https://a.example/app.3f9a1c02.js?v=1", "in_app": true},
        ]}}],
    });
    let subject_of = read(&event);
    let subject = Subject::of_event(&subject_of);
    let why = Grouper::default().explain(&subject);
    assert_eq!(why.key, Grouper::default().group(&subject).key);
    assert_eq!(why.variant, Variant::ExceptionStack);
    let parts: Vec<_> = why
        .parts
        .iter()
        .map(|part| {
            (
                part.value.as_str(),
                part.counts,
                part.reason.map(Reason::as_str),
            )
        })
        .collect();
    assert_eq!(
        parts,
        [
            ("TypeError", true, None),
            (
                "https://a.example/node_modules/react.js render",
                false,
                Some("not-in-app")
            ),
            ("app.*.js show", true, None),
            ("[native code] map", false, Some("generated")),
            ("app.*.js Cart", false, Some("recursion")),
            ("app.*.js show", false, Some("recursion")),
            ("x is 5", false, Some("stack-decides")),
        ]
    );
    let told = serde_json::to_value(&why).unwrap();
    assert_eq!(told["version"], "v1");
    assert_eq!(told["variant"], "exception-stack");
    assert_eq!(told["parts"][1]["reason"], "not-in-app");
    assert_eq!(told["key"].as_str().unwrap().len(), 32);
}

#[test]
fn a_trial_counts_issues_that_would_split_and_merge() {
    let samples = samples();
    let events: Vec<_> = samples.iter().map(|sample| read(&sample.event)).collect();
    let old = Grouper::default();
    let same = compare(&old, &old, events.iter().map(Subject::of_event));
    assert_eq!((same.split, same.merged), (0, 0));
    assert_eq!(same.old_issues, same.new_issues);
    let rules = "family:javascript -> scripts\ntype:RecursionError -> {{ value }}";
    let rules = FingerprintRules::parse(rules).unwrap();
    let new = Grouper::default().fingerprint_rules(rules);
    let found = compare(&old, &new, events.iter().map(Subject::of_event));
    assert_eq!((found.split, found.merged), (1, 1));
    assert_eq!(found.events, u64::try_from(samples.len()).unwrap());
    assert_eq!(found.split_examples[0].1, 2);
}

/// Changes every number behind the names of lines and columns.
fn move_lines(value: &mut Value, by: u64) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| move_lines(value, by)),
        Value::Object(map) => {
            for (key, value) in map {
                if matches!(key.as_str(), "lineno" | "colno") && value.is_number() {
                    *value = json!(value.as_u64().unwrap_or(0).wrapping_add(by));
                } else {
                    move_lines(value, by);
                }
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_event_and_no_rule_panics_and_the_same_event_has_the_same_key(
        event in object(),
        rules in "[a-z.:!*\"{}\\[\\]| ,>^+=-]{0,60}",
        text in "\\PC{0,80}",
    ) {
        let (event, _) = from_json::<Event>(event.to_string().as_bytes()).unwrap();
        let grouper = Grouper::default()
            .fingerprint_rules(FingerprintRules::parse_lenient(&format!("{rules}\nmessage:{text} -> {text}\ntype:*{text}* -> {text}")))
            .stack_rules(StackRules::parse_lenient(&format!("{rules}\nfunction:{text} -group")));
        let subject = Subject::of_event(&event);
        let key = grouper.group(&subject).key;
        prop_assert_eq!(grouper.group(&subject.clone()).key, key);
        prop_assert_eq!(grouper.explain(&subject).key, key);
        let plain = Event::from_message(text, mini_sentry::Level::Error);
        let subject = Subject::of_event(&plain);
        let key = Grouper::default().group(&subject).key;
        prop_assert_eq!(Grouper::default().explain(&subject).key, key);
    }

    #[test]
    fn lines_and_columns_do_not_matter(index in any::<prop::sample::Index>(), by in any::<u32>()) {
        let samples = samples();
        let sample = index.get(samples);
        let mut moved = sample.event.clone();
        move_lines(&mut moved, by.into());
        prop_assert_eq!(key(&sample.event), key(&moved), "{}", sample.name);
    }

    #[test]
    fn hostile_names_and_texts_are_grouped_too(
        platform in prop::sample::select(vec!["javascript", "python", "java", "ruby", "php", "csharp", "native", "go"]),
        names in prop::collection::vec("[a-z<>$_/.:#@(){}*+ 0-9é-]{0,24}", 1..6),
    ) {
        let frames: Vec<_> = names.iter().map(|name| json!({
            "function": name, "module": name, "filename": format!("/x/{name}"), "in_app": true,
        })).collect();
        let event = json!({"platform": platform, "exception": [
            {"type": names[0], "value": names.join("'"), "stacktrace": {"frames": frames}}]});
        let event = read(&event);
        let subject = Subject::of_event(&event);
        let why = Grouper::default().explain(&subject);
        prop_assert_eq!(why.key, Grouper::default().group(&subject).key);
        // Whatever was put aside, the innermost frame that counts is the last.
        let innermost = why.parts.iter().rfind(|part| {
            part.name == "frame" && part.reason != Some(Reason::Generated)
        });
        prop_assert!(innermost.is_none_or(|part| part.counts || part.reason == Some(Reason::Recursion)));
    }
}
