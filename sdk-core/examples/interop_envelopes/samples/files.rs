//! Attachments, of text and of bytes that look like frames.

use mini_sentry::Level;
use mini_sentry::protocol::Attachment;
use serde_json::json;

use super::expected::{Spelled, TraceIds, facts, with};
use super::stage::{SERVER, Stage};
use super::{Sample, Samples};

pub(super) fn samples() -> Samples {
    let stage = Stage::new(|options| options.server_name(SERVER));
    let ((id, trace), bytes) = stage.play_one(|| {
        mini_sentry::configure_scope(|scope| {
            scope.add_attachment(Attachment {
                content_type: Some("text/plain".to_owned()),
                ..Attachment::new(
                    "log ü.txt",
                    "one\n{\"type\":\"event\",\"length\":2}\n{}\n\n",
                )
            });
            scope.add_attachment(Attachment {
                attachment_type: Some("event.minidump".to_owned()),
                ..Attachment::new("crash.dmp", [0, 10, 13, 10, 255, 254, b'{', b'}', 10])
            });
            // Some parsers take a length of 0 for none, and read on in the next item.
            scope.add_attachment(Attachment::new("empty.txt", []));
            scope.add_attachment(Attachment::new("last.json", "{\"a\":1}"));
        });
        let id = mini_sentry::capture_message("see the files", Level::Info);
        (id, TraceIds::current())
    })?;
    let payload = with(
        facts(&id, &trace.context()),
        json!({"level": "info", "message": "see the files"}),
    );
    let text = "one\n{\"type\":\"event\",\"length\":2}\n{}\n\n";
    let spelled = Spelled::of_event(&id, &trace.header())
        .item("event", payload)
        .item_with(
            json!({"type": "attachment", "filename": "log ü.txt", "content_type": "text/plain"}),
            json!({"text": text}),
        )
        .item_with(
            json!({
                "type": "attachment",
                "filename": "crash.dmp",
                "attachment_type": "event.minidump",
            }),
            json!({"base64": "AAoNCv/+e30K"}),
        )
        .item_with(
            json!({"type": "attachment", "filename": "last.json"}),
            json!({"text": "{\"a\":1}"}),
        );
    Ok(vec![Sample::new("attachments", bytes, spelled)])
}
