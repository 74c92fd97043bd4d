//! What a client dropped, and why.

use crate::protocol::interface::{interface, names};
use crate::protocol::timestamp::Timestamp;

names! {
    /// Why a client dropped something.
    pub enum DiscardReason {
        /// Its queue was full.
        QueueOverflow = "queue_overflow",
        /// Its offline spool was full or too old.
        CacheOverflow = "cache_overflow",
        /// A buffer, such as that of logs, was full.
        BufferOverflow = "buffer_overflow",
        /// The server had asked to hold back.
        RatelimitBackoff = "ratelimit_backoff",
        /// The server could not be reached.
        NetworkError = "network_error",
        /// Sampling.
        SampleRate = "sample_rate",
        /// The `before_send` callback.
        BeforeSend = "before_send",
        /// An event processor or an ignore rule.
        EventProcessor = "event_processor",
        /// The server refused it.
        SendError = "send_error",
        /// A fault of the client itself.
        InternalSdkError = "internal_sdk_error",
        /// There was too little to say.
        InsufficientData = "insufficient_data",
        /// The client was too busy.
        Backpressure = "backpressure",
        /// Ignored by the options.
        Ignored = "ignored",
        /// It could not be written.
        Invalid = "invalid",
        /// A span without a parent.
        NoParentSpan = "no_parent_span",
    }
}

interface! {
    /// Counts of what a client dropped.
    pub struct ClientReport {
        /// When the counts were taken.
        pub timestamp: Option<Timestamp>,
        /// The counts.
        pub discarded_events: Vec<DiscardedEvents>,
    }
}

interface! {
    /// One count: so many of one category, for one reason.
    pub struct DiscardedEvents {
        /// Why; see [`DiscardReason`].
        pub reason: Option<String>,
        /// What; see [`DataCategory`](crate::ratelimit::DataCategory).
        pub category: Option<String>,
        /// How many.
        pub quantity: Option<u64>,
    }
}
