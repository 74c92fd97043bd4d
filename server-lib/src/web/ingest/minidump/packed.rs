//! Dumps that are compressed, told by how they begin.

use std::io::{self, Read};

use bytes::Bytes;
use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;

use crate::accept::Refusal;

/// KiB that unpacking xz may take: a dictionary of 16 MiB, which is that of `xz -7`.
const MAX_XZ_KIB: u32 = 17 * 1024;
/// Binary logarithm of the largest window that zstd may ask for.
const MAX_ZSTD_WINDOW_LOG: u32 = 23;
/// What the decoders keep for themselves at most.
const XZ_BYTES: usize = 17 * 1024 * 1024;
const ZSTD_BYTES: usize = 8 * 1024 * 1024;
const BZIP2_BYTES: usize = 4 * 1024 * 1024;
const GZIP_BYTES: usize = 64 * 1024;
/// How much is unpacked before memory is asked for again.
const STEP: usize = 1024 * 1024;

/// Unpacks a dump that is compressed, to at most `limit` bytes; other dumps are returned as they
/// are. `reserve` is asked before so many bytes are taken in all.
pub(super) fn unpack(
    dump: Bytes,
    limit: usize,
    reserve: impl FnMut(usize) -> Result<(), Refusal>,
) -> Result<Bytes, Refusal> {
    let packed = dump.as_ref();
    let mut room = Room {
        limit,
        decoder: 0,
        reserve,
    };
    match packed {
        [0x1f, 0x8b, ..] => {
            room.decoder = GZIP_BYTES;
            room.fill(MultiGzDecoder::new(packed))
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            room.decoder = ZSTD_BYTES;
            let mut decoder = zstd::Decoder::new(packed).map_err(|_| broken())?;
            let bound = decoder.window_log_max(MAX_ZSTD_WINDOW_LOG);
            bound.map_err(|_| broken())?;
            room.fill(decoder)
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            room.decoder = XZ_BYTES;
            room.fill(XzReader::new_mem_limit(packed, true, MAX_XZ_KIB))
        }
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => {
            room.decoder = BZIP2_BYTES;
            room.fill(MultiBzDecoder::new(packed))
        }
        _ => Ok(dump),
    }
}

/// The memory of an unpacked dump.
struct Room<R> {
    limit: usize,
    /// What the decoder takes.
    decoder: usize,
    reserve: R,
}

impl<R: FnMut(usize) -> Result<(), Refusal>> Room<R> {
    /// Reads to the end, or to one byte more than allowed.
    fn fill(mut self, mut decoder: impl Read) -> Result<Bytes, Refusal> {
        let mut plain = Vec::new();
        loop {
            let room = self.limit.saturating_sub(plain.len()).saturating_add(1);
            let step = room.min(STEP.max(plain.len()));
            let together = plain.len().saturating_add(step).min(self.limit);
            (self.reserve)(together.saturating_add(self.decoder))?;
            plain.reserve_exact(step);
            let bound = u64::try_from(step).unwrap_or(u64::MAX);
            match decoder.by_ref().take(bound).read_to_end(&mut plain) {
                Ok(0) => return Ok(plain.into()),
                Ok(_) if plain.len() > self.limit => {
                    return Err(Refusal::TooLarge {
                        what: "minidump",
                        limit: u64::try_from(self.limit).unwrap_or(u64::MAX),
                    });
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                    return Err(Refusal::Malformed {
                        code: "invalid_minidump",
                        detail: format!("unpacking the dump takes more than {MAX_XZ_KIB} KiB"),
                    });
                }
                Err(_) => return Err(broken()),
            }
        }
    }
}

fn broken() -> Refusal {
    Refusal::Malformed {
        code: "invalid_minidump",
        detail: "the dump cannot be unpacked".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'MDMP and the rest of it' | xz` and `| bzip2`, with the tools themselves.
    const PLAIN: &[u8] = b"MDMP and the rest of it";
    const XZ: &str = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAWTURNUCBhbmQgdGhlIHJlc3Qgb2YgaXQAAHvhFQ6tb/raAAEvF4EISbEftvN9AQAAAAAEWVo=";
    const XZ_NINE: &str = "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jMAQAWTURNUCBhbmQgdGhlIHJlc3Qgb2YgaXQAAHvhFQ6tb/raAAEvF4EISbEftvN9AQAAAAAEWVo=";
    const BZIP2: &str =
        "QlpoOTFBWSZTWWM2mSIAAAMXgEAABAJAACdhnAAgACKaeiek0bUKYAABUyQdHtXZjzYpIfF3JFOFCQYzaZIg";

    fn bytes(base64: &str) -> Bytes {
        use base64::Engine as _;
        let engine = base64::engine::general_purpose::STANDARD;
        engine.decode(base64).unwrap().into()
    }

    fn unpack_to(dump: &Bytes, limit: usize) -> Result<Bytes, &'static str> {
        unpack(dump.clone(), limit, |_| Ok(())).map_err(|refusal| refusal.code())
    }

    fn gzip(plain: &[u8]) -> Bytes {
        let mut packed = Vec::new();
        flate2::read::GzEncoder::new(plain, flate2::Compression::fast())
            .read_to_end(&mut packed)
            .unwrap();
        packed.into()
    }

    fn all() -> [Bytes; 4] {
        let zstd = zstd::encode_all(PLAIN, 1).unwrap();
        [gzip(PLAIN), zstd.into(), bytes(XZ), bytes(BZIP2)]
    }

    #[test]
    fn every_kind_is_unpacked_up_to_the_limit() {
        for packed in all() {
            assert_eq!(unpack_to(&packed, PLAIN.len()).unwrap(), PLAIN);
            assert_eq!(unpack_to(&packed, PLAIN.len() - 1), Err("too_large"));
        }
        let plain = Bytes::from_static(PLAIN);
        assert_eq!(unpack_to(&plain, 1).unwrap(), plain, "it is no copy");
    }

    #[test]
    fn what_ends_early_or_is_changed_is_broken() {
        for packed in all() {
            for length in [6, packed.len() / 2, packed.len() - 1] {
                let cut = packed.slice(..length);
                assert_eq!(unpack_to(&cut, 1000), Err("invalid_minidump"), "{cut:?}");
            }
            let mut changed = packed.to_vec();
            changed[packed.len() / 2] ^= 0x55;
            assert_ne!(unpack_to(&changed.into(), 1000).as_deref(), Ok(PLAIN));
        }
    }

    #[test]
    fn a_dictionary_above_the_bound_is_refused_before_it_is_made() {
        assert_eq!(unpack_to(&bytes(XZ_NINE), 1000), Err("invalid_minidump"));
    }

    #[test]
    fn memory_is_asked_for_step_by_step_and_may_be_denied() {
        let bomb = gzip(&vec![0; 16 * STEP]);
        let mut asked = Vec::new();
        let denied = unpack(bomb, 100 * STEP, |bytes| {
            asked.push(bytes);
            if bytes > 5 * STEP {
                Err(Refusal::Busy)
            } else {
                Ok(())
            }
        });
        assert_eq!(denied, Err(Refusal::Busy));
        assert_eq!(asked.len(), 4, "{asked:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_unpacked_without_harm(kind in 0_usize..4, at: usize, with: Vec<u8>) {
            let mut packed = all()[kind].to_vec();
            let at = 6 + at % (packed.len() - 6);
            for (place, byte) in packed.iter_mut().skip(at).zip(with) {
                *place ^= byte;
            }
            let _ = unpack_to(&packed.into(), 10_000);
        }
    }
}
