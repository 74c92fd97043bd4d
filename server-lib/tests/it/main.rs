//! Integration tests of the server: real listeners, real stores, real clients.

mod caller;
mod program;
#[path = "../../../sdk-core/tests/it/source.rs"]
mod source;

mod abuse;
mod crash;
mod layers;
mod sdks;
mod store_sqlite;
