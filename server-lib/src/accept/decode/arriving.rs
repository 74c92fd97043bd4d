//! Bodies that are still arriving.

#![warn(clippy::arithmetic_side_effects)]

use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use super::Encoding;
use super::inflate::is_zlib;

/// Binary logarithm of the largest window that a zstd body may ask for.
const MAX_ZSTD_WINDOW_LOG: u32 = 23;
/// Bytes of the buffers between decoder and sink.
const BUFFER: usize = 16 * 1024;

/// Unpacks a body while it arrives, into a sink.
pub(in crate::accept) enum Unpacker<W: Write> {
    Identity(W),
    Gzip(Box<MultiGzDecoder<W>>),
    Deflate(Box<Inflater<W>>),
    Brotli(Box<DecompressorWriter<W>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, W>>),
}

impl<W: Write> Unpacker<W> {
    /// Begins; `start` are the first bytes, which tell apart what HTTP calls `deflate`.
    pub(in crate::accept) fn new(encoding: Encoding, start: &[u8], sink: W) -> io::Result<Self> {
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
    pub(in crate::accept) fn write(&mut self, packed: &[u8]) -> io::Result<()> {
        match self {
            Self::Identity(sink) => sink.write_all(packed),
            Self::Gzip(decoder) => decoder.write_all(packed),
            Self::Deflate(decoder) => decoder.write(packed),
            Self::Brotli(decoder) => decoder.write_all(packed),
            Self::Zstd(decoder) => decoder.write_all(packed),
        }
    }

    /// Returns the sink.
    pub(in crate::accept) fn sink(&mut self) -> &mut W {
        match self {
            Self::Identity(sink) => sink,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => &mut decoder.sink,
            Self::Brotli(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => decoder.get_mut(),
        }
    }

    /// Hands on the rest and checks that the body was complete.
    pub(in crate::accept) fn finish(self) -> io::Result<W> {
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
pub(in crate::accept) struct Inflater<W: Write> {
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
