//! The vector instructions that every 64-bit x86 processor has.
#![expect(
    unsafe_code,
    reason = "the instructions are functions for which the target must have a feature"
)]

use std::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x,
    _mm_set1_epi8, _mm_sub_epi8,
};

#[derive(Clone, Copy)]
pub(in crate::scrub) struct Lanes(__m128i);

impl Lanes {
    #[inline(always)]
    pub(in crate::scrub) fn new(chunk: &[u8; 16]) -> Self {
        let bits = u128::from_le_bytes(*chunk);
        // SAFETY: this file is only compiled for targets with the feature `sse2`.
        Self(unsafe { _mm_set_epi64x((bits >> 64) as i64, bits as i64) })
    }

    /// Where the bytes equal this one.
    #[inline(always)]
    pub(in crate::scrub) fn equal(self, byte: u8) -> u32 {
        // SAFETY: this file is only compiled for targets with the feature `sse2`.
        unsafe { mask(_mm_cmpeq_epi8(self.0, splat(byte))) }
    }

    /// Where the bytes are one of so many from `low` on.
    #[inline(always)]
    pub(in crate::scrub) fn within(self, low: u8, count: u8) -> u32 {
        // SAFETY: this file is only compiled for targets with the feature `sse2`.
        unsafe {
            let above = _mm_sub_epi8(self.0, splat(low));
            let capped = _mm_min_epu8(above, splat(count.saturating_sub(1)));
            mask(_mm_cmpeq_epi8(above, capped))
        }
    }

    /// With the letters in lower case; other bytes may change too, none into a letter.
    #[inline(always)]
    pub(in crate::scrub) fn lowered(self) -> Self {
        // SAFETY: this file is only compiled for targets with the feature `sse2`.
        Self(unsafe { _mm_or_si128(self.0, splat(0x20)) })
    }
}

#[inline(always)]
fn splat(byte: u8) -> __m128i {
    // SAFETY: this file is only compiled for targets with the feature `sse2`.
    unsafe { _mm_set1_epi8(byte.cast_signed()) }
}

#[inline(always)]
fn mask(lanes: __m128i) -> u32 {
    // SAFETY: this file is only compiled for targets with the feature `sse2`.
    unsafe { _mm_movemask_epi8(lanes) }.cast_unsigned()
}
