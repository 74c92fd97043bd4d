//! Layers for services, without a server.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{Request, Response, StatusCode};
use mini_sentry::envelope::{Envelope, Payload};
use mini_sentry::integrations::tower::{HttpLayer, NewHubLayer};
use mini_sentry::protocol::{self, Event, SessionAggregate, SpanStatus, Transaction};
use mini_sentry::test::with_captured_envelopes_options;
use mini_sentry::{ClientOptions, Hub, Level, SessionMode, capture_message};
use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};

type BoxError = Box<dyn Error + Send + Sync>;

fn events(envelopes: &[Envelope]) -> Vec<&Event> {
    envelopes.iter().filter_map(Envelope::event).collect()
}

fn transactions(envelopes: &[Envelope]) -> Vec<&Transaction> {
    let items = envelopes.iter().flat_map(|it| &it.items);
    items
        .filter_map(|item| match &item.payload {
            Payload::Transaction(transaction) => Some(&**transaction),
            _ => None,
        })
        .collect()
}

fn trace(transaction: &Transaction) -> &protocol::TraceContext {
    let Some(protocol::Context::Trace(trace)) = transaction.contexts.get("trace") else {
        unreachable!("a trace")
    };
    trace
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn get(path: &str) -> Request<()> {
    Request::get(path)
        .header("host", "shop.example.com")
        .body(())
        .unwrap()
}

fn answer(status: StatusCode) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    response
}

#[test]
fn what_calls_say_in_their_scopes_stays_there() {
    let envelopes = with_captured_envelopes_options(ClientOptions::new(), || {
        let service = ServiceBuilder::new().layer(NewHubLayer::new()).service_fn(
            async |name: &'static str| {
                mini_sentry::set_tag("name", name);
                tokio::task::yield_now().await;
                capture_message("inside", Level::Info);
                Ok::<_, Infallible>(name.len())
            },
        );
        block_on(async {
            let both = tokio::join!(service.clone().oneshot("a"), service.clone().oneshot("bc"));
            assert_eq!((both.0.unwrap(), both.1.unwrap()), (1, 2));
        });
        capture_message("outside", Level::Info);
    });
    let mut tags: Vec<_> = events(&envelopes)
        .iter()
        .map(|event| event.tags.get("name").map(String::as_str))
        .collect();
    // Which of the two comes first is not said.
    tags.sort_unstable();
    assert_eq!(tags, [None, Some("a"), Some("bc")]);
}

