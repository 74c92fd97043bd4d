//! Delivery over HTTP, to a real server on this machine.

use std::time::Duration;

use mini_sentry::envelope::{Envelope, ItemKind};
use mini_sentry::transport::Transport;
use mini_sentry::transport::http::HttpTransport;

use crate::delivery::{NEVER, event, item, lost, options, with_report};
use crate::sink::{Answer, PATIENCE, Sink, dsn_at};

fn deliver(transport: &HttpTransport, envelopes: impl IntoIterator<Item = Envelope>) {
    for envelope in envelopes {
        transport.send(envelope);
    }
    assert!(transport.flush(PATIENCE), "everything is delivered");
}

#[test]
fn a_request_says_who_sends_what_and_when() {
    let sink = Sink::start();
    let transport = HttpTransport::new(&options(sink.dsn()));
    deliver(&transport, [event("one")]);
    let requests = sink.wait_for(1);
    let request = &requests[0];
    let version = env!("CARGO_PKG_VERSION");
    let client = format!("mini-sentry.rust/{version}");
    let auth = format!("Sentry sentry_key=key, sentry_version=7, sentry_client={client}");
    assert_eq!(request.method, "POST");
    assert_eq!(request.target, "/api/42/envelope/");
    assert_eq!(request.header("X-Sentry-Auth"), Some(auth.as_str()));
    assert_eq!(request.header("User-Agent"), Some(client.as_str()));
    let content_type = request.header("Content-Type");
    assert_eq!(content_type, Some("application/x-sentry-envelope"));
    assert_eq!(
        request.header("Host"),
        Some(sink.address().to_string().as_str())
    );
    assert_eq!(request.header("Content-Encoding"), None);
    assert!(request.envelope().header.sent_at.is_some());
    assert_eq!(request.message(), "one");
}

#[test]
fn large_bodies_travel_as_gzip() {
    let sink = Sink::start();
    let transport = HttpTransport::new(&options(sink.dsn()));
    let message = "a frame ".repeat(5_000);
    deliver(&transport, [event(&message)]);
    let requests = sink.wait_for(1);
    assert_eq!(requests[0].header("Content-Encoding"), Some("gzip"));
    let length: usize = requests[0]
        .header("Content-Length")
        .unwrap()
        .parse()
        .unwrap();
    assert!(length < message.len() / 10);
    assert_eq!(requests[0].message(), message);
}

#[test]
fn one_by_one_they_share_a_connection_and_a_burst_takes_eight() {
    let sink = Sink::start();
    let transport = HttpTransport::new(&options(sink.dsn()));
    for i in 0..5 {
        deliver(&transport, [event(&format!("{i}"))]);
    }
    assert_eq!(sink.connections(), 1);
    deliver(&transport, (5..50).map(|i| event(&format!("{i}"))));
    let mut numbers: Vec<u32> = sink.messages().iter().map(|m| m.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..50));
    assert_eq!(sink.connections(), 8);
}

#[test]
fn a_limit_on_one_category_that_rides_on_a_success_lets_the_others_through() {
    let sink = Sink::start();
    let options = options(sink.dsn());
    let transport = HttpTransport::new(&options);
    sink.answer(Answer::ok().header("X-Sentry-Rate-Limits", "60:error:key"));
    deliver(&transport, [event("before")]);
    let mut mixed = event("limited");
    mixed.add(item(ItemKind::Attachment, "of the event"));
    mixed.add(item(ItemKind::Session, "{}"));
    deliver(&transport, [mixed]);
    let envelopes = sink.envelopes();
    assert_eq!(envelopes.len(), 2);
    let kinds: Vec<_> = envelopes[1].items.iter().map(|i| &i.header.kind).collect();
    assert_eq!(kinds, [&ItemKind::Session]);
    assert_eq!(
        lost(&options.losses),
        [
            "1 error ratelimit_backoff",
            "12 attachment ratelimit_backoff"
        ]
    );
}

