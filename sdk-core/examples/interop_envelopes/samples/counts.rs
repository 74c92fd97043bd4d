//! Client reports: counts of what was dropped, by themselves and beside an event.

use mini_sentry::{Level, TransactionContext};
use serde_json::json;

use super::expected::{Spelled, TraceIds, facts, with};
use super::stage::{SERVER, START, Stage};
use super::{Sample, Samples};

pub(super) fn samples() -> Samples {
    Ok(vec![alone()?, beside_an_event()?])
}

fn alone() -> Result<Sample, String> {
    let stage = Stage::new(|options| {
        options
            .before_send(|event| event.tags.is_empty().then_some(event))
            .before_send_log(|_| None)
    });
    let (_, bytes) = stage.play_one(|| {
        let transaction =
            mini_sentry::start_transaction(TransactionContext::new("not sampled", "task"));
        transaction.start_child("db.query", "SELECT 1").finish();
        transaction.finish();
        mini_sentry::logger_info!("not sent");
        mini_sentry::set_tag("drop", "me");
        mini_sentry::capture_message("not sent", Level::Info);
        mini_sentry::capture_message("nor this", Level::Info);
        mini_sentry::configure_scope(|scope| scope.add_event_processor(|_| None));
        mini_sentry::capture_message("dropped before", Level::Info);
    })?;
    let payload = json!({
        "timestamp": START,
        "discarded_events": [
            {"category": "error", "reason": "before_send", "quantity": 2},
            {"category": "error", "reason": "event_processor", "quantity": 1},
            {"category": "transaction", "reason": "sample_rate", "quantity": 1},
            {"category": "span", "reason": "sample_rate", "quantity": 2},
            {"category": "log_item", "reason": "before_send", "quantity": 1},
        ],
    });
    let spelled = Spelled::new().item("client_report", payload);
    Ok(Sample::new("client-report", bytes, spelled))
}

fn beside_an_event() -> Result<Sample, String> {
    let stage = Stage::new(|options| {
        let options = options.server_name(SERVER);
        options.ignore_errors(vec!["not worth".to_owned()])
    });
    let ((id, trace), bytes) = stage.play_one(|| {
        mini_sentry::capture_message("not worth it", Level::Error);
        let id = mini_sentry::capture_message("sent", Level::Error);
        (id, TraceIds::current())
    })?;
    let event = with(
        facts(&id, &trace.context()),
        json!({"level": "error", "message": "sent"}),
    );
    let report = json!({
        "timestamp": START,
        "discarded_events": [{"category": "error", "reason": "ignored", "quantity": 1}],
    });
    let spelled = Spelled::of_event(&id, &trace.header())
        .item("event", event)
        .item("client_report", report);
    Ok(Sample::new("client-report-beside-event", bytes, spelled))
}
