//! Event ids as numbers that are spread evenly, and what is known of each.

use mini_sentry::protocol::EventId;

/// Where an event id was seen. Ordered by the hash first, as runs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Entry {
    /// The hash of the id.
    pub(in super::super) hash: u64,
    /// The place of the event.
    pub(in super::super) seq: u64,
}

/// Bytes of an entry in a file.
pub(super) const ENTRY_BYTES: usize = 16;

impl Entry {
    pub(super) fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        (u128::from(self.hash) << 64 | u128::from(self.seq)).to_be_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; ENTRY_BYTES]) -> Self {
        let both = u128::from_be_bytes(bytes);
        Self {
            hash: high(both),
            seq: low(both),
        }
    }
}

/// Spreads an event id evenly. Clients choose ids, and some count them up. Files depend on this
/// function: it never changes.
pub(in super::super) fn hash(id: EventId) -> u64 {
    let id = u128::from_be_bytes(*id.as_bytes());
    let first = fold(high(id) ^ 0x51C6_9D0B_E3A7_24F5, 0xD1B5_4A32_D192_ED03);
    fold(low(id) ^ first, 0x8CB9_2BA7_2F3D_8DD7) ^ first.rotate_left(31)
}

/// Multiplies to twice the width and folds the halves together.
fn fold(value: u64, factor: u64) -> u64 {
    let product = u128::from(value).wrapping_mul(u128::from(factor));
    let folded = high(product) ^ low(product);
    (folded ^ (folded >> 32)).wrapping_mul(0xA24B_AED4_963E_E407)
}

pub(super) fn high(value: u128) -> u64 {
    u64::try_from(value >> 64).unwrap_or(0)
}

pub(super) fn low(value: u128) -> u64 {
    u64::try_from(value & u128::from(u64::MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_count_up_are_spread_evenly() {
        for shift in [0, 8, 40, 64, 100] {
            let mut buckets = [0_u32; 64];
            for number in 0..64_000_u128 {
                let id = EventId::from_bytes((number << shift).to_be_bytes());
                buckets[usize::try_from(hash(id) >> 58).unwrap()] += 1;
            }
            assert!(buckets.iter().all(|count| (800..1200).contains(count)));
        }
    }

    #[test]
    fn an_entry_is_read_back() {
        let entry = Entry {
            hash: u64::MAX - 5,
            seq: 77,
        };
        assert_eq!(Entry::from_bytes(entry.to_bytes()), entry);
    }
}
