//! Capture inside the server's process.

use std::sync::Arc;
use std::time::Duration;

use mini_sentry::envelope::Envelope;
use mini_sentry::losses::Losses;
use mini_sentry::protocol::{ClientReport, Event, Level, Timestamp};
use mini_sentry::transport::Transport;
use mini_sentry::{Client, ClientOptions, SystemClock};
use mini_sentry_server::accept::inproc::InProcess;
use mini_sentry_server::journal::Journal;
use mini_sentry_server::model::ids::{ProjectId, Seq};
use mini_sentry_server::model::record::RecordKind;
use tokio::runtime::Handle;

use super::door::{Door, KEY};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn an_sdk_of_the_same_process_captures_without_a_network() {
    let door = Door::open().await;
    let factory = InProcess::new(
        Arc::clone(&door.acceptor),
        door.project.id,
        Handle::current(),
    );
    let dsn = format!("http://{KEY}@localhost/{}", door.project.id);
    let options = ClientOptions::new()
        .dsn(dsn)
        .release("shop@1.2")
        .transport(factory);
    let client = Client::new(options, Arc::new(SystemClock));
    let id = client.capture_message("from inside", Level::Warning, None);
    let flushed = tokio::task::spawn_blocking(move || client.flush(Some(PATIENCE)))
        .await
        .unwrap();
    assert!(flushed);
    let record = &door.records()[0];
    assert_eq!(record.head.event_id, id);
    assert_eq!(record.head.context.key, None);
    let event = Event::from_json(&record.body).unwrap();
    assert_eq!(event.release.as_deref(), Some("shop@1.2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_counted_and_reports_are_kept() {
    let door = Door::open().await;
    let losses = Arc::new(Losses::default());
    let nowhere = InProcess::new(
        Arc::clone(&door.acceptor),
        ProjectId(999),
        Handle::current(),
    );
    let transport = nowhere.transport(Arc::clone(&losses));
    transport.send(Envelope::from(Event::from_message("lost", Level::Error)));
    let transport = tokio::task::spawn_blocking(move || {
        assert!(transport.flush(PATIENCE));
        transport
    });
    let transport = transport.await.unwrap();
    assert_eq!(losses.pending(), 1);
    assert!(transport.shutdown(PATIENCE));
    transport.send(Envelope::from(Event::from_message("late", Level::Error)));
    assert_eq!(losses.pending(), 2);

    let report: ClientReport = losses.take(Timestamp::from_nanos(0)).unwrap();
    let here = InProcess::new(
        Arc::clone(&door.acceptor),
        door.project.id,
        Handle::current(),
    );
    let transport = here.transport(Arc::clone(&losses));
    transport.send(Envelope::from(report));
    let flushed = tokio::task::spawn_blocking(move || transport.shutdown(PATIENCE));
    assert!(flushed.await.unwrap());
    assert_eq!(door.journal.tail(), Seq(1));
    assert_eq!(door.records()[0].head.kind, RecordKind::ClientReport);
}
