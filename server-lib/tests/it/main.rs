//! The server as its callers see it.

mod store_postgres;
