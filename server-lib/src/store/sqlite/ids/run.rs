//! A sorted run of entries in a file, and how it is searched.
//!
//! A file is: pages of 255 entries and a checksum, in the order of the hashes; the filter; the
//! first hash of each page; a footer. It never changes once it has its name.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::bloom::{self, BLOCK_BYTES, Block};
use super::hash::{ENTRY_BYTES, Entry};
use crate::error::{Error, ErrorKind};

/// Bytes of a page.
pub(super) const PAGE_BYTES: usize = 4096;

/// Entries of a page.
pub(super) const PAGE_ENTRIES: usize = 255;

/// Where the checksum of a page stands.
pub(super) const PAGE_CHECKSUM: usize = PAGE_ENTRIES * ENTRY_BYTES;

/// Bytes of the footer.
pub(super) const FOOTER_BYTES: usize = 64;

const MAGIC: u64 = u64::from_be_bytes(*b"msidrun1");

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    /// The database that it belongs to.
    pub(super) store: i64,
    /// It knows all events from this place …
    pub(super) first: u64,
    /// … to this one.
    pub(super) last: u64,
    /// How many entries it has.
    pub(super) entries: u64,
    /// Pages that are set aside; the last ones may be unused.
    pub(super) pages: u64,
    /// Blocks of the filter.
    pub(super) blocks: u64,
    /// Checksum of filter and first hashes.
    pub(super) checksum: u32,
}

impl Footer {
    pub(super) fn to_bytes(self) -> [u8; FOOTER_BYTES] {
        let words = [
            MAGIC,
            u64::from_ne_bytes(self.store.to_ne_bytes()),
            self.first,
            self.last,
            self.entries,
            self.pages,
            self.blocks,
        ];
        let mut bytes = [0; FOOTER_BYTES];
        for (slot, word) in bytes.chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        let own = crc32fast::hash(bytes.get(..56).unwrap_or_default());
        let both = u64::from(self.checksum) << 32 | u64::from(own ^ self.checksum);
        if let Some(slot) = bytes.last_chunk_mut::<8>() {
            *slot = both.to_le_bytes();
        }
        bytes
    }

    fn from_bytes(bytes: &[u8; FOOTER_BYTES]) -> Option<Self> {
        let mut words = bytes
            .chunks_exact(8)
            .map(|word| word.try_into().map_or(0, u64::from_le_bytes));
        if words.next()? != MAGIC {
            return None;
        }
        let footer = Self {
            store: i64::from_ne_bytes(words.next()?.to_ne_bytes()),
            first: words.next()?,
            last: words.next()?,
            entries: words.next()?,
            pages: words.next()?,
            blocks: words.next()?,
            checksum: u32::try_from(words.next()? >> 32).ok()?,
        };
        (footer.to_bytes() == *bytes).then_some(footer)
    }

    /// Returns how many pages have entries.
    pub(super) fn used_pages(&self) -> u64 {
        self.entries.div_ceil(PAGE_ENTRIES as u64)
    }

    fn filter_at(&self) -> u64 {
        self.pages.saturating_mul(PAGE_BYTES as u64)
    }

    fn firsts_at(&self) -> u64 {
        let filter = self.blocks.saturating_mul(BLOCK_BYTES as u64);
        self.filter_at().saturating_add(filter)
    }

    fn footer_at(&self) -> u64 {
        let firsts = self.used_pages().saturating_mul(8);
        self.firsts_at().saturating_add(firsts)
    }
}

/// A run that is open.
#[derive(Debug)]
pub(super) struct Run {
    path: PathBuf,
    file: File,
    footer: Footer,
    filter: Option<Box<[Block]>>,
    firsts: Box<[u64]>,
}

