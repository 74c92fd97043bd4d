//! Keeping a share of things.

use crate::client::random;
use crate::protocol::TraceId;

/// A share between none and all.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// Everything is kept.
    pub const ALL: Self = Self(1.0);
    /// Nothing is kept.
    pub const NONE: Self = Self(0.0);

    /// A share; what lies outside 0 to 1 is moved to the nearer end, and no number means none.
    #[must_use]
    pub fn new(share: f64) -> Self {
        Self(if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        })
    }

    /// The share, 0 to 1.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Decides once.
    pub(crate) fn keeps(self) -> bool {
        self.keeps_at(random::unit)
    }

    /// Decides by a number between 0 and 1, which is only made when it matters.
    pub(crate) fn keeps_at(self, number: impl FnOnce() -> f64) -> bool {
        self.0 >= 1.0 || (self.0 > 0.0 && number() < self.0)
    }
}

/// What a `traces_sampler` decides by.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SamplingContext<'a> {
    /// Name of the transaction.
    pub name: &'a str,
    /// What kind of work it is.
    pub op: &'a str,
    /// The trace.
    pub trace_id: TraceId,
    /// What the program that began the trace decided.
    pub parent_sampled: Option<bool>,
}
