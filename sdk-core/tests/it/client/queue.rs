//! The queue between the program and a transport that does not keep up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use mini_sentry::protocol::{Attachment, ClientReport, DiscardedEvents};
use mini_sentry::transport::{Transport, TransportOptions};
use mini_sentry::{
    Client, ClientOptions, Hub, Level, TransactionContext, capture_message, configure_scope,
    logger_info, start_transaction,
};

use super::gate::Gate;
use super::stage::{DSN, PATIENCE, client, hub, in_own_process, items, losses, lost, messages};

/// A client whose transport has an envelope in hand and does not get on with it.
fn stuck(options: ClientOptions) -> (Gate, Arc<Client>, Arc<Hub>) {
    let gate = Gate::default();
    let client = client(options, gate.clone());
    let hub = hub(&client);
    hub.capture_message("first", Level::Info);
    gate.wait_for_arrivals(1);
    (gate, client, hub)
}

#[test]
fn the_queue_is_bounded_in_bytes_and_the_oldest_go_first() {
    let (gate, client, hub) = stuck(ClientOptions::new().max_queue_bytes(100_000));
    let text = |n: usize| format!("{n:0>1000}");
    for n in 0..1_000 {
        assert!(!hub.capture_message(&text(n), Level::Info).is_nil());
    }
    gate.open();
    assert!(client.close(Some(PATIENCE)));
    let sent = gate.take();
    let kept = messages(&sent).len() - 1;
    assert!((50..=100).contains(&kept), "{kept}");
    let mut wanted = vec!["first".to_owned()];
    wanted.extend((1_000 - kept..1_000).map(text));
    assert_eq!(messages(&sent), wanted);
    assert_eq!(
        losses(&sent),
        lost([("error/queue_overflow", 1_000 - kept as u64)])
    );
}

#[test]
fn ten_thousand_messages_fit_the_queue_that_is_the_default() {
    let (gate, client, hub) = stuck(ClientOptions::new());
    for n in 0..10_000 {
        hub.capture_message(&n.to_string(), Level::Info);
    }
    gate.open();
    assert!(client.close(Some(PATIENCE)));
    assert_eq!(messages(&gate.take()).len(), 10_001);
}

#[test]
fn what_is_larger_than_the_queue_is_dropped_and_counted() {
    let (gate, client, hub) = stuck(ClientOptions::new().max_queue_bytes(10_000));
    Hub::run(hub, || {
        configure_scope(|scope| scope.add_attachment(Attachment::new("big", vec![0; 20_000])));
        capture_message("with a large file", Level::Info);
        configure_scope(mini_sentry::Scope::clear_attachments);
        capture_message("small", Level::Info);
    });
    gate.open();
    assert!(client.close(Some(PATIENCE)));
    let sent = gate.take();
    assert_eq!(messages(&sent), ["first", "small"]);
    assert_eq!(losses(&sent), lost([("error/queue_overflow", 1)]));
}

#[test]
fn everything_that_overflows_is_counted_by_its_kind() {
    let options = ClientOptions::new()
        .max_queue_bytes(1_000)
        .traces_sample_rate(1.0);
    let (gate, client, hub) = stuck(options);
    let report = ClientReport {
        discarded_events: vec![DiscardedEvents {
            reason: Some("network_error".to_owned()),
            category: Some("error".to_owned()),
            quantity: Some(7),
            ..DiscardedEvents::default()
        }],
        ..ClientReport::default()
    };
    Hub::run(hub, || {
        capture_message("an error", Level::Error);
        let transaction = start_transaction(TransactionContext::new("import", "task"));
        transaction.start_child("op", "child").finish();
        transaction.finish();
        (0..3).for_each(|n| logger_info!("{n}"));
        mini_sentry::capture_check_in(mini_sentry::protocol::CheckIn::default());
        mini_sentry::capture_feedback(mini_sentry::protocol::Feedback::default());
        // The last is too large itself, so that all others go before it does.
        client.send_envelope(report);
    });
    gate.open();
    assert!(client.close(Some(PATIENCE)));
    let sent = gate.take();
    let wanted = lost([
        ("error/queue_overflow", 1),
        ("transaction/queue_overflow", 1),
        ("span/queue_overflow", 2),
        ("log_item/queue_overflow", 3),
        ("monitor/queue_overflow", 1),
        ("feedback/queue_overflow", 1),
        // A report that is dropped gives its counts back.
        ("error/network_error", 7),
    ]);
    assert_eq!(losses(&sent), wanted);
    assert_eq!(items(&sent).count(), 2);
}

