//! Where the sweep over a document has to stop, worked out for sixty-four bytes at a time.
//!
//! What is the same for all blocks is one loop over masks without a branch, so that the compiler
//! turns it into instructions for several blocks at once.
//!
//! Every stop stands where something ends, so that only bytes before it decide on it. A text in
//! which the searches would find something has a stop for sure; most others have none.

use crate::scrub::lanes::{BLOCK, Classes};
use crate::scrub::marks::TOKEN_RUN;

/// Blocks in a stretch.
pub(super) const AHEAD: usize = 16;
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

/// One mask for each block of a stretch.
#[derive(Clone, Copy, Debug, Default)]
struct Row([u64; AHEAD]);

impl Row {
    #[inline(always)]
    fn at(&self, number: usize) -> u64 {
        self.0.get(number).copied().unwrap_or_default()
    }

    #[inline(always)]
    fn put(&mut self, number: usize, mask: u64) {
        if let Some(slot) = self.0.get_mut(number) {
            *slot = mask;
        }
    }
}

/// The stops of a stretch, and what they are worked out from.
#[derive(Debug, Default)]
pub(super) struct Scan {
    past: Past,
    found: Found,
    read: Read,
}

/// Where strings begin and end; what comes next depends on all before.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    /// One when the last backslash escapes the first byte.
    escape: u64,
    /// All ones when a string is open.
    open: u64,
}

/// What the stops of a block depend on in the one before.
#[derive(Clone, Copy, Debug, Default)]
struct Past {
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

/// The classes of the bytes of a stretch.
#[derive(Debug, Default)]
struct Read {
    /// Bytes in strings, with the opening mark, without the closing one.
    inside: Row,
    escaped: Row,
    quote: Row,
    other_quote: Row,
    backslash: Row,
    colon: Row,
    opening: Row,
    closing: Row,
    list: Row,
    sign: Row,
    dash: Row,
    dot: Row,
    space: Row,
    b: Row,
    r_or_c: Row,
    letter: Row,
    digit: Row,
    underscore: Row,
}

/// The same as [`Stops`].
#[derive(Debug, Default)]
struct Found {
    opening: Row,
    colon: Row,
    opens: Row,
    closes: Row,
    list: Row,
    run: Row,
    strong: Row,
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
    pub(super) opens: u64,
    pub(super) closes: u64,
    /// Those that open lists.
    pub(super) list: u64,
    /// Inside of strings: ends of the first bytes of words as long as a token.
    pub(super) run: u64,
    /// Inside of strings: ends of what else may be found.
    pub(super) strong: u64,
}

impl Scan {
    /// Takes the block of this number in the next stretch; a byte has a bit in the mask that
    /// `parity` makes when it has an odd number of set ones up to itself.
    #[inline(always)]
    pub(super) fn read(
        &mut self,
        number: usize,
        now: &Classes,
        quotes: &mut Quotes,
        parity: impl Fn(u64) -> u64,
    ) {
        let escaped = quotes.escaped(now.backslash);
        let quote = now.quote & !escaped;
        let inside = parity(quote) ^ quotes.open;
        quotes.open = 0_u64.wrapping_sub(inside >> (BLOCK - 1));
        let read = &mut self.read;
        read.inside.put(number, inside);
        read.escaped.put(number, escaped);
        read.quote.put(number, now.quote);
        read.other_quote.put(number, now.other_quote);
        read.backslash.put(number, now.backslash);
        read.colon.put(number, now.colon);
        read.opening.put(number, now.opening);
        read.closing.put(number, now.closing);
        read.list.put(number, now.list);
        read.sign.put(number, now.sign);
        read.dash.put(number, now.dash);
        read.dot.put(number, now.dot);
        read.space.put(number, now.space);
        read.b.put(number, now.b);
        read.r_or_c.put(number, now.r_or_c);
        read.letter.put(number, now.letter);
        read.digit.put(number, now.digit);
        read.underscore.put(number, now.underscore);
    }

