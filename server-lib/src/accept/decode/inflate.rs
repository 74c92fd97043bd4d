//! Deflate and gzip in memory, by a decoder that each thread keeps.

#![warn(clippy::arithmetic_side_effects)]

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

use super::Broken;

thread_local! {
    /// A decoder has 40 KB of tables and window, too much to make for each small body.
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Unpacks all members of a gzip body.
pub(super) fn gunzip(packed: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), Broken> {
    let mut rest = packed;
    loop {
        let start = out.len();
        let deflated = gzip_payload(rest).ok_or(Broken::Invalid)?;
        let taken = inflate(deflated, false, out, max)?;
        let after = deflated.get(taken..).unwrap_or_default();
        let (trailer, next) = after.split_first_chunk::<8>().ok_or(Broken::Invalid)?;
        let member = out.get(start..).unwrap_or_default();
        let [a, b, c, d, ..] = *trailer;
        if u32::from_le_bytes([a, b, c, d]) != crc32fast::hash(member) {
            return Err(Broken::Invalid);
        }
        // What follows the last member is padding, as the gzip tools see it.
        if !next.starts_with(&[0x1f, 0x8b]) {
            return Ok(());
        }
        rest = next;
    }
}

/// Returns what follows a gzip member's header.
fn gzip_payload(member: &[u8]) -> Option<&[u8]> {
    let (header, mut rest) = member.split_first_chunk::<10>()?;
    let [0x1f, 0x8b, 8, flags, ..] = *header else {
        return None;
    };
    if flags & 0b1110_0000 != 0 {
        return None;
    }
    if flags & 0b100 != 0 {
        let (len, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*len))..)?;
    }
    for name_or_comment in [0b1000, 0b1_0000] {
        if flags & name_or_comment != 0 {
            let end = memchr::memchr(0, rest)?;
            rest = rest.get(end.saturating_add(1)..)?;
        }
    }
    if flags & 0b10 != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

/// Unpacks one deflate stream and returns how many packed bytes it had.
pub(super) fn inflate(
    packed: &[u8],
    has_zlib_header: bool,
    out: &mut Vec<u8>,
    max: usize,
) -> Result<usize, Broken> {
    INFLATE.with_borrow_mut(|decoder| {
        decoder.reset(has_zlib_header);
        loop {
            if out.capacity() == out.len() {
                let more = out.len().clamp(4 * 1024, 1024 * 1024);
                out.reserve(more);
            }
            let taken = usize::try_from(decoder.total_in()).map_err(|_| Broken::TooLarge)?;
            let len = out.len();
            let input = packed.get(taken..).unwrap_or_default();
            let status = decoder
                .decompress_vec(input, out, FlushDecompress::None)
                .map_err(|_| Broken::Invalid)?;
            if out.len() > max {
                return Err(Broken::TooLarge);
            }
            let total = usize::try_from(decoder.total_in()).map_err(|_| Broken::TooLarge)?;
            match status {
                Status::StreamEnd => return Ok(total),
                // Room is left and nothing moves: the input has ended too early.
                Status::Ok | Status::BufError if total == taken && out.len() == len => {
                    if out.capacity() > len {
                        return Err(Broken::Invalid);
                    }
                }
                Status::Ok | Status::BufError => {}
            }
        }
    })
}

/// Tells whether the bytes begin as a zlib stream does.
pub(super) fn is_zlib(bytes: &[u8]) -> bool {
    bytes.first_chunk::<2>().is_some_and(|head| {
        let [method, _] = *head;
        method & 0x0f == 8 && method >> 4 <= 7 && u16::from_be_bytes(*head) % 31 == 0
    })
}
