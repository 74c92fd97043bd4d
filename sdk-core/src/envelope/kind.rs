//! What an item is: the known types by name, and any other kept verbatim.

use std::fmt;

use crate::limits::EnvelopeLimits;
use crate::ratelimit::DataCategory;

/// Declares the known types once, with the name that each has on the wire.
macro_rules! item_kinds {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)+) => {
        /// The type of an item.
        ///
        /// ```
        /// use mini_sentry::envelope::ItemKind;
        ///
        /// assert_eq!(ItemKind::from_name("check_in"), ItemKind::CheckIn);
        /// assert_eq!(ItemKind::from_name("brand_new").as_str(), "brand_new");
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ItemKind {
            $($(#[doc = $doc])* $variant,)+
            /// A type that is not known here, by its name.
            Unknown(Box<str>),
        }

        impl ItemKind {
            /// Every known type.
            pub const KNOWN: &[Self] = &[$(Self::$variant,)+];

            /// Returns the name that stands in the item's header.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Unknown(name) => name,
                }
            }

            /// Returns the type of this name; one that is not known keeps it.
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)+
                    _ => Self::Unknown(name.into()),
                }
            }
        }
    };
}

item_kinds! {
    /// An error or message.
    Event = "event",
    /// A finished transaction with its spans.
    Transaction = "transaction",
    /// A file that belongs to the event of the same envelope, or to a trace.
    Attachment = "attachment",
    /// An update of one session.
    Session = "session",
    /// Sessions counted per minute.
    Sessions = "sessions",
    /// Feedback of a user.
    Feedback = "feedback",
    /// Feedback of a user in the old form.
    UserReport = "user_report",
    /// What the SDK dropped, and why.
    ClientReport = "client_report",
    /// A sign of life of a scheduled job.
    CheckIn = "check_in",
    /// A container of log records.
    Log = "log",
    /// A container of trace metrics.
    TraceMetric = "trace_metric",
    /// One span, or a container of them.
    Span = "span",
    /// One span in OpenTelemetry's form.
    OtelSpan = "otel_span",
    /// What a replay is about.
    ReplayEvent = "replay_event",
    /// The recorded steps of a replay.
    ReplayRecording = "replay_recording",
    /// A replay filmed on a mobile device.
    ReplayVideo = "replay_video",
    /// A profile bound to a transaction.
    Profile = "profile",
    /// A piece of a continuous profile.
    ProfileChunk = "profile_chunk",
    /// A browser's security report.
    RawSecurity = "raw_security",
    /// Metrics in statsd's text form.
    Statsd = "statsd",
    /// Aggregated metrics.
    MetricBuckets = "metric_buckets",
    /// Descriptions of metrics.
    MetricMeta = "metric_meta",
    /// A browser's network error report.
    Nel = "nel",
    /// Form fields of a crash upload.
    FormData = "form_data",
    /// A crash archive of the Unreal engine.
    UnrealReport = "unreal_report",
}

impl ItemKind {
    /// Returns the category under which items of this type are limited and counted, `None` for
    /// those that are never counted by themselves.
    ///
    /// An `event` counts as an error here; only its payload tells when it is something else.
    pub fn category(&self) -> Option<DataCategory> {
        Some(match self {
            Self::Event | Self::UnrealReport => DataCategory::Error,
            Self::Transaction => DataCategory::Transaction,
            Self::Attachment => DataCategory::Attachment,
            Self::Session | Self::Sessions => DataCategory::Session,
            Self::Feedback => DataCategory::Feedback,
            Self::UserReport | Self::Nel => DataCategory::Default,
            Self::ClientReport => DataCategory::Internal,
            Self::CheckIn => DataCategory::Monitor,
            Self::Log => DataCategory::LogItem,
            Self::TraceMetric => DataCategory::TraceMetric,
            Self::Span | Self::OtelSpan => DataCategory::Span,
            Self::ReplayEvent | Self::ReplayRecording | Self::ReplayVideo => DataCategory::Replay,
            Self::Profile => DataCategory::Profile,
            Self::ProfileChunk => DataCategory::ProfileChunk,
            Self::RawSecurity => DataCategory::Security,
            Self::Statsd | Self::MetricBuckets => DataCategory::MetricBucket,
            Self::MetricMeta | Self::FormData | Self::Unknown(_) => return None,
        })
    }

    /// Returns how many bytes a payload of this type may have under these limits.
    pub fn limit(&self, limits: &EnvelopeLimits) -> usize {
        match self {
            Self::Attachment | Self::UnrealReport => limits.max_attachment_bytes,
            Self::Log | Self::TraceMetric | Self::Span => limits.max_container_bytes,
            Self::CheckIn => limits.max_check_in_bytes,
            Self::ClientReport => limits.max_client_report_bytes,
            Self::Profile | Self::ProfileChunk => limits.max_profile_bytes,
            Self::ReplayRecording | Self::ReplayVideo => limits.max_replay_bytes,
            Self::Event
            | Self::Transaction
            | Self::Session
            | Self::Sessions
            | Self::Feedback
            | Self::UserReport
            | Self::OtelSpan
            | Self::ReplayEvent
            | Self::RawSecurity
            | Self::Statsd
            | Self::MetricBuckets
            | Self::MetricMeta
            | Self::Nel
            | Self::FormData
            | Self::Unknown(_) => limits.max_event_bytes,
        }
    }
}

impl fmt::Display for ItemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// Here and not beside the limits, which must know nothing of envelopes.
impl EnvelopeLimits {
    /// Returns how many bytes a payload of this type may have.
    pub fn max_item_bytes(&self, kind: &ItemKind) -> usize {
        kind.limit(self)
    }
}
