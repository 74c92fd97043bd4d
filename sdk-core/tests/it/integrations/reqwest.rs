//! Requests that a program makes, against a server that tells what headers it got.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use mini_sentry::envelope::{Envelope, Payload};
use mini_sentry::integrations::reqwest::{RequestBuilderExt as _, TraceMiddleware};
use mini_sentry::protocol::{Breadcrumb, SpanStatus, Transaction};
use mini_sentry::test::with_captured_envelopes_options;
use mini_sentry::{
    ClientOptions, Hub, Level, SentryTrace, TransactionContext, capture_message, start_transaction,
};

/// Answers with the headers that carry a trace, one a line.
async fn told(headers: HeaderMap) -> String {
    let names = ["sentry-trace", "traceparent", "baggage"];
    let lines = names.iter().flat_map(|name| {
        let values = headers.get_all(*name).iter();
        values.map(move |value| format!("{name}: {}\n", value.to_str().unwrap()))
    });
    lines.collect()
}

/// Runs a function with the address of a server, inside a runtime of this thread.
fn with_server(options: ClientOptions, run: impl AsyncFnOnce(String)) -> Vec<Envelope> {
    // Clients with TLS ask for it as they are made; another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let app = Router::new()
        .route("/told", get(told))
        .route("/broken", get(async || StatusCode::BAD_GATEWAY));
    with_captured_envelopes_options(options, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let server = tokio::spawn(async move { axum::serve(listener, app).await });
            run(address).await;
            server.abort();
        });
    })
}

fn value<'a>(told: &'a str, name: &str) -> Option<&'a str> {
    told.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn transaction(envelopes: &[Envelope]) -> &Transaction {
    let mut items = envelopes.iter().flat_map(|it| &it.items);
    let found = items.find_map(|item| match &item.payload {
        Payload::Transaction(transaction) => Some(transaction),
        _ => None,
    });
    found.unwrap()
}

fn breadcrumbs(envelopes: &[Envelope]) -> &[Breadcrumb] {
    &envelopes
        .iter()
        .find_map(Envelope::event)
        .unwrap()
        .breadcrumbs
}

#[test]
fn a_request_in_a_transaction_carries_its_own_span() {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let mut got = String::new();
    let envelopes = with_server(options, async |address| {
        let transaction = start_transaction(TransactionContext::new("import", "task"));
        let active = transaction.clone().into();
        Hub::current().configure_scope(|scope| scope.set_span(Some(active)));
        let request = reqwest::Client::new().get(format!("{address}/told?token=secret"));
        got = request.send_traced().await.unwrap().text().await.unwrap();
        let broken = reqwest::Client::new().get(format!("{address}/broken"));
        broken.send_traced().await.unwrap();
        transaction.finish();
        capture_message("afterwards", Level::Info);
    });
    let transaction = transaction(&envelopes);
    let [span, broken] = transaction.spans.as_slice() else {
        unreachable!("two spans: {:?}", transaction.spans)
    };
    let header = SentryTrace::parse(value(&got, "sentry-trace").unwrap()).unwrap();
    assert_eq!(Some(header.trace_id), span.trace_id);
    assert_eq!(Some(header.span_id), span.span_id);
    assert_eq!(header.sampled, Some(true));
    assert!(
        value(&got, "traceparent")
            .unwrap()
            .contains(&header.span_id.to_string())
    );
    assert!(value(&got, "baggage").unwrap().contains("sentry-trace_id="));

    assert_eq!(span.op.as_deref(), Some("http.client"));
    let description = span.description.as_deref().unwrap();
    assert!(
        description.starts_with("GET http://127.0.0.1:"),
        "{description}"
    );
    assert!(description.ends_with("/told"), "{description}");
    assert_eq!(span.status, Some(SpanStatus::Ok));
    assert_eq!(span.data.get("http.response.status_code").unwrap(), 200);
    assert_eq!(broken.status, Some(SpanStatus::InternalError));

    let breadcrumbs = breadcrumbs(&envelopes);
    assert_eq!(breadcrumbs.len(), 2);
    assert_eq!(breadcrumbs[0].category.as_deref(), Some("http"));
    assert_eq!(breadcrumbs[0].data.get("status_code").unwrap(), 200);
    assert!(
        breadcrumbs[0]
            .data
            .get("url")
            .unwrap()
            .as_str()
            .unwrap()
            .ends_with("/told")
    );
    assert_eq!(breadcrumbs[1].level, Some(Level::Error));
}

