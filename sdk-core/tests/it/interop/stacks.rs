//! Stacks that the SDK takes by itself.

use std::borrow::Cow;

use sentry_types::protocol::v7::{
    Addr, ClientSdkInfo, DebugMeta, Event, Exception, Frame, Level, Mechanism, Stacktrace,
    SymbolicDebugImage, Thread, ThreadId,
};
use serde_json::json;

use super::samples::Sample;
use super::{assert_event, event, expected, map, read, sdk};

fn event_with_stack(sample: &Sample, integrations: &[&str]) -> Event<'static> {
    let image = SymbolicDebugImage {
        name: "/app/shop".to_owned(),
        arch: None,
        image_addr: Addr(0x1000),
        image_size: 0x4000,
        image_vmaddr: Addr(0),
        id: "df188888-dfda-52d9-a182-8294cbecf3a2".parse().unwrap(),
        code_id: None,
        debug_file: None,
    };
    let integrations = integrations.iter().map(|name| (*name).to_owned());
    Event {
        debug_meta: Cow::Owned(DebugMeta {
            images: vec![image.into()],
            ..DebugMeta::default()
        }),
        sdk: Some(Cow::Owned(ClientSdkInfo {
            integrations: integrations.collect(),
            ..sdk()
        })),
        ..event(sample)
    }
}

fn stack() -> Option<Stacktrace> {
    let frame = |address: u64| Frame {
        function: Some(format!("shop::f{address:x}")),
        instruction_addr: Some(Addr(address)),
        in_app: Some(true),
        ..Frame::default()
    };
    Some(Stacktrace {
        frames: vec![frame(0x1010), frame(0x2010)],
        ..Stacktrace::default()
    })
}

/// The thread that captured the samples.
fn thread(sample: &Sample) -> Thread {
    let entry = expected(sample, "/items/0/payload/threads/values/0");
    Thread {
        id: entry["id"].as_u64().map(ThreadId::Int),
        name: entry["name"].as_str().map(str::to_owned),
        current: true,
        ..Thread::default()
    }
}

#[test]
fn the_stack_of_a_message_stands_at_its_thread() {
    let (sample, envelope) = read("stack-of-message");
    let thread = Thread {
        stacktrace: stack(),
        ..thread(sample)
    };
    let expected = Event {
        level: Level::Info,
        message: Some("how did we get here".to_owned()),
        threads: vec![thread].into(),
        ..event_with_stack(sample, &["known-stack"])
    };
    assert_event(sample, &envelope, expected);
}

#[test]
fn the_stack_of_an_error_stands_at_its_outermost_exception() {
    let (sample, envelope) = read("stack-of-error");
    let exception = Exception {
        ty: "Error".to_owned(),
        value: Some(std::fmt::Error.to_string()),
        stacktrace: stack(),
        thread_id: thread(sample).id,
        mechanism: Some(Mechanism {
            ty: "generic".to_owned(),
            handled: Some(true),
            ..Mechanism::default()
        }),
        ..Exception::default()
    };
    let expected = Event {
        exception: vec![exception].into(),
        threads: vec![thread(sample)].into(),
        ..event_with_stack(sample, &["known-stack"])
    };
    assert_event(sample, &envelope, expected);
}

#[test]
fn a_panic_is_understood_as_unhandled() {
    let (sample, envelope) = read("panic");
    let location = "/items/0/payload/exception/values/0/mechanism/data/location";
    let location = expected(sample, location);
    let exception = Exception {
        ty: "panic".to_owned(),
        value: Some("out of paper".to_owned()),
        stacktrace: stack(),
        thread_id: thread(sample).id,
        mechanism: Some(Mechanism {
            ty: "panic".to_owned(),
            handled: Some(false),
            data: map(json!({ "location": location })),
            ..Mechanism::default()
        }),
        ..Exception::default()
    };
    let crashed = Thread {
        crashed: true,
        ..thread(sample)
    };
    let expected = Event {
        level: Level::Fatal,
        exception: vec![exception].into(),
        threads: vec![crashed].into(),
        ..event_with_stack(sample, &["panic", "known-stack"])
    };
    assert_event(sample, &envelope, expected);
}
