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

/// A mask, and that of the block before.
#[derive(Clone, Copy, Debug, Default)]
struct Past(u64);

impl Past {
    /// The mask moved up by so many bytes, from one to sixty-three.
    #[inline(always)]
    fn moved(self, now: u64, by: u32) -> u64 {
        now << by | self.0 >> (u64::BITS - by)
    }
}

/// What the stops of a block depend on in those before.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// One when the last backslash escapes the first byte.
    escape: u64,
    /// All ones when a string is open.
    open: u64,
    closing: Past,
    quoted: Past,
    dash: Past,
    dot: Past,
    b: Past,
    r_or_c: Past,
    plain: Past,
    begins: Past,
    words: [Past; 4],
    digits: [Past; 4],
    joint: Past,
}

/// Masks of the stops in one block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stops {
    /// Opening marks of strings.
    pub(super) opening: u64,
    pub(super) backslash: u64,
    /// Colons behind names.
    pub(super) colon: u64,
    /// Brackets outside of strings.
    pub(super) bracket: u64,
    /// Inside of strings: ends of the first bytes of words as long as a token.
    pub(super) run: u64,
    /// Inside of strings: ends of what else may be found.
    pub(super) strong: u64,
    /// True when the block holds what no JSON does, or white space before a colon.
    pub(super) odd: bool,
}

impl Scan {
    /// The stops in the next block.
    #[inline(always)]
    pub(super) fn stops(&mut self, now: &Classes, digits_begin: bool) -> Stops {
        let escaped = self.escaped(now.backslash);
        let quote = now.quote & !escaped;
        let inside = parity(quote) ^ self.open;
        self.open = 0_u64.wrapping_sub(inside >> (BLOCK - 1));
        let opening = quote & inside;
        let closing = quote & !inside;

        let colon = now.colon & !inside;
        let behind_name = self.closing.moved(closing, 1);
        self.closing = Past(closing);

        let quoted = inside & (now.quote | now.other_quote) & !opening;
        let keyed = now.colon & self.quoted.moved(quoted, 1);
        self.quoted = Past(quoted);

        let dashes = now.dash & self.dash.moved(now.dash, 1);
        self.dash = Past(now.dash);

        let b = self.b.moved(now.b, BEARER) | self.b.moved(now.b, BASIC);
        let scheme = now.space & b & self.r_or_c.moved(now.r_or_c, 1);
        self.b = Past(now.b);
        self.r_or_c = Past(now.r_or_c);

        // The sequence `\u` may stand for anything.
        let unicode = escaped & now.letter;
        let run = self.run(now, inside, escaped, digits_begin);
        let strong = now.sign | keyed | dashes | scheme | self.card(now) | unicode;
        Stops {
            opening,
            backslash: now.backslash,
            colon,
            bracket: now.bracket & !inside,
            run: run & inside,
            strong: strong & inside,
            odd: (colon & !behind_name) | (now.backslash & !inside) != 0,
        }
    }

    /// The bytes behind backslashes that are not escaped themselves.
    #[inline(always)]
    fn escaped(&mut self, backslash: u64) -> u64 {
        if backslash == 0 {
            return std::mem::take(&mut self.escape);
        }
        let mut escaped = self.escape;
        let mut rest = backslash & !escaped;
        self.escape = 0;
        while rest != 0 {
            let at = rest.trailing_zeros();
            let behind = 2_u64.checked_shl(at).unwrap_or(0);
            if at == u64::BITS - 1 {
                self.escape = 1;
            }
            escaped |= behind;
            rest &= rest - 1;
            rest &= !behind;
        }
        escaped
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
        let begins = first & !self.plain.moved(plain, 1) | word & self.dot.moved(now.dot, 1);
        self.plain = Past(plain);
        self.dot = Past(now.dot);
        let [one, two, four, eight] = self.words;
        let words2 = word & one.moved(word, 1);
        let words4 = words2 & two.moved(words2, 2);
        let words8 = words4 & four.moved(words4, 4);
        let words16 = words8 & eight.moved(words8, 8);
        self.words = [Past(word), Past(words2), Past(words4), Past(words8)];
        let run = words16 & self.begins.moved(begins, RUN_STOP as u32);
        self.begins = Past(begins);
        run
    }

    /// Where thirteen digits end, or four digits, a space or hyphen, and four more.
    #[inline(always)]
    fn card(&mut self, now: &Classes) -> u64 {
        let digit = now.digit;
        let joint = now.space | now.dash;
        let [one, two, four, eight] = self.digits;
        let digits2 = digit & one.moved(digit, 1);
        let digits4 = digits2 & two.moved(digits2, 2);
        let digits8 = digits4 & four.moved(digits4, 4);
        let digits13 = digits8 & eight.moved(digits8, CARD_BEYOND_EIGHT);
        let grouped = digits4 & self.joint.moved(joint, 4) & four.moved(digits4, GROUP);
        self.digits = [Past(digit), Past(digits2), Past(digits4), Past(digits8)];
        self.joint = Past(joint);
        digits13 | grouped
    }
}

/// A bit for each byte that has an odd number of set ones up to itself.
#[inline(always)]
fn parity(mut mask: u64) -> u64 {
    for by in [1, 2, 4, 8, 16, 32] {
        mask ^= mask << by;
    }
    mask
}
