//! Rate limits: what a server says in its response headers, and what a client keeps of it.
//!
//! Nothing here reads a clock. The caller passes the time as milliseconds since the Unix epoch.

#![warn(clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::limits::{DEFAULT_RETRY_AFTER_SECS, MAX_RATE_LIMITS, MAX_RETRY_AFTER_SECS};

/// The rate limits that a client has to keep to, one instance per DSN.
///
/// ```
/// use std::time::Duration;
/// use mini_sentry::ratelimit::{DataCategory, RateLimits};
///
/// let now_ms = 1_700_000_000_000;
/// let mut limits = RateLimits::default();
/// limits.update_from_headers(Some("60:error;transaction:key"), None, 429, now_ms);
/// assert_eq!(limits.is_limited(DataCategory::Error, now_ms), Some(Duration::from_secs(60)));
/// assert_eq!(limits.is_limited(DataCategory::Session, now_ms), None);
/// assert_eq!(limits.is_limited(DataCategory::Error, now_ms + 60_000), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    all_until_ms: u64,
    until_ms: BTreeMap<DataCategory, u64>,
}

impl RateLimits {
    /// Takes over what one response says, and returns whether it limits anything.
    ///
    /// `X-Sentry-Rate-Limits` counts on every status. Without it, `Retry-After` counts on a
    /// refusal (400 and above), and a 429 with neither means 60 seconds for everything. Of two
    /// limits on one category the longer stays.
    pub fn update_from_headers(
        &mut self,
        rate_limits: Option<&str>,
        retry_after: Option<&str>,
        status: u16,
        now_ms: u64,
    ) -> bool {
        if let Some(header) = rate_limits.filter(|text| !text.trim().is_empty()) {
            let parsed = RateLimit::parse_header(header);
            for limit in &parsed {
                self.apply(limit, now_ms);
            }
            // A header from which nothing can be read must not turn a refusal into silence.
            if !parsed.is_empty() || status != 429 {
                return !parsed.is_empty();
            }
        }
        let seconds = match retry_after {
            Some(text) if status >= 400 => parse_retry_after(text, now_ms),
            _ if status == 429 => DEFAULT_RETRY_AFTER_SECS,
            _ => return false,
        };
        self.limit_all(seconds, now_ms);
        true
    }

    /// Takes over one limit; categories that are unknown here do not count.
    pub fn apply(&mut self, limit: &RateLimit, now_ms: u64) {
        if limit.categories.is_empty() {
            self.limit_all(limit.retry_after_secs, now_ms);
        }
        let deadline = deadline_ms(limit.retry_after_secs, now_ms);
        for &category in limit
            .categories
            .iter()
            .filter(|c| **c != DataCategory::Unknown)
        {
            let until = self.until_ms.entry(category).or_default();
            *until = deadline.max(*until);
        }
    }

    /// Returns for how long the category must still be held back, or `None` when it may be sent.
    pub fn is_limited(&self, category: DataCategory, now_ms: u64) -> Option<Duration> {
        let until = self.until_ms.get(&category).copied().unwrap_or_default();
        remaining(until.max(self.all_until_ms), now_ms)
    }

    /// Returns for how long everything must still be held back.
    pub fn is_all_limited(&self, now_ms: u64) -> Option<Duration> {
        remaining(self.all_until_ms, now_ms)
    }

    fn limit_all(&mut self, seconds: u64, now_ms: u64) {
        self.all_until_ms = deadline_ms(seconds, now_ms).max(self.all_until_ms);
    }
}

