use std::io::{self, Write};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::whole::Bounded;
use super::*;
use crate::accept::Refusal;

const MAX: usize = 64 * 1024;

fn text() -> Vec<u8> {
    (0_u32..2000).flat_map(|n| (n % 97).to_le_bytes()).collect()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// Stored, not compressed: a last block of the uncompressed kind for up to 64 KiB of bytes.
fn brotli(plain: &[u8]) -> Vec<u8> {
    let mut out = vec![0x21];
    out.clear();
    // Window of 16 bits (one zero bit), then meta blocks of the uncompressed kind, bit by bit.
    let mut bits: Vec<bool> = vec![false];
    let push = |bits: &mut Vec<bool>, value: usize, count: usize| {
        for at in 0..count {
            bits.push(value >> at & 1 == 1);
        }
    };
    push(&mut bits, 0, 1);
    push(&mut bits, 0, 2);
    push(&mut bits, plain.len() - 1, 16);
    push(&mut bits, 1, 1);
    for byte in bits.chunks(8) {
        out.push(
            byte.iter()
                .enumerate()
                .fold(0, |sum, (at, bit)| sum | u8::from(*bit) << at),
        );
    }
    out.extend_from_slice(plain);
    out.push(3);
    out
}

fn packed(plain: &[u8]) -> Vec<(Encoding, Vec<u8>)> {
    vec![
        (Encoding::Identity, plain.to_vec()),
        (Encoding::Gzip, gzip(plain)),
        (Encoding::Deflate, zlib(plain)),
        (Encoding::Deflate, raw_deflate(plain)),
        (Encoding::Brotli, brotli(plain)),
        (Encoding::Zstd, zstd::bulk::compress(plain, 1).unwrap()),
    ]
}

fn streamed(encoding: Encoding, packed: &[u8], piece: usize) -> io::Result<Vec<u8>> {
    let sink = Bounded {
        out: Vec::new(),
        max: MAX,
    };
    let mut unpacker = Unpacker::new(encoding, packed, sink)?;
    for piece in packed.chunks(piece) {
        unpacker.write(piece)?;
    }
    Ok(unpacker.finish()?.out)
}

#[test]
fn every_encoding_is_unpacked_at_once_and_in_pieces() {
    let plain = text();
    for (encoding, packed) in packed(&plain) {
        assert_eq!(
            unpack(encoding, &packed, MAX).unwrap(),
            plain,
            "{encoding:?}"
        );
        for piece in [1, 7, 1000, 1 << 20] {
            assert_eq!(
                streamed(encoding, &packed, piece).unwrap(),
                plain,
                "{encoding:?}"
            );
        }
    }
}

#[test]
fn a_body_that_ends_early_is_invalid() {
    for (encoding, packed) in packed(&text()).into_iter().skip(1) {
        let cut = &packed[..packed.len() - 9];
        assert_eq!(
            unpack(encoding, cut, MAX),
            Err(Broken::Invalid),
            "{encoding:?}"
        );
        assert!(streamed(encoding, cut, 64).is_err(), "{encoding:?}");
        assert_eq!(
            unpack(encoding, b"{\"not\":\"packed\"}", MAX),
            Err(Broken::Invalid)
        );
        assert_eq!(unpack(encoding, b"", MAX), Err(Broken::Invalid));
    }
}

#[test]
fn a_bomb_is_cut_at_the_limit_and_one_byte_less_is_not() {
    let zeros = vec![0; 1 << 20];
    let bombs = [
        (Encoding::Gzip, gzip(&zeros)),
        (Encoding::Deflate, zlib(&zeros)),
        (Encoding::Zstd, zstd::bulk::compress(&zeros, 1).unwrap()),
        (Encoding::Identity, zeros.clone()),
    ];
    for (encoding, bomb) in bombs {
        let below = zeros.len() - 1;
        assert_eq!(unpack(encoding, &bomb, below), Err(Broken::TooLarge));
        assert_eq!(unpack(encoding, &bomb, zeros.len()).unwrap(), zeros);
        if encoding != Encoding::Identity {
            let refused = streamed(encoding, &bomb, 100).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
        }
    }
}

#[test]
fn a_lying_length_in_the_trailer_neither_helps_nor_harms() {
    let plain = text();
    let mut lying = gzip(&plain);
    for told in [0_u32, 1, u32::MAX] {
        let at = lying.len() - 4;
        lying[at..].copy_from_slice(&told.to_le_bytes());
        assert!(Encoding::Gzip.expect_len(&lying, MAX) <= MAX);
        assert_eq!(unpack(Encoding::Gzip, &lying, MAX).unwrap(), plain);
    }
    let at = lying.len() - 8;
    lying[at] ^= 1;
    assert_eq!(unpack(Encoding::Gzip, &lying, MAX), Err(Broken::Invalid));
}

#[test]
fn gzip_with_a_name_and_a_second_member_is_read_whole() {
    let mut named = flate2::GzBuilder::new()
        .filename("a")
        .comment("b")
        .extra(vec![1, 2, 3])
        .write(Vec::new(), Compression::fast());
    named.write_all(b"first ").unwrap();
    let mut both = named.finish().unwrap();
    both.extend(gzip(b"second"));
    both.extend([0, 0]);
    assert_eq!(unpack(Encoding::Gzip, &both, MAX).unwrap(), b"first second");
}

#[test]
fn names_of_encodings_are_read_in_any_case() {
    for (name, encoding) in [
        (None, Encoding::Identity),
        (Some(""), Encoding::Identity),
        (Some(" X-GZip "), Encoding::Gzip),
        (Some("br"), Encoding::Brotli),
    ] {
        assert_eq!(Encoding::parse(name), Ok(encoding));
    }
    assert_eq!(
        Encoding::parse(Some("gzip, br")),
        Err(Refusal::UnknownEncoding("gzip, br".to_owned()))
    );
}

#[test]
fn bodies_of_old_clients_are_told_apart_by_their_first_byte() {
    use base64::Engine as _;
    let json = b"{\"message\":\"old\"}";
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    for body in [
        encode(&zlib(json)).into_bytes(),
        encode(json).into_bytes(),
        zlib(json),
    ] {
        assert_eq!(unpack_store(&body, MAX).unwrap().unwrap(), json);
    }
    assert!(unpack_store(json, MAX).is_none());
    assert_eq!(unpack_store(b"eJ!", MAX), Some(Err(Broken::Invalid)));
    let bomb = encode(&zlib(&vec![0; 1 << 20]));
    assert_eq!(
        unpack_store(bomb.as_bytes(), MAX),
        Some(Err(Broken::TooLarge))
    );
}
