//! Everything that changes or drops an event on its way, and what the client report says of it.

use mini_sentry::protocol::{Event, EventId, LogEntry, Message};
use mini_sentry::test::{with_captured_envelopes, with_captured_envelopes_options};
use mini_sentry::{
    ClientOptions, Integration, Level, capture_error, capture_event, capture_message,
    configure_scope,
};

use super::stage::{Failed, Losses, events, losses, lost, messages};

fn is_bad(event: &Event) -> bool {
    event
        .message
        .as_ref()
        .is_some_and(|message| message.text() == "bad")
}

fn capture_good_and_bad() {
    capture_message("good", Level::Info);
    capture_message("bad", Level::Info);
    capture_message("bad", Level::Info);
}

#[test]
fn before_send_changes_the_whole_event() {
    let options = ClientOptions::new()
        .release("shop@1")
        .before_send(|mut event| {
            assert_eq!(event.release.as_deref(), Some("shop@1"));
            assert_eq!(event.tags["from"], "scope");
            event.server_name = None;
            event.tags.insert("seen".to_owned(), "yes".to_owned());
            Some(event)
        });
    let sent = with_captured_envelopes_options(options, || {
        configure_scope(|scope| scope.set_tag("from", "scope"));
        capture_message("hello", Level::Info);
    });
    let events = events(&sent);
    assert_eq!(events[0].tags["seen"], "yes");
    assert_eq!(events[0].server_name, None);
}

#[test]
fn what_before_send_drops_is_counted() {
    let options = ClientOptions::new().before_send(|event| (!is_bad(&event)).then_some(event));
    let sent = with_captured_envelopes_options(options, capture_good_and_bad);
    assert_eq!(messages(&sent), ["good"]);
    assert_eq!(losses(&sent), lost([("error/before_send", 2)]));
}

#[test]
fn a_panic_in_before_send_costs_its_event_and_is_counted() {
    let options = ClientOptions::new().before_send(|event| {
        assert!(!is_bad(&event), "expected");
        Some(event)
    });
    let sent = with_captured_envelopes_options(options, || {
        capture_good_and_bad();
        capture_message("still here", Level::Info);
    });
    assert_eq!(messages(&sent), ["good", "still here"]);
    assert_eq!(losses(&sent), lost([("error/internal_sdk_error", 2)]));
}

#[test]
fn what_before_send_captures_does_not_go_round_for_ever() {
    let options = ClientOptions::new().before_send(|event| {
        capture_message("about sending", Level::Info);
        Some(event)
    });
    let sent = with_captured_envelopes_options(options, || {
        capture_message("hello", Level::Info);
        mini_sentry::flush(std::time::Duration::from_secs(30));
    });
    assert_eq!(messages(&sent), ["hello"]);
}

#[test]
fn event_processors_run_in_order_and_may_drop() {
    let sent = with_captured_envelopes(|| {
        configure_scope(|scope| {
            scope.add_event_processor(|mut event| {
                event.tags.insert("order".to_owned(), "1".to_owned());
                Some(event)
            });
            scope.add_event_processor(|mut event| {
                event.tags.get_mut("order").unwrap().push('2');
                (!is_bad(&event)).then_some(event)
            });
        });
        capture_good_and_bad();
    });
    assert_eq!(messages(&sent), ["good"]);
    assert_eq!(events(&sent)[0].tags["order"], "12");
    assert_eq!(losses(&sent), lost([("error/event_processor", 2)]));
}

#[test]
fn a_panic_in_an_event_processor_is_counted() {
    let sent = with_captured_envelopes(|| {
        configure_scope(|scope| {
            scope.add_event_processor(|event| {
                assert!(!is_bad(&event), "expected");
                Some(event)
            });
        });
        capture_good_and_bad();
    });
    assert_eq!(messages(&sent), ["good"]);
    assert_eq!(losses(&sent), lost([("error/internal_sdk_error", 2)]));
}

struct Judge;

