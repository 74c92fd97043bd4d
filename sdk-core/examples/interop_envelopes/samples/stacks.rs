//! Events whose stack the SDK takes by itself: `attach_stacktrace` and panics.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, Location};
use std::thread;

use mini_sentry::integrations::panic::PanicIntegration;
use mini_sentry::protocol::{Addr, DebugImage, Frame, Level, Stacktrace};
use mini_sentry::{ClientOptions, Integration, RawStack, StackSource};
use serde_json::{Value, json};

use super::expected::{Spelled, TraceIds, facts, first_payload, with};
use super::stage::{SERVER, Stage};
use super::{Sample, Samples};

/// A source of stacks that are the same on every machine.
struct KnownStack;

impl Integration for KnownStack {
    fn name(&self) -> &'static str {
        "known-stack"
    }

    fn stack_source(&self) -> Option<&dyn StackSource> {
        Some(self)
    }
}

impl StackSource for KnownStack {
    fn take(&self) -> RawStack {
        let mut stack = RawStack::default();
        stack.addresses = vec![0x2010, 0x1010];
        stack
    }

    fn resolve(&self, stack: &RawStack, _options: &ClientOptions) -> Stacktrace {
        let frame = |address: &usize| Frame {
            function: Some(format!("shop::f{address:x}")),
            instruction_addr: u64::try_from(*address).ok().map(Addr),
            in_app: Some(true),
            ..Frame::default()
        };
        Stacktrace {
            frames: stack.addresses.iter().rev().map(frame).collect(),
            ..Stacktrace::default()
        }
    }

    fn images(&self, _stack: &RawStack) -> Vec<DebugImage> {
        vec![DebugImage {
            ty: Some("elf".to_owned()),
            code_file: Some("/app/shop".to_owned()),
            image_addr: Some(Addr(0x1000)),
            image_size: Some(0x4000),
            ..DebugImage::default()
        }]
    }
}

pub(super) fn samples() -> Samples {
    Ok(vec![stack_of_message()?, stack_of_error()?, panic()?])
}

fn stage(options: impl FnOnce(ClientOptions) -> ClientOptions) -> Stage {
    Stage::new(|usual| options(usual.server_name(SERVER)).add_integration(KnownStack))
}

fn stack() -> Value {
    json!({"frames": [
        {"function": "shop::f1010", "instruction_addr": "0x1010", "in_app": true},
        {"function": "shop::f2010", "instruction_addr": "0x2010", "in_app": true},
    ]})
}

/// What an event with a stack has beside it. The standard library shows thread ids only in the
/// debug form of its type.
fn around_stack(integrations: &[&str]) -> Value {
    json!({
        "debug_meta": {"images": [{
            "type": "elf",
            "code_file": "/app/shop",
            "image_addr": "0x1000",
            "image_size": 16384,
        }]},
        "sdk": {"integrations": integrations},
    })
}

fn thread_entry() -> Value {
    let thread = thread::current();
    let id: u64 = format!("{:?}", thread.id())
        .chars()
        .filter(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .unwrap_or_default();
    let mut entry = json!({"id": id, "current": true});
    if let Some(name) = thread.name() {
        entry["name"] = name.into();
    }
    entry
}

fn stack_of_message() -> Result<Sample, String> {
    let stage = stage(|options| options.attach_stacktrace(true));
    let ((id, trace), bytes) = stage.play_one(|| {
        let id = mini_sentry::capture_message("how did we get here", Level::Info);
        (id, TraceIds::current())
    })?;
    let payload = with(facts(id, &trace.context()), around_stack(&["known-stack"]));
    let thread = with(thread_entry(), json!({"stacktrace": stack()}));
    let payload = with(
        payload,
        json!({
            "level": "info",
            "message": "how did we get here",
            "threads": {"values": [thread]},
        }),
    );
    let spelled = Spelled::of_event(id, &trace.header()).item("event", payload);
    Ok(Sample::new("stack-of-message", bytes, spelled))
}

fn stack_of_error() -> Result<Sample, String> {
    let stage = stage(|options| options.attach_stacktrace(true));
    let ((id, trace), bytes) = stage.play_one(|| {
        let id = mini_sentry::capture_error(&std::fmt::Error);
        (id, TraceIds::current())
    })?;
    let thread = thread_entry();
    let payload = with(facts(id, &trace.context()), around_stack(&["known-stack"]));
    let payload = with(
        payload,
        json!({
            "level": "error",
            "exception": {"values": [{
                "type": "Error",
                "value": std::fmt::Error.to_string(),
                "mechanism": {"type": "generic", "handled": true},
                "thread_id": thread["id"],
                "stacktrace": stack(),
            }]},
            "threads": {"values": [thread]},
        }),
    );
    let spelled = Spelled::of_event(id, &trace.header()).item("event", payload);
    Ok(Sample::new("stack-of-error", bytes, spelled))
}

#[track_caller]
fn give_up(place: &Cell<Option<&'static Location<'static>>>) {
    place.set(Some(Location::caller()));
    panic::panic_any("out of paper");
}

fn panic() -> Result<Sample, String> {
    let stage = stage(|options| options.add_integration(PanicIntegration::new()));
    let place = Cell::new(None);
    let ((caught, trace), bytes) = stage.play_one(|| {
        let caught = panic::catch_unwind(AssertUnwindSafe(|| give_up(&place)));
        (caught.is_err(), TraceIds::current())
    })?;
    if !caught {
        return Err("nothing panicked".to_owned());
    }
    let id = first_payload(&bytes)?["event_id"].clone();
    let id = id.as_str().unwrap_or_default();
    let thread = thread_entry();
    let payload = with(
        facts(id, &trace.context()),
        around_stack(&["panic", "known-stack"]),
    );
    let payload = with(
        payload,
        json!({
            "level": "fatal",
            "exception": {"values": [{
                "type": "panic",
                "value": "out of paper",
                "mechanism": {
                    "type": "panic",
                    "handled": false,
                    "data": {"location": place.get().map(ToString::to_string)},
                },
                "thread_id": thread["id"],
                "stacktrace": stack(),
            }]},
            "threads": {"values": [thread]},
        }),
    );
    let spelled = Spelled::of_event(id, &trace.header()).item("event", payload);
    Ok(Sample::new("panic", bytes, spelled))
}
