//! The same with vectors of thirty-two bytes, for processors that turn out to have them.
#![expect(
    unsafe_code,
    reason = "the function may only be called where the processor has the feature"
)]

use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set_epi64x, _mm256_set1_epi8, _mm256_sub_epi8,
};

use crate::scrub::lanes::classes::{BLOCK, Classes};

/// The classes of the bytes; `None` where the processor has no such vectors.
#[inline(always)]
pub(in crate::scrub) fn classes(block: &[u8; BLOCK]) -> Option<Classes> {
    if !std::arch::is_x86_feature_detected!("avx2") {
        return None;
    }
    // SAFETY: the processor was just asked for the feature.
    Some(unsafe { of(block) })
}

#[target_feature(enable = "avx2")]
fn of(block: &[u8; BLOCK]) -> Classes {
    let (words, _) = block.as_chunks::<8>();
    let word = |at: usize| i64::from_le_bytes(words.get(at).copied().unwrap_or_default());
    let half = |at| _mm256_set_epi64x(word(at + 3), word(at + 2), word(at + 1), word(at));
    let own = [half(0), half(4)];
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
        bracket: two(lowered, b'{', b'}'),
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
}
