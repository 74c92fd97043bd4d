//! Adds to the search index what digest stored, some seconds later and many events at once.
//!
//! Digest hands batches on through the [`Feed`]. The [`Indexer`], a thread of its own, gathers them
//! in memory and writes them with its own position, which is in the store too. What it does not get
//! that way, because it fell behind or the server was started again, it reads from the rows and
//! bodies. So a crash repeats work and neither loses nor doubles it.
//!
//! Who searches asks the feed to [settle](Feed::settle) first: what was stored before is written at
//! once when it is little, and otherwise follows within seconds.

mod feed;
mod gather;
mod recent;
mod worker;

pub use feed::Feed;
pub use worker::{Indexer, IndexerHandle, IndexerParts};
