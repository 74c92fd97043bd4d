//! Events and spans of `tracing`.

use std::error::Error;

use mini_sentry::envelope::{Envelope, Payload};
use mini_sentry::integrations::tracing::{EventFilter, SentryLayer, layer};
use mini_sentry::protocol::{Context, Event, Object, Transaction};
use mini_sentry::test::with_captured_envelopes_options;
use mini_sentry::{ClientOptions, Level};
use tracing::{Instrument as _, Subscriber};
use tracing_subscriber::prelude::*;

fn with_layer(options: ClientOptions, layer: SentryLayer, run: impl FnOnce()) -> Vec<Envelope> {
    let subscriber = tracing_subscriber::registry().with(layer);
    with_captured_envelopes_options(options, || {
        tracing::subscriber::with_default(subscriber, run);
    })
}

fn events(run: impl FnOnce()) -> Vec<Event> {
    let envelopes = with_layer(ClientOptions::new(), layer(), run);
    envelopes
        .iter()
        .filter_map(|it| it.event().cloned())
        .collect()
}

fn transactions(run: impl FnOnce()) -> Vec<Transaction> {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let envelopes = with_layer(options, layer(), run);
    let items = envelopes.into_iter().flat_map(|envelope| envelope.items);
    items
        .filter_map(|item| match item.payload {
            Payload::Transaction(transaction) => Some(*transaction),
            _ => None,
        })
        .collect()
}

fn object<'a>(event: &'a Event, name: &str) -> &'a Object {
    let Some(Context::Other(object)) = event.contexts.get(name) else {
        unreachable!("no {name} in {:?}", event.contexts)
    };
    object
}

#[test]
fn errors_are_events_with_their_fields_and_infos_are_breadcrumbs() {
    let events = events(|| {
        tracing::debug!("left out");
        tracing::info!(plan = "free", articles = 3, "cart opened");
        tracing::error!(target: "app::mail", retry = false, tags.queue = "mails", "mail {} was not sent", 7);
    });
    let [event] = events.as_slice() else {
        unreachable!("one event: {events:?}")
    };
    assert_eq!(
        event.message.as_ref().unwrap().text(),
        "mail 7 was not sent"
    );
    assert_eq!(event.level, Some(Level::Error));
    assert_eq!(event.logger.as_deref(), Some("app::mail"));
    assert_eq!(event.tags.get("queue").map(String::as_str), Some("mails"));
    let fields = object(event, "Rust Tracing Fields");
    assert_eq!(fields.get("retry").unwrap(), false);
    assert_eq!(fields.len(), 1);
    let place = object(event, "Rust Tracing Location");
    assert!(
        place
            .get("file")
            .unwrap()
            .as_str()
            .unwrap()
            .ends_with("tracing.rs")
    );
    let [breadcrumb] = event.breadcrumbs.as_slice() else {
        unreachable!("one breadcrumb")
    };
    assert_eq!(breadcrumb.message.as_deref(), Some("cart opened"));
    assert_eq!(breadcrumb.level, Some(Level::Info));
    assert_eq!(breadcrumb.data.get("articles").unwrap(), 3);
}

#[test]
fn error_fields_become_exceptions_with_their_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("mail was not sent")]
    struct NotSent(#[from] std::num::ParseIntError);

    let events = events(|| {
        let error = NotSent("x".parse::<i32>().unwrap_err());
        tracing::error!(error = &error as &dyn Error, "giving up");
        tracing::warn!(error = &error as &dyn Error, "trying again");
        tracing::error!("done");
    });
    let exceptions = &events[0].exception;
    let types: Vec<_> = exceptions
        .iter()
        .map(|it| it.ty.as_deref().unwrap())
        .collect();
    assert_eq!(types, ["ParseIntError", "NotSent"]);
    let mechanism = exceptions.last().unwrap().mechanism.as_ref().unwrap();
    assert_eq!(mechanism.ty.as_deref(), Some("tracing"));
    assert_eq!(mechanism.handled, Some(true));
    assert_eq!(events[0].message.as_ref().unwrap().text(), "giving up");
    let breadcrumb = events[1].breadcrumbs.last().unwrap();
    assert_eq!(breadcrumb.data.get("error").unwrap(), "mail was not sent");
}

