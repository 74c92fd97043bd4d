//! Size, count and depth limits, each with where it comes from.
//!
//! "Ingestion limits" below are those that Sentry's own server applies and documents for SDKs;
//! "our bound" marks numbers that this project chose so that outside input costs bounded memory.

/// Bytes in one KiB.
const KIB: usize = 1024;
/// Bytes in one MiB.
const MIB: usize = 1024 * KIB;

/// Bytes of one envelope after decompression (ingestion limits; older servers take 100 MiB).
pub const MAX_ENVELOPE_BYTES: usize = 200 * MIB;
/// Bytes of one compressed request body (ingestion limits as documented for SDKs).
pub const MAX_COMPRESSED_ENVELOPE_BYTES: usize = 20 * MIB;
/// Bytes of one event, transaction, single span or log record (ingestion limits).
pub const MAX_EVENT_BYTES: usize = MIB;
/// Bytes of one attachment, and of all attachments of one envelope together (ingestion limits).
pub const MAX_ATTACHMENT_BYTES: usize = 200 * MIB;
/// Bytes of one check-in (ingestion limits).
pub const MAX_CHECK_IN_BYTES: usize = 100 * KIB;
/// Bytes of one client report (ingestion limits).
pub const MAX_CLIENT_REPORT_BYTES: usize = 4 * KIB;
/// Bytes of one trace metric inside its container (ingestion limits).
pub const MAX_TRACE_METRIC_BYTES: usize = 2 * KIB;
/// Bytes of one profile or profile chunk (ingestion limits).
pub const MAX_PROFILE_BYTES: usize = 50 * MIB;
/// Bytes of one replay recording or replay video as sent (ingestion limits).
pub const MAX_REPLAY_BYTES: usize = 10 * MIB;
/// Bytes of one replay recording after decompression (ingestion limits).
pub const MAX_REPLAY_DECOMPRESSED_BYTES: usize = 100 * MIB;
/// Bytes of one item that holds many logs, spans or metrics (our bound; the ingestion limits
/// name the size of each entry only).
pub const MAX_CONTAINER_BYTES: usize = 16 * MIB;

/// Items in one envelope (our bound, ten times what an SDK sends as single spans).
pub const MAX_ITEMS: usize = 10_000;
/// Sessions, and aggregate buckets of one `sessions` item, in one envelope (ingestion limits).
pub const MAX_SESSIONS: usize = 100;
/// Breadcrumbs on one event (default of the official SDKs).
pub const MAX_BREADCRUMBS: usize = 100;
/// Spans in one transaction or span container (ingestion limits).
pub const MAX_SPANS: usize = 1_000;
/// Characters of a tag's key (ingestion limits).
pub const MAX_TAG_KEY_CHARS: usize = 200;
/// Characters of a tag's value (ingestion limits).
pub const MAX_TAG_VALUE_CHARS: usize = 200;

/// Nesting of any JSON that is read (what `serde_json` enforces).
pub const MAX_JSON_DEPTH: usize = 127;
/// Entries of one list that lenient reading keeps (our bound).
pub const MAX_LIST_ITEMS: usize = 10_000;
/// Entries of one map that lenient reading keeps (our bound).
pub const MAX_MAP_ENTRIES: usize = 1_000;
/// Notes kept of one lenient reading: more would only repeat the first ones.
pub const MAX_NOTES: usize = 50;

/// Bytes of one header line, of the envelope or of an item (our bound; official SDKs stay
/// under 4 KiB).
pub const MAX_HEADER_LINE_BYTES: usize = 64 * KIB;
/// Bytes of a DSN (our bound).
pub const MAX_DSN_BYTES: usize = 2 * KIB;
/// Characters of a public or secret key (our bound; servers issue 32 hex digits).
pub const MAX_KEY_CHARS: usize = 64;
/// Bytes of an authentication header or query (our bound).
pub const MAX_AUTH_BYTES: usize = 4 * KIB;
/// Bytes of one value in it, such as the client's name and version (our bound).
pub const MAX_AUTH_VALUE_BYTES: usize = 256;

/// Newest protocol version that is understood.
pub const MAX_PROTOCOL_VERSION: u16 = 7;

