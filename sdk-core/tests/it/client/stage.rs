//! What the tests of the client stand on: reading what was sent, and processes of their own.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use mini_sentry::envelope::{Envelope, ItemKind, Payload};
use mini_sentry::protocol::{Event, Transaction};
use mini_sentry::transport::{Transport, TransportOptions};
use mini_sentry::{Client, ClientOptions, Hub, Scope, SystemClock};

/// A DSN that leads nowhere.
pub(super) const DSN: &str = "http://0123456789abcdef0123456789abcdef@localhost/1";

/// How long a test waits for what must happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Losses by `category/reason`.
pub(super) type Losses = BTreeMap<String, u64>;

/// The types of all items, in order.
pub(super) fn kinds(envelopes: &[Envelope]) -> Vec<ItemKind> {
    items(envelopes)
        .map(|item| item.header.kind.clone())
        .collect()
}

pub(super) fn items(envelopes: &[Envelope]) -> impl Iterator<Item = &mini_sentry::envelope::Item> {
    envelopes.iter().flat_map(|envelope| &envelope.items)
}

pub(super) fn events(envelopes: &[Envelope]) -> Vec<&Event> {
    envelopes.iter().filter_map(Envelope::event).collect()
}

/// The only event there is.
pub(super) fn only_event(envelopes: &[Envelope]) -> &Event {
    let events = events(envelopes);
    assert_eq!(events.len(), 1, "{envelopes:?}");
    events[0]
}

/// The texts of the events' messages, in order.
pub(super) fn messages(envelopes: &[Envelope]) -> Vec<&str> {
    let texts = events(envelopes).into_iter();
    texts
        .map(|event| event.message.as_ref().unwrap().text())
        .collect()
}

pub(super) fn transactions(envelopes: &[Envelope]) -> Vec<&Transaction> {
    let payloads = items(envelopes).map(|item| &item.payload);
    payloads
        .filter_map(|payload| match payload {
            Payload::Transaction(transaction) => Some(&**transaction),
            _ => None,
        })
        .collect()
}

/// What all client reports together say was lost.
pub(super) fn losses(envelopes: &[Envelope]) -> Losses {
    let mut losses = Losses::new();
    for item in items(envelopes) {
        if let Payload::ClientReport(report) = &item.payload {
            for entry in &report.discarded_events {
                let category = entry.category.as_deref().unwrap();
                let reason = entry.reason.as_deref().unwrap();
                *losses.entry(format!("{category}/{reason}")).or_default() +=
                    entry.quantity.unwrap();
            }
        }
    }
    losses
}

pub(super) fn lost<const N: usize>(entries: [(&str, u64); N]) -> Losses {
    let entries = entries.into_iter();
    entries
        .map(|(key, count)| (key.to_owned(), count))
        .collect()
}

/// An error with a cause.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) text: &'static str,
    pub(super) cause: Option<Box<Self>>,
}

impl Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// Runs a test in a process of its own, which knows no other clients and has only the threads
/// that it starts. `name` is the path of the test.
pub(super) fn in_own_process(name: &str, run: impl FnOnce()) {
    const MARK: &str = "MINI_SENTRY_TEST_PROCESS";
    if std::env::var(MARK).is_ok_and(|marked| marked == name) {
        run();
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([name, "--exact", "--test-threads=1"])
        .env(MARK, name);
    for variable in ["DSN", "RELEASE", "ENVIRONMENT", "DEBUG"] {
        command.env_remove(format!("SENTRY_{variable}"));
        command.env_remove(format!("MINI_SENTRY_{variable}"));
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(
        text.contains("1 passed"),
        "no test of the name {name}: {text}"
    );
}

/// A client with a transport of the test's own.
pub(super) fn client(options: ClientOptions, transport: impl Transport + Clone) -> Arc<Client> {
    let factory = move |_: &TransportOptions| Arc::new(transport.clone()) as Arc<dyn Transport>;
    let options = options.dsn(DSN).transport(factory);
    Arc::new(Client::new(options, Arc::new(SystemClock)))
}

/// A hub with such a client, ready to be run.
pub(super) fn hub(client: &Arc<Client>) -> Arc<Hub> {
    Arc::new(Hub::new(Some(Arc::clone(client)), Arc::<Scope>::default()))
}
