//! The data that clients and servers exchange. Data only: no I/O, no clock, no randomness.
//!
//! One file per interface, by its name. All of them read leniently (see `lenient`) and write what
//! they read, unknown keys included. [`read`] turns bytes into them.

mod attachment;
mod breadcrumb;
mod check_in;
mod client_report;
mod contexts;
mod debug_meta;
mod event;
mod exception;
mod feedback;
mod ids;
pub(crate) mod interface;
mod items;
pub(crate) mod json;
pub mod lenient;
mod level;
mod log;
mod message;
mod metric;
mod pairs;
pub mod read;
mod request;
mod sdk_info;
mod session;
pub(crate) mod shape;
mod span;
mod stacktrace;
mod tags;
mod thread;
mod timestamp;
mod transaction;
mod user;
mod values;

pub use attachment::Attachment;
pub use breadcrumb::Breadcrumb;
pub use check_in::{CheckIn, CheckInStatus, MonitorConfig, MonitorSchedule};
pub use client_report::{ClientReport, DiscardReason, DiscardedEvents};
pub use contexts::{
    AppContext, BrowserContext, Context, Contexts, DeviceContext, OsContext, ResponseContext,
    RuntimeContext, TraceContext,
};
pub use debug_meta::{DebugImage, DebugMeta};
pub use event::{Event, EventError};
pub use exception::{Exception, Mechanism};
pub use feedback::{Feedback, UserReport};
pub use ids::{EventId, ParseIdError, SpanId, TraceId};
pub use items::Items;
pub use lenient::{Map, Note, Notes, Object};
pub use level::Level;
pub use log::{Attribute, Log, LogLevel};
pub use message::{LogEntry, Message, Params};
pub use metric::TraceMetric;
pub use pairs::Pairs;
pub use read::ReadError;
pub use request::Request;
pub use sdk_info::{SdkInfo, SdkPackage};
pub use session::{
    SessionAggregate, SessionAggregates, SessionAttributes, SessionStatus, SessionUpdate,
};
pub use span::{Measurement, Span, SpanStatus, SpanV2};
pub use stacktrace::{Addr, Frame, Stacktrace};
pub use thread::{Thread, ThreadId};
pub use timestamp::Timestamp;
pub use transaction::{Transaction, TransactionInfo};
pub use user::{Geo, User};
pub use values::Values;

pub use serde_json::Value;
