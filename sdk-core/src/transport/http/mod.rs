//! Delivery over blocking sockets of our own: HTTP/1.1, TLS, proxies.
//!
//! `ureq-proto` speaks the protocol and `rustls` the encryption; here are the sockets, and how
//! a few of them are kept busy. Everything runs on the one thread that calls the transport.

mod connect;
mod exchange;
mod lanes;
mod proxy;
mod transport;

pub use self::transport::{HttpTransport, HttpTransportFactory};
