//! Which bytes of a block of sixty-four belong to which class.

use crate::scrub::lanes::{Lanes, WIDTH};

/// Bytes in one block.
pub(in crate::scrub) const BLOCK: usize = 64;

/// One mask for each class, with one bit per byte, the first byte lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::scrub) struct Classes {
    /// `"`.
    pub(in crate::scrub) quote: u64,
    /// `'` and the backtick.
    pub(in crate::scrub) other_quote: u64,
    pub(in crate::scrub) backslash: u64,
    pub(in crate::scrub) colon: u64,
    /// `{` and `[`.
    pub(in crate::scrub) opening: u64,
    /// `}` and `]`.
    pub(in crate::scrub) closing: u64,
    /// `[`.
    pub(in crate::scrub) list: u64,
    /// `=` and `@`.
    pub(in crate::scrub) sign: u64,
    pub(in crate::scrub) dash: u64,
    pub(in crate::scrub) dot: u64,
    pub(in crate::scrub) space: u64,
    /// `b`, in both cases.
    pub(in crate::scrub) b: u64,
    /// `r` and `c`, in both cases.
    pub(in crate::scrub) r_or_c: u64,
    /// Letters of ASCII.
    pub(in crate::scrub) letter: u64,
    pub(in crate::scrub) digit: u64,
    pub(in crate::scrub) underscore: u64,
}

impl Classes {
    /// The classes of sixteen bytes at a time.
    pub(in crate::scrub) fn of(block: &[u8; BLOCK]) -> Self {
        let mut classes = Self::default();
        let (chunks, _) = block.as_chunks::<WIDTH>();
        for chunk in chunks.iter().rev() {
            let own = Lanes::new(chunk);
            let lowered = own.lowered();
            let shifted = |mask: &mut u64, bits: u32| *mask = *mask << WIDTH | u64::from(bits);
            shifted(&mut classes.quote, own.equal(b'"'));
            shifted(&mut classes.other_quote, own.equal(b'\'') | own.equal(b'`'));
            shifted(&mut classes.backslash, own.equal(b'\\'));
            shifted(&mut classes.colon, own.equal(b':'));
            shifted(&mut classes.opening, lowered.equal(b'{'));
            shifted(&mut classes.closing, lowered.equal(b'}'));
            shifted(&mut classes.list, own.equal(b'['));
            shifted(&mut classes.sign, own.equal(b'=') | own.equal(b'@'));
            shifted(&mut classes.dash, own.equal(b'-'));
            shifted(&mut classes.dot, own.equal(b'.'));
            shifted(&mut classes.space, own.equal(b' '));
            shifted(&mut classes.b, lowered.equal(b'b'));
            shifted(
                &mut classes.r_or_c,
                lowered.equal(b'r') | lowered.equal(b'c'),
            );
            shifted(&mut classes.letter, lowered.within(b'a', 26));
            shifted(&mut classes.digit, own.within(b'0', 10));
            shifted(&mut classes.underscore, own.equal(b'_'));
        }
        classes
    }
}
