//! Integration tests of the server: one binary.

mod block;
mod journal;
