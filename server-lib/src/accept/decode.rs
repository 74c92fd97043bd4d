//! Content encodings, with a bound on what comes out.
//!
//! A body that is in memory is unpacked at once by [`unpack`]; one that is still arriving goes
//! through [`Unpacker`], which hands on what it has as soon as it has it.

#![warn(clippy::arithmetic_side_effects)]

use std::cell::RefCell;
use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use super::Refusal;

/// The most that one byte of deflate can become.
const MAX_DEFLATE_RATIO: usize = 1032;
/// Room beyond the expected end that lets the decoder stay on its fast path.
const SLACK: usize = 320;
/// Binary logarithm of the largest window that a zstd body may ask for.
const MAX_ZSTD_WINDOW_LOG: u32 = 23;
/// Bytes of the buffers between decoder and sink.
const BUFFER: usize = 16 * 1024;

thread_local! {
    /// A decoder has 40 KB of tables and window, too much to make for each small body.
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Encoding {
    /// Reads the value of `Content-Encoding`.
    pub(super) fn parse(value: Option<&str>) -> Result<Self, Refusal> {
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
    pub(super) fn expect_len(self, packed: &[u8], max: usize) -> usize {
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
pub(super) enum Broken {
    /// It unpacks to more than allowed.
    TooLarge,
    /// It is not what it says it is, or ends too early.
    Invalid,
}

impl Broken {
    /// Says the same of a request's body.
    pub(super) fn into_refusal(self, max: usize) -> Refusal {
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

/// Unpacks a body that is in memory, to at most `max` bytes.
pub(super) fn unpack(encoding: Encoding, packed: &[u8], max: usize) -> Result<Vec<u8>, Broken> {
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
pub(super) fn unpack_store(body: &[u8], max: usize) -> Option<Result<Vec<u8>, Broken>> {
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

/// Unpacks a body while it arrives, into a sink.
pub(super) enum Unpacker<W: Write> {
    Identity(W),
    Gzip(Box<MultiGzDecoder<W>>),
    Deflate(Box<Inflater<W>>),
    Brotli(Box<DecompressorWriter<W>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, W>>),
}

impl<W: Write> Unpacker<W> {
    /// Begins; `start` are the first bytes, which tell apart what HTTP calls `deflate`.
    pub(super) fn new(encoding: Encoding, start: &[u8], sink: W) -> io::Result<Self> {
        Ok(match encoding {
            Encoding::Identity => Self::Identity(sink),
            Encoding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(sink))),
            Encoding::Deflate => Self::Deflate(Box::new(Inflater::new(is_zlib(start), sink))),
            Encoding::Brotli => Self::Brotli(Box::new(DecompressorWriter::new(sink, BUFFER))),
            Encoding::Zstd => {
                let mut decoder = zstd::stream::raw::Decoder::new()?;
                decoder.set_parameter(zstd::zstd_safe::DParameter::WindowLogMax(
                    MAX_ZSTD_WINDOW_LOG,
                ))?;
                let decoder = zstd::stream::write::Decoder::with_decoder(sink, decoder);
                Self::Zstd(Box::new(decoder))
            }
        })
    }

    /// Takes the next packed bytes.
    pub(super) fn write(&mut self, packed: &[u8]) -> io::Result<()> {
        match self {
            Self::Identity(sink) => sink.write_all(packed),
            Self::Gzip(decoder) => decoder.write_all(packed),
            Self::Deflate(decoder) => decoder.write(packed),
            Self::Brotli(decoder) => decoder.write_all(packed),
            Self::Zstd(decoder) => decoder.write_all(packed),
        }
    }

    /// Returns the sink.
    pub(super) fn sink(&mut self) -> &mut W {
        match self {
            Self::Identity(sink) => sink,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => &mut decoder.sink,
            Self::Brotli(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => decoder.get_mut(),
        }
    }

    /// Hands on the rest and checks that the body was complete.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::Identity(sink) => Ok(sink),
            Self::Gzip(decoder) => decoder.finish(),
            Self::Deflate(decoder) => decoder.finish(),
            Self::Brotli(mut decoder) => {
                decoder.close()?;
                decoder
                    .into_inner()
                    .map_err(|_| io::ErrorKind::UnexpectedEof.into())
            }
            Self::Zstd(decoder) => decoder.finish(),
        }
    }
}

/// Unpacks one deflate stream piece by piece, and knows whether it was complete.
pub(super) struct Inflater<W: Write> {
    decoder: Decompress,
    buffer: Vec<u8>,
    has_ended: bool,
    sink: W,
}

impl<W: Write> Inflater<W> {
    fn new(has_zlib_header: bool, sink: W) -> Self {
        Self {
            decoder: Decompress::new(has_zlib_header),
            buffer: Vec::with_capacity(BUFFER),
            has_ended: false,
            sink,
        }
    }

    fn write(&mut self, packed: &[u8]) -> io::Result<()> {
        let mut rest = packed;
        while !self.has_ended {
            self.buffer.clear();
            let before = self.decoder.total_in();
            let status =
                self.decoder
                    .decompress_vec(rest, &mut self.buffer, FlushDecompress::None)?;
            let taken = self.decoder.total_in().saturating_sub(before);
            let taken = usize::try_from(taken).unwrap_or(usize::MAX);
            rest = rest.get(taken..).unwrap_or_default();
            self.sink.write_all(&self.buffer)?;
            self.has_ended = matches!(status, Status::StreamEnd);
            if taken == 0 && self.buffer.is_empty() {
                break;
            }
        }
        Ok(())
    }

    fn finish(self) -> io::Result<W> {
        if self.has_ended {
            Ok(self.sink)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

/// A sink in memory with a bound.
struct Bounded {
    out: Vec<u8>,
    max: usize,
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

/// Unpacks all members of a gzip body.
fn gunzip(packed: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), Broken> {
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
fn inflate(
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
fn is_zlib(bytes: &[u8]) -> bool {
    bytes.first_chunk::<2>().is_some_and(|head| {
        let [method, _] = *head;
        method & 0x0f == 8 && method >> 4 <= 7 && u16::from_be_bytes(*head) % 31 == 0
    })
}

#[cfg(test)]
mod tests;
