//! Messages, errors, stacks and files.

use sentry_types::protocol::v7::{
    Attachment, AttachmentType, EnvelopeItem, Exception, Level, Mechanism,
};
use serde_json::json;

use super::{assert_event, event, event_headers, items, map, read};

#[test]
fn a_message_is_understood() {
    let (sample, envelope) = read("message");
    let mut expected = event(sample);
    expected.level = Level::Warning;
    expected.message = Some("the cache is cold \u{2028}\u{1f40c}\t\"quoted\" \\ <b>".to_owned());
    assert_event(sample, &envelope, expected);
}

#[test]
fn a_chain_of_errors_is_understood_cause_first() {
    let (sample, envelope) = read("error");
    let exception = |ty: &str, value: &str| Exception {
        ty: ty.to_owned(),
        value: Some(value.to_owned()),
        mechanism: Some(Mechanism {
            ty: "generic".to_owned(),
            handled: Some(true),
            ..Mechanism::default()
        }),
        ..Exception::default()
    };
    let mut expected = event(sample);
    expected.exception = vec![
        exception("OutOfPaper", "no paper\nin tray \"2\" ☂"),
        exception("OrderLost", "order 4711 is lost"),
    ]
    .into();
    assert_event(sample, &envelope, expected);
}

#[test]
fn attachments_are_understood_byte_by_byte() {
    let (sample, envelope) = read("attachments");
    assert_eq!(envelope.headers(), &event_headers(sample));
    let mut expected = event(sample);
    expected.level = Level::Info;
    expected.message = Some("see the files".to_owned());
    let text = Attachment {
        buffer: b"one\n{\"type\":\"event\",\"length\":2}\n{}\n\n".to_vec(),
        filename: "log ü.txt".to_owned(),
        content_type: Some("text/plain".to_owned()),
        ty: None,
    };
    let dump = Attachment {
        buffer: b"\0\n\r\n\xff\xfe{}\n".to_vec(),
        filename: "crash.dmp".to_owned(),
        content_type: None,
        ty: Some(AttachmentType::Minidump),
    };
    let last = Attachment {
        buffer: b"{\"a\":1}".to_vec(),
        filename: "last.json".to_owned(),
        ..Attachment::default()
    };
    let expected: [EnvelopeItem; 4] = [expected.into(), text.into(), dump.into(), last.into()];
    assert_eq!(items(&envelope), expected.iter().collect::<Vec<_>>());
}

#[test]
fn facts_that_only_we_know_do_not_hide_the_rest() {
    let (sample, envelope) = read("machine");
    let event = envelope.event().expect("an event");
    let name = super::expected(sample, "/items/0/payload/server_name");
    assert_eq!(event.server_name.as_deref(), name.as_str());
    let os = serde_json::to_value(&event.contexts["os"]).unwrap();
    let expected = super::expected(sample, "/items/0/payload/contexts/os");
    assert_eq!(map(os), {
        let mut expected = map(expected.clone());
        expected.insert("type".to_owned(), json!("os"));
        expected
    });
}
