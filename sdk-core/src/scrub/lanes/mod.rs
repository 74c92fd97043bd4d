//! Sixteen bytes looked at in one go; one file per kind of processor.
//!
//! Each answer is a mask with one bit per byte, the first byte lowest.

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

#[cfg(all(test, target_arch = "x86_64", target_feature = "sse2"))]
mod tests {
    use super::{portable, sse2};

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
