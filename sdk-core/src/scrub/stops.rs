//! Where the sweep over a document has to stop, worked out for sixty-four bytes at a time.
//!
//! Every stop stands where something ends, so that only bytes before it decide on it. A text in
//! which the searches would find something has a stop for sure; most others have none.

use crate::scrub::lanes::{BLOCK, Classes};
use crate::scrub::marks::TOKEN_RUN;

/// From the first byte of a run that is long enough for a token to the stop for it.
pub(super) const RUN_STOP: usize = TOKEN_RUN as usize - 1;
/// From a space back to the `b` of `Bearer` and of `Basic`.
const BEARER: u32 = 6;
const BASIC: u32 = 5;
/// Shortest card, as far as it exceeds eight digits.
const CARD_BEYOND_EIGHT: u32 = 5;
/// From the last of four digits back to the last of the four before them.
const GROUP: u32 = 5;

/// What moves into the next block when masks are moved up by so many bytes, from one to sixty-three.
#[derive(Clone, Copy, Debug, Default)]
struct Moved<const BY: u32>(u64);

impl<const BY: u32> Moved<BY> {
    /// The mask of the next block, moved up.
    #[inline(always)]
    fn up(&mut self, now: u64) -> u64 {
        let moved = now << BY | self.0;
        self.0 = now >> (u64::BITS - BY);
        moved
    }
}

/// What the stops of a block depend on in those before.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// One when the last backslash escapes the first byte.
    escape: u64,
    /// All ones when a string is open.
    open: u64,
    closing: Moved<1>,
    quoted: Moved<1>,
    dash: Moved<1>,
    dot: Moved<1>,
    bearer: Moved<BEARER>,
    basic: Moved<BASIC>,
    r_or_c: Moved<1>,
    plain: Moved<1>,
    begins: Moved<{ RUN_STOP as u32 }>,
    word: Moved<1>,
    words2: Moved<2>,
    words4: Moved<4>,
    words8: Moved<8>,
    digit: Moved<1>,
    digits2: Moved<2>,
    digits4: Moved<4>,
    digits8: Moved<CARD_BEYOND_EIGHT>,
    group: Moved<GROUP>,
    joint: Moved<4>,
}

/// Masks of the stops in one block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stops {
    /// Opening marks of strings.
    pub(super) opening: u64,
    pub(super) backslash: u64,
    /// Colons behind names.
    pub(super) colon: u64,
    /// Brackets outside of strings.
    pub(super) opens: u64,
    pub(super) closes: u64,
    /// Those that open lists.
    pub(super) list: u64,
    /// Inside of strings: ends of the first bytes of words as long as a token.
    pub(super) run: u64,
    /// Inside of strings: ends of what else may be found.
    pub(super) strong: u64,
    /// What no JSON has, and colons behind white space.
    pub(super) odd: u64,
}

impl Scan {
    /// The stops in the next block; a byte has a bit in the mask that `parity` makes when it has
    /// an odd number of set ones up to itself.
    #[inline(always)]
    pub(super) fn stops(
        &mut self,
        now: &Classes,
        digits_begin: bool,
        parity: impl Fn(u64) -> u64,
    ) -> Stops {
        let escaped = self.escaped(now.backslash);
        let quote = now.quote & !escaped;
        let inside = parity(quote) ^ self.open;
        self.open = 0_u64.wrapping_sub(inside >> (BLOCK - 1));
        let opening = quote & inside;
        let closing = quote & !inside;

        let colon = now.colon & !inside;
        let behind_name = self.closing.up(closing);

        let quoted = inside & (now.quote | now.other_quote) & !opening;
        let keyed = now.colon & self.quoted.up(quoted);
        let dashes = now.dash & self.dash.up(now.dash);
        let b = self.bearer.up(now.b) | self.basic.up(now.b);
        let scheme = now.space & b & self.r_or_c.up(now.r_or_c);

        // The sequence `\u` may stand for anything.
        let unicode = escaped & now.letter;
        let run = self.run(now, inside, escaped, digits_begin);
        let strong = now.sign | keyed | dashes | scheme | self.card(now) | unicode;
        Stops {
            opening,
            backslash: now.backslash,
            colon,
            opens: now.opening & !inside,
            closes: now.closing & !inside,
            list: now.list & !inside,
            run: run & inside,
            strong: strong & inside,
            odd: (colon & !behind_name) | (now.backslash & !inside),
        }
    }

    /// The bytes behind backslashes that are not escaped themselves.
    #[inline(always)]
    fn escaped(&mut self, backslash: u64) -> u64 {
        // A sum carries through a row of backslashes to the byte behind it.
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let backslash = backslash & !self.escape;
        let behind = backslash << 1 | self.escape;
        let odd_rows = backslash & !EVEN & !behind;
        let (rows, carried) = odd_rows.overflowing_add(backslash);
        self.escape = u64::from(carried);
        (EVEN ^ rows << 1) & behind
    }

    /// Where the first sixteen bytes of what may be a token end.
    #[inline(always)]
    fn run(&mut self, now: &Classes, inside: u64, escaped: u64, digits_begin: bool) -> u64 {
        let sign_or_letter = now.letter | now.digit;
        let word = (sign_or_letter | now.dash | now.underscore) & inside;
        let plain = sign_or_letter & !escaped;
        let first = if digits_begin {
            sign_or_letter
        } else {
            now.letter
        };
        let begins = first & !self.plain.up(plain) | word & self.dot.up(now.dot);
        let words2 = word & self.word.up(word);
        let words4 = words2 & self.words2.up(words2);
        let words8 = words4 & self.words4.up(words4);
        let words16 = words8 & self.words8.up(words8);
        words16 & self.begins.up(begins)
    }

    /// Where thirteen digits end, or four digits, a space or hyphen, and four more.
    #[inline(always)]
    fn card(&mut self, now: &Classes) -> u64 {
        let digit = now.digit;
        let joint = now.space | now.dash;
        let digits2 = digit & self.digit.up(digit);
        let digits4 = digits2 & self.digits2.up(digits2);
        let digits8 = digits4 & self.digits4.up(digits4);
        let digits13 = digits8 & self.digits8.up(digits8);
        let grouped = digits4 & self.joint.up(joint) & self.group.up(digits4);
        digits13 | grouped
    }
}
