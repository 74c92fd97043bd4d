//! Names of encodings, and what is wrong with a body.

#![warn(clippy::arithmetic_side_effects)]

use crate::accept::Refusal;

/// The most that one byte of deflate can become.
const MAX_DEFLATE_RATIO: usize = 1032;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::accept) enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Encoding {
    /// Reads the value of `Content-Encoding`.
    pub(in crate::accept) fn parse(value: Option<&str>) -> Result<Self, Refusal> {
        let name = value.unwrap_or_default().trim();
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if name.is_empty() || is("identity") {
            Ok(Self::Identity)
        } else if is("gzip") || is("x-gzip") {
            Ok(Self::Gzip)
        } else if is("deflate") {
            Ok(Self::Deflate)
        } else if is("br") {
            Ok(Self::Brotli)
        } else if is("zstd") {
            Ok(Self::Zstd)
        } else {
            Err(Refusal::UnknownEncoding(name.chars().take(32).collect()))
        }
    }

    /// Guesses how long the body is unpacked. A lie costs no more than `max`.
    pub(in crate::accept) fn expect_len(self, packed: &[u8], max: usize) -> usize {
        let guess = match self {
            Self::Identity => packed.len(),
            // The last four bytes are the length, modulo 2³².
            Self::Gzip => packed.last_chunk::<4>().map_or(0, |tail| {
                usize::try_from(u32::from_le_bytes(*tail)).unwrap_or(usize::MAX)
            }),
            Self::Deflate | Self::Brotli | Self::Zstd => packed.len().saturating_mul(4),
        };
        let most = packed.len().saturating_mul(MAX_DEFLATE_RATIO).min(max);
        guess.min(most)
    }
}

/// Why a body could not be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::accept) enum Broken {
    /// It unpacks to more than allowed.
    TooLarge,
    /// It is not what it says it is, or ends too early.
    Invalid,
}

impl Broken {
    /// Says the same of a request's body.
    pub(in crate::accept) fn into_refusal(self, max: usize) -> Refusal {
        match self {
            Self::TooLarge => Refusal::TooLarge {
                what: "unpacked body",
                limit: u64::try_from(max).unwrap_or(u64::MAX),
            },
            Self::Invalid => Refusal::Malformed {
                code: "invalid_encoding",
                detail: "the body is not in its content encoding".to_owned(),
            },
        }
    }
}
