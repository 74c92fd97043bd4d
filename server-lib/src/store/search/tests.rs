//! What queries mean, and what is said of wrong ones.

use super::*;
use crate::model::event::Level;
use crate::model::time::Millis;

const NOW: Millis = Millis(1_767_323_045_678);
const DAY: i64 = Millis::DAY;
const HOUR: i64 = DAY / 24;

fn issues(text: &str) -> Query {
    read(text, Subject::Issues)
}

fn events(text: &str) -> Query {
    read(text, Subject::Events)
}

fn read(text: &str, subject: Subject) -> Query {
    match parse(text, &ParseOptions::new(subject, NOW)) {
        Ok(query) => query,
        Err(error) => panic!("{text}: {error}"),
    }
}

fn canonical(text: &str) -> String {
    issues(text).to_string()
}

fn wrong(text: &str) -> SearchError {
    parse(text, &ParseOptions::new(Subject::Issues, NOW)).unwrap_err()
}

fn exact(field: Field, text: &str) -> Expr {
    Expr::One(Condition::Field(field, OneOf::only(Pattern::exact(text))))
}

fn tag(key: &str) -> Field {
    Field::Tag(key.to_owned())
}

fn only(query: &Query) -> &Condition {
    match &query.root {
        Some(Expr::One(condition)) => condition,
        other => panic!("{other:?}"),
    }
}

#[test]
fn level_environment_and_a_word() {
    let query = events("level:error env:production timeout");
    assert_eq!(
        query.parts(),
        [
            Expr::One(Condition::Level(OneOf::only(Level::Error))),
            exact(Field::Environment, "production"),
            Expr::One(Condition::Text(Pattern::exact("timeout"))),
        ]
    );
}

