//! Children of a fork: they have none of their parent's threads, and send for themselves.

#![expect(unsafe_code, reason = "fork and its like are calls into the C library")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mini_sentry::envelope::Envelope;
use mini_sentry::protocol::DiscardReason;
use mini_sentry::ratelimit::DataCategory;
use mini_sentry::transport::{Transport, TransportOptions};
use mini_sentry::{ClientOptions, Level, capture_message, flush};

use super::gate::Gate;
use super::stage::{DSN, Losses, PATIENCE, in_own_process, losses, lost, messages};

/// Writes envelopes to a folder, under the number of the process that sends them.
struct Folder {
    path: PathBuf,
    next: AtomicUsize,
    gate: Option<Gate>,
}

impl Transport for Folder {
    fn send(&self, envelope: Envelope) {
        if let Some(gate) = &self.gate {
            gate.send(envelope.clone());
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number:03}", process::id());
        fs::write(self.path.join(name), envelope.to_vec()).unwrap();
    }
}

fn read(folder: &Path) -> BTreeMap<String, Vec<Envelope>> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    let mut sent = BTreeMap::<String, Vec<Envelope>>::new();
    for path in names {
        let name = path.file_name().unwrap().to_str().unwrap();
        let (id, _) = name.split_once('-').unwrap();
        let parsed = Envelope::parse(&fs::read(&path).unwrap()).unwrap();
        sent.entry(id.to_owned()).or_default().push(parsed.envelope);
    }
    sent
}

/// Runs a function in a child process, and returns the child's number.
fn fork(run: impl FnOnce() -> bool) -> libc::pid_t {
    // SAFETY: the child only runs the function, whose locks no other thread of ours holds now,
    // and leaves without unwinding into the test's frames.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        // SAFETY: ends the process, without the exit handlers that are the parent's.
        unsafe { libc::_exit(i32::from(!matches!(done, Ok(true)))) };
    }
    child
}

fn wait(child: libc::pid_t) {
    let mut status = 0;
    // SAFETY: the status is ours to write to, and the child is ours to wait for.
    let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((ended, status), (child, 0));
}

#[test]
fn children_send_for_themselves_and_the_parents_queue_is_sent_once() {
    in_own_process(
        "client::fork::children_send_for_themselves_and_the_parents_queue_is_sent_once",
        || {
            let folder = tempfile::tempdir().unwrap();
            let parent = process::id();
            let gate = Gate::default();
            let (path, held) = (folder.path().to_owned(), gate.clone());
            let factory = move |_: &TransportOptions| {
                Arc::new(Folder {
                    path: path.clone(),
                    next: AtomicUsize::new(0),
                    gate: (process::id() == parent).then(|| held.clone()),
                }) as Arc<dyn Transport>
            };
            let options = ClientOptions::new()
                .transport(factory)
                .shutdown_timeout(PATIENCE);
            let guard = mini_sentry::init((DSN, options));
            capture_message("parent 1", Level::Info);
            gate.wait_for_arrivals(1);
            capture_message("parent 2", Level::Info);
            guard
                .client()
                .record_loss(DataCategory::Error, DiscardReason::NetworkError, 7);
            let children = [1, 2].map(|_| {
                fork(|| {
                    let ids = [0, 1].map(|_| capture_message("child", Level::Info));
                    ids[0] != ids[1] && flush(PATIENCE)
                })
            });
            children.into_iter().for_each(wait);
            let sent = read(folder.path());
            assert_eq!(sent.len(), 2, "the parent is stuck");
            let mut ids = Vec::new();
            for envelopes in sent.values() {
                assert_eq!(messages(envelopes), ["child", "child"]);
                assert_eq!(losses(envelopes), Losses::new());
                ids.extend(
                    envelopes
                        .iter()
                        .map(|envelope| envelope.event_id().unwrap()),
                );
            }
            gate.open();
            ids.push(capture_message("parent 3", Level::Info));
            drop(guard);
            let sent = read(folder.path());
            let envelopes = &sent[&parent.to_string()];
            assert_eq!(messages(envelopes), ["parent 1", "parent 2", "parent 3"]);
            assert_eq!(losses(envelopes), lost([("error/network_error", 7)]));
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), 5, "children and parent draw different numbers");
        },
    );
}

#[test]
fn a_child_of_a_child_sends_too_and_closing_in_a_child_ends() {
    in_own_process(
        "client::fork::a_child_of_a_child_sends_too_and_closing_in_a_child_ends",
        || {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().to_owned();
            let factory = move |_: &TransportOptions| {
                Arc::new(Folder {
                    path: path.clone(),
                    next: AtomicUsize::new(0),
                    gate: None,
                }) as Arc<dyn Transport>
            };
            let guard = mini_sentry::init((DSN, ClientOptions::new().transport(factory)));
            capture_message("parent", Level::Info);
            assert!(flush(PATIENCE));
            let child = fork(|| {
                capture_message("child", Level::Info);
                let grandchild = fork(|| {
                    capture_message("grandchild", Level::Info);
                    mini_sentry::close(PATIENCE)
                });
                wait(grandchild);
                mini_sentry::close(PATIENCE) && capture_message("off", Level::Info).is_nil()
            });
            wait(child);
            assert!(mini_sentry::is_enabled());
            drop(guard);
            let sent = read(folder.path());
            let mut all: Vec<_> = sent.values().flat_map(|sent| messages(sent)).collect();
            all.sort_unstable();
            assert_eq!(all, ["child", "grandchild", "parent"]);
        },
    );
}
