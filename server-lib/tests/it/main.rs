//! Integration tests of the server: real listeners, real stores, real clients.

mod caller;
mod program;

mod abuse;
mod accept;
mod crash;
mod sdks;