impl Integration for Judge {
    fn name(&self) -> &'static str {
        "judge"
    }

    fn setup(&self, options: &mut ClientOptions) {
        options.release.get_or_insert("judged@1".into());
    }

    fn process_event(&self, mut event: Event, _: &ClientOptions) -> Option<Event> {
        event.tags.insert("judged".to_owned(), "yes".to_owned());
        (!is_bad(&event)).then_some(event)
    }
}

#[test]
fn an_integration_sets_options_and_looks_at_every_event() {
    let options = ClientOptions::new().add_integration(Judge);
    let sent = with_captured_envelopes_options(options, capture_good_and_bad);
    assert_eq!(messages(&sent), ["good"]);
    let event = events(&sent)[0];
    assert_eq!(event.tags["judged"], "yes");
    assert_eq!(event.release.as_deref(), Some("judged@1"));
    assert_eq!(event.sdk.as_ref().unwrap().integrations, ["judge"]);
    assert_eq!(losses(&sent), lost([("error/event_processor", 2)]));
}

#[test]
fn errors_are_ignored_by_type_by_text_and_by_message() {
    let entry = |text: &str| Event {
        logentry: Some(LogEntry {
            message: Some(text.to_owned()),
            ..LogEntry::default()
        }),
        ..Event::default()
    };
    let patterns = ["Fail", "timed out", "noise", ""].map(str::to_owned);
    let options = ClientOptions::new().ignore_errors(patterns.to_vec());
    let sent = with_captured_envelopes_options(options, || {
        capture_error(&Failed {
            text: "by type",
            cause: None,
        });
        capture_error(&std::io::Error::other("it timed out again"));
        capture_message("only noise", Level::Info);
        capture_event(entry("noise in parts"));
        capture_event(Event {
            message: Some(Message::from("kept")),
            ..Event::default()
        });
    });
    assert_eq!(messages(&sent), ["kept"]);
    assert_eq!(losses(&sent), lost([("error/ignored", 4)]));
}

fn sampled(rate: f64, count: usize) -> (usize, Losses) {
    let options = ClientOptions::new().sample_rate(rate);
    let mut ids = 0;
    let sent = with_captured_envelopes_options(options, || {
        ids = (0..count)
            .map(|_| capture_message("maybe", Level::Info))
            .filter(|id| *id != EventId::nil())
            .count();
    });
    assert_eq!(events(&sent).len(), ids, "who got an id was sent");
    (ids, losses(&sent))
}

#[test]
fn a_sample_rate_of_one_keeps_all_and_of_zero_none() {
    assert_eq!(sampled(1.0, 100), (100, Losses::new()));
    assert_eq!(sampled(7.0, 100), (100, Losses::new()));
    for rate in [0.0, -1.0, f64::NAN] {
        assert_eq!(sampled(rate, 100), (0, lost([("error/sample_rate", 100)])));
    }
}

#[test]
fn a_sample_rate_between_keeps_about_its_share_and_counts_the_rest() {
    let (kept, losses) = sampled(0.5, 2_000);
    // Eight standard deviations to either side.
    assert!((820..=1_180).contains(&kept), "{kept}");
    assert_eq!(losses["error/sample_rate"], 2_000 - kept as u64);
}

#[test]
fn an_event_that_is_dropped_by_sampling_changes_nothing_else() {
    let options = ClientOptions::new().sample_rate(0.0);
    with_captured_envelopes_options(options, || {
        assert!(capture_message("dropped", Level::Info).is_nil());
        assert_eq!(mini_sentry::last_event_id(), None);
    });
}

#[test]
fn feedback_is_not_sampled_away_and_counts_as_feedback() {
    let feedback = || mini_sentry::protocol::Feedback {
        message: Some("the button does nothing".to_owned()),
        ..Default::default()
    };
    let options = ClientOptions::new().sample_rate(0.0);
    let sent = with_captured_envelopes_options(options, || {
        assert!(!mini_sentry::capture_feedback(feedback()).is_nil());
    });
    assert_eq!(events(&sent).len(), 1);
    let sent = with_captured_envelopes(|| {
        configure_scope(|scope| scope.add_event_processor(|_| None));
        mini_sentry::capture_feedback(feedback());
    });
    assert_eq!(losses(&sent), lost([("feedback/event_processor", 1)]));
}
