//! Gzip for request bodies, with one compressor that is used again and again.
//!
//! The frame is written here because the pure Rust backend makes bare deflate streams only, and
//! a ready-made encoder would allocate its tables anew for every body.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Bodies below this go out as they are: they fit into two packets either way.
pub(crate) const GZIP_FROM_BYTES: usize = 2 << 10;

/// Magic, method deflate, no flags, no time, fastest, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];

/// Compresses bodies.
#[derive(Default)]
pub(crate) struct Gzip {
    /// Some 300 KiB of tables, made when the first large body comes.
    deflate: Option<Compress>,
}

impl Gzip {
    /// Writes the gzip form of `input` to `out`, which is emptied first; false when that fails
    /// or would not be smaller.
    pub(crate) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let deflate = self
            .deflate
            .get_or_insert_with(|| Compress::new(Compression::fast(), false));
        deflate.reset();
        out.clear();
        out.extend_from_slice(&HEADER);
        loop {
            let consumed = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX);
            let rest = input.get(consumed..).unwrap_or_default();
            out.reserve((rest.len() / 4).max(1 << 10));
            match deflate.compress_vec(rest, out, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => break,
                Ok(Status::Ok | Status::BufError) if out.len() < input.len() => {}
                _ => return false,
            }
        }
        let mut crc = Crc::new();
        crc.update(input);
        out.extend_from_slice(&crc.sum().to_le_bytes());
        out.extend_from_slice(&crc.amount().to_le_bytes());
        out.len() < input.len()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn unzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn one_compressor_makes_many_bodies_that_others_can_read() {
        let mut gzip = Gzip::default();
        let mut out = Vec::new();
        for size in [100, 5_000, 200_000, 3] {
            let input: Vec<u8> = b"a frame, and "
                .iter()
                .copied()
                .cycle()
                .take(size)
                .collect();
            let is_smaller = gzip.compress(&input, &mut out);
            assert_eq!(is_smaller, size > 3);
            if is_smaller {
                assert_eq!(unzip(&out), input);
            }
        }
    }

    #[test]
    fn noise_is_left_as_it_is() {
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(10_000)
        .collect();
        assert!(!Gzip::default().compress(&noise, &mut Vec::new()));
    }
}
