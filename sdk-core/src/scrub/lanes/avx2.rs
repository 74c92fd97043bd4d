//! The same with vectors of thirty-two bytes, for processors that turn out to have them.
#![expect(
    unsafe_code,
    reason = "the function may only be called where the processor has the features"
)]

use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8,
    _mm256_cmpeq_epi8, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set_m128i,
    _mm256_set1_epi8, _mm256_sub_epi8,
};

use crate::scrub::lanes::classes::{BLOCK, Classes};
use crate::scrub::lanes::{ByBlock, WIDTH};

/// Does the work; gives it back where the processor has no such vectors.
#[inline(always)]
pub(super) fn run<W: ByBlock>(work: W) -> Result<W::Output, W> {
    let is_able = std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("lzcnt")
        && std::arch::is_x86_feature_detected!("popcnt")
        && std::arch::is_x86_feature_detected!("pclmulqdq");
    if !is_able {
        return Err(work);
    }
    // SAFETY: the processor was just asked for the features.
    Ok(unsafe { run_able(work) })
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
fn run_able<W: ByBlock>(work: W) -> W::Output {
    // All of it is in closures, which have the features of this function and become a part of it.
    let classes = |block: &[u8; BLOCK]| {
        let (chunks, _) = block.as_chunks::<WIDTH>();
        let chunk = |at: usize| {
            let bits = u128::from_le_bytes(chunks.get(at).copied().unwrap_or_default());
            _mm_set_epi64x((bits >> 64) as i64, bits as i64)
        };
        let half = |at| _mm256_set_m128i(chunk(at + 1), chunk(at));
        let own = [half(0), half(2)];
        let space = _mm256_set1_epi8(0x20);
        let lowered = own.map(|half| _mm256_or_si256(half, space));

        let equal =
            |half: __m256i, byte: u8| _mm256_cmpeq_epi8(half, _mm256_set1_epi8(byte.cast_signed()));
        let within = |half: __m256i, low: u8, count: i8| {
            let above = _mm256_sub_epi8(half, _mm256_set1_epi8(low.cast_signed()));
            _mm256_cmpeq_epi8(above, _mm256_min_epu8(above, _mm256_set1_epi8(count - 1)))
        };
        let mask = |[low, high]: [__m256i; 2]| {
            let [low, high] = [_mm256_movemask_epi8(low), _mm256_movemask_epi8(high)];
            u64::from(low.cast_unsigned()) | u64::from(high.cast_unsigned()) << 32
        };
        let one = |halves: [__m256i; 2], byte| mask(halves.map(|half| equal(half, byte)));
        let two = |halves: [__m256i; 2], first, second| {
            mask(halves.map(|half| _mm256_or_si256(equal(half, first), equal(half, second))))
        };
        Classes {
            quote: one(own, b'"'),
            other_quote: two(own, b'\'', b'`'),
            backslash: one(own, b'\\'),
            colon: one(own, b':'),
            opening: one(lowered, b'{'),
            closing: one(lowered, b'}'),
            list: one(own, b'['),
            sign: two(own, b'=', b'@'),
            dash: one(own, b'-'),
            dot: one(own, b'.'),
            space: one(own, b' '),
            b: one(lowered, b'b'),
            r_or_c: two(lowered, b'r', b'c'),
            letter: mask(lowered.map(|half| within(half, b'a', 26))),
            digit: mask(own.map(|half| within(half, b'0', 10))),
            underscore: one(own, b'_'),
        }
    };
    let parity = |mask: u64| {
        let bits = _mm_set_epi64x(0, mask.cast_signed());
        let product = _mm_clmulepi64_si128::<0>(bits, _mm_set1_epi8(-1));
        _mm_cvtsi128_si64(product).cast_unsigned()
    };
    work.run(classes, parity)
}
