//! Integration tests of the server: real listeners, real stores, real clients.

mod caller;
mod program;

mod abuse;
mod api;
mod api0;
mod auth;
mod crash;
mod live;
mod sdks;
