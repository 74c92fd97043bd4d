//! Breadcrumbs: their bound, their order, and `before_breadcrumb`.

use mini_sentry::protocol::{Event, Timestamp};
use mini_sentry::test::{TestClock, with_captured_envelopes_options};
use mini_sentry::{Breadcrumb, ClientOptions, Level, add_breadcrumb, capture_message};

use super::stage::{events, only_event};

fn crumb(text: &str) -> Breadcrumb {
    Breadcrumb {
        message: Some(text.to_owned().into()),
        ..Breadcrumb::default()
    }
}

fn texts(event: &Event) -> Vec<&str> {
    event
        .breadcrumbs
        .iter()
        .map(|crumb| crumb.message.as_deref().unwrap())
        .collect()
}

fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|n| n.to_string()).collect()
}

#[test]
fn the_newest_hundred_are_kept_oldest_first() {
    let sent = with_captured_envelopes_options(ClientOptions::new(), || {
        (0..250).for_each(|n| add_breadcrumb(crumb(&n.to_string())));
        capture_message("now", Level::Info);
    });
    assert_eq!(texts(only_event(&sent)), numbers(150, 250));
}

#[test]
fn the_bound_is_that_of_the_options() {
    for max in [0, 1, 20, 150] {
        let options = ClientOptions::new().max_breadcrumbs(max);
        let sent = with_captured_envelopes_options(options, || {
            (0..200).for_each(|n| add_breadcrumb(crumb(&n.to_string())));
            capture_message("now", Level::Info);
        });
        assert_eq!(texts(only_event(&sent)), numbers(200 - max, 200), "{max}");
    }
}

#[test]
fn a_breadcrumb_gets_the_time_unless_it_has_one() {
    let now = Timestamp::from_nanos(1_700_000_000_000_000_000);
    let own = Timestamp::from_nanos(1_600_000_000_000_000_000);
    let options = ClientOptions::new().clock(TestClock::at(now));
    let sent = with_captured_envelopes_options(options, || {
        add_breadcrumb(crumb("now"));
        add_breadcrumb(Breadcrumb {
            timestamp: Some(own),
            ..crumb("then")
        });
        capture_message("now", Level::Info);
    });
    let times: Vec<_> = only_event(&sent)
        .breadcrumbs
        .iter()
        .map(|b| b.timestamp)
        .collect();
    assert_eq!(times, [Some(now), Some(own)]);
}

#[test]
fn the_callback_may_change_and_drop() {
    let options = ClientOptions::new().before_breadcrumb(|mut crumb| {
        if crumb.message.as_deref() == Some("secret") {
            return None;
        }
        crumb.category = Some("seen".into());
        Some(crumb)
    });
    let sent = with_captured_envelopes_options(options, || {
        add_breadcrumb(crumb("plain"));
        add_breadcrumb(crumb("secret"));
        capture_message("now", Level::Info);
    });
    let event = only_event(&sent);
    assert_eq!(texts(event), ["plain"]);
    assert_eq!(event.breadcrumbs[0].category.as_deref(), Some("seen"));
}

#[test]
fn a_callback_that_panics_costs_its_breadcrumb_only() {
    let options = ClientOptions::new().before_breadcrumb(|crumb| {
        assert_ne!(crumb.message.as_deref(), Some("bad"));
        Some(crumb)
    });
    let sent = with_captured_envelopes_options(options, || {
        add_breadcrumb(crumb("first"));
        add_breadcrumb(crumb("bad"));
        add_breadcrumb(crumb("second"));
        capture_message("now", Level::Info);
    });
    assert_eq!(texts(only_event(&sent)), ["first", "second"]);
}

#[test]
fn a_callback_may_add_breadcrumbs_and_capture_itself() {
    let options = ClientOptions::new().before_breadcrumb(|crumb| {
        add_breadcrumb(self::crumb("from the callback"));
        capture_message("from the callback", Level::Info);
        Some(crumb)
    });
    let sent = with_captured_envelopes_options(options, || {
        add_breadcrumb(crumb("plain"));
        capture_message("now", Level::Info);
    });
    let event = events(&sent).pop().unwrap();
    assert_eq!(texts(event), ["from the callback", "plain"]);
}