#[test]
fn the_filter_decides_and_may_ask_for_log_lines() {
    let layer = layer().event_filter(|metadata| match metadata.target() {
        "quiet" => EventFilter::Ignore,
        _ => EventFilter::Log,
    });
    let envelopes = with_layer(ClientOptions::new(), layer, || {
        tracing::error!(target: "quiet", "not this");
        tracing::trace!(rows = 3_u64, share = 0.5, "read");
    });
    assert!(envelopes.iter().all(|it| it.event().is_none()));
    let mut items = envelopes.iter().flat_map(|it| &it.items);
    let Some(Payload::Logs(logs)) = items.next().map(|item| &item.payload) else {
        unreachable!("log lines")
    };
    let log = &logs.items[0];
    assert_eq!(log.body.as_deref(), Some("read"));
    assert_eq!(log.level.unwrap().as_str(), "trace");
    assert_eq!(
        log.attributes.get("rows").unwrap().value.clone().unwrap(),
        3
    );
    assert_eq!(
        log.attributes.get("share").unwrap().ty.as_deref(),
        Some("double")
    );
}

#[test]
fn spans_are_a_transaction_and_the_spans_in_it() {
    let transactions = transactions(|| {
        let request = tracing::info_span!(
            "request",
            sentry.op = "http.server",
            sentry.name = "GET /",
            method = "GET",
            status = tracing::field::Empty
        );
        let _request = request.enter();
        tracing::info_span!("query", sentry.op = "db.query", rows = 3).in_scope(|| {
            tracing::debug_span!("too fine").in_scope(|| {});
            tracing::info_span!("parse").in_scope(|| {});
        });
        request.record("status", 200);
    });
    let [transaction] = transactions.as_slice() else {
        unreachable!("one transaction: {transactions:?}")
    };
    assert_eq!(transaction.transaction.as_deref(), Some("GET /"));
    let Some(Context::Trace(trace)) = transaction.contexts.get("trace") else {
        unreachable!("a trace")
    };
    assert_eq!(trace.op.as_deref(), Some("http.server"));
    assert_eq!(trace.data.get("status").unwrap(), 200);
    assert_eq!(trace.data.get("method").unwrap(), "GET");
    let [parse, query] = transaction.spans.as_slice() else {
        unreachable!("two spans: {:?}", transaction.spans)
    };
    assert_eq!(query.description.as_deref(), Some("query"));
    assert_eq!(query.op.as_deref(), Some("db.query"));
    assert_eq!(query.data.get("rows").unwrap(), 3);
    assert_eq!(query.parent_span_id, trace.span_id);
    assert_eq!(parse.parent_span_id, query.span_id);
}

#[test]
fn what_is_captured_in_a_span_belongs_to_it_and_nothing_afterwards() {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let envelopes = with_layer(options, layer(), || {
        mini_sentry::capture_message("before", Level::Info);
        tracing::info_span!("outer").in_scope(|| {
            tracing::info_span!("inner").in_scope(|| {
                mini_sentry::capture_message("inside", Level::Info);
            });
        });
        mini_sentry::capture_message("after", Level::Info);
    });
    let span_of = |event: &Event| match event.contexts.get("trace") {
        Some(Context::Trace(trace)) => trace.span_id,
        _ => None,
    };
    let events: Vec<_> = envelopes.iter().filter_map(|it| it.event()).collect();
    assert_eq!(events.len(), 3);
    assert_eq!(span_of(events[0]), span_of(events[2]));
    let transaction =
        envelopes
            .iter()
            .flat_map(|it| &it.items)
            .find_map(|item| match &item.payload {
                Payload::Transaction(transaction) => Some(transaction),
                _ => None,
            });
    assert_eq!(span_of(events[1]), transaction.unwrap().spans[0].span_id);
}

#[test]
fn spans_left_out_of_order_leave_nothing_behind() {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    with_layer(options, layer(), || {
        let before = mini_sentry::Hub::current().scope().span().is_some();
        let (first, second) = (tracing::info_span!("first"), tracing::info_span!("second"));
        let first = first.entered();
        let second = second.entered();
        drop(first);
        assert!(mini_sentry::Hub::current().scope().span().is_some());
        drop(second);
        assert_eq!(mini_sentry::Hub::current().scope().span().is_some(), before);
    });
}

