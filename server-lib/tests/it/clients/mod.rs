//! Programs that read and change what Sentry has, made for Sentry and run unchanged against our
//! binary: its command line, its MCP server, and what Grafana's data source asks.
//!
//! `tests/clients/node_modules` holds the Node packages and `MINI_SENTRY_TEST_GRAFANA` names the
//! built test of `tests/clients/grafana`; `make test` makes both.

mod cli;
mod grafana;
mod lab;
mod mcp;