/// One limit as it stands in `X-Sentry-Rate-Limits`:
/// `seconds:categories:scope:reason:namespaces`.
///
/// ```
/// use mini_sentry::ratelimit::{DataCategory, RateLimit, RateLimitScope};
///
/// let limit = RateLimit::new(30, RateLimitScope::Key)
///     .categories([DataCategory::Error, DataCategory::Transaction])
///     .reason("key_quota");
/// assert_eq!(limit.to_string(), "30:error;transaction:key:key_quota");
/// assert_eq!(RateLimit::parse_header("30:error;transaction:key:key_quota"), [limit]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// For how long, in whole seconds.
    pub retry_after_secs: u64,
    /// What is limited; empty means everything.
    pub categories: Vec<DataCategory>,
    /// To whom the limit belongs.
    pub scope: RateLimitScope,
    /// A short code for the cause.
    pub reason: Option<String>,
    /// Metric namespaces, kept but without effect.
    pub namespaces: Vec<String>,
}

impl RateLimit {
    /// Makes a limit on everything.
    #[must_use]
    pub fn new(retry_after_secs: u64, scope: RateLimitScope) -> Self {
        Self {
            retry_after_secs,
            categories: Vec::new(),
            scope,
            reason: None,
            namespaces: Vec::new(),
        }
    }

    /// Narrows the limit to these categories.
    #[must_use]
    pub fn categories(mut self, categories: impl IntoIterator<Item = DataCategory>) -> Self {
        self.categories = categories.into_iter().collect();
        self
    }

    /// Names the cause; characters other than letters, digits, `_`, `-` and `.` become `_`.
    #[must_use]
    pub fn reason(mut self, code: &str) -> Self {
        self.reason = word(code);
        self
    }

    /// Reads a whole header; limits without a readable shape are left out.
    ///
    /// Seconds may be fractional (rounded up), and those that are no number count as 60.
    pub fn parse_header(text: &str) -> Vec<Self> {
        text.split(',')
            .filter_map(Self::parse)
            .take(MAX_RATE_LIMITS)
            .collect()
    }

    /// Writes a whole header.
    pub fn to_header(limits: &[Self]) -> String {
        let texts: Vec<String> = limits.iter().map(Self::to_string).collect();
        texts.join(", ")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':').map(str::trim);
        let seconds = parse_seconds(parts.next()?);
        // A stray word is not a limit on everything, a bare number is.
        let categories = parts.next().or_else(|| seconds.map(|_| ""))?;
        let scope = RateLimitScope::from_name(parts.next().unwrap_or_default());
        let reason = parts.next().and_then(word);
        let namespaces = parts.next().unwrap_or_default();
        Some(Self {
            retry_after_secs: seconds.unwrap_or(DEFAULT_RETRY_AFTER_SECS),
            categories: parts_of(categories).map(DataCategory::from_name).collect(),
            scope,
            reason,
            namespaces: parts_of(namespaces).filter_map(word).collect(),
        })
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.retry_after_secs)?;
        let names: Vec<&str> = self
            .categories
            .iter()
            .map(|category| category.as_str())
            .collect();
        write!(f, "{}:{}", names.join(";"), self.scope.as_str())?;
        // The fields are public, so what would break the header is replaced on the way out too.
        let reason = self.reason.as_deref().and_then(word);
        let namespaces: Vec<String> = self.namespaces.iter().filter_map(|n| word(n)).collect();
        if reason.is_some() || !namespaces.is_empty() {
            write!(f, ":{}", reason.unwrap_or_default())?;
        }
        if !namespaces.is_empty() {
            write!(f, ":{}", namespaces.join(";"))?;
        }
        Ok(())
    }
}

/// To whom a limit belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RateLimitScope {
    /// The whole organisation.
    Organization,
    /// One project.
    Project,
    /// One DSN.
    Key,
    /// Not named, or unknown here.
    #[default]
    Unspecified,
}

impl RateLimitScope {
    /// Returns the name in the header; empty for the unspecified one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Project => "project",
            Self::Key => "key",
            Self::Unspecified => "",
        }
    }

    fn from_name(name: &str) -> Self {
        [Self::Organization, Self::Project, Self::Key]
            .into_iter()
            .find(|scope| scope.as_str() == name)
            .unwrap_or_default()
    }
}

