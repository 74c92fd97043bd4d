//! Memory of requests: all bodies together have a bound.

use std::ops::Deref;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

/// A body in memory, accounted for until it is dropped.
#[derive(Debug)]
pub struct HeldBody {
    bytes: Bytes,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Deref for HeldBody {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}
