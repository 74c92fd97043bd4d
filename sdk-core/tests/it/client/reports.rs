//! Client reports: when they leave, and that no count gets lost or counted twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mini_sentry::envelope::{Envelope, ItemKind};
use mini_sentry::test::{TestTransport, with_captured_envelopes_options};
use mini_sentry::transport::Transport;
use mini_sentry::{ClientOptions, Level, capture_message, flush, logger_info};

use super::stage::{PATIENCE, client, hub, kinds, losses, lost, messages};

fn dropping() -> ClientOptions {
    ClientOptions::new().before_send(|event| (event.level != Some(Level::Debug)).then_some(event))
}

#[test]
fn a_report_travels_with_the_next_envelope() {
    let sent = with_captured_envelopes_options(dropping(), || {
        capture_message("dropped", Level::Debug);
        capture_message("dropped", Level::Debug);
        capture_message("sent", Level::Info);
        capture_message("sent", Level::Info);
    });
    assert_eq!(kinds(&sent[..1]), [ItemKind::Event, ItemKind::ClientReport]);
    assert_eq!(kinds(&sent[1..]), [ItemKind::Event]);
    assert_eq!(losses(&sent), lost([("error/before_send", 2)]));
}

#[test]
fn a_report_travels_alone_with_a_flush() {
    let sent = with_captured_envelopes_options(dropping(), || {
        capture_message("dropped", Level::Debug);
        assert!(flush(Duration::from_secs(30)));
        assert!(flush(Duration::from_secs(30)));
        capture_message("dropped", Level::Debug);
    });
    assert_eq!(
        kinds(&sent),
        [ItemKind::ClientReport, ItemKind::ClientReport]
    );
    assert_eq!(losses(&sent), lost([("error/before_send", 2)]));
}

/// Panics over envelopes while it is broken.
#[derive(Clone, Default)]
struct Fragile {
    is_broken: Arc<AtomicBool>,
    kept: TestTransport,
}

impl Transport for Fragile {
    fn send(&self, envelope: Envelope) {
        assert!(!self.is_broken.load(Ordering::Relaxed), "expected");
        self.kept.send(envelope);
    }

    fn flush(&self, _: Duration) -> bool {
        assert!(!self.is_broken.load(Ordering::Relaxed), "expected");
        true
    }
}

#[test]
fn what_a_transport_loses_by_a_panic_is_counted_and_its_reports_are_told_again() {
    let fragile = Fragile::default();
    let client = client(dropping(), fragile.clone());
    let sent_while_broken = mini_sentry::Hub::run(hub(&client), || {
        fragile.is_broken.store(true, Ordering::Relaxed);
        capture_message("dropped", Level::Debug);
        capture_message("lost", Level::Info);
        capture_message("lost", Level::Info);
        for n in 0..5 {
            logger_info!("{n}");
        }
        assert!(!flush(PATIENCE));
        let sent = fragile.kept.take();
        fragile.is_broken.store(false, Ordering::Relaxed);
        capture_message("sent", Level::Info);
        sent
    });
    assert!(sent_while_broken.is_empty());
    assert!(client.close(Some(PATIENCE)));
    let sent = fragile.kept.take();
    assert_eq!(messages(&sent), ["sent"]);
    let wanted = lost([
        ("error/before_send", 1),
        ("error/internal_sdk_error", 2),
        ("log_item/internal_sdk_error", 5),
    ]);
    assert_eq!(losses(&sent), wanted);
}

#[test]
fn a_transport_that_panics_at_the_end_harms_nobody() {
    let fragile = Fragile::default();
    let client = client(ClientOptions::new(), fragile.clone());
    hub(&client).capture_message("sent", Level::Info);
    assert!(client.flush(Some(PATIENCE)));
    fragile.is_broken.store(true, Ordering::Relaxed);
    assert!(!client.close(Some(PATIENCE)));
    assert_eq!(messages(&fragile.kept.take()), ["sent"]);
}

#[test]
fn what_a_transport_counts_is_reported_too() {
    let kept = TestTransport::default();
    let own = kept.clone();
    let factory = move |options: &mini_sentry::transport::TransportOptions| {
        options.losses.record(
            mini_sentry::ratelimit::DataCategory::Error,
            mini_sentry::protocol::DiscardReason::NetworkError,
            3,
        );
        Arc::new(own.clone()) as Arc<dyn Transport>
    };
    let options = ClientOptions::new()
        .dsn(super::stage::DSN)
        .transport(factory);
    let client = mini_sentry::Client::new(options, Arc::new(mini_sentry::SystemClock));
    assert!(client.flush(Some(PATIENCE)));
    assert_eq!(losses(&kept.take()), lost([("error/network_error", 3)]));
}