/// Seconds to hold back after a 429 that names no time (the SDK rules for rate limits).
pub const DEFAULT_RETRY_AFTER_SECS: u64 = 60;
/// Longest time in seconds that a rate limit is believed (our bound: one day, so that a broken
/// proxy cannot silence an SDK for good).
pub const MAX_RETRY_AFTER_SECS: u64 = 24 * 60 * 60;
/// Limits read from one rate-limit header (our bound).
pub const MAX_RATE_LIMITS: usize = 100;

/// What the envelope readers enforce.
///
/// ```
/// use mini_sentry::limits::EnvelopeLimits;
///
/// let limits = EnvelopeLimits::default().max_items(10).max_event_bytes(64 * 1024);
/// assert_eq!(limits.max_items, 10);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvelopeLimits {
    /// Bytes of the whole envelope.
    pub max_envelope_bytes: usize,
    /// Items in the envelope, broken and unknown ones included.
    pub max_items: usize,
    /// Bytes of a header line.
    pub max_header_line_bytes: usize,
    /// Bytes of an event, a transaction and every other item without a limit of its own.
    pub max_event_bytes: usize,
    /// Bytes of an attachment or crash archive.
    pub max_attachment_bytes: usize,
    /// Bytes of a container of logs, spans or metrics.
    pub max_container_bytes: usize,
    /// Bytes of a check-in.
    pub max_check_in_bytes: usize,
    /// Bytes of a client report.
    pub max_client_report_bytes: usize,
    /// Bytes of a profile or profile chunk.
    pub max_profile_bytes: usize,
    /// Bytes of a replay recording or video.
    pub max_replay_bytes: usize,
}

impl Default for EnvelopeLimits {
    fn default() -> Self {
        Self {
            max_envelope_bytes: MAX_ENVELOPE_BYTES,
            max_items: MAX_ITEMS,
            max_header_line_bytes: MAX_HEADER_LINE_BYTES,
            max_event_bytes: MAX_EVENT_BYTES,
            max_attachment_bytes: MAX_ATTACHMENT_BYTES,
            max_container_bytes: MAX_CONTAINER_BYTES,
            max_check_in_bytes: MAX_CHECK_IN_BYTES,
            max_client_report_bytes: MAX_CLIENT_REPORT_BYTES,
            max_profile_bytes: MAX_PROFILE_BYTES,
            max_replay_bytes: MAX_REPLAY_BYTES,
        }
    }
}

impl EnvelopeLimits {
    /// Sets the bytes of the whole envelope.
    #[must_use]
    pub fn max_envelope_bytes(mut self, bytes: usize) -> Self {
        self.max_envelope_bytes = bytes;
        self
    }

    /// Sets how many items an envelope may hold.
    #[must_use]
    pub fn max_items(mut self, items: usize) -> Self {
        self.max_items = items;
        self
    }

    /// Sets the bytes of a header line.
    #[must_use]
    pub fn max_header_line_bytes(mut self, bytes: usize) -> Self {
        self.max_header_line_bytes = bytes;
        self
    }

    /// Sets the bytes of an event and of every item without a limit of its own.
    #[must_use]
    pub fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.max_event_bytes = bytes;
        self
    }

    /// Sets the bytes of an attachment or crash archive.
    #[must_use]
    pub fn max_attachment_bytes(mut self, bytes: usize) -> Self {
        self.max_attachment_bytes = bytes;
        self
    }

    /// Sets the bytes of a container of logs, spans or metrics.
    #[must_use]
    pub fn max_container_bytes(mut self, bytes: usize) -> Self {
        self.max_container_bytes = bytes;
        self
    }

    /// Sets the bytes of a check-in.
    #[must_use]
    pub fn max_check_in_bytes(mut self, bytes: usize) -> Self {
        self.max_check_in_bytes = bytes;
        self
    }

    /// Sets the bytes of a client report.
    #[must_use]
    pub fn max_client_report_bytes(mut self, bytes: usize) -> Self {
        self.max_client_report_bytes = bytes;
        self
    }

    /// Sets the bytes of a profile or profile chunk.
    #[must_use]
    pub fn max_profile_bytes(mut self, bytes: usize) -> Self {
        self.max_profile_bytes = bytes;
        self
    }

    /// Sets the bytes of a replay recording or video.
    #[must_use]
    pub fn max_replay_bytes(mut self, bytes: usize) -> Self {
        self.max_replay_bytes = bytes;
        self
    }
}
