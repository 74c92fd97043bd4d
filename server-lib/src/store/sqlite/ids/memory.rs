//! Entries in memory: the newest, and those that wait for being written.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::hash::Entry;

/// The newest entries.
#[derive(Default)]
pub(super) struct Active {
    seqs: HashMap<u64, u64, BuildHasherDefault<Hashed>>,
    /// Further places of a hash: the same id in several projects, or sent again.
    more: HashMap<u64, Vec<u64>>,
    entries: usize,
}

impl Active {
    pub(super) fn len(&self) -> usize {
        self.entries
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        match self.seqs.get(&entry.hash) {
            None => {
                self.seqs.insert(entry.hash, entry.seq);
            }
            Some(seq) if *seq == entry.seq => return,
            Some(_) => {
                let more = self.more.entry(entry.hash).or_default();
                if more.contains(&entry.seq) {
                    return;
                }
                more.push(entry.seq);
            }
        }
        self.entries = self.entries.saturating_add(1);
    }

    pub(super) fn search(&self, hash: u64, found: &mut impl FnMut(u64)) {
        let Some(seq) = self.seqs.get(&hash) else {
            return;
        };
        found(*seq);
        if let Some(more) = self.more.get(&hash) {
            more.iter().copied().for_each(found);
        }
    }

    /// Takes everything, as it was known up to a place.
    pub(super) fn take_sorted(&mut self, last: u64) -> Sorted {
        let taken = std::mem::take(self);
        let mut entries = Vec::with_capacity(taken.entries);
        let single = taken.seqs.into_iter();
        entries.extend(single.map(|(hash, seq)| Entry { hash, seq }));
        for (hash, seqs) in taken.more {
            entries.extend(seqs.into_iter().map(|seq| Entry { hash, seq }));
        }
        Sorted::new(entries, last)
    }
}

/// Sorted entries.
#[derive(Debug)]
pub(super) struct Sorted {
    entries: Vec<Entry>,
    last: u64,
}

impl Sorted {
    /// Sorts entries that are all there are since the previous run, up to `last`.
    pub(super) fn new(mut entries: Vec<Entry>, last: u64) -> Self {
        entries.sort_unstable();
        Self { entries, last }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns up to which place it knows all.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn search(&self, hash: u64, found: &mut impl FnMut(u64)) {
        let first = self.entries.partition_point(|entry| entry.hash < hash);
        let equal = self.entries.iter().skip(first);
        equal
            .take_while(|entry| entry.hash == hash)
            .for_each(|entry| found(entry.seq));
    }
}

/// Takes a key that is a hash already as it is.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}