#[test]
fn what_is_answered_with_429_is_neither_sent_again_nor_counted_for_the_server_did() {
    let sink = Sink::start();
    let options = options(sink.dsn());
    let transport = HttpTransport::new(&options);
    sink.answer(Answer::status(429).header("X-Sentry-Rate-Limits", "60:error;transaction:key"));
    deliver(&transport, [event("refused")]);
    assert_eq!(lost(&options.losses), [""; 0]);
    deliver(
        &transport,
        [event("held back"), item(ItemKind::Session, "{}").into()],
    );
    assert_eq!(sink.requests().len(), 2);
    assert_eq!(lost(&options.losses), ["1 error ratelimit_backoff"]);
}

#[test]
fn a_429_without_a_word_holds_everything_back() {
    let sink = Sink::start();
    let options = options(sink.dsn());
    let transport = HttpTransport::new(&options);
    sink.answer(Answer::status(429));
    deliver(&transport, [event("refused")]);
    deliver(
        &transport,
        [event("a"), item(ItemKind::Session, "{}").into()],
    );
    assert_eq!(sink.requests().len(), 1);
    assert_eq!(
        lost(&options.losses),
        ["1 error ratelimit_backoff", "1 session ratelimit_backoff"]
    );
}

#[test]
fn a_report_does_not_travel_alone_in_place_of_an_event_that_a_limit_forbids() {
    let sink = Sink::start();
    let options = options(sink.dsn());
    let transport = HttpTransport::new(&options);
    sink.answer(Answer::ok().header("X-Sentry-Rate-Limits", "60::key"));
    deliver(&transport, [event("before")]);
    deliver(&transport, [with_report(event("limited"))]);
    assert_eq!(sink.requests().len(), 1);
    assert_eq!(
        lost(&options.losses),
        ["1 error ratelimit_backoff", "1 error sample_rate"]
    );
    // One that has nothing else to do passes any limit.
    deliver(&transport, [with_report(Envelope::default())]);
    assert_eq!(sink.requests().len(), 2);
}

#[test]
fn a_failing_server_is_tried_again_until_it_takes_the_envelope_once() {
    let sink = Sink::start();
    let options = options(sink.dsn());
    let transport = HttpTransport::new(&options);
    for status in [503, 502, 504, 408, 500] {
        sink.answer(Answer::status(status));
    }
    deliver(&transport, [event("patient")]);
    assert_eq!(sink.messages(), ["patient"; 6]);
    assert_eq!(lost(&options.losses), [""; 0]);
}

#[test]
fn an_envelope_over_which_the_server_fails_again_and_again_does_not_block_the_others() {
    let sink = Sink::start();
    let options = options(sink.dsn());
    let transport = HttpTransport::new(&options);
    for _ in 0..4 {
        sink.answer(Answer::status(500));
    }
    // Both are under way when the server fails for the first time.
    deliver(&transport, [event("poison"), event("good")]);
    let messages = sink.messages();
    assert_eq!(messages.len(), 5);
    assert_eq!(messages[2..], ["poison", "poison", "good"]);
    assert_eq!(lost(&options.losses), ["1 error send_error"]);
}

#[test]
fn a_server_that_names_a_time_is_left_alone_until_then() {
    let sink = Sink::start();
    let options = options(sink.dsn());
    let transport = HttpTransport::new(&options);
    sink.answer(Answer::status(503).header("Retry-After", "3600"));
    transport.send(event("first"));
    assert!(!transport.flush(PATIENCE));
    for i in 0..100 {
        transport.send(event(&format!("{i}")));
        let wait = transport.poll().expect("something waits");
        assert!(wait > Duration::from_secs(3000));
    }
    assert_eq!((sink.requests().len(), sink.connections()), (1, 1));
}

#[test]
fn a_refusal_is_counted_and_final() {
    let sink = Sink::start();
    let options = options(sink.dsn());
    let transport = HttpTransport::new(&options);
    for status in [400, 403, 413, 301] {
        sink.answer(Answer::status(status));
        deliver(&transport, [event("refused")]);
    }
    deliver(&transport, [event("taken")]);
    assert_eq!(sink.requests().len(), 5);
    assert_eq!(lost(&options.losses), ["4 error send_error"]);
}

