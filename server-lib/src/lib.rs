//! Error tracking in one process: ingest, storage and API.

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
pub mod jobs;
pub mod journal;
pub mod metrics;
pub mod model;
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