impl Run {
    /// Opens a run. Its filter is kept in memory if it fits into what is left of the `budget` of
    /// bytes, and otherwise read block by block.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] when the file is not a whole run, [`ErrorKind::NotFound`] when it is
    /// gone.
    pub(super) fn open(path: PathBuf, budget: &mut u64) -> Result<Self, Error> {
        let file = File::open(&path)?;
        let length = file.metadata()?.len();
        let footer = length
            .checked_sub(FOOTER_BYTES as u64)
            .ok_or_else(|| damaged(&path))?;
        let mut bytes = [0; FOOTER_BYTES];
        file.read_exact_at(&mut bytes, footer)?;
        let footer = Footer::from_bytes(&bytes)
            .filter(|read| read.footer_at() == footer && read.blocks > 0)
            .ok_or_else(|| damaged(&path))?;
        let mut checksum = crc32fast::Hasher::new();
        let filter = read_filter(&file, &footer, &mut checksum, budget)?;
        let firsts = read_firsts(&file, &footer, &mut checksum)?;
        if checksum.finalize() != footer.checksum {
            return Err(damaged(&path));
        }
        Ok(Self {
            path,
            file,
            footer,
            filter,
            firsts,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn footer(&self) -> &Footer {
        &self.footer
    }

    /// Returns the bytes of memory that the filter takes.
    pub(super) fn filter_bytes(&self) -> u64 {
        self.filter
            .as_ref()
            .map_or(0, |filter| size_of_val(&**filter)) as u64
    }

    /// Calls `found` with the place of each entry of the hash.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] when a page is damaged.
    pub(super) fn search(&self, hash: u64, found: &mut impl FnMut(u64)) -> Result<(), Error> {
        if !self.may_hold(hash)? {
            return Ok(());
        }
        // Entries of equal hash may begin on the page before the first that begins with it.
        let after = self.firsts.partition_point(|first| *first < hash);
        let mut page = after.saturating_sub(1);
        while self.firsts.get(page).is_some_and(|first| *first <= hash) {
            for entry in self.page(page as u64)? {
                if entry.hash == hash {
                    found(entry.seq);
                }
            }
            page = page.saturating_add(1);
        }
        Ok(())
    }

    /// Reads a page.
    pub(super) fn page(&self, page: u64) -> Result<impl Iterator<Item = Entry> + use<>, Error> {
        let mut bytes = [0; PAGE_BYTES];
        let at = page.saturating_mul(PAGE_BYTES as u64);
        self.file.read_exact_at(&mut bytes, at)?;
        let (entries, rest) = bytes.split_at_checked(PAGE_CHECKSUM).unwrap_or_default();
        let checksum = rest.first_chunk().map_or(0, |own| u32::from_le_bytes(*own));
        if crc32fast::hash(entries) != checksum {
            return Err(damaged(&self.path));
        }
        let before = page.saturating_mul(PAGE_ENTRIES as u64);
        let count = self.footer.entries.saturating_sub(before);
        let count = usize::try_from(count)
            .unwrap_or(PAGE_ENTRIES)
            .min(PAGE_ENTRIES);
        Ok((0..count).filter_map(move |index| {
            let at = index.checked_mul(ENTRY_BYTES)?;
            let entry = bytes.get(at..)?.first_chunk()?;
            Some(Entry::from_bytes(*entry))
        }))
    }

    /// Reads everything once.
    pub(super) fn verify(&self) -> Result<(), Error> {
        for page in 0..self.footer.used_pages() {
            self.page(page).map(drop)?;
        }
        Ok(())
    }

    fn may_hold(&self, hash: u64) -> Result<bool, Error> {
        let index = bloom::block_of(hash, self.footer.blocks);
        if let Some(filter) = &self.filter {
            let block = usize::try_from(index)
                .ok()
                .and_then(|index| filter.get(index));
            return Ok(block.is_none_or(|block| bloom::may_hold(block, hash)));
        }
        let mut bytes = [0; BLOCK_BYTES];
        let at = index.saturating_mul(BLOCK_BYTES as u64);
        let at = self.footer.filter_at().saturating_add(at);
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bloom::may_hold(&bloom::block_from(&bytes), hash))
    }
}

fn read_filter(
    file: &File,
    footer: &Footer,
    checksum: &mut crc32fast::Hasher,
    budget: &mut u64,
) -> Result<Option<Box<[Block]>>, Error> {
    let size = footer.blocks.saturating_mul(BLOCK_BYTES as u64);
    let is_kept = size <= *budget;
    let mut kept = Vec::new();
    if is_kept {
        *budget = budget.saturating_sub(size);
        kept.reserve_exact(usize::try_from(footer.blocks).unwrap_or(0));
    }
    let mut buffer = vec![0; 64 * 1024];
    let mut done = 0;
    while done < size {
        let rest = usize::try_from(size.saturating_sub(done)).unwrap_or(usize::MAX);
        let length = buffer.len().min(rest);
        let part = buffer.get_mut(..length).unwrap_or_default();
        file.read_exact_at(part, footer.filter_at().saturating_add(done))?;
        checksum.update(part);
        if is_kept {
            kept.extend(part.chunks_exact(BLOCK_BYTES).map(bloom::block_from));
        }
        done = done.saturating_add(length as u64);
    }
    Ok(is_kept.then(|| kept.into_boxed_slice()))
}

fn read_firsts(
    file: &File,
    footer: &Footer,
    checksum: &mut crc32fast::Hasher,
) -> Result<Box<[u64]>, Error> {
    let size = footer.footer_at().saturating_sub(footer.firsts_at());
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    file.read_exact_at(&mut bytes, footer.firsts_at())?;
    checksum.update(&bytes);
    let read = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
    Ok(bytes.chunks_exact(8).map(read).collect())
}

fn damaged(path: &Path) -> Error {
    Error::because(
        ErrorKind::Corrupt,
        format!("the run of event ids {} is damaged", path.display()),
    )
}
