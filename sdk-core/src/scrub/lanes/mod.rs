//! Sixteen bytes looked at in one go, or a block of sixty-four; one file per kind of processor.
//!
//! Each answer is a mask with one bit per byte, the first byte lowest.

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod avx2;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod avx512;
mod classes;
pub(super) use classes::{BLOCK, Classes};

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod sse2;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(super) use sse2::Lanes;

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
mod portable;
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
pub(super) use portable::Lanes;

/// Bytes in one [`Lanes`].
pub(super) const WIDTH: usize = 16;

/// The sixteen bytes from an offset on, filled up with zeros behind the end.
#[inline(always)]
pub(super) fn load(bytes: &[u8], at: usize) -> Lanes {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(chunk) => Lanes::new(chunk),
        None => load_tail(bytes, at),
    }
}

#[cold]
fn load_tail(bytes: &[u8], at: usize) -> Lanes {
    let mut chunk = [0; WIDTH];
    for (to, from) in chunk.iter_mut().zip(bytes.get(at..).unwrap_or_default()) {
        *to = *from;
    }
    Lanes::new(&chunk)
}

/// Work on the classes of many blocks.
pub(super) trait ByBlock {
    /// What it comes to.
    type Output;

    /// Does it all, with the functions that suit the processor: the classes of a block, and a
    /// bit for each one that has an odd number of set ones up to itself.
    fn run(
        self,
        classes: impl Fn(&[u8; BLOCK]) -> Classes,
        parity: impl Fn(u64) -> u64,
    ) -> Self::Output;
}

/// Does the work with the best instructions that the processor has.
pub(super) fn by_block<W: ByBlock>(work: W) -> W::Output {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    let work = match avx512::run(work).or_else(avx2::run) {
        Ok(output) => return output,
        Err(work) => work,
    };
    work.run(Classes::of, parity)
}

#[inline(always)]
fn parity(mut mask: u64) -> u64 {
    for by in [1, 2, 4, 8, 16, 32] {
        mask ^= mask << by;
    }
    mask
}

#[cfg(all(test, target_arch = "x86_64", target_feature = "sse2"))]
mod tests {
    use super::{BLOCK, ByBlock, Classes, portable, sse2};

    /// The classes of one block, and the parity of a mask.
    struct One<'a>(&'a [u8; BLOCK], u64);

    impl ByBlock for One<'_> {
        type Output = (Classes, u64);

        fn run(
            self,
            classes: impl Fn(&[u8; BLOCK]) -> Classes,
            parity: impl Fn(u64) -> u64,
        ) -> Self::Output {
            (classes(self.0), parity(self.1))
        }
    }

    /// What the kinds that this processor has give.
    fn able(block: &[u8; BLOCK], mask: u64) -> impl Iterator<Item = (Classes, u64)> {
        let kinds = [
            super::avx2::run(One(block, mask)).ok(),
            super::avx512::run(One(block, mask)).ok(),
        ];
        kinds.into_iter().flatten()
    }

    #[test]
    fn all_kinds_give_the_same_parity() {
        for (shift, mask) in (0..64).zip(
            [0_u64, 1, u64::MAX, 0x9e37_79b9_7f4a_7c15]
                .into_iter()
                .cycle(),
        ) {
            let mask = mask.rotate_left(shift);
            let plain = super::parity(mask);
            for at in 0..u64::BITS {
                let ones = (mask << (u64::BITS - 1 - at)).count_ones();
                assert_eq!(plain >> at & 1, u64::from(ones % 2));
            }
            for (_, ours) in able(&[0; BLOCK], mask) {
                assert_eq!(ours, plain, "{mask:x}");
            }
        }
    }

    #[test]
    fn all_kinds_give_the_same_classes() {
        for seed in 0..=255u8 {
            let block: [u8; BLOCK] = std::array::from_fn(|at| {
                seed.wrapping_mul(29)
                    .wrapping_add((at as u8).wrapping_mul(5))
            });
            let plain = Classes::of(&block);
            for (ours, _) in able(&block, 0) {
                assert_eq!(ours, plain, "{block:?}");
            }
            for (at, byte) in block.iter().enumerate() {
                let has = |mask: u64| mask >> at & 1 == 1;
                assert_eq!(has(plain.quote), *byte == b'"');
                assert_eq!(has(plain.other_quote), matches!(byte, b'\'' | b'`'));
                assert_eq!(has(plain.backslash), *byte == b'\\');
                assert_eq!(has(plain.colon), *byte == b':');
                assert_eq!(has(plain.opening), matches!(byte, b'{' | b'['));
                assert_eq!(has(plain.closing), matches!(byte, b'}' | b']'));
                assert_eq!(has(plain.list), *byte == b'[');
                assert_eq!(has(plain.sign), matches!(byte, b'=' | b'@'));
                assert_eq!(has(plain.dash), *byte == b'-');
                assert_eq!(has(plain.dot), *byte == b'.');
                assert_eq!(has(plain.space), *byte == b' ');
                assert_eq!(has(plain.b), matches!(byte, b'b' | b'B'));
                assert_eq!(has(plain.r_or_c), b"rRcC".contains(byte));
                assert_eq!(has(plain.letter), byte.is_ascii_alphabetic());
                assert_eq!(has(plain.digit), byte.is_ascii_digit());
                assert_eq!(has(plain.underscore), *byte == b'_');
            }
        }
    }

    #[test]
    fn both_kinds_give_the_same_masks() {
        for seed in 0..=255u8 {
            let chunk: [u8; 16] =
                std::array::from_fn(|at| seed.wrapping_mul(31).wrapping_add(at as u8 * 17));
            let (ours, plain) = (sse2::Lanes::new(&chunk), portable::Lanes::new(&chunk));
            for byte in [b'"', b'\\', b'=', 0, 0xff, seed] {
                assert_eq!(ours.equal(byte), plain.equal(byte), "{chunk:?} {byte}");
            }
            assert_eq!(ours.within(b'0', 10), plain.within(b'0', 10));
            assert_eq!(
                ours.lowered().within(b'a', 26),
                plain.lowered().within(b'a', 26)
            );
            assert_eq!(ours.lowered().equal(b'r'), plain.lowered().equal(b'r'));
        }
    }
}
