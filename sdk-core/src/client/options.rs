//! How the SDK behaves.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::client::integration::Integration;
use crate::client::sampling::{Rate, SamplingContext};
use crate::client::session::SessionMode;
use crate::clock::Clock;
use crate::dsn::{Dsn, ParseDsnError};
use crate::protocol::{Breadcrumb, Event, Log};
use crate::scrub::Scrubber;
use crate::transport::{SpoolOptions, TransportFactory};

/// Looks at an event before it is sent; may change it, or drop it by returning `None`.
pub type BeforeSend = Arc<dyn Fn(Event) -> Option<Event> + Send + Sync>;
/// Looks at a breadcrumb before it is kept; may change it, or drop it by returning `None`.
pub type BeforeBreadcrumb = Arc<dyn Fn(Breadcrumb) -> Option<Breadcrumb> + Send + Sync>;
/// Looks at a log line before it is sent; may change it, or drop it by returning `None`.
pub type BeforeSendLog = Arc<dyn Fn(Log) -> Option<Log> + Send + Sync>;
/// Decides how likely a transaction is kept.
pub type TracesSampler = Arc<dyn Fn(&SamplingContext<'_>) -> f64 + Send + Sync>;

macro_rules! options {
    ($( $(#[$meta:meta])* $field:ident : $ty:ty = $default:expr $(, $kind:ident $into:ty)? ; )+) => {
        /// How the SDK behaves. Made by [`ClientOptions::new`] and its setters; every option has
        /// a default, and most can come from the environment.
        ///
        /// ```
        /// use mini_sentry::ClientOptions;
        /// let options = ClientOptions::new()
        ///     .release("my-app@1.2.3")
        ///     .environment("staging")
        ///     .sample_rate(0.5);
        /// assert_eq!(options.release.as_deref(), Some("my-app@1.2.3"));
        /// ```
        #[derive(Clone)]
        #[non_exhaustive]
        pub struct ClientOptions {
            $( $(#[$meta])* pub $field: $ty, )+
            pub(crate) dsn_error: Option<ParseDsnError>,
        }

        impl Default for ClientOptions {
            fn default() -> Self {
                Self { $( $field: $default, )+ dsn_error: None }
            }
        }

        impl ClientOptions {
            $( options!(@setter $(#[$meta])* $field, $ty $(, $kind $into)?); )+
        }
    };
    (@setter $(#[$meta:meta])* $field:ident, $ty:ty, optional $into:ty) => {
        $(#[$meta])*
        #[must_use]
        pub fn $field(mut self, value: $into) -> Self {
            self.$field = Some(value.into());
            self
        }
    };
    (@setter $(#[$meta:meta])* $field:ident, $ty:ty, by_hand $into:ty) => {};
    (@setter $(#[$meta:meta])* $field:ident, $ty:ty) => {
        $(#[$meta])*
        #[must_use]
        pub fn $field(mut self, value: $ty) -> Self {
            self.$field = value;
            self
        }
    };
}

options! {
    /// Where to send; without it the SDK is off. Environment: `MINI_SENTRY_DSN`, `SENTRY_DSN`.
    dsn: Option<Dsn> = None, by_hand ();
    /// Version of the program. Environment: `MINI_SENTRY_RELEASE`, `SENTRY_RELEASE`.
    release: Option<Cow<'static, str>> = None, optional impl Into<Cow<'static, str>>;
    /// Build of that version.
    dist: Option<Cow<'static, str>> = None, optional impl Into<Cow<'static, str>>;
    /// Where the program runs. Environment: `MINI_SENTRY_ENVIRONMENT`, `SENTRY_ENVIRONMENT`.
    environment: Option<Cow<'static, str>> = None, optional impl Into<Cow<'static, str>>;
    /// Name of the machine; the host name unless given.
    server_name: Option<Cow<'static, str>> = None, optional impl Into<Cow<'static, str>>;
    /// Language or runtime family that events carry.
    platform: Cow<'static, str> = Cow::Borrowed("native");
    /// Name under which the SDK shows itself; bindings set their own.
    sdk_name: Cow<'static, str> = Cow::Borrowed("mini-sentry.rust");
    /// Share of events that are kept, 0 to 1. Environment: `MINI_SENTRY_SAMPLE_RATE`.
    sample_rate: Rate = Rate::ALL, by_hand ();
    /// Share of transactions that are kept, 0 to 1. Environment: `MINI_SENTRY_TRACES_SAMPLE_RATE`.
    traces_sample_rate: Rate = Rate::NONE, by_hand ();
    /// Decides for each transaction how likely it is kept; wins over `traces_sample_rate`.
    traces_sampler: Option<TracesSampler> = None, by_hand ();
    /// Addresses that get trace headers; a part of the address is enough. Empty: all.
    trace_propagation_targets: Vec<String> = Vec::new();
    /// Breadcrumbs kept per scope.
    max_breadcrumbs: usize = crate::limits::MAX_BREADCRUMBS;
    /// Adds the caller's stack to messages and errors that bring none.
    attach_stacktrace: bool = false;
    /// Sends what tells who a user is: addresses, cookies, user names, bodies.
    send_default_pii: bool = false;
    /// Modules that are the program's own, by prefix.
    in_app_include: Vec<Cow<'static, str>> = Vec::new();
    /// Modules that are not, by prefix.
    in_app_exclude: Vec<Cow<'static, str>> = Vec::new();
    /// Errors and messages to drop: a part of the type or of the text is enough.
    ignore_errors: Vec<String> = Vec::new();
    /// Looks at each event last, on the SDK's own thread.
    before_send: Option<BeforeSend> = None, by_hand ();
    /// Looks at each breadcrumb, on the thread that adds it.
    before_breadcrumb: Option<BeforeBreadcrumb> = None, by_hand ();
    /// Looks at each log line, on the thread that writes it.
    before_send_log: Option<BeforeSendLog> = None, by_hand ();
    /// Removes secrets from everything that leaves.
    scrubber: Scrubber = Scrubber::new();
    /// Adds the integrations that are compiled in.
    default_integrations: bool = true;
    /// Further integrations.
    integrations: Vec<Arc<dyn Integration>> = Vec::new(), by_hand ();
    /// What sends; the compiled-in one unless given.
    transport: Option<Arc<dyn TransportFactory>> = None, by_hand ();
    /// Bytes that may wait to be sent; the oldest go first when there are more.
    max_queue_bytes: usize = 16 << 20;
    /// Where events wait on disk while the server cannot be reached. Environment: `MINI_SENTRY_SPOOL`.
    spool: Option<SpoolOptions> = None, optional SpoolOptions;
    /// Proxy for `http` addresses. Environment: `HTTP_PROXY`.
    http_proxy: Option<String> = None, optional impl Into<String>;
    /// Proxy for `https` addresses. Environment: `HTTPS_PROXY`.
    https_proxy: Option<String> = None, optional impl Into<String>;
    /// PEM file of certificates to trust beside the built-in ones.
    ca_certs: Option<PathBuf> = None, optional impl Into<PathBuf>;
    /// Trusts any certificate; for trials only.
    accept_invalid_certs: bool = false;
    /// How long one request may take.
    request_timeout: Duration = Duration::from_secs(15);
    /// How long the end of the program waits for events to leave.
    shutdown_timeout: Duration = Duration::from_secs(2);
    /// Starts a session at `init` and ends it with the guard.
    auto_session_tracking: bool = false;
    /// Whether a session is a run of the program or one request.
    session_mode: SessionMode = SessionMode::Application;
    /// Sends log lines.
    enable_logs: bool = true;
    /// Says on standard error what the SDK does. Environment: `MINI_SENTRY_DEBUG`, `SENTRY_DEBUG`.
    debug: bool = false;
    /// Tells the time; the system's clock unless given.
    clock: Option<Arc<dyn Clock>> = None, by_hand ();
}

impl ClientOptions {
    /// All defaults: no DSN, so nothing is sent.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where to send. A DSN that cannot be read turns the SDK off, and `init` says so.
    #[must_use]
    pub fn dsn(mut self, dsn: impl AsRef<str>) -> Self {
        match dsn.as_ref().trim() {
            "" => self.dsn = None,
            text => match text.parse() {
                Ok(dsn) => self.dsn = Some(dsn),
                Err(error) => self.dsn_error = Some(error),
            },
        }
        self
    }

    /// Share of events that are kept, 0 to 1.
    #[must_use]
    pub fn sample_rate(mut self, rate: f64) -> Self {
        self.sample_rate = Rate::new(rate);
        self
    }

    /// Share of transactions that are kept, 0 to 1.
    #[must_use]
    pub fn traces_sample_rate(mut self, rate: f64) -> Self {
        self.traces_sample_rate = Rate::new(rate);
        self
    }

    /// Decides for each transaction how likely it is kept.
    #[must_use]
    pub fn traces_sampler(
        mut self,
        sampler: impl Fn(&SamplingContext<'_>) -> f64 + Send + Sync + 'static,
    ) -> Self {
        self.traces_sampler = Some(Arc::new(sampler));
        self
    }

    /// Looks at each event last; may change it, or drop it by returning `None`. Runs on the SDK's
    /// own thread, with the whole event built, so it costs the program nothing.
    ///
    /// ```
    /// use mini_sentry::ClientOptions;
    /// let options = ClientOptions::new().before_send(|mut event| {
    ///     event.server_name = None;
    ///     Some(event)
    /// });
    /// # assert!(options.before_send.is_some());
    /// ```
    #[must_use]
    pub fn before_send(
        mut self,
        callback: impl Fn(Event) -> Option<Event> + Send + Sync + 'static,
    ) -> Self {
        self.before_send = Some(Arc::new(callback));
        self
    }

    /// Looks at each breadcrumb; may change it, or drop it by returning `None`.
    #[must_use]
    pub fn before_breadcrumb(
        mut self,
        callback: impl Fn(Breadcrumb) -> Option<Breadcrumb> + Send + Sync + 'static,
    ) -> Self {
        self.before_breadcrumb = Some(Arc::new(callback));
        self
    }

    /// Looks at each log line; may change it, or drop it by returning `None`.
    #[must_use]
    pub fn before_send_log(
        mut self,
        callback: impl Fn(Log) -> Option<Log> + Send + Sync + 'static,
    ) -> Self {
        self.before_send_log = Some(Arc::new(callback));
        self
    }

    /// Adds an integration.
    #[must_use]
    pub fn add_integration(mut self, integration: impl Integration) -> Self {
        self.integrations.push(Arc::new(integration));
        self
    }

    /// Sends through another transport.
    #[must_use]
    pub fn transport(mut self, factory: impl TransportFactory) -> Self {
        self.transport = Some(Arc::new(factory));
        self
    }

    /// Takes the time from another clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("dsn", &self.dsn)
            .field("release", &self.release)
            .field("environment", &self.environment)
            .field("sample_rate", &self.sample_rate)
            .field("traces_sample_rate", &self.traces_sample_rate)
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}

impl From<()> for ClientOptions {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl From<&str> for ClientOptions {
    fn from(dsn: &str) -> Self {
        Self::default().dsn(dsn)
    }
}

impl From<String> for ClientOptions {
    fn from(dsn: String) -> Self {
        Self::default().dsn(dsn)
    }
}

impl From<Dsn> for ClientOptions {
    fn from(dsn: Dsn) -> Self {
        Self {
            dsn: Some(dsn),
            ..Self::default()
        }
    }
}

impl<T: AsRef<str>> From<(T, Self)> for ClientOptions {
    fn from((dsn, options): (T, Self)) -> Self {
        options.dsn(dsn)
    }
}
