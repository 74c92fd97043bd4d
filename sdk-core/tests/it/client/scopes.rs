//! Scopes: what they hold, how they nest, and what wins.

use mini_sentry::protocol::{Attachment, Context, Event, Request, User};
use mini_sentry::test::{with_captured_envelopes, with_captured_events};
use mini_sentry::{
    Breadcrumb, Hub, Level, Scope, add_breadcrumb, capture_event, capture_message, configure_scope,
    set_tag, set_user, with_scope,
};
use serde_json::json;

use super::stage::{messages, only_event};

fn user(id: &str) -> User {
    User {
        id: Some(id.to_owned()),
        ..User::default()
    }
}

fn object(value: serde_json::Value) -> Context {
    match value {
        serde_json::Value::Object(object) => object.into(),
        other => Context::Value(other),
    }
}

fn fill(scope: &mut Scope) {
    scope.set_level(Some(Level::Fatal));
    scope.set_fingerprint(Some(&["a", "b"]));
    scope.set_transaction(Some("/cart"));
    scope.set_user(Some(user("user-42")));
    scope.set_request(Some(Request {
        method: Some("PUT".to_owned()),
        ..Request::default()
    }));
    scope.set_tag("queue", 7);
    scope.set_extra("note", json!({"deep": [1]}));
    scope.set_context("order", object(json!({"id": 4711})));
    scope.add_attachment(Attachment::new("a.txt", *b"a"));
}

#[test]
fn everything_that_a_scope_holds_is_in_the_event() {
    let sent = with_captured_envelopes(|| {
        configure_scope(fill);
        capture_message("hello", Level::Info);
    });
    let event = only_event(&sent);
    assert_eq!(event.level, Some(Level::Fatal));
    assert_eq!(event.fingerprint, ["a", "b"]);
    assert_eq!(event.transaction.as_deref(), Some("/cart"));
    assert_eq!(event.user, Some(user("user-42")));
    assert_eq!(
        event.request.as_ref().unwrap().method.as_deref(),
        Some("PUT")
    );
    assert_eq!(event.tags["queue"], "7");
    assert_eq!(event.extra["note"], json!({"deep": [1]}));
    assert_eq!(event.contexts["order"], object(json!({"id": 4711})));
    assert_eq!(sent[0].items.len(), 2);
}

#[test]
fn what_is_removed_from_a_scope_is_gone() {
    let sent = with_captured_envelopes(|| {
        configure_scope(fill);
        configure_scope(|scope| {
            scope.set_level(None);
            scope.set_fingerprint(None);
            scope.set_transaction(None);
            scope.set_user(None);
            scope.set_request(None);
            scope.remove_tag("queue");
            scope.remove_extra("note");
            scope.remove_context("order");
            scope.clear_attachments();
        });
        capture_message("hello", Level::Info);
    });
    let event = only_event(&sent);
    assert_eq!(event.level, Some(Level::Info));
    assert!(event.fingerprint.is_empty() && event.tags.is_empty() && event.extra.is_empty());
    assert!(event.transaction.is_none() && event.user.is_none() && event.request.is_none());
    assert!(!event.contexts.contains_key("order"));
    assert_eq!(sent[0].items.len(), 1);
}

#[test]
fn a_cleared_scope_keeps_its_trace_and_nothing_else() {
    let events = with_captured_events(|| {
        configure_scope(fill);
        add_breadcrumb(Breadcrumb::default());
        capture_message("before", Level::Info);
        configure_scope(Scope::clear);
        capture_message("after", Level::Info);
    });
    assert!(events[1].tags.is_empty() && events[1].breadcrumbs.is_empty());
    assert_eq!(events[0].contexts["trace"], events[1].contexts["trace"]);
}

#[test]
fn what_the_event_says_wins_except_for_the_level() {
    let event = Event {
        level: Some(Level::Info),
        fingerprint: vec!["own".to_owned()],
        transaction: Some("own".to_owned()),
        user: Some(user("own")),
        request: Some(Request {
            method: Some("GET".to_owned()),
            ..Request::default()
        }),
        tags: [("queue".to_owned(), "own".to_owned())]
            .into_iter()
            .collect(),
        extra: [("note".to_owned(), json!("own"))].into_iter().collect(),
        contexts: [("order".to_owned(), object(json!({"id": 1})))]
            .into_iter()
            .collect(),
        ..Event::default()
    };
    let given = event.clone();
    let sent = with_captured_envelopes(|| {
        configure_scope(fill);
        configure_scope(|scope| scope.set_tag("other", "scope"));
        capture_event(given);
    });
    let got = only_event(&sent);
    assert_eq!(got.level, Some(Level::Fatal));
    assert_eq!(got.fingerprint, event.fingerprint);
    assert_eq!(got.transaction, event.transaction);
    assert_eq!(got.user, event.user);
    assert_eq!(got.request, event.request);
    assert_eq!(got.tags["queue"], "own");
    assert_eq!(got.tags["other"], "scope");
    assert_eq!(got.extra, event.extra);
    assert_eq!(got.contexts["order"], event.contexts["order"]);
}

