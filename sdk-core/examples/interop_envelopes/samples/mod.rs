//! One of everything that the client sends, each with what it should say.
//!
//! Nothing expected is made by the SDK's own writing: it is spelled out here as JSON. Random ids
//! come from what the calls return, times from the clock that the client was given. Only ids that
//! no call returns (of sessions and transactions) are read from the bytes.

mod counts;
mod errors;
mod everything;
mod expected;
mod files;
mod jobs;
mod records;
mod sessions;
mod shapes;
mod stacks;
mod stage;
mod traces;
mod words;

use std::error::Error;

use serde_json::Value;

use expected::Spelled;

/// An envelope as a transport sends it, and what it should say.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// `{"header": …, "items": [{"header": …, "payload": …}]}`, without the items' lengths.
    pub(crate) expected: Value,
}

impl Sample {
    fn new(name: &'static str, bytes: Vec<u8>, expected: Spelled) -> Self {
        let expected = expected.into();
        Self {
            name,
            bytes,
            expected,
        }
    }
}

/// Samples, or why there are none.
type Samples = Result<Vec<Sample>, Box<dyn Error>>;

/// Captures all samples.
pub(crate) fn all() -> Samples {
    let groups = [
        errors::samples()?,
        everything::samples()?,
        shapes::samples()?,
        stacks::samples()?,
        files::samples()?,
        traces::samples()?,
        sessions::samples()?,
        jobs::samples()?,
        words::samples()?,
        counts::samples()?,
        records::samples()?,
    ];
    Ok(groups.into_iter().flatten().collect())
}
