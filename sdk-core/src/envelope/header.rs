//! The envelope's first line.

use crate::protocol::interface::interface;
use crate::protocol::lenient::AnyText;
use crate::protocol::{EventId, SdkInfo, Timestamp, TraceId};

interface! {
    /// What an envelope says about itself.
    pub struct EnvelopeHeader {
        /// The event that all items belong to; wins over the payload's.
        pub event_id: Option<EventId>,
        /// Where it is sent; names the key when it travels through a tunnel.
        pub dsn: Option<String>,
        /// The client that sends it.
        pub sdk: Option<SdkInfo>,
        /// The client's clock at sending, which tells how wrong that clock is.
        pub sent_at: Option<Timestamp>,
        /// The trace, as the program that began it described it.
        pub trace: Option<TraceHeader>,
    }
}

interface! {
    /// A trace as the program that began it described it, so that all who take part sample alike.
    pub struct TraceHeader {
        /// The trace.
        pub trace_id: Option<TraceId>,
        /// Key of the project that began it.
        pub public_key: Option<String>,
        /// Share of traces that are kept, 0 to 1.
        pub sample_rate: Option<String> = "sample_rate" as AnyText,
        /// The number between 0 and 1 that decided.
        pub sample_rand: Option<String> = "sample_rand" as AnyText,
        /// `true` when this trace is kept.
        pub sampled: Option<String> = "sampled" as AnyText,
        /// Version of the program.
        pub release: Option<String>,
        /// Where it runs.
        pub environment: Option<String>,
        /// Name of the first transaction.
        pub transaction: Option<String>,
        /// The user.
        pub user_id: Option<String> = "user_id" as AnyText,
        /// The replay that shows it.
        pub replay_id: Option<String>,
        /// The organisation.
        pub org_id: Option<String> = "org_id" as AnyText,
    }
}