#[test]
fn parents_are_those_that_are_named_or_none_for_a_root() {
    let transactions = transactions(|| {
        let first = tracing::info_span!("first");
        let second = tracing::info_span!("second");
        second.in_scope(|| {
            tracing::info_span!(parent: &first, "of first").in_scope(|| {});
            tracing::info_span!(parent: None, "alone").in_scope(|| {});
        });
    });
    let names = |transaction: &Transaction| {
        let spans = transaction.spans.iter();
        let children: Vec<_> = spans.filter_map(|it| it.description.clone()).collect();
        (transaction.transaction.clone().unwrap(), children)
    };
    let mut seen: Vec<_> = transactions.iter().map(names).collect();
    seen.sort();
    let none = Vec::<String>::new;
    assert_eq!(
        seen,
        [
            ("alone".to_owned(), none()),
            ("first".to_owned(), vec!["of first".to_owned()]),
            ("second".to_owned(), none()),
        ]
    );
}

#[test]
fn a_span_goes_on_with_the_trace_that_it_names() {
    let header = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";
    let transactions = transactions(|| {
        tracing::info_span!("job", sentry.trace = header).in_scope(|| {});
    });
    let Some(Context::Trace(trace)) = transactions[0].contexts.get("trace") else {
        unreachable!("a trace")
    };
    let (trace_id, parent) = (trace.trace_id.unwrap(), trace.parent_span_id.unwrap());
    assert_eq!(format!("{trace_id}-{parent}-1"), header);
}

#[test]
fn futures_in_spans_are_measured_whichever_thread_polls_them() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let subscriber = tracing_subscriber::registry().with(layer());
    let dispatch = tracing::Dispatch::new(subscriber);
    let envelopes = with_captured_envelopes_options(options, || {
        use mini_sentry::FutureExt as _;
        use tracing::instrument::WithSubscriber as _;
        let work = |name: &'static str| {
            let hub = mini_sentry::Hub::new_from_top(mini_sentry::Hub::current());
            async move {
                tokio::task::yield_now().await;
                tracing::info_span!("part", name).in_scope(|| {});
            }
            .instrument(tracing::dispatcher::with_default(&dispatch, || {
                tracing::info_span!("task", name)
            }))
            .with_subscriber(dispatch.clone())
            .bind_hub(hub)
        };
        let tasks: Vec<_> = ["a", "b", "c", "d"]
            .map(|name| runtime.spawn(work(name)))
            .into();
        for task in tasks {
            runtime.block_on(task).unwrap();
        }
    });
    let transactions: Vec<_> = envelopes
        .iter()
        .flat_map(|it| &it.items)
        .filter_map(|item| match &item.payload {
            Payload::Transaction(transaction) => Some(transaction),
            _ => None,
        })
        .collect();
    assert_eq!(transactions.len(), 4);
    for transaction in transactions {
        let Some(Context::Trace(trace)) = transaction.contexts.get("trace") else {
            unreachable!("a trace")
        };
        assert_eq!(transaction.spans.len(), 1);
        assert_eq!(
            transaction.spans[0].data.get("name"),
            trace.data.get("name")
        );
    }
}

#[test]
fn without_traces_spans_cost_nothing_and_change_nothing() {
    let envelopes = with_layer(ClientOptions::new(), layer(), || {
        tracing::info_span!("request").in_scope(|| {
            assert!(mini_sentry::Hub::current().scope().span().is_none());
        });
    });
    assert!(envelopes.is_empty(), "{envelopes:?}");
}

#[test]
fn the_layer_may_be_boxed_and_filtered() {
    let filtered = layer().with_filter(tracing_subscriber::filter::LevelFilter::ERROR);
    let subscriber: Box<dyn Subscriber + Send + Sync> =
        Box::new(tracing_subscriber::registry().with(filtered));
    let envelopes = with_captured_envelopes_options(ClientOptions::new(), || {
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("no breadcrumb");
            tracing::error!("an event");
        });
    });
    assert!(envelopes[0].event().unwrap().breadcrumbs.is_empty());
}
