//! Integration tests of the server: real listeners, real stores, real clients.

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
mod crash;
mod journal;
mod layers;
mod live;
mod migrations;
mod sdks;
mod store_sqlite;
