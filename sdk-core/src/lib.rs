//! Error tracking for Rust programs: errors, panics, sessions, traces, logs and check-ins, sent to
//! any server that speaks Sentry's protocol. Also the core that Mini Sentry's server and its SDKs
//! for other languages share.
//!
//! ```no_run
//! # #[cfg(feature = "client")] {
//! use mini_sentry::{ClientOptions, Level};
//!
//! let _guard = mini_sentry::init((
//!     "https://0123456789abcdef0123456789abcdef@errors.example.com/42",
//!     ClientOptions::new().release("shop@1.2.0").environment("production"),
//! ));
//! mini_sentry::capture_message("the shop is open", Level::Info);
//! if let Err(error) = std::fs::read_to_string("prices.json") {
//!     mini_sentry::capture_error(&error);
//! }
//! # }
//! ```
//!
//! Keep the guard until the end of `main`: when it is dropped, the SDK sends what still waits and is
//! off. Without a DSN, given or in `MINI_SENTRY_DSN` or `SENTRY_DSN`, it is off from the start, and
//! every call returns at once.
//!
//! # Client, hub, scope
//!
//! - A [`Client`] captures and sends, by its [`ClientOptions`]. Most programs have one, which [`init`]
//!   makes.
//! - A [`Scope`] is what is known about the surroundings: user, tags, contexts, breadcrumbs, the
//!   active span. What is captured takes it along.
//! - A [`Hub`] belongs to a line of work, such as a thread or a request. It has a client and a stack of
//!   scopes.
//!
//! The functions of this module work on the current hub:
//!
//! ```
//! # #[cfg(feature = "client")] {
//! use mini_sentry::Level;
//!
//! mini_sentry::configure_scope(|scope| scope.set_tag("region", "eu"));
//! mini_sentry::with_scope(
//!     |scope| scope.set_tag("step", "import"),
//!     || mini_sentry::capture_message("row skipped", Level::Warning), // has both tags
//! );
//! # }
//! ```
//!
//! # Threads and futures
//!
//! Each thread has a hub of its own. It starts with a copy of what the hub of the thread that called
//! [`init`] knows at that moment. To go on with another hub's work, take that hub along:
//!
//! ```
//! # #[cfg(feature = "client")] {
//! use std::sync::Arc;
//! use mini_sentry::Hub;
//!
//! let hub = Arc::new(Hub::new_from_top(Hub::current()));
//! std::thread::spawn(move || Hub::run(hub, || { /* … */ })).join().unwrap();
//! # }
//! ```
//!
//! A future moves between threads, and many share one. [`FutureExt::bind_hub`] gives it a hub that is
//! current whenever the future runs, so that requests do not see each other's tags.
//!
//! # What happens when, and what it costs
//!
//! Capturing copies only what would be gone later: the texts of an error and its causes, the
//! addresses of a stack, a shared reference to the scope. The caller pays for that and goes on.
//! The rest is done by one thread named `mini-sentry`: applying the scope, resolving symbols,
//! event processors, [`before_send`](ClientOptions::before_send), scrubbing, writing, compressing and
//! sending. So a slow server or callback does not slow the program down.
//!
//! The queue between the two is bounded [in bytes](ClientOptions::max_queue_bytes); when it is full,
//! the oldest goes first. What is dropped, here or anywhere, is counted with its reason and
//! reported to the server.
//!
//! Two callbacks run on the caller's thread: `before_breadcrumb` and `before_send_log`. A panic
//! waits for all preparation of its event, which must be done before the process may end.
//!
//! No function here panics, none but [`flush`], [`close`] and the guard's drop waits for the network,
//! and a panic in a callback costs only the event that it looked at.
//!
//! # Features
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `client` | yes | hub, scope, capturing, sessions, traces, logs, check-ins |
//! | `http` | yes | sends over blocking sockets with rustls, on the SDK's own thread |
//! | `panic` | yes | reports panics |
//! | `backtrace` | yes | stacks, with symbols resolved on the SDK's own thread |
//! | `tracing` | | a layer for `tracing`: events, breadcrumbs, log lines, spans |
//! | `log` | | a logger in front of another: events, breadcrumbs, log lines |
//! | `tower` | | layers for HTTP servers: a hub, a transaction and a session for each request |
//! | `axum` | | `tower`, with axum's routes as names |
//! | `anyhow` | | `capture_anyhow` |
//! | `reqwest` | | sends with `reqwest` on the program's tokio runtime |
//! | `reqwest-client` | | carries the trace on in requests that the program makes with `reqwest` |
//! | `reqwest-middleware` | | the same, for all requests of a client |
//! | `test` | | `mini_sentry::test`: a transport that keeps what it is given |
//! | `grouping` | | `mini_sentry::grouping`: the keys under which the server puts events together |
//! | `bridge` | | `mini_sentry::bridge`: the face that SDKs for other languages wrap |
//!
//! Without any feature the crate is the model: [`protocol`], [`envelope`], [`dsn`], [`auth`],
//! [`ratelimit`], [`scrub`] and [`limits`]. It needs no network, threads, files or clock, and builds
//! for browsers.
//!
//! # Offline
//!
//! What cannot be sent is tried again, with growing pauses. It waits in memory, up to 4 MiB, or,
//! when [`ClientOptions::spool`] names a folder, on disk:
//!
//! ```
//! # #[cfg(feature = "client")] {
//! use mini_sentry::ClientOptions;
//! use mini_sentry::transport::SpoolOptions;
//!
//! let options = ClientOptions::new().spool(SpoolOptions::new("/var/lib/shop/spool"));
//! # }
//! ```
//!
//! The spool is bounded in bytes and age and survives the process; the next start sends what it
//! finds there, oldest first. The event of a panic is on disk before the panic goes on.
//!
//! # Privacy
//!
//! Everything but attachments passes a [`Scrubber`](scrub::Scrubber) before it leaves the process or
//! reaches the disk. By default it removes values under names such as `password` or `authorization`,
//! card numbers, private keys, and the tokens of well-known services. Users, addresses, cookies and
//! bodies are sent only when the program sets them or allows it by
//! [`send_default_pii`](ClientOptions::send_default_pii).

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod auth;
#[cfg(feature = "client")]
mod client;
pub mod clock;
pub mod dsn;
pub mod envelope;
#[cfg(feature = "grouping")]
pub mod grouping;
#[cfg(feature = "client")]
mod init;
#[cfg(feature = "client")]
pub mod integrations;
pub mod limits;
pub mod losses;
pub mod protocol;
pub mod ratelimit;
pub mod scrub;
pub mod transport;

#[cfg(feature = "client")]
pub use client::*;
#[cfg(feature = "client")]
pub use clock::SystemClock;
#[cfg(feature = "client")]
pub use init::init;
#[cfg(feature = "anyhow")]
pub use integrations::anyhow::capture_anyhow;

pub use dsn::Dsn;
pub use protocol::{Breadcrumb, Event, Level, User};

// The texts for people, so that their examples are compiled.
#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
struct CrateReadme;
#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../../README.md")]
struct RepositoryReadme;
#[cfg(all(
    doctest,
    feature = "anyhow",
    feature = "axum",
    feature = "http",
    feature = "log",
    feature = "reqwest",
    feature = "reqwest-middleware",
    feature = "test",
    feature = "tracing"
))]
#[doc = include_str!("../../docs/sdk/rust.md")]
struct Guide;
#[cfg(doctest)]
#[doc = include_str!("../../docs/privacy.md")]
struct Privacy;
