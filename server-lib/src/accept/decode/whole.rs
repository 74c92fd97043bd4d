//! Bodies that are in memory.

#![warn(clippy::arithmetic_side_effects)]

use std::io::{self, Write};

use super::inflate::{gunzip, inflate, is_zlib};
use super::{Broken, Encoding, Unpacker};

/// Room beyond the expected end that lets the decoder stay on its fast path.
const SLACK: usize = 320;

/// Unpacks a body that is in memory, to at most `max` bytes.
pub(in crate::accept) fn unpack(
    encoding: Encoding,
    packed: &[u8],
    max: usize,
) -> Result<Vec<u8>, Broken> {
    let mut out = Vec::new();
    let expected = encoding.expect_len(packed, max).saturating_add(SLACK);
    match encoding {
        Encoding::Identity => {
            if packed.len() > max {
                return Err(Broken::TooLarge);
            }
            out.extend_from_slice(packed);
        }
        Encoding::Gzip => {
            out.reserve(expected);
            gunzip(packed, &mut out, max)?;
        }
        Encoding::Deflate => {
            out.reserve(expected);
            inflate(packed, is_zlib(packed), &mut out, max)?;
        }
        Encoding::Brotli | Encoding::Zstd => {
            let bounded = Bounded { out, max };
            let mut unpacker = Unpacker::new(encoding, packed, bounded).map_err(broken)?;
            unpacker.write(packed).map_err(broken)?;
            out = unpacker.finish().map_err(broken)?.out;
        }
    }
    Ok(out)
}

/// Unpacks a body of an old client: JSON as it is, zlib, or base64 of zlib or JSON, told apart by
/// its first byte. `None` when it is JSON, or nothing that is known.
pub(in crate::accept) fn unpack_store(body: &[u8], max: usize) -> Option<Result<Vec<u8>, Broken>> {
    use base64::Engine as _;
    let text = body.trim_ascii();
    if is_zlib(text) {
        let mut out = Vec::new();
        return Some(inflate(text, true, &mut out, max).map(|_| out));
    }
    // `e` begins both kinds of base64: of a zlib header, and of `{"`.
    if text.first() != Some(&b'e') {
        return None;
    }
    if text.len() > max.saturating_mul(2) {
        return Some(Err(Broken::TooLarge));
    }
    let engine = base64::engine::general_purpose::STANDARD;
    let plain = engine.decode(text).map_err(|_| Broken::Invalid);
    Some(plain.and_then(|plain| {
        if !is_zlib(&plain) {
            return Ok(plain);
        }
        let mut out = Vec::new();
        inflate(&plain, true, &mut out, max).map(|_| out)
    }))
}

/// A sink in memory with a bound.
pub(super) struct Bounded {
    pub(super) out: Vec<u8>,
    pub(super) max: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.out.len().saturating_add(bytes.len()) > self.max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as the function of a map_err"
)]
fn broken(error: io::Error) -> Broken {
    if error.kind() == io::ErrorKind::FileTooLarge {
        Broken::TooLarge
    } else {
        Broken::Invalid
    }
}
