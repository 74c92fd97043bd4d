//! Sixteen bytes looked at in one go, or a block of sixty-four; one file per kind of processor.
//!
//! Each answer is a mask with one bit per byte, the first byte lowest.

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod avx2;
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

/// The classes of the bytes of a block that begins at an offset; behind the end there are none.
#[inline(always)]
pub(super) fn classes(bytes: &[u8], at: usize) -> Classes {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(block) => classes_of(block),
        None => classes_of_tail(bytes, at),
    }
}

#[inline(always)]
fn classes_of(block: &[u8; BLOCK]) -> Classes {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    if let Some(classes) = avx2::classes(block) {
        return classes;
    }
    Classes::of(block)
}

#[cold]
fn classes_of_tail(bytes: &[u8], at: usize) -> Classes {
    let mut block = [0; BLOCK];
    for (to, from) in block.iter_mut().zip(bytes.get(at..).unwrap_or_default()) {
        *to = *from;
    }
    classes_of(&block)
}

#[cfg(all(test, target_arch = "x86_64", target_feature = "sse2"))]
mod tests {
    use super::{BLOCK, Classes, avx2, portable, sse2};

    #[test]
    fn both_kinds_give_the_same_classes() {
        for seed in 0..=255u8 {
            let block: [u8; BLOCK] = std::array::from_fn(|at| {
                seed.wrapping_mul(29)
                    .wrapping_add((at as u8).wrapping_mul(5))
            });
            let plain = Classes::of(&block);
            if let Some(ours) = avx2::classes(&block) {
                assert_eq!(ours, plain, "{block:?}");
            }
            for (at, byte) in block.iter().enumerate() {
                let has = |mask: u64| mask >> at & 1 == 1;
                assert_eq!(has(plain.quote), *byte == b'"');
                assert_eq!(has(plain.other_quote), matches!(byte, b'\'' | b'`'));
                assert_eq!(has(plain.backslash), *byte == b'\\');
                assert_eq!(has(plain.colon), *byte == b':');
                assert_eq!(has(plain.bracket), b"{}[]".contains(byte));
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
