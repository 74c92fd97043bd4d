//! Digest: from the real journal into a real SQLite store.

mod facts;
mod items;
mod lab;
mod sessions;
mod trouble;
