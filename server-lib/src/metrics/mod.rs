//! Counts and times of the server itself, in the text form that Prometheus reads.
//!
//! Every room counts into one [`Metrics`]; `/metrics` writes them out. Nothing here is global: two
//! servers in one process have one each.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

mod process;
mod quantile;

pub use process::resident_bytes;

/// All metrics of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    /// Answered requests by route group and status.
    pub requests: Family<RequestLabels, Counter>,
    /// Judged items, those of the journal and those refused.
    pub outcomes: Family<OutcomeLabels, Counter>,
    /// From the first byte of an ingest request to its answer.
    pub accept_seconds: Histogram,
    /// Bytes of ingest requests that are held in memory.
    pub in_flight_bytes: Gauge,
    /// Open connections.
    pub connections: Gauge,
    /// Records that one write of the journal took.
    pub group_records: Histogram,
    /// How long writing and syncing a group took.
    pub group_seconds: Histogram,
    /// Records in the journal that are not digested.
    pub queue_records: Gauge,
    /// Age of the oldest record that is not digested; 0 when all are.
    pub digest_lag_seconds: Gauge<f64, AtomicU64>,
    /// Digested records.
    pub digested: Counter,
    /// How long a batch took.
    pub digest_seconds: Histogram,
    /// Digest steps that failed and were tried again.
    pub digest_failures: Counter,
    /// Secrets and the like that were removed before storing.
    pub scrubbed: Counter,
    issues: Family<IssueLabels, Gauge>,
    error_rate: Gauge<f64, AtomicU64>,
    ingest_p95: Gauge<f64, AtomicU64>,
}

/// Labels of [`Metrics::requests`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// `ingest`, `api0`, `api`, `health`.
    pub group: &'static str,
    /// The status.
    pub status: u16,
}

/// Labels of [`Metrics::outcomes`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    /// What was counted.
    pub category: &'static str,
    /// The fate.
    pub outcome: &'static str,
    /// Why, from a fixed list; words of clients are counted as `other`.
    pub reason: &'static str,
}

/// Labels of the number of issues.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct IssueLabels {
    /// The project's slug.
    pub project: String,
    /// The level of the issues' latest events.
    pub level: &'static str,
    /// `unresolved`, `resolved`, `ignored`.
    pub status: &'static str,
}

/// What is looked up when somebody asks for metrics; `None` where the store does not tell.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// How many errors a second came lately.
    pub error_rate: Option<f64>,
    /// How many issues there are.
    pub issues: Option<Vec<(IssueLabels, u64)>>,
}

impl Metrics {
    /// Makes a set that stands at zero.
    #[must_use]
    pub fn new() -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.000_25, 2.0, 16));
        let metrics = Self {
            registry: Mutex::new(Registry::default()),
            requests: Family::default(),
            outcomes: Family::default(),
            accept_seconds: seconds(),
            in_flight_bytes: Gauge::default(),
            connections: Gauge::default(),
            group_records: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            group_seconds: seconds(),
            queue_records: Gauge::default(),
            digest_lag_seconds: Gauge::default(),
            digested: Counter::default(),
            digest_seconds: seconds(),
            digest_failures: Counter::default(),
            scrubbed: Counter::default(),
            issues: Family::default(),
            error_rate: Gauge::default(),
            ingest_p95: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    /// Writes all metrics as text, with what the caller has looked up.
    #[must_use]
    pub fn to_text(&self, looked: Looked) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rate) = looked.error_rate {
            self.error_rate.set(rate);
        }
        if let Some(issues) = looked.issues {
            // Projects and issues go, and what is gone is no zero.
            self.issues.clear();
            for (labels, count) in issues {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                // Projects of two organisations may have one name.
                self.issues.get_or_create(&labels).inc_by(count);
            }
        }
        // Writing into a `String` cannot fail.
        let _ = encode(&mut text, &registry);
        let p95 = quantile::quantile(&text, "mini_sentry_accept_seconds", 0.95);
        self.ingest_p95.set(p95.unwrap_or_default());
        text.clear();
        let _ = encode(&mut text, &registry);
        text
    }

    fn register(&self) {
        let mut guard = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        guard.register_collector(Box::new(process::ProcessCollector));
        self.register_aliases(&mut guard);
        let all = guard.sub_registry_with_prefix("mini_sentry");
        all.register(
            "issues",
            "Issues by project, level and status",
            self.issues.clone(),
        );
        all.register("requests", "Answered requests", self.requests.clone());
        all.register("outcomes", "Judged items", self.outcomes.clone());
        all.register(
            "accept_seconds",
            "Time to answer an ingest request",
            self.accept_seconds.clone(),
        );
        all.register(
            "in_flight_bytes",
            "Bytes of ingest requests in memory",
            self.in_flight_bytes.clone(),
        );
        all.register("connections", "Open connections", self.connections.clone());
        all.register(
            "group_records",
            "Records in one write of the journal",
            self.group_records.clone(),
        );
        all.register(
            "group_seconds",
            "Time to write and sync a group",
            self.group_seconds.clone(),
        );
        all.register(
            "queue_records",
            "Records that wait for digest",
            self.queue_records.clone(),
        );
        all.register(
            "digest_lag_seconds",
            "Age of the oldest record that waits",
            self.digest_lag_seconds.clone(),
        );
        all.register("digested", "Digested records", self.digested.clone());
        all.register(
            "digest_seconds",
            "Time of a digest batch",
            self.digest_seconds.clone(),
        );
        all.register(
            "digest_failures",
            "Digest steps that were tried again",
            self.digest_failures.clone(),
        );
        all.register(
            "scrubbed",
            "Values removed before storing",
            self.scrubbed.clone(),
        );
    }

    /// Names that dashboards for Sentry look for.
    fn register_aliases(&self, registry: &mut Registry) {
        registry.register(
            "sentry_events_processed",
            "Digested records",
            self.digested.clone(),
        );
        registry.register(
            "sentry_error_rate",
            "Errors a second in the last minutes",
            self.error_rate.clone(),
        );
        registry.register(
            "sentry_performance_p95",
            "Seconds in which 95 of 100 ingest requests were answered",
            self.ingest_p95.clone(),
        );
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