#[test]
fn the_hub_is_there_while_a_future_is_dropped() {
    struct TellsAtTheEnd;
    impl Drop for TellsAtTheEnd {
        fn drop(&mut self) {
            capture_message("dropped", Level::Info);
        }
    }
    let envelopes = with_captured_envelopes_options(ClientOptions::new(), || {
        let hub = service_fn(async |()| {
            let _guard = TellsAtTheEnd;
            mini_sentry::set_tag("where", "inside");
            poll_fn(|_| Poll::<()>::Pending).await;
            Ok::<_, Infallible>(())
        });
        let mut service = ServiceBuilder::new().layer(NewHubLayer::new()).service(hub);
        let mut future = Box::pin(service.call(()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        drop(future);
    });
    let events = events(&envelopes);
    assert_eq!(
        events[0].tags.get("where").map(String::as_str),
        Some("inside")
    );
}

#[test]
fn events_of_a_request_say_which_one_it_was() {
    let envelopes = with_captured_envelopes_options(ClientOptions::new(), || {
        let service = service_fn(async |_: Request<()>| {
            capture_message("served", Level::Info);
            Ok::<_, Infallible>(answer(StatusCode::OK))
        });
        let service = ServiceBuilder::new()
            .layer(HttpLayer::new())
            .service(service);
        block_on(service.oneshot(get("/cart?step=2"))).unwrap();
    });
    let event = events(&envelopes)[0];
    assert_eq!(event.transaction.as_deref(), Some("GET /cart"));
    let request = event.request.as_ref().unwrap();
    assert_eq!(request.url.as_deref(), Some("http://shop.example.com/cart"));
    assert_eq!(
        request.query_string,
        protocol::Pairs::Text("step=2".to_owned())
    );
    assert!(
        envelopes.len() == 1,
        "no transaction, no session: {envelopes:?}"
    );
}

fn served(layer: HttpLayer, status: StatusCode, captures: bool) -> Vec<Envelope> {
    with_captured_envelopes_options(ClientOptions::new(), || {
        let service = service_fn(move |_: Request<()>| async move {
            if captures {
                capture_message("known", Level::Error);
            }
            Ok::<_, Infallible>(answer(status))
        });
        block_on(layer_on(layer, service).oneshot(get("/"))).unwrap();
    })
}

fn layer_on<S>(
    layer: HttpLayer,
    service: S,
) -> impl Service<Request<()>, Response = S::Response, Error = S::Error>
where
    S: Service<Request<()>, Response = Response<()>>,
    S::Error: std::fmt::Display + std::fmt::Debug + 'static,
{
    ServiceBuilder::new().layer(layer).service(service)
}

#[test]
fn server_errors_are_captured_unless_their_cause_was_or_nobody_wants_them() {
    let envelopes = served(HttpLayer::new(), StatusCode::SERVICE_UNAVAILABLE, false);
    let event = events(&envelopes)[0];
    let exception = event.exception.last().unwrap();
    assert_eq!(
        exception.value.as_deref(),
        Some("GET / was answered with 503 Service Unavailable")
    );
    assert_eq!(
        exception.mechanism.as_ref().unwrap().ty.as_deref(),
        Some("tower")
    );
    let Some(protocol::Context::Response(response)) = event.contexts.get("response") else {
        unreachable!("the answer")
    };
    assert_eq!(response.status_code, Some(503));

    let known = served(HttpLayer::new(), StatusCode::SERVICE_UNAVAILABLE, true);
    assert_eq!(events(&known).len(), 1);
    assert!(served(HttpLayer::new(), StatusCode::NOT_FOUND, false).is_empty());
    let unwanted = HttpLayer::new().capture_server_errors(false);
    assert!(served(unwanted, StatusCode::INTERNAL_SERVER_ERROR, false).is_empty());
}

#[test]
fn errors_of_the_service_are_captured_with_their_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("no database")]
    struct NoDatabase(#[source] std::fmt::Error);

    let envelopes = with_captured_envelopes_options(ClientOptions::new(), || {
        let boxed = service_fn(async |_: Request<()>| {
            Err::<Response<()>, BoxError>(NoDatabase(std::fmt::Error).into())
        });
        assert!(block_on(layer_on(HttpLayer::new(), boxed).oneshot(get("/"))).is_err());
        let plain =
            service_fn(async |_: Request<()>| Err::<Response<()>, _>(NoDatabase(std::fmt::Error)));
        assert!(block_on(layer_on(HttpLayer::new(), plain).oneshot(get("/"))).is_err());
    });
    let events = events(&envelopes);
    let types = |event: &Event| -> Vec<_> {
        event
            .exception
            .iter()
            .filter_map(|it| it.ty.clone())
            .collect()
    };
    assert_eq!(types(events[0]), ["Error", "NoDatabase"]);
    assert_eq!(types(events[1]), ["NoDatabase"]);
    for event in events {
        let last = event.exception.last().unwrap();
        assert_eq!(last.value.as_deref(), Some("no database"));
        assert_eq!(
            last.mechanism.as_ref().unwrap().ty.as_deref(),
            Some("tower")
        );
    }
}

#[test]
fn requests_are_transactions_that_go_on_with_their_callers_trace() {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let envelopes = with_captured_envelopes_options(options, || {
        let service = service_fn(async |_: Request<()>| {
            mini_sentry::start_span("db.query", "SELECT 1", || {});
            Ok::<_, Infallible>(answer(StatusCode::NOT_FOUND))
        });
        let named = HttpLayer::new().name_by(|head| Some(format!("{} /articles/*", head.method)));
        let request = Request::get("/articles/7")
            .header(
                "sentry-trace",
                "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1",
            )
            .body(());
        block_on(layer_on(named, service).oneshot(request.unwrap())).unwrap();
    });
    let transactions = transactions(&envelopes);
    let transaction = transactions[0];
    assert_eq!(transaction.transaction.as_deref(), Some("GET /articles/*"));
    assert_eq!(transaction.spans[0].op.as_deref(), Some("db.query"));
    assert!(transaction.request.is_some());
    let trace = trace(transaction);
    assert_eq!(trace.op.as_deref(), Some("http.server"));
    assert_eq!(
        trace.trace_id.unwrap().to_string(),
        "09e04486820349518ac7b5d2adbf6ba5"
    );
    assert_eq!(
        trace.parent_span_id.unwrap().to_string(),
        "9cf635fa5b870b3a"
    );
    assert_eq!(trace.status, Some(SpanStatus::NotFound));
    assert_eq!(trace.data.get("http.response.status_code").unwrap(), 404);
}

#[test]
fn a_request_that_is_given_up_is_cancelled() {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let envelopes = with_captured_envelopes_options(options, || {
        let service = service_fn(async |_: Request<()>| {
            poll_fn(|_| Poll::<()>::Pending).await;
            Ok::<_, Infallible>(answer(StatusCode::OK))
        });
        let mut context = Context::from_waker(Waker::noop());
        let mut future = pin!(layer_on(HttpLayer::new(), service).oneshot(get("/")));
        assert!(future.as_mut().poll(&mut context).is_pending());
    });
    let transactions = transactions(&envelopes);
    assert_eq!(trace(transactions[0]).status, Some(SpanStatus::Cancelled));
}

#[test]
fn requests_are_counted_as_sessions() {
    let options = ClientOptions::new()
        .release("shop@1.0.0")
        .auto_session_tracking(true)
        .session_mode(SessionMode::Request);
    let envelopes = with_captured_envelopes_options(options, || {
        for status in [StatusCode::OK, StatusCode::OK, StatusCode::BAD_GATEWAY] {
            let service =
                service_fn(
                    move |_: Request<()>| async move { Ok::<_, Infallible>(answer(status)) },
                );
            block_on(layer_on(HttpLayer::new(), service).oneshot(get("/"))).unwrap();
        }
        assert!(Hub::current().last_event_id().is_none());
    });
    let items = envelopes.iter().flat_map(|it| &it.items);
    let counted: Vec<&SessionAggregate> = items
        .filter_map(|item| match &item.payload {
            Payload::Sessions(sessions) => Some(&sessions.aggregates),
            _ => None,
        })
        .flatten()
        .collect();
    let sum = |count: fn(&SessionAggregate) -> Option<u64>| -> u64 {
        counted.iter().filter_map(|it| count(it)).sum()
    };
    assert_eq!((sum(|it| it.exited), sum(|it| it.errored)), (2, 1));
}

#[test]
fn callers_are_told_only_when_that_is_allowed() {
    for allowed in [false, true] {
        let options = ClientOptions::new().send_default_pii(allowed);
        let envelopes = with_captured_envelopes_options(options, || {
            let service = service_fn(async |_: Request<()>| {
                capture_message("served", Level::Info);
                Ok::<_, Infallible>(answer(StatusCode::OK))
            });
            let layer = HttpLayer::new().remote_by(|_| "192.0.2.1".parse().ok());
            block_on(layer_on(layer, service).oneshot(get("/"))).unwrap();
        });
        let user = events(&envelopes)[0].user.as_ref();
        let address = user.and_then(|user| user.ip_address.as_deref());
        assert_eq!(address, allowed.then_some("192.0.2.1"));
    }
}

#[test]
fn while_the_sdk_is_off_requests_pass_through() {
    let hub = std::sync::Arc::new(Hub::new(None, std::sync::Arc::default()));
    Hub::run(hub, || {
        let service =
            service_fn(async |_: Request<()>| Ok::<_, Infallible>(answer(StatusCode::OK)));
        let response = block_on(layer_on(HttpLayer::new(), service).oneshot(get("/")));
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    });
}
