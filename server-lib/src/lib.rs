//! Error tracking in one process: ingest in Sentry's protocol, storage, and an API to read it back.
//!
//! [`Server::builder`] opens a data folder, [`Server::router`] is what a host nests into its own
//! routes, [`Server::transport`] captures errors of the host itself without a network, and
//! [`Server::start`] runs the work behind. The program `mini-sentry` is the same with flags.
//!
//! # The life of an event
//!
//! A request is admitted by its key and read within bounds ([`accept`]). Each item is judged,
//! scrubbed, and looked at once ([`facts`]). The good ones go to the [`journal`], which syncs many
//! requests at once; only then does the answer go out, so a 2xx means: on disk. [`digest`] writes
//! batches of facts into the [`store`], each in one transaction with the position that it has
//! reached, so that a crash repeats work and neither loses nor doubles it. The bodies stay where
//! they were journaled. [`web`] reads both; [`jobs`] drop what is old and pack what is at rest.
//!
//! # What the library leaves to its host
//!
//! It reads no environment variables, installs no signal handler, logger, panic hook or allocator,
//! and keeps nothing global: several servers live in one process.
//!
//! # Features
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `sqlite` | yes | the store in one file |
//! | `cli` | yes | the program, with both stores |
//! | `postgres` | with `cli` | the store in a PostgreSQL database |
//! | `testkit` | | a server for tests, and the suite that every store passes |

pub mod accept;
pub mod address;
pub mod blob;
pub mod block;
pub mod builder;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod digest;
pub mod error;
pub mod facts;
pub mod indexer;
pub mod jobs;
pub mod journal;
pub mod metrics;
pub mod model;
pub mod people;
pub mod provision;
pub mod secret;
pub mod serve;
pub mod server;
pub mod state;
pub mod store;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod tokens;
pub mod web;

pub use builder::ServerBuilder;
pub use server::{Handle, Server};

// The texts for people, so that their examples are compiled.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct CrateReadme;
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;
