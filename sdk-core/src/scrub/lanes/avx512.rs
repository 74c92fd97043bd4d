//! The same with vectors of sixty-four bytes, for processors that look classes up in a table.
#![expect(
    unsafe_code,
    reason = "the function may only be called where the processor has the features"
)]

use std::arch::x86_64::{
    __m512i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_extract_epi64, _mm_set_epi64x,
    _mm_set1_epi8, _mm512_extracti32x4_epi32, _mm512_gf2p8affine_epi64_epi8,
    _mm512_maskz_permutex2var_epi8, _mm512_movepi8_mask, _mm512_permutexvar_epi8, _mm512_set_epi64,
    _mm512_set1_epi64,
};

use crate::scrub::lanes::ByBlock;
use crate::scrub::lanes::classes::{BLOCK, Classes};

/// A bit for each of eight classes, by byte of ASCII.
type Table = [[u8; BLOCK]; 2];

const SIGNS: Table = table([b"\"", b"\\", b":", b"{[", b"}]", b"[", b"-", b" "]);
const OTHERS: Table = table([
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"0123456789",
    b"_",
    b".",
    b"=@",
    b"'`",
    b"bB",
    b"rRcC",
]);
/// The bit matrix that changes nothing. As its factor eight bytes become one for each class, with
/// the bit for the last byte lowest.
const UNIT: i64 = 0x8040_2010_0804_0201_u64.cast_signed();
/// Brings each eight bytes into that order.
const BACKWARDS: [u8; BLOCK] = order(false);
/// Brings the bytes of one class together.
const BY_CLASS: [u8; BLOCK] = order(true);

/// Does the work; gives it back where the processor has no such instructions.
#[inline(always)]
pub(super) fn run<W: ByBlock>(work: W) -> Result<W::Output, W> {
    let is_able = std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512vbmi")
        && std::arch::is_x86_feature_detected!("gfni")
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

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
fn run_able<W: ByBlock>(work: W) -> W::Output {
    // All of it is in closures, which have the features of this function and become a part of it.
    let vector = |bytes: &[u8; BLOCK]| {
        let (words, _) = bytes.as_chunks::<8>();
        let word = |at: usize| i64::from_le_bytes(words.get(at).copied().unwrap_or_default());
        let (low, high) = (
            [word(0), word(1), word(2), word(3)],
            [word(4), word(5), word(6), word(7)],
        );
        _mm512_set_epi64(
            high[3], high[2], high[1], high[0], low[3], low[2], low[1], low[0],
        )
    };
    let classes = |block: &[u8; BLOCK]| {
        let bytes = _mm512_permutexvar_epi8(vector(&BACKWARDS), vector(block));
        let ascii = !_mm512_movepi8_mask(bytes);
        let masks = |[low, high]: &Table| {
            let bits = _mm512_maskz_permutex2var_epi8(ascii, vector(low), bytes, vector(high));
            let turned = _mm512_gf2p8affine_epi64_epi8::<0>(_mm512_set1_epi64(UNIT), bits);
            words(_mm512_permutexvar_epi8(vector(&BY_CLASS), turned))
        };
        let [quote, backslash, colon, opening, closing, list, dash, space] = masks(&SIGNS);
        let [letter, digit, underscore, dot, sign, other_quote, b, r_or_c] = masks(&OTHERS);
        Classes {
            quote,
            other_quote,
            backslash,
            colon,
            opening,
            closing,
            list,
            sign,
            dash,
            dot,
            space,
            b,
            r_or_c,
            letter,
            digit,
            underscore,
        }
    };
    let parity = |mask: u64| {
        let bits = _mm_set_epi64x(0, mask.cast_signed());
        let product = _mm_clmulepi64_si128::<0>(bits, _mm_set1_epi8(-1));
        _mm_cvtsi128_si64(product).cast_unsigned()
    };
    work.run(classes, parity)
}

/// The eight words of a vector, the lowest first.
#[inline]
#[target_feature(enable = "avx512f")]
fn words(vector: __m512i) -> [u64; 8] {
    let parts = [
        _mm512_extracti32x4_epi32::<0>(vector),
        _mm512_extracti32x4_epi32::<1>(vector),
        _mm512_extracti32x4_epi32::<2>(vector),
        _mm512_extracti32x4_epi32::<3>(vector),
    ];
    let [[a, b], [c, d], [e, f], [g, h]] = parts.map(|part| {
        let words = [_mm_cvtsi128_si64(part), _mm_extract_epi64::<1>(part)];
        words.map(i64::cast_unsigned)
    });
    [a, b, c, d, e, f, g, h]
}

/// A bit for each class, by byte.
#[expect(
    clippy::indexing_slicing,
    reason = "runs in the compiler, which tells when an index is wrong"
)]
const fn table(classes: [&[u8]; 8]) -> Table {
    let mut table = [[0; BLOCK]; 2];
    let mut bit = 1_u8;
    let mut rest = classes.as_slice();
    while let [class, others @ ..] = rest {
        let mut bytes = *class;
        while let [byte, further @ ..] = bytes {
            table[*byte as usize / BLOCK][*byte as usize % BLOCK] |= bit;
            bytes = further;
        }
        bit = bit.rotate_left(1);
        rest = others;
    }
    table
}

/// Where bytes come from: those of one class together, or each eight from the last on.
#[expect(
    clippy::indexing_slicing,
    reason = "runs in the compiler, which tells when an index is wrong"
)]
const fn order(by_class: bool) -> [u8; BLOCK] {
    let mut order = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        let (group, place) = (at / 8, at % 8);
        let from = if by_class {
            place * 8 + group
        } else {
            group * 8 + 7 - place
        };
        order[at] = from as u8;
        at += 1;
    }
    order
}