#[test]
fn what_was_sent_while_the_server_was_down_arrives_oldest_first() {
    let address = Sink::reserve();
    let options = options(dsn_at(address));
    let transport = HttpTransport::new(&options);
    for name in ["a", "b", "c", "d", "e"] {
        transport.send(event(name));
    }
    let sink = Sink::start_at(address);
    deliver(&transport, []);
    assert_eq!(sink.messages(), ["a", "b", "c", "d", "e"]);
    assert_eq!(lost(&options.losses), [""; 0]);
}

#[test]
fn memory_for_what_waits_is_bounded_and_the_oldest_go_first() {
    let address = Sink::reserve();
    let mut options = options(dsn_at(address));
    options.max_retry_bytes = 10_000;
    let transport = HttpTransport::new(&options);
    for i in 10..60 {
        transport.send(with_report(event(&format!("{i}"))));
    }
    let sink = Sink::start_at(address);
    deliver(&transport, []);
    let arrived = sink.messages().len();
    assert!((3..20).contains(&arrived), "{arrived} arrived");
    let newest: Vec<String> = (60 - arrived..60).map(|i| format!("{i}")).collect();
    assert_eq!(sink.messages(), newest);
    let dropped = 50 - arrived;
    // Reports that were dropped with their events give their counts back.
    assert_eq!(
        lost(&options.losses),
        [
            format!("{dropped} error network_error"),
            format!("{dropped} error sample_rate")
        ]
    );
}

#[test]
fn a_server_that_does_not_answer_costs_no_more_than_the_timeout() {
    let sink = Sink::start();
    let mut options = options(sink.dsn());
    options.request_timeout = Duration::from_millis(100);
    let transport = HttpTransport::new(&options);
    sink.answer(Answer::hold());
    deliver(&transport, [event("late")]);
    assert_eq!(sink.messages(), ["late", "late"]);
}

#[test]
fn a_flush_ends_with_its_time_while_the_server_is_silent() {
    let sink = Sink::start();
    let transport = HttpTransport::new(&options(sink.dsn()));
    sink.answer(Answer::hold());
    transport.send(event("late"));
    assert!(!transport.flush(Duration::from_millis(10)));
    sink.release();
    deliver(&transport, []);
    assert_eq!(sink.messages(), ["late"]);
}

#[test]
fn a_connection_that_ends_without_an_answer_counts_as_a_failure() {
    let sink = Sink::start();
    let transport = HttpTransport::new(&options(sink.dsn()));
    sink.answer(Answer::close());
    deliver(&transport, [event("again")]);
    assert_eq!(sink.messages(), ["again", "again"]);
}

#[test]
fn a_connection_that_ended_while_idle_is_replaced_at_once() {
    let sink = Sink::start();
    let mut options = options(sink.dsn());
    options.retry_base = NEVER;
    let transport = HttpTransport::new(&options);
    for i in 0..3 {
        sink.answer(Answer::ok().then_close());
        deliver(&transport, [event(&format!("{i}"))]);
    }
    assert_eq!(sink.messages(), ["0", "1", "2"]);
    assert_eq!(sink.connections(), 3);
}

#[test]
fn a_connection_survives_a_chunked_answer_but_not_a_huge_one() {
    let sink = Sink::start();
    let transport = HttpTransport::new(&options(sink.dsn()));
    sink.answer(Answer::ok().chunked());
    deliver(&transport, [event("a")]);
    deliver(&transport, [event("b")]);
    assert_eq!(sink.connections(), 1);
    sink.answer(Answer::ok().body(vec![b'x'; 200_000]));
    deliver(&transport, [event("c")]);
    deliver(&transport, [event("d")]);
    assert_eq!(sink.messages(), ["a", "b", "c", "d"]);
    assert_eq!(sink.connections(), 2);
}

#[test]
fn what_is_left_at_the_end_is_counted() {
    let mut options = options(dsn_at(Sink::reserve()));
    options.retry_base = NEVER;
    let transport = HttpTransport::new(&options);
    transport.send(event("lost"));
    transport.send(event("lost too"));
    assert!(!transport.shutdown(Duration::from_secs(1)));
    assert_eq!(lost(&options.losses), ["2 error network_error"]);
}
