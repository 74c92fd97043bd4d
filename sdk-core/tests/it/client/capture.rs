//! Capturing messages, errors and events.

use mini_sentry::envelope::ItemKind;
use mini_sentry::protocol::{
    Attachment, Context, Event, EventId, Exception, LogEntry, Message, Timestamp,
};
use mini_sentry::test::{TestClock, with_captured_envelopes, with_captured_envelopes_options};
use mini_sentry::{
    ClientOptions, Level, capture_error, capture_event, capture_message, configure_scope,
    last_event_id,
};

use super::stage::{Failed, items, kinds, messages, only_event};

const MOMENT: Timestamp = Timestamp::from_nanos(1_700_000_000_500_000_000);

#[test]
fn a_message_arrives_with_its_level_its_id_and_the_defaults() {
    let mut id = EventId::nil();
    let options = ClientOptions::new()
        .release("shop@1.2.3")
        .dist("45")
        .environment("staging")
        .server_name("host-1")
        .clock(TestClock::at(MOMENT));
    let sent = with_captured_envelopes_options(options, || {
        id = capture_message("the cache is cold", Level::Warning);
        assert_eq!(last_event_id(), Some(id));
    });
    let event = only_event(&sent);
    assert!(!id.is_nil());
    assert_eq!(event.event_id, Some(id));
    assert_eq!(sent[0].event_id(), Some(id));
    assert_eq!(event.level, Some(Level::Warning));
    assert_eq!(event.message.as_ref().unwrap().text(), "the cache is cold");
    assert_eq!(event.timestamp, Some(MOMENT));
    assert_eq!(event.release.as_deref(), Some("shop@1.2.3"));
    assert_eq!(event.dist.as_deref(), Some("45"));
    assert_eq!(event.environment.as_deref(), Some("staging"));
    assert_eq!(event.server_name.as_deref(), Some("host-1"));
    assert_eq!(event.platform.as_deref(), Some("native"));
    assert!(matches!(event.contexts["os"], Context::Os(_)));
    let sdk = event.sdk.as_ref().unwrap();
    assert_eq!(sdk.name.as_deref(), Some("mini-sentry.rust"));
    assert_eq!(sent[0].header.sdk.as_ref().unwrap().name, sdk.name);
}

#[test]
fn an_error_arrives_with_its_causes_oldest_first() {
    let root = Failed {
        text: "disk full",
        cause: None,
    };
    let error = Failed {
        text: "save failed",
        cause: Some(Box::new(root)),
    };
    let sent = with_captured_envelopes(|| {
        capture_error(&error);
    });
    let event = only_event(&sent);
    let values: Vec<_> = event
        .exception
        .iter()
        .map(|e| e.value.as_deref().unwrap())
        .collect();
    assert_eq!(values, ["disk full", "save failed"]);
    assert!(
        event
            .exception
            .iter()
            .all(|e| e.ty.as_deref() == Some("Failed"))
    );
    let mechanism = event.exception[1].mechanism.as_ref().unwrap();
    assert_eq!(mechanism.handled, Some(true));
    assert_eq!(event.level, Some(Level::Error));
}

#[test]
fn a_chain_of_causes_is_bounded_and_keeps_the_outermost() {
    let mut error = Failed {
        text: "innermost",
        cause: None,
    };
    for _ in 0..200 {
        error = Failed {
            text: "outer",
            cause: Some(Box::new(error)),
        };
    }
    let sent = with_captured_envelopes(|| {
        capture_error(&error);
    });
    let event = only_event(&sent);
    assert_eq!(event.exception.len(), 50);
    assert!(
        event
            .exception
            .iter()
            .all(|e| e.value.as_deref() == Some("outer"))
    );
}

#[test]
fn an_event_keeps_what_it_says_and_gets_what_it_lacks() {
    let id: EventId = "9ec79c33ec9942ab8353589fcb2e04dc".parse().unwrap();
    let mut event = Event {
        event_id: Some(id),
        level: Some(Level::Debug),
        timestamp: Some(MOMENT),
        platform: Some("python".to_owned()),
        release: Some("own@1".to_owned()),
        environment: Some("own".to_owned()),
        server_name: Some("own-host".to_owned()),
        message: Some(Message::Entry(Box::new(LogEntry {
            message: Some("user %s is gone".to_owned()),
            params: vec!["user-42".into()].into(),
            ..LogEntry::default()
        }))),
        ..Event::default()
    };
    event
        .other
        .insert("future".to_owned(), serde_json::json!({"kept": [null, 1]}));
    let given = event.clone();
    let options = ClientOptions::new()
        .release("option@2")
        .environment("option")
        .dist("7");
    let sent = with_captured_envelopes_options(options, || {
        assert_eq!(capture_event(given), id);
    });
    let got = only_event(&sent);
    for (got, given) in [
        (&got.release, &event.release),
        (&got.environment, &event.environment),
        (&got.server_name, &event.server_name),
        (&got.platform, &event.platform),
    ] {
        assert_eq!(got, given);
    }
    assert_eq!(got.message, event.message);
    assert_eq!(got.other, event.other);
    assert_eq!((got.level, got.timestamp), (event.level, event.timestamp));
    assert_eq!(got.dist.as_deref(), Some("7"));
}

#[test]
fn an_event_without_a_level_is_an_error() {
    let sent = with_captured_envelopes(|| {
        capture_event(Event {
            exception: vec![Exception::default()].into(),
            ..Event::default()
        });
    });
    assert_eq!(only_event(&sent).level, Some(Level::Error));
}

#[test]
fn events_leave_in_the_order_of_their_capture() {
    let sent = with_captured_envelopes(|| {
        for n in 0..100 {
            capture_message(&n.to_string(), Level::Info);
        }
    });
    let wanted: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    assert_eq!(messages(&sent), wanted);
}

#[test]
fn attachments_of_the_scope_travel_in_the_events_envelope() {
    let sent = with_captured_envelopes(|| {
        configure_scope(|scope| {
            let mut attachment = Attachment::new("log.txt", *b"line\n\0line");
            attachment.content_type = Some("text/plain".to_owned());
            scope.add_attachment(attachment);
        });
        capture_message("with", Level::Info);
        configure_scope(mini_sentry::Scope::clear_attachments);
        capture_message("without", Level::Info);
    });
    assert_eq!(kinds(&sent[..1]), [ItemKind::Event, ItemKind::Attachment]);
    assert_eq!(kinds(&sent[1..]), [ItemKind::Event]);
    let item = &sent[0].items[1];
    assert_eq!(item.header.filename.as_deref(), Some("log.txt"));
    assert_eq!(item.header.content_type.as_deref(), Some("text/plain"));
    let mini_sentry::envelope::Payload::Raw(bytes) = &item.payload else {
        panic!("an attachment is bytes");
    };
    assert_eq!(bytes, b"line\n\0line");
}

#[test]
fn everything_that_leaves_can_be_read_again() {
    let sent = with_captured_envelopes(|| {
        capture_message("quotes \" and \u{0} and \u{2028}", Level::Info);
        capture_event(Event {
            extra: [("nan".to_owned(), serde_json::json!(f64::NAN))]
                .into_iter()
                .collect(),
            ..Event::default()
        });
    });
    for envelope in &sent {
        let bytes = envelope.to_vec();
        let parsed = mini_sentry::envelope::Envelope::parse(&bytes).unwrap();
        assert!(parsed.faults.is_empty(), "{:?}", parsed.faults);
        assert_eq!(parsed.envelope.event(), envelope.event());
    }
    assert_eq!(items(&sent).count(), 2);
}
