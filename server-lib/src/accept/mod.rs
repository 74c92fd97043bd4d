//! From a request to durable records. A receipt means: on disk.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use mini_sentry::envelope::ItemHeader;
use mini_sentry::protocol::EventId;
use mini_sentry::ratelimit::RateLimit;

use crate::model::catalog::{Project, ProjectKey};
use crate::model::ids::{ProjectId, Seq};
use crate::model::time::Millis;

mod acceptor;
mod admission;
mod body;
mod budget;
mod commit;
mod decode;
mod envelope;
mod event;
mod filter;
pub mod inproc;
mod intake;
mod ip;
mod items;
pub mod otlp;
mod policy;
mod quota;
pub mod refusal;
pub mod security;
mod session;
pub mod shipper;
mod stream;
mod tally;

pub use acceptor::{AcceptParts, Acceptor};
pub use budget::HeldBody;
pub use refusal::Refusal;
pub use session::hidden_did;

/// What a request says of itself.
#[derive(Clone, Debug, Default)]
pub struct RequestFacts {
    /// The sender's address: the peer's, or what a trusted proxy tells.
    pub client_ip: Option<IpAddr>,
    /// The `User-Agent`.
    pub user_agent: Option<String>,
    /// The SDK, as `name/version`.
    pub sdk: Option<String>,
    /// When the request came.
    pub received: Millis,
}

/// Who a request claims to come from.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// The key, by header, query, path or envelope.
    pub public_key: Option<String>,
    /// The project in the path.
    pub project: Option<ProjectId>,
    /// The `Origin` or, without one, the origin of the `Referer`.
    pub origin: Option<String>,
}

/// A sender whose claim holds.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Where the items go.
    pub project: Arc<Project>,
    /// With which key; `None` for an ingest token and for in-process capture.
    pub key: Option<Arc<ProjectKey>>,
}

/// An item that an endpoint has made itself.
#[derive(Clone, Debug)]
pub struct OfferedItem {
    /// What it is.
    pub header: ItemHeader,
    /// Its bytes.
    pub payload: Bytes,
}

/// What was accepted: all of it is on disk.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// The event's id, where there was an event.
    pub event_id: Option<EventId>,
    /// The last record; `None` when nothing had to be written.
    pub last: Option<Seq>,
    /// Limits to tell the sender of, reached by this request or near.
    pub limits: Vec<RateLimit>,
}
