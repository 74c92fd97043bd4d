//! A memory of bounded size of what was seen lately.

use std::collections::HashSet;

/// Two sets of numbers: when the newer is full it becomes the older.
#[derive(Debug)]
pub(super) struct Recent {
    newer: HashSet<u64>,
    older: HashSet<u64>,
    capacity: usize,
}

impl Recent {
    /// Makes a memory of at most twice so many numbers.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            newer: HashSet::new(),
            older: HashSet::new(),
            capacity,
        }
    }

    /// Notes a number; false when it was seen lately.
    pub(super) fn insert(&mut self, number: u64) -> bool {
        if self.newer.contains(&number) {
            return false;
        }
        if self.newer.len() >= self.capacity {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(number);
        !self.older.contains(&number)
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.newer = HashSet::new();
        self.older = HashSet::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_known_for_a_while() {
        let mut recent = Recent::new(4);
        assert!(recent.insert(1));
        assert!(!recent.insert(1));
        for number in 2..5 {
            assert!(recent.insert(number));
        }
        assert!(!recent.insert(1));
        for number in 10..20 {
            assert!(recent.insert(number));
            assert!(recent.newer.len() + recent.older.len() <= 8);
        }
        assert!(recent.insert(1));
    }
}
