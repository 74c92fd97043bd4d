//! What the `sentry-types` crate understands of the envelopes that we send, and we of those that
//! it writes.
//!
//! Whole values are compared, so a field that arrives wrong, or arrives and should not, fails. What
//! that crate does not know (feedback, user reports, newer spans, images by format, lists as
//! attributes) the parsers in `tests/interop` check.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

mod events;
mod everything;
mod others;
mod reverse;
#[path = "../../../examples/interop_envelopes/samples/mod.rs"]
mod samples;
mod stacks;
mod traces;

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use samples::Sample;
use sentry_types::protocol::v7::{
    ClientSdkInfo, ClientSdkPackage, Context, DeviceContext, DynamicSamplingContext, Envelope,
    EnvelopeHeaders, EnvelopeItem, Event, OsContext, RuntimeContext, TraceContext, Value,
};

const RELEASE: &str = "shop@1.2.3+45";
const PUBLIC_KEY: &str = "0123456789abcdef0123456789abcdef";
/// When samples begin, in milliseconds since 1970.
const START: u64 = 1_767_323_045_250;

fn at(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}

/// A sample, and what the other crate reads from its bytes.
fn read(name: &str) -> (&'static Sample, Envelope) {
    static ALL: LazyLock<Vec<Sample>> =
        LazyLock::new(|| samples::all().expect("the samples can be captured"));
    let sample = ALL
        .iter()
        .find(|sample| sample.name == name)
        .unwrap_or_else(|| panic!("no sample {name}"));
    let envelope = Envelope::from_slice(&sample.bytes)
        .unwrap_or_else(|error| panic!("{name} is not understood: {error}"));
    (sample, envelope)
}

/// The items of an envelope.
fn items(envelope: &Envelope) -> Vec<&EnvelopeItem> {
    envelope.items().collect()
}

/// A value of what the sample expects; ids in it came from the calls that captured.
fn expected<'a>(sample: &'a Sample, pointer: &str) -> &'a Value {
    let value = sample.expected.pointer(pointer);
    value.unwrap_or_else(|| panic!("nothing at {pointer}"))
}

/// An id of what the sample expects, in whichever type is wanted.
fn id<T: std::str::FromStr>(sample: &Sample, pointer: &str) -> T {
    let text = expected(sample, pointer).as_str().expect("ids are text");
    text.parse().ok().expect("ids can be read")
}

const EVENT_ID: &str = "/items/0/payload/event_id";
const TRACE_ID: &str = "/items/0/payload/contexts/trace/trace_id";
const SPAN_ID: &str = "/items/0/payload/contexts/trace/span_id";

/// The envelope's header of a sample that belongs to an event outside of transactions.
fn event_headers(sample: &Sample) -> EnvelopeHeaders {
    let trace = DynamicSamplingContext::new()
        .with_trace_id(id(sample, TRACE_ID))
        .with_public_key(PUBLIC_KEY.to_owned())
        .with_release(RELEASE.to_owned())
        .with_environment("staging".to_owned());
    headers()
        .with_event_id(id(sample, EVENT_ID))
        .with_trace(trace)
}

/// The header of an envelope that belongs to no event.
fn headers() -> EnvelopeHeaders {
    EnvelopeHeaders::new()
        .with_sdk(ClientSdkInfo {
            packages: Vec::new(),
            ..sdk()
        })
        .with_sent_at(at(START))
}

fn sdk() -> ClientSdkInfo {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    ClientSdkInfo {
        name: "mini-sentry.rust".to_owned(),
        version: version.clone(),
        integrations: Vec::new(),
        packages: vec![ClientSdkPackage {
            name: "cargo:mini-sentry".to_owned(),
            version,
        }],
    }
}

/// What every event of the samples says.
fn event(sample: &Sample) -> Event<'static> {
    Event {
        event_id: id(sample, EVENT_ID),
        timestamp: at(START),
        platform: "native".into(),
        release: Some(RELEASE.into()),
        dist: Some("45".into()),
        environment: Some("staging".into()),
        server_name: Some("host-1".into()),
        contexts: contexts(trace(sample)),
        sdk: Some(std::borrow::Cow::Owned(sdk())),
        ..Event::default()
    }
}

fn trace(sample: &Sample) -> TraceContext {
    TraceContext {
        trace_id: id(sample, TRACE_ID),
        span_id: id(sample, SPAN_ID),
        ..TraceContext::default()
    }
}

fn contexts(trace: TraceContext) -> BTreeMap<String, Context> {
    let os = OsContext {
        name: Some("Linux".to_owned()),
        version: Some("12.11".to_owned()),
        kernel_version: Some("6.1.0".to_owned()),
        ..OsContext::default()
    };
    let device = DeviceContext {
        arch: Some("x86_64".to_owned()),
        ..DeviceContext::default()
    };
    let runtime = RuntimeContext {
        name: Some("rustc".to_owned()),
        version: Some("1.95.0".to_owned()),
        ..RuntimeContext::default()
    };
    let contexts: [(&str, Context); 4] = [
        ("os", os.into()),
        ("device", device.into()),
        ("runtime", runtime.into()),
        ("trace", trace.into()),
    ];
    contexts
        .map(|(name, context)| (name.to_owned(), context))
        .into()
}

/// An object written as JSON.
fn map(value: Value) -> BTreeMap<String, Value> {
    let Value::Object(object) = value else {
        panic!("expected an object")
    };
    object.into_iter().collect()
}

/// Checks an envelope of one event.
#[track_caller]
fn assert_event(sample: &Sample, envelope: &Envelope, event: Event<'static>) {
    assert_eq!(envelope.headers(), &event_headers(sample));
    assert_eq!(items(envelope), [&EnvelopeItem::from(event)]);
}
