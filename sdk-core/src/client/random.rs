//! Random numbers for identifiers and sampling.
//!
//! Each thread draws from its own generator, seeded by the operating system, because an
//! identifier must not cost a system call. A child process after a fork seeds anew, for it would
//! repeat its parent's numbers otherwise.

use std::cell::Cell;

use crate::client::fork;
use crate::protocol::{EventId, SpanId, TraceId};

/// The generator's state (xoshiro256++) and the process generation it was seeded in.
#[derive(Clone, Copy)]
struct State {
    words: [u64; 4],
    generation: u64,
}

thread_local! {
    static STATE: Cell<Option<State>> = const { Cell::new(None) };
}

fn seed(generation: u64) -> State {
    let mut bytes = [0_u8; 32];
    // Without the system's randomness the address of the state still tells threads apart.
    if getrandom::fill(&mut bytes).is_err() {
        let address = std::ptr::from_ref(&bytes).addr().to_le_bytes();
        bytes
            .iter_mut()
            .zip(address)
            .for_each(|(byte, part)| *byte = part | 1);
    }
    let mut words = [0_u64; 4];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = chunk
            .iter()
            .fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
    }
    if words == [0; 4] {
        words = [1; 4];
    }
    State { words, generation }
}

/// The next 64 random bits.
pub(crate) fn next() -> u64 {
    let generation = fork::generation();
    STATE.with(|cell| {
        let mut state = match cell.get() {
            Some(state) if state.generation == generation => state,
            _ => seed(generation),
        };
        let [a, b, c, d] = state.words;
        let out = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        let (b2, a2) = (b ^ c, a ^ d);
        state.words = [a2, b2, c ^ (b << 17), d.rotate_left(45)];
        cell.set(Some(state));
        out
    })
}

/// A number from 0 up to, but not including, 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
pub(crate) fn unit() -> f64 {
    (next() >> 11) as f64 / (1_u64 << 53) as f64
}

fn sixteen() -> [u8; 16] {
    let wide = (u128::from(next()) << 64) | u128::from(next());
    wide.to_be_bytes()
}

/// A new event id: a version 4 UUID.
pub(crate) fn event_id() -> EventId {
    EventId::from(uuid::Builder::from_random_bytes(sixteen()).into_uuid())
}

/// A new trace id.
pub(crate) fn trace_id() -> TraceId {
    TraceId::from_bytes(sixteen())
}

/// A new span id.
pub(crate) fn span_id() -> SpanId {
    SpanId::from_bytes(next().to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_differ_and_are_version_4() {
        let ids: std::collections::HashSet<_> = (0..10_000).map(|_| event_id()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(
            ids.iter()
                .all(|id| uuid::Uuid::from(*id).get_version_num() == 4)
        );
    }

    #[test]
    fn numbers_fill_the_range_evenly() {
        let mut buckets = [0_u32; 10];
        for _ in 0..100_000 {
            let number = unit();
            assert!((0.0..1.0).contains(&number));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 9"
            )]
            let bucket = (number * 10.0) as usize;
            buckets[bucket] += 1;
        }
        assert!(
            buckets.iter().all(|count| (9_000..11_000).contains(count)),
            "{buckets:?}"
        );
    }
}
