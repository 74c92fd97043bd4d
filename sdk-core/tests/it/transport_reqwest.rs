//! Delivery with `reqwest`, to a real server on this machine.

#![expect(clippy::panic, reason = "what fails here fails the test")]

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mini_sentry::envelope::Envelope;
use mini_sentry::transport::reqwest::{ReqwestTransport, ReqwestTransportFactory};
use mini_sentry::transport::{SpoolOptions, Transport, TransportFactory};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::delivery::{NEVER, event, lost, options};
use crate::sink::{Answer, PATIENCE, Sink, dsn_at};

/// A runtime with a thread of its own.
fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    let built = builder.worker_threads(1).enable_all().build();
    built.unwrap_or_else(|error| panic!("a runtime can be made: {error}"))
}

fn deliver(transport: &dyn Transport, envelopes: impl IntoIterator<Item = Envelope>) {
    for envelope in envelopes {
        transport.send(envelope);
    }
    assert!(transport.flush(PATIENCE), "everything is delivered");
}

#[test]
fn requests_run_on_the_runtime_that_the_transport_is_made_in() {
    let sink = Sink::start();
    let runtime = runtime();
    let inside = runtime.enter();
    let transport = ReqwestTransportFactory.create(&options(sink.dsn()));
    drop(inside);
    let message = "a frame ".repeat(5_000);
    deliver(&*transport, [event(&message)]);
    let requests = sink.wait_for(1);
    let request = &requests[0];
    let version = env!("CARGO_PKG_VERSION");
    let client = format!("mini-sentry.rust/{version}");
    let auth = format!("Sentry sentry_key=key, sentry_version=7, sentry_client={client}");
    assert_eq!(request.method, "POST");
    assert_eq!(request.target, "/api/42/envelope/");
    assert_eq!(request.header("X-Sentry-Auth"), Some(auth.as_str()));
    assert_eq!(request.header("User-Agent"), Some(client.as_str()));
    assert_eq!(request.header("Content-Encoding"), Some("gzip"));
    let content_type = request.header("Content-Type");
    assert_eq!(content_type, Some("application/x-sentry-envelope"));
    assert_eq!(request.message(), message);
}

#[test]
fn without_a_runtime_it_brings_its_own() {
    let sink = Sink::start();
    let transport = ReqwestTransport::new(&options(sink.dsn()));
    for i in 0..20 {
        deliver(&transport, [event(&format!("{i}"))]);
    }
    let expected: Vec<String> = (0..20).map(|i| format!("{i}")).collect();
    assert_eq!(sink.messages(), expected);
    assert_eq!(sink.connections(), 1);
    // Also where a runtime must not be dropped.
    runtime().block_on(async move { drop(transport) });
}

#[test]
fn a_failing_server_is_tried_again_and_a_limit_is_kept() {
    let sink = Sink::start();
    let runtime = runtime();
    let options = options(sink.dsn());
    let transport = ReqwestTransport::with_handle(&options, runtime.handle().clone());
    sink.answer(Answer::status(503));
    sink.answer(Answer::close());
    sink.answer(Answer::ok().header("X-Sentry-Rate-Limits", "60:error:key"));
    deliver(&transport, [event("patient")]);
    assert_eq!(sink.messages(), ["patient"; 3]);
    deliver(&transport, [event("held back")]);
    assert_eq!(sink.requests().len(), 3);
    assert_eq!(lost(&options.losses), ["1 error ratelimit_backoff"]);
}

#[test]
fn what_was_sent_while_the_server_was_down_arrives_oldest_first() {
    let address = Sink::reserve();
    let dir = TempDir::new().unwrap();
    let runtime = runtime();
    let mut options = options(dsn_at(address));
    options.spool = Some(SpoolOptions::new(dir.path()));
    options.retry_base = NEVER;
    let transport = ReqwestTransport::with_handle(&options, runtime.handle().clone());
    for name in ["a", "b", "c"] {
        transport.send(event(name));
    }
    assert!(!transport.flush(PATIENCE));
    drop(transport);
    let sink = Sink::start_at(address);
    let transport = ReqwestTransport::with_handle(&options, runtime.handle().clone());
    deliver(&transport, []);
    assert_eq!(sink.messages(), ["a", "b", "c"]);
}

#[test]
fn a_server_that_does_not_answer_costs_no_more_than_the_timeout() {
    let sink = Sink::start();
    let runtime = runtime();
    let mut options = options(sink.dsn());
    options.request_timeout = Duration::from_millis(100);
    let transport = ReqwestTransport::with_handle(&options, runtime.handle().clone());
    sink.answer(Answer::hold());
    deliver(&transport, [event("late")]);
    assert_eq!(sink.messages(), ["late", "late"]);
}

#[test]
fn a_flush_inside_the_only_thread_of_a_runtime_ends_with_its_time() {
    let sink = Sink::start();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let transport = Arc::new(ReqwestTransport::new(&options(sink.dsn())));
        transport.send(event("later"));
        assert!(!transport.flush(Duration::from_millis(20)));
        // From another thread, while the runtime runs, it is a matter of time only.
        let flush = tokio::task::spawn_blocking({
            let transport = Arc::clone(&transport);
            move || transport.flush(PATIENCE)
        });
        assert!(flush.await.unwrap());
    });
    assert_eq!(sink.messages(), ["later"]);
}

#[test]
fn when_the_runtime_is_gone_envelopes_are_kept_or_counted() {
    let sink = Sink::start();
    let dir = TempDir::new().unwrap();
    for spool in [None, Some(SpoolOptions::new(dir.path()))] {
        let is_spooled = spool.is_some();
        let mut options = options(sink.dsn());
        options.spool = spool;
        options.retry_base = NEVER;
        let runtime = runtime();
        let transport = ReqwestTransport::with_handle(&options, runtime.handle().clone());
        // On a thread of its own, as in life.
        let ended = thread::spawn(move || {
            drop(runtime);
            transport.send(event("too late"));
            transport.shutdown(PATIENCE)
        });
        assert!(!ended.join().unwrap());
        let expected: &[&str] = if is_spooled {
            &[]
        } else {
            &["1 error network_error"]
        };
        assert_eq!(lost(&options.losses), expected);
    }
    assert!(sink.requests().is_empty());
    let mut options = options(sink.dsn());
    options.spool = Some(SpoolOptions::new(dir.path()));
    deliver(&ReqwestTransport::new(&options), []);
    assert_eq!(sink.messages(), ["too late"]);
}

#[test]
fn plain_requests_are_forwarded_by_a_proxy_and_an_unusable_one_is_not_gone_around() {
    let proxy = Sink::start();
    let mut options = options("http://key@errors.example.invalid/42".parse().unwrap());
    options.http_proxy = Some(format!("http://user-42:hush@{}", proxy.address()));
    deliver(&ReqwestTransport::new(&options), [event("by proxy")]);
    let request = &proxy.requests()[0];
    assert_eq!(
        request.target,
        "http://errors.example.invalid/api/42/envelope/"
    );
    let login = request.header("Proxy-Authorization");
    assert_eq!(login, Some("Basic dXNlci00MjpodXNo"));

    let sink = Sink::start();
    options.dsn = sink.dsn();
    options.http_proxy = Some("socks5://127.0.0.1:9".to_owned());
    options.retry_base = NEVER;
    let transport = ReqwestTransport::new(&options);
    transport.send(event("must not arrive"));
    assert!(!transport.flush(PATIENCE));
    assert!(sink.requests().is_empty());
}
