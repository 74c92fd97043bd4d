//! A quick look at a text that tells which rules could find something in it.
//!
//! Most texts hold nothing that any rule starts from. They are passed over sixteen bytes at a
//! time; only where a mark was seen does the slower search for that mark run.

use crate::scrub::lanes::{self, WIDTH};

/// Word bytes in a row from which on a text may hold a token.
pub(super) const TOKEN_RUN: u32 = 16;
/// Digits in a text from which on it may hold a card number.
const CARD_DIGITS: u32 = 12;

/// Which marks a text bears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    /// An equals sign.
    pub(super) const EQUALS: Self = Self(1);
    /// An at sign.
    pub(super) const AT: Self = Self(1 << 1);
    /// A quotation mark, straight.
    pub(super) const QUOTE: Self = Self(1 << 2);
    /// Two hyphens in a row.
    pub(super) const DASHES: Self = Self(1 << 3);
    /// Enough digits for a card.
    pub(super) const DIGITS: Self = Self(1 << 4);
    /// Enough word bytes in a row for a token.
    pub(super) const RUN: Self = Self(1 << 5);
    /// The end of `Bearer` or `Basic` and a space.
    pub(super) const SCHEME: Self = Self(1 << 6);
    /// All of them.
    pub(super) const ALL: Self = Self(u8::MAX);
    /// None.
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn when(self, condition: bool) -> Self {
        if condition { self } else { Self(0) }
    }
}

/// The marks of the bytes from `start` to `end`.
#[inline]
pub(super) fn marks(bytes: &[u8], start: usize, end: usize) -> Marks {
    let (mut equals, mut at_signs, mut quotes) = (0, 0, 0);
    let (mut dashes, mut schemes, mut digits) = (0, 0, 0);
    let (mut run, mut longest) = (0, 0);
    // The last bits of the previous sixteen bytes, for marks of several bytes.
    let (mut last_dash, mut last_letters) = (0, 0);
    let mut at = start;
    while at < end {
        let chunk = lanes::load(bytes, at);
        let left = end.saturating_sub(at);
        let valid = if left >= WIDTH {
            0xffff
        } else {
            (1_u32 << left) - 1
        };
        equals |= chunk.equal(b'=') & valid;
        at_signs |= chunk.equal(b'@') & valid;
        quotes |= (chunk.equal(b'\'') | chunk.equal(b'"')) & valid;

        let dash = chunk.equal(b'-') & valid;
        dashes |= dash & (dash << 1 | last_dash);
        last_dash = dash >> (WIDTH - 1);

        let lowered = chunk.lowered();
        let letters = (lowered.equal(b'r') | lowered.equal(b'c')) & valid;
        schemes |= chunk.equal(b' ') & valid & (letters << 1 | last_letters);
        last_letters = letters >> (WIDTH - 1);

        let digit = chunk.within(b'0', 10) & valid;
        digits += digit.count_ones();

        let word = (lowered.within(b'a', 26) | digit | dash | chunk.equal(b'_')) & valid;
        let leading = word.trailing_ones();
        longest = longest.max(run + leading);
        run = if leading == WIDTH as u32 {
            run + leading
        } else {
            (word << WIDTH).leading_ones()
        };
        at += WIDTH;
    }
    Marks::EQUALS
        .when(equals != 0)
        .with(Marks::AT.when(at_signs != 0))
        .with(Marks::QUOTE.when(quotes != 0))
        .with(Marks::DASHES.when(dashes != 0))
        .with(Marks::SCHEME.when(schemes != 0))
        .with(Marks::DIGITS.when(digits >= CARD_DIGITS))
        .with(Marks::RUN.when(longest >= TOKEN_RUN))
}
