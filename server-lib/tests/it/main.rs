//! Integration tests of the server: real listeners, real stores, real clients.

#![cfg(test)]

mod caller;
mod program;
#[path = "../../../sdk-core/tests/it/source.rs"]
mod source;

mod abuse;
mod accept;
mod api;
mod api0;
mod auth;
mod block;
mod cli;
mod crash;
mod digest;
mod host;
mod ingest;
mod journal;
mod layers;
mod live;
mod matrix;
mod migrations;
mod normalize;
mod people;
mod provision;
mod retention;
mod sdks;
mod shippers;
mod store_postgres;
mod store_sqlite;
mod upkeep;
