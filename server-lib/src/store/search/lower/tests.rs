use std::collections::HashMap;

use super::*;
use crate::model::ids::IssueId;
use crate::model::issue::{Actor, IssueStatus, Substatus};
use crate::store::query::{EventPredicate as Of, Interval, IssuePredicate as Is};
use crate::store::query::{TagTest, TextPattern};
use crate::store::search::{ParseOptions, Subject, parse};

const NOW: Millis = Millis(1_767_323_045_678);
const WEEK: i64 = 7 * Millis::DAY;

fn known() -> Known {
    Known {
        now: NOW,
        me: Actor::new("user:1"),
        my_teams: Actor::new("team:3").into_iter().collect(),
        people: HashMap::from([("a@example.com".to_owned(), Actor::new("user:2").unwrap())]),
        projects: vec![
            (ProjectId(7), "web".to_owned()),
            (ProjectId(8), "api".to_owned()),
        ],
        issues: HashMap::from([("WEB-1".to_owned(), IssueId(11))]),
        events: HashMap::from([(event_id(), IssueId(11))]),
        ..Known::default()
    }
}

fn event_id() -> EventId {
    "4c79f60c11214eb38604f4ae0781bfb2".parse().unwrap()
}

fn read(text: &str, subject: Subject) -> Query {
    parse(text, &ParseOptions::new(subject, NOW)).unwrap()
}

fn issues(text: &str) -> Filter<Is> {
    let plan = read(text, Subject::Issues).for_issues(&known()).unwrap();
    match plan.filter {
        Filter::All(mut parts) if parts.len() == 1 => parts.remove(0),
        filter => filter,
    }
}

fn events(text: &str) -> EventPlan {
    read(text, Subject::Events).for_events(&known())
}

fn tag<P>(of: impl Fn(String, TagTest) -> P, key: &str, value: &str) -> Filter<P> {
    let value = match value.contains('*') {
        true => TextPattern::Like(value.to_owned()),
        false => TextPattern::Equals(value.to_owned()),
    };
    Filter::Is(of(key.to_owned(), TagTest::Value(value)))
}

#[test]
fn issues_are_asked_for_by_their_rows_tags_and_texts() {
    let is = Filter::Is;
    let since = |from| Interval {
        from: Some(from),
        to: None,
    };
    let like = |text: &str| TextPattern::Like(text.to_owned());
    for (text, filter) in [
        ("is:ignored", is(Is::Status(IssueStatus::Ignored))),
        (
            "!is:regressed",
            Filter::Not(Box::new(is(Is::Substatus(Substatus::Regressed)))),
        ),
        (
            "lastSeen:-24h",
            is(Is::LastSeen(since(NOW.plus(-Millis::DAY)))),
        ),
        (
            "timesSeen:>5",
            is(Is::Events(Interval {
                from: Some(6),
                to: None,
            })),
        ),
        ("timesSeen:<0", Filter::Any(Vec::new())),
        (
            "title:\"database error\"",
            is(Is::Title(like("*database error*"))),
        ),
        ("error.unhandled:true", is(Is::IsUnhandled)),
        ("env:prod*", tag(Is::Tag, "environment", "prod*")),
        ("release.package:shop", tag(Is::Tag, "release", "shop@*")),
        ("critical:true", tag(Is::Tag, "critical", "true")),
        ("timeout", is(Is::Text("timeout".to_owned()))),
        (
            "\"no such file\"",
            is(Is::Text("\"no such file\"".to_owned())),
        ),
        ("stack.function:charge", is(Is::Text("charge".to_owned()))),
        ("issue:web-1", is(Is::Id(IssueId(11)))),
        ("issue:web-2", Filter::Any(Vec::new())),
        (
            "id:4c79f60c11214eb38604f4ae0781bfb2",
            is(Is::Id(IssueId(11))),
        ),
        ("is:linked", Filter::Any(Vec::new())),
    ] {
        assert_eq!(issues(text), filter, "{text}");
    }
    let (new, known) = (
        Is::Substatus(Substatus::New),
        Is::FirstSeen(since(NOW.plus(-WEEK))),
    );
    assert_eq!(issues("is:new"), Filter::All(vec![is(new), is(known)]));
}

