//! What the server needs to know of an event without building it: read once from its JSON, with
//! everything borrowed, while the bytes are in the cache.
//!
//! Accept uses it for filters and hands the result on; digest repeats it after a restart. So the
//! same body and the same rules always give the same facts.

use std::borrow::Cow;
use std::net::IpAddr;

use mini_sentry::protocol::EventId;

use crate::model::record::RecordHead;
use crate::model::time::Millis;

mod derive;
mod frames;
pub mod grouping;
mod json;
mod scan;
mod tags;
mod text;
pub mod user;

pub use derive::derive;
pub(crate) use derive::{MAX_AHEAD_MS, MAX_NAME, MAX_RELEASE, correct, tidy};
pub use frames::FramePlace;
pub use scan::ScanError;

/// The parts of an event that are looked at. Everything else in the JSON is only checked for being
/// JSON.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Scan<'a> {
    /// Its id, when it has a readable one.
    pub event_id: Option<EventId>,
    /// Its time as it came: RFC 3339 or seconds.
    pub timestamp: Option<Cow<'a, str>>,
    /// Its level as it came.
    pub level: Option<Cow<'a, str>>,
    /// Its `type`: `error`, `default`, `transaction`, `csp`, …
    pub kind: Option<Cow<'a, str>>,
    /// The language or system.
    pub platform: Option<Cow<'a, str>>,
    /// The release.
    pub release: Option<Cow<'a, str>>,
    /// The distribution.
    pub dist: Option<Cow<'a, str>>,
    /// The environment.
    pub environment: Option<Cow<'a, str>>,
    /// The transaction or view that ran.
    pub transaction: Option<Cow<'a, str>>,
    /// Where it happened, as older clients and reports of browsers tell it.
    pub culprit: Option<Cow<'a, str>>,
    /// The logger.
    pub logger: Option<Cow<'a, str>>,
    /// The message as shown to people.
    pub message: Option<Cow<'a, str>>,
    /// The message before its parameters were put in.
    pub message_template: Option<Cow<'a, str>>,
    /// What the client wants it grouped by.
    pub fingerprint: Vec<Cow<'a, str>>,
    /// Exceptions, oldest cause first.
    pub exceptions: Vec<ScannedException<'a>>,
    /// Frames of a stack that belongs to no exception, outermost first.
    pub frames: Vec<ScannedFrame<'a>>,
    /// Tags, in the order in which they came.
    pub tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The address of the page or request.
    pub url: Option<Cow<'a, str>>,
    /// The method of the request.
    pub method: Option<Cow<'a, str>>,
    /// The `User-Agent` that the event itself tells.
    pub user_agent: Option<Cow<'a, str>>,
    /// Who was affected.
    pub user: ScannedUser<'a>,
    /// The SDK's name.
    pub sdk_name: Option<Cow<'a, str>>,
    /// The SDK's version.
    pub sdk_version: Option<Cow<'a, str>>,
    /// Whether the SDK lets the server note the sender's address: `auto`, `never`, or not told.
    pub infer_ip: Option<Cow<'a, str>>,
    /// The machine.
    pub server_name: Option<Cow<'a, str>>,
    /// Where it ran.
    pub contexts: ScannedContexts<'a>,
}

/// Where an event happened, as far as it can be searched for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ScannedContexts<'a> {
    /// The browser.
    pub browser: NameAndVersion<'a>,
    /// The system.
    pub os: NameAndVersion<'a>,
    /// The system of the browser that called, where the program ran elsewhere.
    pub client_os: NameAndVersion<'a>,
    /// What ran the program.
    pub runtime: NameAndVersion<'a>,
    /// The program.
    pub app: NameAndVersion<'a>,
    /// The device's model.
    pub device: Option<Cow<'a, str>>,
    /// The device's family.
    pub device_family: Option<Cow<'a, str>>,
}

/// A program, in which version.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NameAndVersion<'a> {
    /// Its name.
    pub name: Option<Cow<'a, str>>,
    /// Its version.
    pub version: Option<Cow<'a, str>>,
}

/// An exception.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ScannedException<'a> {
    /// Its type.
    pub kind: Option<Cow<'a, str>>,
    /// Its text.
    pub value: Option<Cow<'a, str>>,
    /// The module of its type.
    pub module: Option<Cow<'a, str>>,
    /// Whether the program survived.
    pub handled: Option<bool>,
    /// Its frames, outermost first; at most the innermost 64.
    pub frames: Vec<ScannedFrame<'a>>,
    /// How it was caught: `onerror`, `chained`, …
    pub mechanism: Option<Cow<'a, str>>,
    /// Whether its type and text are the SDK's invention.
    pub is_synthetic: bool,
    /// Whether it only holds others together.
    pub is_group: bool,
    /// Its number in the event.
    pub id: Option<u64>,
    /// The number of the one that it belongs to.
    pub parent: Option<u64>,
}

/// A frame.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ScannedFrame<'a> {
    /// The function.
    pub function: Option<Cow<'a, str>>,
    /// The module.
    pub module: Option<Cow<'a, str>>,
    /// The file, shortened.
    pub filename: Option<Cow<'a, str>>,
    /// The file, whole.
    pub abs_path: Option<Cow<'a, str>>,
    /// Whether the SDK says that it is the program's own.
    pub in_app: Option<bool>,
    /// The line, for frames without a function.
    pub context_line: Option<Cow<'a, str>>,
    /// The library or package that it is in.
    pub package: Option<Cow<'a, str>>,
}

/// A user.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ScannedUser<'a> {
    /// The id.
    pub id: Option<Cow<'a, str>>,
    /// The e-mail address.
    pub email: Option<Cow<'a, str>>,
    /// The name to log in with.
    pub username: Option<Cow<'a, str>>,
    /// The address, or `{{auto}}`.
    pub ip_address: Option<Cow<'a, str>>,
}

/// What facts depend on besides the body.
#[derive(Clone, Debug)]
pub struct FactsInput<'a> {
    /// When the server read the event.
    pub received: Millis,
    /// Milliseconds to add to the client's times.
    pub drift_ms: i64,
    /// The sender's address, where it may be used.
    pub client_ip: Option<IpAddr>,
    /// Which frames are the project's own.
    pub rules: &'a FrameRules,
}

impl<'a> FactsInput<'a> {
    /// Takes what the facts of a record depend on from its head.
    #[must_use]
    pub fn of_head(head: &RecordHead, rules: &'a FrameRules) -> Self {
        Self {
            received: head.received,
            drift_ms: head.context.drift_ms,
            client_ip: head.context.client_ip,
            rules,
        }
    }
}

/// Which frames are the project's own, and how its events are put together.
#[derive(Clone, Debug, Default)]
pub struct FrameRules {
    /// Globs over module, file name and path of frames that are.
    pub include: Vec<wildmatch::WildMatch>,
    /// The same of frames that are not.
    pub exclude: Vec<wildmatch::WildMatch>,
    /// How events are put together.
    pub grouping: grouping::GroupingPlan,
}
