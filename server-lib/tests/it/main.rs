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
mod audit;
mod auth;
mod block;
mod cli;
mod clients;
mod contract;
mod crash;
mod digest;
mod discover;
mod docs;
mod erasure;
mod grouping;
mod host;
mod indexing;
mod ingest;
mod issues;
mod journal;
mod layers;
mod live;
mod matrix;
mod migrations;
mod normalize;
mod own_groups;
mod own_releases;
mod people;
mod provision;
mod releases;
mod retention;
mod sdks;
mod search;
mod shippers;
mod store_postgres;
mod store_sqlite;
mod upkeep;
