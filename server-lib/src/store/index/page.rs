//! Pages: entries in the order of their keys, packed. A run is a sequence of pages.

#![warn(clippy::arithmetic_side_effects)]

use std::cell::RefCell;
use std::io::Cursor;

use roaring::RoaringBitmap;
use zstd::bulk::Decompressor;

use crate::error::{Error, ErrorKind};
use crate::model::tag::Seen;
use crate::model::time::Millis;

/// Bytes of entries before packing after which a page is closed.
const PAGE_BYTES: usize = 16 * 1024;
/// The largest page before packing that is read: one entry may be a set of a whole partition.
const MAX_PLAIN_BYTES: usize = 64 * 1024 * 1024;
/// Sets of up to so many are written as differences.
const FEW: u64 = 16;
/// The level at which pages are packed.
const LEVEL: i32 = 1;

thread_local! {
    /// A question unpacks hundreds of pages, and what unpacks takes 100 KB.
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// An entry of a page: its key and its value.
pub type Entry<'a> = (&'a [u8], &'a [u8]);

/// A page as backends keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which sort of entries it has.
    pub kind: u8,
    /// The first of its keys.
    pub first: Vec<u8>,
    /// Its entries, packed.
    pub body: Vec<u8>,
}

/// Puts pages together from entries in the order of their keys.
#[derive(Debug, Default)]
pub struct PageBuilder {
    kind: u8,
    first: Vec<u8>,
    last: Vec<u8>,
    plain: Vec<u8>,
    pages: Vec<Page>,
}

impl PageBuilder {
    /// Begins with entries of a sort; closes the page of the one before.
    ///
    /// # Errors
    ///
    /// When there is no memory for packing.
    pub fn begin(&mut self, kind: u8) -> Result<(), Error> {
        self.close()?;
        self.kind = kind;
        Ok(())
    }

    /// Adds an entry.
    ///
    /// # Errors
    ///
    /// When there is no memory for packing.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if self.plain.is_empty() {
            self.first = key.to_vec();
            self.last.clear();
        }
        let shared = self
            .last
            .iter()
            .zip(key)
            .take_while(|(a, b)| a == b)
            .count();
        let rest = key.get(shared..).unwrap_or_default();
        put(&mut self.plain, shared as u64);
        put(&mut self.plain, rest.len() as u64);
        put(&mut self.plain, value.len() as u64);
        self.plain.extend_from_slice(rest);
        self.plain.extend_from_slice(value);
        self.last.truncate(shared);
        self.last.extend_from_slice(rest);
        if self.plain.len() >= PAGE_BYTES {
            self.close()?;
        }
        Ok(())
    }

    /// Closes the last page and returns those that were not taken yet.
    ///
    /// # Errors
    ///
    /// When there is no memory for packing.
    pub fn finish(&mut self) -> Result<Vec<Page>, Error> {
        self.close()?;
        Ok(self.take())
    }

    /// Returns the pages that are closed.
    pub fn take(&mut self) -> Vec<Page> {
        std::mem::take(&mut self.pages)
    }

    /// Returns how many pages are closed and not taken.
    #[must_use]
    pub fn closed(&self) -> usize {
        self.pages.len()
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.plain.is_empty() {
            return Ok(());
        }
        let body = zstd::bulk::compress(&self.plain, LEVEL)?;
        self.pages.push(Page {
            kind: self.kind,
            first: std::mem::take(&mut self.first),
            body,
        });
        self.plain.clear();
        self.plain.shrink_to(PAGE_BYTES.saturating_mul(2));
        Ok(())
    }
}

/// A page, unpacked.
#[derive(Debug, Default)]
pub struct Entries {
    plain: Vec<u8>,
    at: usize,
    key: Vec<u8>,
}

impl Entries {
    /// Unpacks a page.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](ErrorKind::Corrupt) when it is none.
    pub fn unpack(body: &[u8]) -> Result<Self, Error> {
        let size = zstd::zstd_safe::get_frame_content_size(body).ok().flatten();
        let size = size.and_then(|size| usize::try_from(size).ok());
        let size = size
            .filter(|size| *size <= MAX_PLAIN_BYTES)
            .ok_or_else(damaged)?;
        let plain = UNPACKER.with_borrow_mut(|unpacker| {
            if unpacker.is_none() {
                *unpacker = Some(Decompressor::new()?);
            }
            match unpacker {
                Some(unpacker) => unpacker.decompress(body, size),
                None => Err(std::io::ErrorKind::OutOfMemory.into()),
            }
        });
        Ok(Self {
            plain: plain.map_err(|_| damaged())?,
            at: 0,
            key: Vec::new(),
        })
    }

    /// Goes to the next entry: its key and value.
    ///
    /// # Errors
    ///
    /// `Corrupt` when the page is damaged.
    #[expect(clippy::should_implement_trait, reason = "it lends what it returns")]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>, Error> {
        if self.at >= self.plain.len() {
            return Ok(None);
        }
        let mut reader = Reader {
            bytes: self.plain.get(self.at..).unwrap_or_default(),
        };
        let (shared, rest, value) = (reader.number()?, reader.number()?, reader.number()?);
        let before = reader.bytes.len();
        let rest = reader.take(rest)?;
        let shared = usize::try_from(shared).map_err(|_| damaged())?;
        if shared > self.key.len() {
            return Err(damaged());
        }
        self.key.truncate(shared);
        self.key.extend_from_slice(rest);
        let value_at = self
            .plain
            .len()
            .saturating_sub(before)
            .saturating_add(rest.len());
        let length = reader.take(value)?.len();
        self.at = value_at.saturating_add(length);
        let value = self.plain.get(value_at..self.at).ok_or_else(damaged)?;
        Ok(Some((&self.key, value)))
    }
}

