//! Integration tests of the server: real listeners, real stores, real clients.

mod caller;
mod program;
#[path = "../../../sdk-core/tests/it/source.rs"]
mod source;

mod abuse;
mod accept;
mod crash;
mod layers;
mod api;
mod api0;
mod auth;
mod crash;
mod live;
mod sdks;
//! Integration tests of the server: one binary.

mod block;
mod journal;