    /// Works out the stops of the stretch that was read. False when it holds what no JSON does,
    /// or white space before a colon.
    #[inline(always)]
    pub(super) fn work_out(&mut self, digits_begin: bool) -> bool {
        let Self {
            read, found, past, ..
        } = self;
        let mut now = *past;
        let digits_begin = if digits_begin { u64::MAX } else { 0 };
        let mut odd = 0;
        for number in 0..AHEAD {
            let inside = read.inside.at(number);
            let escaped = read.escaped.at(number);
            let quote = read.quote.at(number);
            let colons = read.colon.at(number);
            let dash = read.dash.at(number);
            let space = read.space.at(number);
            let letter = read.letter.at(number);
            let digit = read.digit.at(number);

            let opening = quote & !escaped & inside;
            let closing = quote & !escaped & !inside;
            let colon = colons & !inside;
            odd |= colon & !now.closing.up(closing) | read.backslash.at(number) & !inside;

            let quoted = inside & (quote | read.other_quote.at(number)) & !opening;
            let keyed = colons & now.quoted.up(quoted);
            let dashes = dash & now.dash.up(dash);
            let b = read.b.at(number);
            let b = now.bearer.up(b) | now.basic.up(b);
            let scheme = space & b & now.r_or_c.up(read.r_or_c.at(number));
            // The sequence `\u` may stand for anything.
            let unicode = escaped & letter;

            // The first sixteen bytes of what may be a token.
            let plain = letter | digit;
            let word = (plain | dash | read.underscore.at(number)) & inside;
            let plain = plain & !escaped;
            let first = letter | digit & digits_begin;
            let dotted = word & now.dot.up(read.dot.at(number));
            let begins = first & !now.plain.up(plain) | dotted;
            let words2 = word & now.word.up(word);
            let words4 = words2 & now.words2.up(words2);
            let words8 = words4 & now.words4.up(words4);
            let words16 = words8 & now.words8.up(words8);
            let run = words16 & now.begins.up(begins);

            // Thirteen digits, or four digits, a space or hyphen, and four more.
            let digits2 = digit & now.digit.up(digit);
            let digits4 = digits2 & now.digits2.up(digits2);
            let digits8 = digits4 & now.digits4.up(digits4);
            let digits13 = digits8 & now.digits8.up(digits8);
            let grouped = digits4 & now.joint.up(space | dash) & now.group.up(digits4);

            let sign = read.sign.at(number);
            let strong = sign | keyed | dashes | scheme | unicode | digits13 | grouped;
            found.opening.put(number, opening);
            found.colon.put(number, colon);
            found.opens.put(number, read.opening.at(number) & !inside);
            found.closes.put(number, read.closing.at(number) & !inside);
            found.list.put(number, read.list.at(number) & !inside);
            found.run.put(number, run & inside);
            found.strong.put(number, strong & inside);
        }
        *past = now;
        odd == 0
    }

    /// The stops in the block of this number.
    #[inline(always)]
    pub(super) fn stops(&self, number: usize) -> Stops {
        Stops {
            opening: self.found.opening.at(number),
            backslash: self.read.backslash.at(number),
            colon: self.found.colon.at(number),
            opens: self.found.opens.at(number),
            closes: self.found.closes.at(number),
            list: self.found.list.at(number),
            run: self.found.run.at(number),
            strong: self.found.strong.at(number),
        }
    }
}

impl Quotes {
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
}

#[cfg(test)]
mod tests {
    use super::Quotes;

    #[test]
    fn every_second_backslash_of_a_row_is_escaped() {
        let text = r"a\c\\d\\e\\\\\\\\\\\\\\\\\\\\\\\\\\\\\g\h";
        for from in 0..text.len() {
            let bytes = [text.as_bytes(), text.as_bytes(), text.as_bytes()].concat();
            let bytes = bytes.get(from..).unwrap_or_default();
            let (mut quotes, mut is_escaped) = (Quotes::default(), false);
            for block in bytes.as_chunks::<64>().0 {
                let backslash = (0..64)
                    .filter(|at| block[*at] == b'\\')
                    .fold(0, |mask, at| mask | 1 << at);
                let escaped = quotes.escaped(backslash);
                for (at, byte) in block.iter().enumerate() {
                    assert_eq!(escaped >> at & 1 == 1, is_escaped, "{from} {at}");
                    is_escaped = *byte == b'\\' && !is_escaped;
                }
            }
        }
    }
}