#[test]
fn a_request_outside_of_a_transaction_carries_the_scopes_trace() {
    let mut got = String::new();
    let envelopes = with_server(ClientOptions::new(), async |address| {
        let request = reqwest::Client::new()
            .get(format!("{address}/told"))
            .with_trace();
        got = request.send().await.unwrap().text().await.unwrap();
        capture_message("afterwards", Level::Info);
    });
    let event = envelopes.iter().find_map(Envelope::event).unwrap();
    let Some(mini_sentry::protocol::Context::Trace(trace)) = event.contexts.get("trace") else {
        unreachable!("a trace")
    };
    let header = SentryTrace::parse(value(&got, "sentry-trace").unwrap()).unwrap();
    assert_eq!(Some(header.trace_id), trace.trace_id);
}

#[test]
fn only_addresses_that_are_named_get_the_trace() {
    for (target, gets_it) in [("127.0.0.1", true), ("shop.example.com", false)] {
        let mut options = ClientOptions::new();
        options.trace_propagation_targets = vec![target.to_owned()];
        let mut got = Vec::new();
        with_server(options, async |address| {
            let address = format!("{address}/told");
            let client = reqwest::Client::new();
            let sent = client.get(&address).send_traced().await;
            got.push(sent.unwrap().text().await.unwrap());
            let sent = client.get(&address).with_trace().send().await;
            got.push(sent.unwrap().text().await.unwrap());
        });
        for told in got {
            assert_eq!(value(&told, "sentry-trace").is_some(), gets_it, "{target}");
        }
    }
}

#[test]
fn a_trace_that_the_program_adds_itself_stays_and_so_does_baggage() {
    let mut got = Vec::new();
    let own = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";
    let options = ClientOptions::new().traces_sample_rate(1.0);
    with_server(options, async |address| {
        let transaction = start_transaction(TransactionContext::new("import", "task"));
        let active = transaction.into();
        Hub::current().configure_scope(|scope| scope.set_span(Some(active)));
        let client = reqwest::Client::new();
        let address = format!("{address}/told");
        let with_own = client.get(&address).header("sentry-trace", own);
        for request in [
            with_own.try_clone().unwrap().send_traced().await,
            with_own.with_trace().send().await,
            client
                .get(&address)
                .header("baggage", "other=1")
                .send_traced()
                .await,
        ] {
            got.push(request.unwrap().text().await.unwrap());
        }
    });
    assert_eq!(got[0], format!("sentry-trace: {own}\n"));
    assert_eq!(got[1], got[0]);
    assert_eq!(value(&got[2], "baggage"), Some("other=1"));
    assert_eq!(got[2].matches("baggage: ").count(), 2);
}

#[test]
fn the_middleware_does_it_for_all_requests_and_failures_are_errors() {
    let mut got = String::new();
    let envelopes = with_server(ClientOptions::new(), async |address| {
        let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
            .with(TraceMiddleware::new())
            .build();
        let sent = client.get(format!("{address}/told")).send().await;
        got = sent.unwrap().text().await.unwrap();
        // A port that was free a moment ago: nobody listens there.
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        assert!(client.get(format!("http://{free}/")).send().await.is_err());
        capture_message("afterwards", Level::Info);
    });
    assert!(value(&got, "sentry-trace").is_some());
    let breadcrumbs = breadcrumbs(&envelopes);
    let levels: Vec<_> = breadcrumbs.iter().map(|it| it.level.unwrap()).collect();
    assert_eq!(levels, [Level::Info, Level::Error]);
    assert!(!breadcrumbs[1].data.contains_key("status_code"));
}

#[test]
fn a_request_that_is_given_up_is_cancelled() {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let envelopes = with_server(options, async |address| {
        let transaction = start_transaction(TransactionContext::new("import", "task"));
        let active = transaction.clone().into();
        Hub::current().configure_scope(|scope| scope.set_span(Some(active)));
        let request = reqwest::Client::new().get(format!("{address}/told"));
        tokio::select! {
            biased;
            _ = request.send_traced() => unreachable!("not before it was polled twice"),
            () = std::future::ready(()) => {}
        }
        transaction.finish();
    });
    let spans = &transaction(&envelopes).spans;
    assert_eq!(spans[0].status, Some(SpanStatus::Cancelled));
}