#[test]
fn open_issues_with_a_phrase_in_the_title() {
    let query = issues(r#"status:open title:"database error""#);
    let title = OneOf::only(Pattern::containing("database error"));
    assert_eq!(
        query.parts(),
        [
            Expr::One(Condition::State(OneOf::only(State::Unresolved))),
            Expr::One(Condition::Field(Field::Title, title)),
        ]
    );
}

#[test]
fn a_user_by_id() {
    assert_eq!(issues("user.id:123").parts(), [exact(Field::UserId, "123")]);
}

#[test]
fn a_tag_by_its_path() {
    let query = events("tags.feature:payments");
    assert_eq!(query.parts(), [exact(tag("feature"), "payments")]);
}

#[test]
fn the_last_hour_as_a_range() {
    let query = events("timestamp:[now-1h TO now]");
    let Condition::Happened(times) = only(&query) else {
        panic!("{query:?}");
    };
    assert_eq!(times.from(), Some(NOW.plus(-HOUR)));
    assert_eq!(times.to(), Some(NOW));
}

#[test]
fn an_environment_a_tag_and_an_error_type() {
    let query = events("environment:production tags.critical:true error.type:PaymentError");
    assert_eq!(
        query.parts(),
        [
            exact(Field::Environment, "production"),
            exact(tag("critical"), "true"),
            exact(Field::ErrorType, "PaymentError"),
        ]
    );
}

#[test]
fn a_measurement_that_is_there_and_large() {
    let query = events("has:measurements.duration measurements.duration:>5000");
    let [
        Expr::One(Condition::Has(has)),
        Expr::One(Condition::Number(field, range)),
    ] = query.parts()
    else {
        panic!("{query:?}");
    };
    assert_eq!(has, field);
    assert_eq!(*field, Field::Measurement("duration".to_owned()));
    assert!(matches!(range, Range::Above(number) if number.get() == 5_000.0));
    assert_eq!(
        events("measurements.duration:>5s"),
        events("measurements.duration:>5000")
    );
}

#[test]
fn nothing_asks_for_everything() {
    for text in ["", "  ", "\n\t"] {
        assert!(issues(text).is_empty());
    }
    assert_eq!(issues("").to_string(), "");
}

#[test]
fn a_sign_before_a_term_turns_it_round() {
    for (text, form) in [
        ("!level:error", "!level:error"),
        ("NOT level:error", "!level:error"),
        ("!has:release", "!has:release"),
        ("!timeout", "!timeout"),
        (r#"!"no such file""#, r#"!"no such file""#),
        ("!(a OR b)", "!(a OR b)"),
        ("NOT NOT a", "a"),
        ("NOT !a", "a"),
        ("!release:[a,b]", "!release:[a,b]"),
        ("!environment:\"\"", "has:environment"),
    ] {
        assert_eq!(canonical(text), form, "{text}");
    }
}

#[test]
fn and_binds_tighter_than_or() {
    for (text, form) in [
        ("a b OR c d", "a b OR c d"),
        ("a AND (b OR c)", "a (b OR c)"),
        ("(a b) c", "a b c"),
        ("((a))", "a"),
        ("a OR (b OR c)", "a OR b OR c"),
        ("level:error or level:fatal", "level:error OR level:fatal"),
        ("(level:error) and (is:new)", "level:error is:new"),
        ("not found or lost", "\"not\" found \"or\" lost"),
    ] {
        assert_eq!(canonical(text), form, "{text}");
    }
}

#[test]
fn quotes_and_backslashes_take_away_meanings() {
    let text = |query: &Query| match only(query) {
        Condition::Field(_, patterns) => patterns.as_slice()[0].clone(),
        other => panic!("{other:?}"),
    };
    for (query, value) in [
        (r#"file:"a b""#, "a b"),
        (r#"file:"say \"hi\" \\ \*""#, r#"say "hi" \ *"#),
        (r"file:C:\app\main", r"C:\app\main"),
        (r"file:a\*b", "a*b"),
        ("file:main(1)", "main(1)"),
        (r#"file:">5""#, ">5"),
    ] {
        assert_eq!(text(&events(query)), Pattern::exact(value), "{query}");
    }
    assert_eq!(text(&events(r#"file:"a b*""#)).as_prefix(), Some("a b"));
    assert_eq!(text(&events("file:*.rs")).pieces(), ["", ".rs"]);
}

#[test]
fn a_tag_has_many_spellings() {
    let query = events("tags[feature]:a");
    for text in [
        "feature:a",
        "tags.feature:a",
        r#"tags["feature"]:a"#,
        r#""feature":a"#,
    ] {
        assert_eq!(events(text), query, "{text}");
    }
    assert_eq!(events("tags[level]:a").parts(), [exact(tag("level"), "a")]);
    assert_eq!(
        events("tags[my key]:a").parts(),
        [exact(tag("my key"), "a")]
    );
    let flag = Field::Flag("new-checkout".to_owned());
    assert_eq!(
        events(r#"flags["new-checkout"]:true"#).parts(),
        [exact(flag, "true")]
    );
    assert_eq!(canonical("tags[size,number]:5"), "tags[size]:[5 TO 5]");
    assert_eq!(canonical("size:>10kb"), "tags[size]:>10000");
    assert_eq!(canonical("size:5"), "tags[size]:5");
    assert_eq!(canonical("has:tags[my key]"), r#"has:tags["my key"]"#);
}

#[test]
fn a_colon_in_a_pasted_message_is_no_key() {
    for (text, words) in [
        ("TypeError: x is undefined", 4),
        ("std::io::Error", 1),
        ("see http://a.example/b", 2),
        ("foo() at 12:30:45", 3),
        ("a && b", 0),
    ] {
        let options = ParseOptions::new(Subject::Issues, NOW);
        let query = parse(text, &options).unwrap_or_default();
        assert_eq!(query.parts().len(), words, "{text}");
        let is_text = |part: &Expr| matches!(part, Expr::One(Condition::Text(_)));
        assert!(query.parts().iter().all(is_text), "{text}");
    }
}

#[test]
fn issues_are_asked_for_by_state_people_and_history() {
    for (text, form) in [
        ("is:archived", "is:ignored"),
        ("is:[open, RESOLVED]", "is:[unresolved,resolved]"),
        ("is:unassigned is:for_review", "is:unassigned is:for_review"),
        ("assignee:a@example.com", "assigned:a@example.com"),
        (
            "assigned:[me, none, my_teams, #web]",
            "assigned:[me,none,my_teams,#web]",
        ),
        ("assigned_or_suggested:me", "assigned_or_suggested:me"),
        ("has:assigned", "is:assigned"),
        (
            "bookmarks:me subscribed:user-42",
            "bookmarks:me subscribed:user-42",
        ),
        ("firstRelease:latest", "firstRelease:latest"),
        ("timesSeen:>=1k", "timesSeen:>=1000"),
        ("times_seen:[10 TO *]", "timesSeen:>=10"),
        (
            "timesSeen:[1,2]",
            "timesSeen:[1 TO 1] OR timesSeen:[2 TO 2]",
        ),
        ("issue:my-app-1f", "issue:MY-APP-1F"),
        ("issue.id:[1,2]", "issue:[1,2]"),
        ("priority:med", "issue.priority:medium"),
        (
            "issue.category:error issue.type:error",
            "issue.category:error issue.type:error",
        ),
    ] {
        assert_eq!(canonical(text), form, "{text}");
    }
}

#[test]
fn events_are_asked_for_by_what_is_in_them() {
    for (text, form) in [
        ("severity:[warn,critical]", "level:[warning,fatal]"),
        ("level:>=warning", "level:[warning,error,fatal]"),
        ("error.unhandled:true", "error.handled:false"),
        ("error.value:timeout", "error.value:*timeout*"),
        ("stack.filename:*/views.py", "stack.filename:*/views.py"),
        ("user:id:42", "user.id:42"),
        (
            "user:[a@example.com,ip:1.1.1.1]",
            "user:a@example.com OR user.ip:1.1.1.1",
        ),
        ("user:*", "has:user"),
        ("http.status_code:>=500", "http.status_code:>=500"),
        ("os.name:Windows", "os.name:Windows"),
        ("release:latest", "release:latest"),
        ("release.version:>1.2", "release.version:>1.2.0"),
        ("release.version:1.2.*", "release.version:1.2.*"),
        ("release.stage:adopted", "release.stage:adopted"),
        (
            "event.type:error platform:python",
            "event.type:error platform.name:python",
        ),
        ("project:[web,7]", "project:[web,7]"),
        ("transaction.duration:>2m", "transaction.duration:>120000"),
        (
            "id:4c79f60c11214eb38604f4ae0781bfb2",
            "id:4c79f60c11214eb38604f4ae0781bfb2",
        ),
    ] {
        assert_eq!(events(text).to_string(), form, "{text}");
    }
}

#[test]
fn times_are_moments_ages_and_ranges() {
    let ends = |text: &str| match only(&issues(text)) {
        Condition::FirstSeen(times) | Condition::LastSeen(times) => {
            (times.from().map(|at| at.0), times.to().map(|at| at.0))
        }
        other => panic!("{other:?}"),
    };
    let now = NOW.0;
    let day = 1_767_312_000_000;
    for (text, from, to) in [
        ("age:-24h", Some(now - DAY), None),
        ("lastSeen:+2d", None, Some(now - 2 * DAY)),
        ("age:>24h", None, Some(now - DAY - 1)),
        ("age:<=24h", Some(now - DAY), None),
        ("lastSeen:>now-1h", Some(now - HOUR + 1), None),
        ("firstSeen:2026-01-02", Some(day), Some(day + DAY - 1)),
        ("firstSeen:>2026-01-02", Some(day + DAY), None),
        ("firstSeen:<2026-01-02", None, Some(day - 1)),
        ("firstSeen:<=2026-01-02", None, Some(day + DAY - 1)),
        ("firstSeen:>=2026-01-02T01:00", Some(day + HOUR), None),
        (
            r#"firstSeen:>="2026-01-02 01:00:00""#,
            Some(day + HOUR),
            None,
        ),
        ("lastSeen:[2026-01-02 TO *]", Some(day), None),
        ("lastSeen:[* TO -1h]", None, Some(now - HOUR)),
        (
            "lastSeen:[2026-01-02 TO 2026-01-02]",
            Some(day),
            Some(day + DAY - 1),
        ),
    ] {
        assert_eq!(ends(text), (from, to), "{text}");
    }
}

#[test]
fn words_of_the_seeds_lists_are_alternatives() {
    let options = ParseOptions::new(Subject::Events, NOW).bare_words(BareWords::Any);
    let form = |text: &str| parse(text, &options).unwrap().to_string();
    assert_eq!(
        form("timeout level:error refused"),
        "level:error (timeout OR refused)"
    );
    assert_eq!(form("a b"), "a OR b");
    assert_eq!(form("a !b"), "!b a");
    assert_eq!(form("a b AND c"), "(a OR b) c");
    assert_eq!(form("env:a env:b"), "environment:a environment:b");
}

#[test]
fn a_wrong_query_is_told_where_and_what_was_expected() {
    for (text, start, end, code, suggestion) in [
        ("is:resolvd", 3, 10, "wrong_value", Some("resolved")),
        ("level:eror", 6, 10, "wrong_value", Some("error")),
        (
            "level:[error,wrning]",
            13,
            19,
            "wrong_value",
            Some("warning"),
        ),
        ("level:", 6, 6, "unexpected", None),
        ("level: error", 6, 7, "unexpected", None),
        (
            "a timesSeen:=>5",
            12,
            14,
            "wrong_operator",
            Some("timesSeen:>=5"),
        ),
        (
            "timesSeen:!=5",
            10,
            12,
            "wrong_operator",
            Some("!timesSeen:5"),
        ),
        ("timesSeen>5", 9, 10, "wrong_operator", Some("timesSeen:>5")),
        ("level=error", 5, 6, "wrong_operator", Some("level:error")),
        (
            "env:!production",
            4,
            5,
            "wrong_operator",
            Some("!env:production"),
        ),
        (
            "error.type:>A",
            11,
            13,
            "wrong_operator",
            Some("error.type:A"),
        ),
        ("timesSeen:many", 10, 14, "wrong_value", None),
        ("timesSeen:[5 TO 2]", 10, 18, "wrong_range", None),
        ("lastSeen:[now TO now-1h]", 9, 24, "wrong_range", None),
        ("lastSeen:24h", 9, 12, "wrong_value", Some("-24h")),
        ("lastSeen:[now-1h to now]", 17, 19, "unexpected", Some("TO")),
        ("a || b", 2, 4, "wrong_operator", Some("OR")),
        ("(a OR b", 0, 1, "unclosed", None),
        ("a OR b)", 6, 7, "unexpected", None),
        ("a OR", 4, 4, "unexpected", None),
        ("OR a", 0, 2, "unexpected", None),
        ("a AND OR b", 6, 8, "unexpected", None),
        ("()", 1, 2, "unexpected", None),
        (r#"a "b c"#, 2, 6, "unclosed", None),
        ("release:[a,b", 8, 12, "unclosed", None),
        ("release:[a,]", 11, 12, "unexpected", None),
        ("release:[]", 9, 10, "unexpected", None),
        (r#"title:"a"b"#, 9, 10, "unexpected", None),
        ("tags[a:b", 4, 8, "unclosed", None),
        ("tags[a] b", 7, 8, "unexpected", None),
        ("error.type:(A OR B)", 11, 12, "unexpected", None),
        ("count():>5", 0, 5, "unexpected", None),
        ("has:timesSeen", 4, 13, "wrong_value", None),
        ("issue:banana", 6, 12, "wrong_value", None),
        ("id:12", 3, 5, "wrong_value", None),
        ("error.handled:maybe", 14, 19, "wrong_value", None),
        ("tags[a]:>b", 9, 10, "wrong_value", None),
        ("ä is:ö", 5, 6, "wrong_value", None),
        ("\"\"", 0, 2, "wrong_value", None),
    ] {
        let error = wrong(text);
        let place = error.place();
        assert_eq!(
            (place.start, place.end, error.code(), error.suggestion()),
            (start, end, code, suggestion),
            "{text}: {error}"
        );
        assert!(!error.expected().is_empty(), "{text}");
    }
}

#[test]
fn the_sentence_names_the_place_the_find_and_the_expectation() {
    assert_eq!(
        wrong("a is:ignord").to_string(),
        "search, character 6: found `ignord`, expected one of unresolved, resolved, ignored, \
         assigned, unassigned, for_review, linked, unlinked, new, ongoing, escalating, regressed, \
         until_escalating, until_condition_met, forever; did you mean `ignored`?"
    );
    assert_eq!(
        wrong("a AND").to_string(),
        "search, character 6: found the end, expected a term"
    );
}

#[test]
fn keys_of_issues_are_refused_for_events() {
    let options = ParseOptions::new(Subject::Events, NOW);
    for text in ["is:resolved", "timesSeen:>5", "assigned:me", "lastSeen:-1h"] {
        let error = parse(text, &options).unwrap_err();
        assert_eq!(error.kind(), SearchErrorKind::Subject, "{text}");
        assert_eq!(error.place().start, 0);
    }
    assert_eq!(events("status:500").parts(), [exact(tag("status"), "500")]);
}

#[test]
fn the_size_of_a_query_is_bounded() {
    let kind = |text: &str| wrong(text).kind();
    assert_eq!(kind(&"a".repeat(MAX_CHARS + 1)), SearchErrorKind::TooLong);
    assert!(!issues(&"a".repeat(MAX_CHARS)).is_empty());
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(kind(&nested(MAX_DEPTH + 1)), SearchErrorKind::TooDeep);
    assert!(!issues(&nested(MAX_DEPTH)).is_empty());
    assert_eq!(
        kind(&"NOT ".repeat(MAX_DEPTH + 1)),
        SearchErrorKind::Unexpected
    );
    assert_eq!(
        kind(&"a ".repeat(MAX_TERMS + 1)),
        SearchErrorKind::TooManyTerms
    );
    let counts = vec!["1"; MAX_TERMS + 1].join(",");
    assert_eq!(
        kind(&format!("timesSeen:[{counts}]")),
        SearchErrorKind::TooManyTerms
    );
    let values = vec!["a"; MAX_VALUES + 1].join(",");
    assert_eq!(
        kind(&format!("b:[{values}]")),
        SearchErrorKind::TooManyValues
    );
}
