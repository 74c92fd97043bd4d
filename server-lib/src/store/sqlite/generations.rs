//! A memory of bounded size that keeps what was used lately.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Two maps: when the newer is full it becomes the older, and what the older held and nobody asked
/// for is forgotten.
#[derive(Debug)]
pub(super) struct Generations<K, V, const CAPACITY: usize> {
    newer: HashMap<K, V>,
    older: HashMap<K, V>,
}

impl<K, V, const CAPACITY: usize> Default for Generations<K, V, CAPACITY> {
    fn default() -> Self {
        Self {
            newer: HashMap::new(),
            older: HashMap::new(),
        }
    }
}

impl<K: Hash + Eq, V: Copy, const CAPACITY: usize> Generations<K, V, CAPACITY> {
    /// Returns what is remembered.
    pub(super) fn get<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(value) = self.newer.get(key) {
            return Some(*value);
        }
        let (key, value) = self.older.remove_entry(key)?;
        self.insert(key, value);
        Some(value)
    }

    /// Remembers a value.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.newer.len() >= CAPACITY {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut memory = Generations::<u32, u32, 4>::default();
        for key in 0..100 {
            memory.insert(key, key * 2);
            assert_eq!(memory.get(&0), Some(0));
            assert!(memory.newer.len() + memory.older.len() <= 8);
        }
        assert_eq!(memory.get(&99), Some(198));
        assert_eq!(memory.get(&50), None);
    }
}
