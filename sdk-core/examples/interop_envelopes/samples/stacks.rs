//! Events whose stack the SDK takes by itself: `attach_stacktrace` and panics.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, Location};
use std::thread;

use mini_sentry::integrations::panic::PanicIntegration;
use mini_sentry::protocol::{Addr, DebugImage, Frame, Level, Stacktrace};
use mini_sentry::{ClientOptions, Integration, RawStack, StackSource};
use serde_json::{Value, json};

use super::everything::object;
use super::expected::{Spelled, TraceIds, facts, first_id, with};
use super::stage::{SERVER, Stage};
use super::{Sample, Samples};

const IMAGE_ID: &str = "df188888-dfda-52d9-a182-8294cbecf3a2";

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
        RawStack {
            addresses: vec![0x2010, 0x1010],
        }
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
            ty: Some("symbolic".to_owned()),
            image_addr: Some(Addr(0x1000)),
            image_size: Some(0x4000),
            other: object(json!({"name": "/app/shop", "id": IMAGE_ID})),
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

/// What an event with a stack has beside it.
fn around_stack(integrations: &[&str]) -> Value {
    json!({
        "debug_meta": {"images": [{
            "type": "symbolic",
            "name": "/app/shop",
            "id": IMAGE_ID,
            "image_addr": "0x1000",
            "image_size": 16384,
        }]},
        "sdk": {"integrations": integrations},
    })
}

/// The id of this thread, and what an event says about it. The standard library shows the id
/// only in the debug form of its type.
fn this_thread() -> (u64, Value) {
    let thread = thread::current();
    let id = format!("{:?}", thread.id())
        .chars()
        .filter(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .unwrap_or_default();
    let entry = json!({"id": id, "current": true});
    let name = thread
        .name()
        .map_or(json!({}), |name| json!({"name": name}));
    (id, with(entry, name))
}

fn stack_of_message() -> Result<Sample, String> {
    let stage = stage(|options| options.attach_stacktrace(true));
    let ((id, trace), bytes) = stage.play_one(|| {
        let id = mini_sentry::capture_message("how did we get here", Level::Info);
        (id, TraceIds::current())
    })?;
    let payload = with(facts(&id, &trace.context()), around_stack(&["known-stack"]));
    let thread = with(this_thread().1, json!({"stacktrace": stack()}));
    let payload = with(
        payload,
        json!({
            "level": "info",
            "message": "how did we get here",
            "threads": {"values": [thread]},
        }),
    );
    let spelled = Spelled::of_event(&id, &trace.header()).item("event", payload);
    Ok(Sample::new("stack-of-message", bytes, spelled))
}

fn stack_of_error() -> Result<Sample, String> {
    let stage = stage(|options| options.attach_stacktrace(true));
    let ((id, trace), bytes) = stage.play_one(|| {
        let id = mini_sentry::capture_error(&std::fmt::Error);
        (id, TraceIds::current())
    })?;
    let (thread_id, thread) = this_thread();
    let payload = with(facts(&id, &trace.context()), around_stack(&["known-stack"]));
    let payload = with(
        payload,
        json!({
            "level": "error",
            "exception": {"values": [{
                "type": "Error",
                "value": std::fmt::Error.to_string(),
                "mechanism": {"type": "generic", "handled": true},
                "thread_id": thread_id,
                "stacktrace": stack(),
            }]},
            "threads": {"values": [thread]},
        }),
    );
    let spelled = Spelled::of_event(&id, &trace.header()).item("event", payload);
    Ok(Sample::new("stack-of-error", bytes, spelled))
}

#[track_caller]
#[expect(clippy::panic, reason = "a panic is what the sample is of")]
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
    let id = first_id(&bytes, "event_id")?;
    let (thread_id, thread) = this_thread();
    let payload = with(
        facts(&id, &trace.context()),
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
                "thread_id": thread_id,
                "stacktrace": stack(),
            }]},
            "threads": {"values": [with(thread, json!({"crashed": true}))]},
        }),
    );
    let spelled = Spelled::of_event(&id, &trace.header()).item("event", payload);
    Ok(Sample::new("panic", bytes, spelled))
}