#[test]
fn breadcrumbs_of_the_scope_come_before_those_of_the_event() {
    let crumb = |text: &str| Breadcrumb {
        message: Some(text.to_owned().into()),
        ..Breadcrumb::default()
    };
    let events = with_captured_events(|| {
        add_breadcrumb(crumb("scope"));
        capture_event(Event {
            breadcrumbs: vec![crumb("event")].into(),
            ..Event::default()
        });
    });
    let texts: Vec<_> = events[0]
        .breadcrumbs
        .iter()
        .map(|b| b.message.as_deref())
        .collect();
    assert_eq!(texts, [Some("scope"), Some("event")]);
}

#[test]
fn a_pushed_scope_starts_as_a_copy_and_ends_with_its_guard() {
    let events = with_captured_events(|| {
        set_tag("outer", 1);
        let hub = Hub::current();
        {
            let _guard = hub.push_scope();
            set_tag("inner", 2);
            set_user(Some(user("user-42")));
            capture_message("inside", Level::Info);
        }
        capture_message("outside", Level::Info);
    });
    assert_eq!(events[0].tags.len(), 2);
    assert!(events[0].user.is_some());
    assert_eq!(events[1].tags.keys().collect::<Vec<_>>(), ["outer"]);
    assert!(events[1].user.is_none());
}

#[test]
fn a_guard_that_is_dropped_late_takes_the_scopes_above_it_along() {
    let events = with_captured_events(|| {
        let hub = Hub::current();
        let first = hub.push_scope();
        set_tag("first", 1);
        let second = hub.push_scope();
        set_tag("second", 2);
        drop(first);
        capture_message("after the first", Level::Info);
        set_tag("third", 3);
        drop(second);
        capture_message("after both", Level::Info);
    });
    assert!(events[0].tags.is_empty());
    assert_eq!(events[1].tags.keys().collect::<Vec<_>>(), ["third"]);
}

#[test]
fn a_scope_of_ones_own_lasts_as_long_as_the_function_even_when_that_panics() {
    let sent = with_captured_envelopes(|| {
        let answer = with_scope(
            |scope| scope.set_tag("step", "import"),
            || {
                capture_message("inside", Level::Info);
                42
            },
        );
        assert_eq!(answer, 42);
        let panicked = std::panic::catch_unwind(|| {
            with_scope(
                |scope| scope.set_tag("step", "panic"),
                || panic!("expected"),
            )
        });
        assert!(panicked.is_err());
        capture_message("outside", Level::Info);
    });
    assert_eq!(messages(&sent), ["inside", "outside"]);
    assert_eq!(sent[0].event().unwrap().tags["step"], "import");
    assert!(sent[1].event().unwrap().tags.is_empty());
}

#[test]
fn a_panic_while_a_scope_is_configured_leaves_it_as_it_was() {
    let events = with_captured_events(|| {
        set_tag("kept", 1);
        let panicked = std::panic::catch_unwind(|| {
            configure_scope(|scope| {
                scope.set_tag("half", 2);
                panic!("expected");
            });
        });
        assert!(panicked.is_err());
        capture_message("after", Level::Info);
    });
    assert_eq!(events[0].tags.keys().collect::<Vec<_>>(), ["kept"]);
}

#[test]
fn capturing_while_a_scope_is_configured_works() {
    let events = with_captured_events(|| {
        configure_scope(|scope| {
            scope.set_tag("late", 1);
            capture_message("from inside", Level::Info);
            let _ = Hub::current().scope();
            with_scope(
                |inner| inner.set_tag("inner", 1),
                || capture_message("deeper", Level::Info),
            );
        });
        capture_message("after", Level::Info);
    });
    assert!(events[0].tags.is_empty());
    assert_eq!(events[1].tags.keys().collect::<Vec<_>>(), ["inner"]);
    assert_eq!(events[2].tags.keys().collect::<Vec<_>>(), ["late"]);
}

#[test]
fn breadcrumbs_that_are_added_while_a_scope_is_configured_are_kept() {
    let events = with_captured_events(|| {
        configure_scope(|scope| {
            add_breadcrumb(Breadcrumb::default());
            scope.set_tag("tag", 1);
        });
        capture_message("after", Level::Info);
    });
    assert_eq!(events[0].tags["tag"], "1");
    assert_eq!(events[0].breadcrumbs.len(), 1);
}

#[test]
fn threads_that_share_a_hub_lose_nothing_that_they_set() {
    let events = with_captured_events(|| {
        let hub = Hub::current();
        std::thread::scope(|threads| {
            for thread in 0..4 {
                let hub = &hub;
                threads.spawn(move || {
                    for n in 0..100 {
                        hub.configure_scope(|scope| scope.set_tag(&format!("{thread}-{n}"), n));
                    }
                });
            }
        });
        capture_message("after", Level::Info);
    });
    assert_eq!(events[0].tags.len(), 400);
}

#[test]
fn a_capture_is_not_changed_by_what_happens_to_the_scope_later() {
    let events = with_captured_events(|| {
        set_tag("tag", "before");
        capture_message("first", Level::Info);
        set_tag("tag", "after");
        add_breadcrumb(Breadcrumb::default());
        capture_message("second", Level::Info);
    });
    assert_eq!(events[0].tags["tag"], "before");
    assert!(events[0].breadcrumbs.is_empty());
    assert_eq!(events[1].tags["tag"], "after");
}