#[test]
fn people_are_who_they_were_found_to_be() {
    let assigned = |text| Filter::Is(Is::AssignedTo(vec![Actor::new(text).unwrap()]));
    assert_eq!(issues("assigned:me"), assigned("user:1"));
    assert_eq!(issues("assigned:my_teams"), assigned("team:3"));
    assert_eq!(issues("assigned:a@example.com"), assigned("user:2"));
    assert_eq!(issues("assignee:user-42"), assigned("user-42"));
    assert_eq!(issues("assigned:#nobodys"), Filter::Any(Vec::new()));
    assert_eq!(
        issues("assigned:none"),
        Filter::Is(Is::IsAssigned).negated()
    );
    let bookmarked = Filter::Is(Is::BookmarkedBy(Actor::new("user:1").unwrap()));
    assert_eq!(issues("bookmarks:me"), bookmarked);
    let query = read("bookmarks:me", Subject::Issues);
    let nobody = query.for_issues(&Known::default()).unwrap();
    assert_eq!(nobody.filter, Filter::All(vec![Filter::Any(Vec::new())]));
}

#[test]
fn projects_beside_other_terms_narrow_the_question() {
    let projects = |text: &str| events(text).projects;
    assert_eq!(projects("timeout"), [ProjectId(7), ProjectId(8)]);
    assert_eq!(projects("timeout project:web"), [ProjectId(7)]);
    assert_eq!(projects("!project:web"), [ProjectId(8)]);
    assert_eq!(projects("project:9"), []);
    let nested = events("project:web OR level:error");
    assert_eq!(nested.projects.len(), 2);
    assert!(nested.check.is_some());
    let query = read("project:web OR level:error", Subject::Issues);
    assert_eq!(query.for_issues(&known()).unwrap_err().key(), "project");
}

#[test]
fn what_the_index_cannot_tell_is_left_for_the_body() {
    let exact = |text: &str| events(text).check.is_none();
    for text in [
        "",
        "level:error",
        "!env:prod",
        "a:b OR !has:user",
        "timestamp:-1h a:b",
    ] {
        assert!(exact(text), "{text}");
    }
    for text in [
        "timeout",
        "measurements.lcp:>5",
        "http.method:GET",
        "a:>5",
        "trace:abc",
    ] {
        assert!(!exact(text), "{text}");
    }
}

#[test]
fn a_filter_never_lets_through_less_than_is_meant() {
    let filter = |text: &str| events(text).filter;
    let level = tag(Of::Tag, "level", "error");
    let text = Filter::Is(Of::GroupText("timeout".to_owned()));
    let both = Filter::All(vec![level.clone(), text]);
    assert_eq!(filter("level:error timeout"), both);
    let rest = Filter::All(vec![level.clone(), Filter::everything()]);
    assert_eq!(filter("level:error !timeout"), rest);
    let either = Filter::Any(vec![level.clone(), Filter::everything()]);
    assert_eq!(
        filter("level:error OR http.method:GET"),
        Filter::All(vec![either])
    );
    assert_eq!(filter("!level:error"), Filter::All(vec![level.negated()]));
    let query = events("http.url:https://a.example/b?c=d");
    let address = tag(Of::Tag, "url", "https://a.example/b");
    assert_eq!(query.filter, Filter::All(vec![address]));
    assert!(query.check.is_some());
}

#[test]
fn times_and_ids_are_told_apart_from_the_filter() {
    let plan = events("timestamp:[now-1h TO now] timestamp:>now-30m level:error");
    let from = NOW.plus(1 - 30 * Millis::MINUTE);
    assert_eq!(plan.times, Some(from..=NOW));
    assert_eq!(plan.check, None);
    let plan = events("timestamp:-1h OR level:error");
    assert_eq!(plan.times, None);
    assert!(plan.check.is_some());
    let plan = events("id:4c79f60c11214eb38604f4ae0781bfb2 level:error");
    assert_eq!(plan.ids, Some(vec![event_id()]));
}

#[test]
fn what_issues_cannot_be_found_by_is_named() {
    for (text, key) in [
        ("measurements.duration:>5000", "measurements.duration"),
        ("level:error !http.method:GET", "http.method"),
        ("tags[a]:>5", "tags[a]"),
    ] {
        let query = read(text, Subject::Issues);
        let error = query.for_issues(&known()).unwrap_err();
        assert_eq!(error.key(), key, "{text}");
        assert_eq!(error.code(), "not_searchable");
    }
}
