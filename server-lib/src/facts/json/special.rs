//! Where a string stops being plain, worked out for sixty-four bytes at a time.

use wide::u8x16;

const BLOCK: usize = 64;
const LANES: usize = 16;

/// Finds quotes, backslashes and control characters. Asked for places in rising order, it looks at
/// every byte once.
#[derive(Clone, Debug)]
pub(super) struct Specials {
    /// Where the block at hand begins.
    start: usize,
    /// One bit for each special byte of it, the first byte lowest.
    mask: u64,
}

impl Specials {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self {
            start: 0,
            mask: mask_at(bytes, 0),
        }
    }

    /// Finds the first one from `from` on.
    #[inline]
    pub(super) fn find(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let within = from % BLOCK;
        let mut start = from.saturating_sub(within);
        if start != self.start {
            self.look_at(bytes, start);
        }
        let mut mask = self.mask & (u64::MAX << within);
        while mask == 0 {
            start = start.saturating_add(BLOCK);
            if start >= bytes.len() {
                return None;
            }
            self.look_at(bytes, start);
            mask = self.mask;
        }
        Some(start.saturating_add(mask.trailing_zeros() as usize))
    }

    #[inline]
    fn look_at(&mut self, bytes: &[u8], start: usize) {
        self.start = start;
        self.mask = mask_at(bytes, start);
    }
}

/// Returns the mask of the block that begins at `start`; behind the end nothing is special.
#[inline]
fn mask_at(bytes: &[u8], start: usize) -> u64 {
    match bytes.get(start..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        Some(block) => mask_of(block),
        None => mask_of_rest(bytes.get(start..).unwrap_or_default()),
    }
}

#[cold]
fn mask_of_rest(rest: &[u8]) -> u64 {
    let mut block = [b' '; BLOCK];
    for (to, from) in block.iter_mut().zip(rest) {
        *to = *from;
    }
    mask_of(&block)
}

#[inline]
fn mask_of(block: &[u8; BLOCK]) -> u64 {
    let (chunks, _) = block.as_chunks::<LANES>();
    let (quote, backslash) = (u8x16::splat(b'"'), u8x16::splat(b'\\'));
    let last_control = u8x16::splat(0x1f);
    chunks.iter().rev().fold(0, |mask, chunk| {
        let lanes = u8x16::new(*chunk);
        let found = lanes.simd_eq(quote)
            | lanes.simd_eq(backslash)
            | lanes.min(last_control).simd_eq(lanes);
        mask << LANES | u64::from(found.to_bitmask())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_special(byte: u8) -> bool {
        matches!(byte, b'"' | b'\\' | 0..=0x1f)
    }

    #[test]
    fn every_byte_is_found_at_every_place_exactly_when_it_is_special() {
        for byte in 0..=u8::MAX {
            for place in 0..140 {
                let mut bytes = vec![b'x'; 145];
                bytes[place] = byte;
                let expected = is_special(byte).then_some(place);
                for from in [0, 1, 13, 64, 100] {
                    let expected = expected.filter(|place| *place >= from);
                    let found = Specials::new(&bytes).find(&bytes, from);
                    assert_eq!(found, expected, "{byte} at {place} from {from}");
                }
            }
        }
    }

    #[test]
    fn all_of_a_text_are_found_one_after_the_other() {
        let bytes: Vec<u8> = (0..1_000_u32).map(|at| (at * 7 % 251) as u8).collect();
        let mut specials = Specials::new(&bytes);
        let mut at = 0;
        let mut found = Vec::new();
        while let Some(place) = specials.find(&bytes, at) {
            found.push(place);
            at = place + 1;
        }
        let expected: Vec<usize> = (0..1_000).filter(|at| is_special(bytes[*at])).collect();
        assert_eq!(found, expected);
        assert_eq!(Specials::new(&[]).find(&[], 0), None);
    }
}