/// Declares the categories once, with the name that each has on the wire.
macro_rules! data_categories {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)+) => {
        /// What kind of data a limit, an outcome or a client report counts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum DataCategory {
            $($(#[doc = $doc])* $variant,)+
        }

        impl DataCategory {
            /// Every category, the unknown one last.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the stable name that stands in headers and reports.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Returns the category of this name, or `Unknown`.
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)+
                    _ => Self::Unknown,
                }
            }
        }
    };
}

data_categories! {
    /// Events of a type without a category of its own.
    Default = "default",
    /// Error events.
    Error = "error",
    /// Transactions.
    Transaction = "transaction",
    /// Browser security reports.
    Security = "security",
    /// Attachments, counted in bytes.
    Attachment = "attachment",
    /// Attachments, counted in pieces.
    AttachmentItem = "attachment_item",
    /// Session updates and aggregates.
    Session = "session",
    /// Profiles received.
    Profile = "profile",
    /// Profiles stored.
    ProfileIndexed = "profile_indexed",
    /// Milliseconds of backend profiles.
    ProfileDuration = "profile_duration",
    /// Milliseconds of user-interface profiles.
    ProfileDurationUi = "profile_duration_ui",
    /// Chunks of continuous backend profiles.
    ProfileChunk = "profile_chunk",
    /// Chunks of continuous user-interface profiles.
    ProfileChunkUi = "profile_chunk_ui",
    /// Session replays.
    Replay = "replay",
    /// Transactions stored.
    TransactionIndexed = "transaction_indexed",
    /// Check-ins of monitors.
    Monitor = "monitor",
    /// Spans received.
    Span = "span",
    /// Spans stored.
    SpanIndexed = "span_indexed",
    /// User feedback.
    Feedback = "feedback",
    /// Buckets of aggregated metrics.
    MetricBucket = "metric_bucket",
    /// Log records, counted in pieces.
    LogItem = "log_item",
    /// Log records, counted in bytes.
    LogByte = "log_byte",
    /// Trace metrics.
    TraceMetric = "trace_metric",
    /// What the SDK tells about itself, such as client reports.
    Internal = "internal",
    /// A category that is not known here.
    Unknown = "unknown",
}

impl fmt::Display for DataCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn deadline_ms(seconds: u64, now_ms: u64) -> u64 {
    now_ms.saturating_add(seconds.min(MAX_RETRY_AFTER_SECS).saturating_mul(1_000))
}

fn remaining(until_ms: u64, now_ms: u64) -> Option<Duration> {
    until_ms
        .checked_sub(now_ms)
        .filter(|ms| *ms > 0)
        .map(Duration::from_millis)
}

/// Reads `Retry-After`: seconds or an HTTP date; anything else counts as 60 seconds.
fn parse_retry_after(text: &str, now_ms: u64) -> u64 {
    let text = text.trim();
    if let Some(seconds) = parse_seconds(text) {
        return seconds;
    }
    match OffsetDateTime::parse(text, &Rfc2822) {
        Ok(date) => {
            let at_secs = u64::try_from(date.unix_timestamp()).unwrap_or_default();
            at_secs
                .saturating_mul(1_000)
                .saturating_sub(now_ms)
                .div_ceil(1_000)
        }
        Err(_) => DEFAULT_RETRY_AFTER_SECS,
    }
}

/// Reads a count of seconds, whole or fractional, rounded up and bounded.
fn parse_seconds(text: &str) -> Option<u64> {
    let seconds = text
        .parse::<f64>()
        .ok()
        .filter(|seconds| !seconds.is_nan())?;
    let bounded = seconds.ceil().clamp(0.0, MAX_RETRY_AFTER_SECS as f64);
    // Whole and between zero and a day, so nothing is cut off.
    Some(bounded as u64)
}

fn parts_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// Makes a text safe to stand between the header's separators.
fn word(text: &str) -> Option<String> {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "_-.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().map(safe).collect())
}
