//! A filter that says "not here" of almost all ids that are not in a run, from one line of cache.

use std::io::{self, Write};

use super::hash::{high, low};

/// Bytes of a block: one line of cache.
pub(super) const BLOCK_BYTES: usize = 64;

/// Bits for each entry: about one in a hundred answers is a wrong "maybe".
const BITS_PER_ENTRY: u64 = 10;

/// Bits that an entry sets in its block.
const PROBES: u32 = 6;

/// One block.
pub(super) type Block = [u64; 8];

/// Returns how many blocks hold so many entries.
pub(super) fn blocks_for(entries: u64) -> u64 {
    let bits = entries.saturating_mul(BITS_PER_ENTRY);
    bits.div_ceil(8 * BLOCK_BYTES as u64).max(1)
}

/// Returns which of `blocks` blocks a hash belongs to. Grows with the hash.
pub(super) fn block_of(hash: u64, blocks: u64) -> u64 {
    high(u128::from(hash).wrapping_mul(u128::from(blocks)))
}

/// Reports whether a block may have the hash.
pub(super) fn may_hold(block: &Block, hash: u64) -> bool {
    let wanted = mask(hash);
    block
        .iter()
        .zip(wanted)
        .all(|(word, wanted)| word & wanted == wanted)
}

/// Reads a block from its bytes.
pub(super) fn block_from(bytes: &[u8]) -> Block {
    let mut block = Block::default();
    for (word, bytes) in block.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = bytes.try_into().map_or(0, u64::from_le_bytes);
    }
    block
}

fn mask(hash: u64) -> Block {
    let mut block = Block::default();
    let mut bits = low(u128::from(hash).wrapping_mul(0x9FB2_1C65_1E98_DF25)) >> 8;
    for _ in 0..PROBES {
        let word = usize::try_from(bits & 7).unwrap_or(0);
        if let Some(word) = block.get_mut(word) {
            *word |= 1 << ((bits >> 3) & 63);
        }
        bits >>= 9;
    }
    block
}

/// Writes a filter block by block, from hashes in ascending order.
pub(super) struct BloomWriter<W> {
    out: W,
    blocks: u64,
    written: u64,
    block: Block,
    checksum: crc32fast::Hasher,
}

impl<W: Write> BloomWriter<W> {
    pub(super) fn new(out: W, blocks: u64) -> Self {
        Self {
            out,
            blocks,
            written: 0,
            block: Block::default(),
            checksum: crc32fast::Hasher::new(),
        }
    }

    pub(super) fn add(&mut self, hash: u64) -> io::Result<()> {
        let block = block_of(hash, self.blocks);
        while self.written < block {
            self.put()?;
        }
        for (word, bits) in self.block.iter_mut().zip(mask(hash)) {
            *word |= bits;
        }
        Ok(())
    }

    /// Writes the rest, and returns the checksum so far.
    pub(super) fn finish(mut self) -> io::Result<(W, crc32fast::Hasher)> {
        while self.written < self.blocks {
            self.put()?;
        }
        self.out.flush()?;
        Ok((self.out, self.checksum))
    }

    fn put(&mut self) -> io::Result<()> {
        for word in std::mem::take(&mut self.block) {
            self.checksum.update(&word.to_le_bytes());
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.written = self.written.saturating_add(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_knows_what_was_added_and_little_else() {
        let spread = |number: u64| super::super::hash::hash(event_id(number));
        let mut hashes: Vec<_> = (0..10_000).map(spread).collect();
        hashes.sort_unstable();
        let blocks = blocks_for(10_000);
        let mut writer = BloomWriter::new(Vec::new(), blocks);
        hashes.iter().for_each(|hash| writer.add(*hash).unwrap());
        let (bytes, _) = writer.finish().unwrap();
        assert_eq!(bytes.len() as u64, blocks * BLOCK_BYTES as u64);
        let holds = |hash: u64| {
            let block = usize::try_from(block_of(hash, blocks)).unwrap();
            may_hold(&block_from(&bytes[block * BLOCK_BYTES..]), hash)
        };
        assert!(hashes.iter().all(|hash| holds(*hash)));
        let wrong = (10_000..110_000).filter(|number| holds(spread(*number)));
        let wrong = wrong.count();
        assert!(wrong < 3000, "{wrong} of 100000");
    }

    fn event_id(number: u64) -> mini_sentry::protocol::EventId {
        mini_sentry::protocol::EventId::from_bytes(u128::from(number).to_be_bytes())
    }
}
