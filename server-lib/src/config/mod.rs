//! Settings of a server, as values. The binary reads them from flags, environment and a file; the
//! library reads none of these.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

const MIB: u64 = 1024 * 1024;

/// All settings of a server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// The folder of the journal, the blobs and, with SQLite, the database.
    pub data_dir: PathBuf,
    /// The store: `sqlite` for a file in the data folder, `sqlite:///path/to/file`, or
    /// `postgres://user:password@host/database`.
    pub store: String,
    /// Requests and connections.
    pub http: HttpConfig,
    /// Bounds of ingest.
    pub ingest: IngestConfig,
    /// The journal.
    pub journal: JournalConfig,
    /// How long things are kept.
    pub retention: RetentionConfig,
    /// Logins and the audit log.
    pub people: PeopleConfig,
}

impl Config {
    /// Returns the defaults for a data folder.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            store: "sqlite".to_owned(),
            http: HttpConfig::default(),
            ingest: IngestConfig::default(),
            journal: JournalConfig::default(),
            retention: RetentionConfig::default(),
            people: PeopleConfig::default(),
        }
    }
}

/// Requests and connections.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HttpConfig {
    /// The address that clients use, such as `https://errors.example.com/prefix`: for DSNs and
    /// links. `None` takes it from each request's `Host`.
    pub public_url: Option<String>,
    /// `Host` names that are answered; empty means all.
    pub allowed_hosts: Vec<String>,
    /// Proxies whose `X-Forwarded-For` and `Forwarded` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// More connections than these are closed at once.
    pub max_connections: usize,
    /// A request's head must be complete in this time.
    pub header_timeout: Duration,
    /// A request's body must be complete in this time.
    pub body_timeout: Duration,
    /// A request that is not ingest is given up after this time.
    pub request_timeout: Duration,
    /// How long a list or a search waits for what was accepted before it, while little comes.
    pub read_patience: Duration,
    /// The largest body of a management request.
    pub max_management_bytes: usize,
    /// Where envelopes are taken that name their key in their own header only, as web pages send
    /// them past blockers; `None` switches it off.
    pub tunnel_path: Option<String>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            public_url: None,
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            max_connections: 4096,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            read_patience: Duration::from_millis(500),
            max_management_bytes: 1024 * 1024,
            tunnel_path: Some("/tunnel/".to_owned()),
        }
    }
}

impl HttpConfig {
    /// Reports whether the address is a trusted proxy's.
    #[must_use]
    pub fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted_proxies
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// Bounds of ingest.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct IngestConfig {
    /// Bytes of a request's body as it came.
    pub max_compressed_bytes: usize,
    /// Bytes of a request's body unpacked.
    pub max_body_bytes: usize,
    /// An attachment or other item larger than this goes to a file of its own while it arrives.
    pub max_inline_bytes: usize,
    /// Bytes of all requests that may be in memory at once; more wait shortly, then get a 503.
    pub max_in_flight_bytes: usize,
    /// Requests a minute for each project on Mini Sentry's own ingest API; 0 means no limit.
    pub events_per_minute: u32,
    /// Events a minute for each project on Sentry's endpoints; 0 means no limit.
    pub sentry_events_per_minute: u32,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            max_compressed_bytes: 200 * 1024 * 1024,
            max_body_bytes: 200 * 1024 * 1024,
            max_inline_bytes: 1024 * 1024,
            max_in_flight_bytes: 32 * 1024 * 1024,
            events_per_minute: 120,
            sentry_events_per_minute: 0,
        }
    }
}

/// The journal.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct JournalConfig {
    /// A segment is closed at this size.
    pub segment_bytes: u64,
    /// Records that may wait for digest; more are answered 503.
    pub max_queue_records: u64,
    /// Free space that is left for the database and the system; below it, ingest is answered 503.
    pub min_free_bytes: u64,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * MIB,
            max_queue_records: 1_000_000,
            min_free_bytes: 64 * MIB,
        }
    }
}

/// How long things are kept.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetentionConfig {
    /// Days; 0 means for ever.
    pub days: u32,
    /// Bytes of the whole install; 0 means no limit.
    pub max_bytes: u64,
    /// A partition of the index is closed after so many events.
    pub partition_events: u64,
    /// Or after so much time.
    pub partition_age: Duration,
    /// How often retention and compaction look for work.
    pub interval: Duration,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            days: 90,
            max_bytes: 0,
            partition_events: 1_000_000,
            partition_age: Duration::from_secs(24 * 60 * 60),
            interval: Duration::from_secs(60),
        }
    }
}

/// Logins and the audit log.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PeopleConfig {
    /// A login that nobody uses ends after this time.
    pub login_idle: Duration,
    /// Every login ends after this time.
    pub login_life: Duration,
    /// Days that entries of the audit log are kept; 0 means for ever.
    pub audit_days: u32,
    /// Entries that the audit log has at most; older ones go first.
    pub audit_entries: u64,
}

impl Default for PeopleConfig {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            login_idle: DAY.saturating_mul(7),
            login_life: DAY.saturating_mul(30),
            audit_days: 365,
            audit_entries: 100_000,
        }
    }
}
