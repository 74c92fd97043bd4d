//! From capture to transport: through a queue and a thread, or at once where there are none.

#[cfg(not(feature = "worker"))]
mod inline;
mod job;
#[cfg(feature = "worker")]
mod logs;
#[cfg(feature = "worker")]
mod weight;
#[cfg(feature = "worker")]
mod worker;

#[cfg(not(feature = "worker"))]
pub(crate) use inline::{Pipeline, is_sdk_thread};
pub(crate) use job::{Job, category};
#[cfg(feature = "worker")]
pub(crate) use worker::{Pipeline, is_sdk_thread};