#[test]
fn flush_gives_up_at_its_deadline_and_nothing_is_lost_by_it() {
    let (gate, client, hub) = stuck(ClientOptions::new());
    hub.capture_message("second", Level::Info);
    assert!(!client.flush(Some(Duration::from_millis(20))));
    assert!(!client.flush(Some(Duration::ZERO)));
    gate.open();
    assert!(client.flush(Some(PATIENCE)));
    assert_eq!(messages(&gate.take()), ["first", "second"]);
    assert!(client.close(Some(PATIENCE)));
}

#[test]
fn an_overflow_does_not_end_the_wait_of_a_flush() {
    let (gate, client, hub) = stuck(ClientOptions::new().max_queue_bytes(5_000));
    let flushing = {
        let client = Arc::clone(&client);
        thread::spawn(move || client.flush(Some(PATIENCE)))
    };
    for n in 0..20_000 {
        hub.capture_message(&n.to_string(), Level::Info);
        if flushing.is_finished() {
            break;
        }
    }
    gate.open();
    assert!(flushing.join().unwrap());
    assert!(client.close(Some(PATIENCE)));
}

#[test]
fn closing_does_not_wait_for_the_flush_of_another_thread() {
    // On a busy machine the other thread may come to its flush when the client is closed already,
    // which ends it at once and tells nothing.
    let is_seen = (0..20).any(|_| {
        let (gate, client, _hub) = stuck(ClientOptions::new());
        let started = Arc::new(AtomicBool::new(false));
        let flushing = {
            let (client, started) = (Arc::clone(&client), Arc::clone(&started));
            thread::spawn(move || {
                started.store(true, Ordering::Release);
                client.flush(Some(PATIENCE))
            })
        };
        while !started.load(Ordering::Acquire) {
            thread::yield_now();
        }
        assert!(!client.close(Some(Duration::from_millis(20))));
        // A flush that began before can only end when the gate opens, or long after.
        let flush_goes_on = !flushing.is_finished();
        gate.open();
        flushing.join().unwrap();
        flush_goes_on
    });
    assert!(is_seen, "closing ended after the flush each time");
}

#[test]
fn a_client_that_is_dropped_lets_its_thread_end() {
    let gate = Gate::default();
    let factory_count = Arc::new(());
    let held = Arc::clone(&factory_count);
    let client = client(
        ClientOptions::new().before_send(move |event| {
            let _held = &held;
            Some(event)
        }),
        gate.clone(),
    );
    client.capture_message("first", Level::Info, None);
    gate.wait_for_arrivals(1);
    drop(client);
    gate.open();
    // The thread holds the options until its end.
    while Arc::strong_count(&factory_count) > 1 {
        thread::yield_now();
    }
    assert_eq!(messages(&gate.take()), ["first"]);
}

#[test]
fn the_guard_waits_no_longer_than_it_may() {
    in_own_process(
        "client::queue::the_guard_waits_no_longer_than_it_may",
        || {
            let gate = Gate::default();
            let held = gate.clone();
            let factory = move |_: &TransportOptions| Arc::new(held.clone()) as Arc<dyn Transport>;
            let options = ClientOptions::new()
                .transport(factory)
                .shutdown_timeout(Duration::from_millis(20));
            let guard = mini_sentry::init((DSN, options));
            capture_message("stuck", Level::Info);
            gate.wait_for_arrivals(1);
            // The gate never opens: that this ends is what is tested.
            drop(guard);
            assert!(gate.take().is_empty());
        },
    );
}