/// Writes a set.
///
/// # Errors
///
/// Never, but for memory.
pub fn write_set(out: &mut Vec<u8>, set: &RoaringBitmap) -> Result<(), Error> {
    if set.len() <= FEW {
        out.push(0);
        let mut last = 0_u32;
        for number in set {
            put(out, u64::from(number.wrapping_sub(last)));
            last = number;
        }
        return Ok(());
    }
    out.push(1);
    set.serialize_into(out)?;
    Ok(())
}

/// Reads a set and adds it to another.
///
/// # Errors
///
/// `Corrupt` when it is none.
pub fn read_set(value: &[u8], into: &mut RoaringBitmap) -> Result<(), Error> {
    match value.split_first() {
        Some((0, rest)) => {
            let mut reader = Reader { bytes: rest };
            let mut last = 0_u32;
            while !reader.bytes.is_empty() {
                let step = u32::try_from(reader.number()?).map_err(|_| damaged())?;
                last = last.wrapping_add(step);
                into.insert(last);
            }
            Ok(())
        }
        Some((1, rest)) => {
            let set = RoaringBitmap::deserialize_from(Cursor::new(rest)).map_err(|_| damaged())?;
            if into.is_empty() {
                *into = set;
            } else {
                *into |= set;
            }
            Ok(())
        }
        _ => Err(damaged()),
    }
}

/// Writes how often something was seen.
pub fn write_seen(out: &mut Vec<u8>, seen: Seen) {
    put(out, seen.count);
    // Zigzag: small numbers of either sign are short.
    let first = seen.first.0;
    put(out, ((first << 1) ^ (first >> 63)).cast_unsigned());
    put(out, seen.last.since(seen.first).max(0).cast_unsigned());
}

/// Reads how often something was seen.
///
/// # Errors
///
/// `Corrupt` when it is nothing of the kind.
pub fn read_seen(value: &[u8]) -> Result<Seen, Error> {
    let mut reader = Reader { bytes: value };
    let count = reader.number()?;
    let first = reader.number()?;
    let first = (first >> 1).cast_signed() ^ (first & 1).cast_signed().wrapping_neg();
    let length = reader.number()?.cast_signed();
    Ok(Seen {
        count,
        first: Millis(first),
        last: Millis(first).plus(length),
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn number(&mut self) -> Result<u64, Error> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.bytes.split_first().ok_or_else(damaged)?;
            self.bytes = rest;
            number |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(damaged())
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], Error> {
        let count = usize::try_from(count).map_err(|_| damaged())?;
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(damaged)?;
        self.bytes = rest;
        Ok(taken)
    }
}

/// Appends a number, seven bits a byte.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn damaged() -> Error {
    Error::because(ErrorKind::Corrupt, "the index has an impossible page")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn entries_come_back_as_they_went(
            entries in prop::collection::btree_map(
                prop::collection::vec(any::<u8>(), 0..12),
                prop::collection::vec(any::<u8>(), 0..3000),
                0..60,
            ),
        ) {
            let mut builder = PageBuilder::default();
            builder.begin(1).unwrap();
            for (key, value) in &entries {
                builder.push(key, value).unwrap();
            }
            let mut back = Vec::new();
            for page in builder.finish().unwrap() {
                let mut read = Entries::unpack(&page.body).unwrap();
                let mut is_first = true;
                while let Some((key, value)) = read.next().unwrap() {
                    prop_assert!(!is_first || key == page.first);
                    is_first = false;
                    back.push((key.to_vec(), value.to_vec()));
                }
            }
            prop_assert_eq!(back, entries.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn sets_come_back_as_they_went(numbers in prop::collection::btree_set(any::<u32>(), 0..60)) {
            let set: RoaringBitmap = numbers.iter().collect();
            let mut bytes = Vec::new();
            write_set(&mut bytes, &set).unwrap();
            let mut back = RoaringBitmap::new();
            read_set(&bytes, &mut back).unwrap();
            prop_assert_eq!(back, set);
        }

        #[test]
        fn counts_come_back_as_they_went(count: u64, first in any::<i32>(), length in any::<u32>()) {
            let first = Millis(i64::from(first));
            let seen = Seen { count, first, last: first.plus(i64::from(length)) };
            let mut bytes = Vec::new();
            write_seen(&mut bytes, seen);
            prop_assert_eq!(read_seen(&bytes).unwrap(), seen);
        }

        #[test]
        fn damage_is_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_set(&bytes, &mut RoaringBitmap::new());
            let _ = read_seen(&bytes);
            if let Ok(mut entries) = Entries::unpack(&zstd::bulk::compress(&bytes, 1).unwrap()) {
                while let Ok(Some(_)) = entries.next() {}
            }
            let _ = Entries::unpack(&bytes);
        }
    }
}
