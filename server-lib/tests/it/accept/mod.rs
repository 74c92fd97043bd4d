//! Accept over a real journal and a real store: what is sent is looked for on disk.

mod door;
mod envelopes;
mod limits;
mod privacy;
mod streams;
mod transport;
