//! Any text is read without a panic, and what is read is written so that it reads the same.

use proptest::prelude::*;

use super::*;
use crate::model::time::Millis;

const NOW: Millis = Millis(1_767_323_045_678);

/// Pieces of the language, so that most of what is put together gets far.
fn piece() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "is",
        "status",
        "level",
        "env",
        "title",
        "message",
        "error.value",
        "error.handled",
        "age",
        "lastSeen",
        "timestamp",
        "timesSeen",
        "release",
        "firstRelease",
        "release.version",
        "release.build",
        "user",
        "assigned",
        "bookmarks",
        "issue",
        "project",
        "has",
        "measurements.lcp",
        "tags[a]",
        "tags[\"b c\"]",
        "flags[x]",
        "tags.d",
        "os.name",
        "custom",
        "\"odd key\"",
        "http.status_code",
        "transaction.duration",
        "issue.category",
        "id",
    ]);
    let single = prop_oneof![
        prop::sample::select(vec![
            "resolved",
            "error",
            "true",
            "me",
            "none",
            "#web",
            "latest",
            "-24h",
            "+2d",
            "now-1h",
            "2026-01-02",
            "2026-01-02T03:04:05.5Z",
            "1.2.3",
            "1.2.*",
            "1.2.3-rc.1",
            "5",
            "1.5k",
            "300ms",
            "10kb",
            "1e-7",
            "*",
            "*a*",
            "a*b",
            "MY-APP-1F",
            "id:5",
            "a:b",
            "//a",
            ":a",
            "TO",
            "AND",
            "\"\"",
            "\"a b\"",
            "\"*\"",
            "\"\\*\\\"\\\\\"",
            "\\*",
            "C:\\a",
            "f(x)",
            "4c79f60c11214eb38604f4ae0781bfb2",
            "\"OR\"",
            "\"#a b\"",
            "=",
        ])
        .prop_map(str::to_owned),
        "\\PC{1,6}",
        "[a-z*\\\\\"]{1,5}",
    ];
    let value = prop_oneof![
        4 => single.clone(),
        1 => ("(>|>=|<|<=|=)", single.clone()).prop_map(|(sign, value)| format!("{sign}{value}")),
        1 => prop::collection::vec(single.clone(), 1..4)
            .prop_map(|values| format!("[{}]", values.join(", "))),
        1 => (single.clone(), single.clone()).prop_map(|(from, to)| format!("[{from} TO {to}]")),
    ];
    let term = (key, value).prop_map(|(key, value)| format!("{key}:{value}"));
    prop_oneof![
        6 => term.clone(),
        2 => term.prop_map(|term| format!("!{term}")),
        2 => single.clone(),
        1 => single.prop_map(|word| format!("!{word}")),
        1 => prop::sample::select(vec!["AND", "OR", "NOT", "(", ")", "!(", "or", "and"])
            .prop_map(str::to_owned),
    ]
}

fn query() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..7).prop_map(|pieces| pieces.join(" "))
}

fn check(text: &str) -> Result<(), TestCaseError> {
    for subject in [Subject::Issues, Subject::Events] {
        for bare_words in [BareWords::All, BareWords::Any] {
            let options = ParseOptions::new(subject, NOW).bare_words(bare_words);
            match parse(text, &options) {
                Ok(query) => {
                    let form = query.to_string();
                    let again = parse(&form, &ParseOptions::new(subject, Millis(0)));
                    prop_assert_eq!(again.as_ref(), Ok(&query), "{}", form);
                }
                Err(error) => {
                    let place = error.place();
                    prop_assert!(place.start <= place.end);
                    prop_assert!(place.end <= text.chars().count());
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_written_reads_the_same(text in query()) {
        check(&text)?;
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,60}") {
        check(&text)?;
        prop_assert!(completions(&text, Subject::Issues, 5).len() <= 5);
    }

    #[test]
    fn no_heap_of_signs_makes_the_reader_panic(text in "[a-z:!()\\[\\]<>=\"\\\\*, .TOANDR0-9-]{0,60}") {
        check(&text)?;
        prop_assert!(completions(&text, Subject::Events, 5).len() <= 5);
    }

    #[test]
    fn a_pattern_finds_itself(text in "\\PC{0,20}") {
        prop_assert!(Pattern::exact(text.clone()).matches(&text));
        let around = format!("a{text}b");
        prop_assert!(Pattern::containing(text).matches(&around));
    }
}
