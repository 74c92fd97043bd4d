//! Verdicts on names, kept from one document to the next: events repeat the same few dozen names.
//!
//! All threads share what is kept, and none waits for another. Each entry counts how often it
//! was written; a reader that sees another count after it read than before asks the rules.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::scrub::keys::Verdict;

/// In the state of an entry that is being written.
const BUSY: u64 = 1 << 32;
/// What the state grows by with each write.
const WRITTEN: u64 = 1 << 33;
/// Stands in no name that has no escapes, so that nothing but the end of a name becomes a zero.
const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);

/// Longest names of the two kinds, in words.
const SHORT: usize = 2;
const LONG: usize = 4;

/// Bytes of the longest name that is kept.
const MAX_KEPT: usize = 8 * LONG;
/// Masks of the bytes of a name: that many before the middle, and none behind it.
const KEPT: [u8; 2 * MAX_KEPT] = kept();

/// Verdicts on short and on long names.
#[derive(Debug)]
pub(super) struct Memos {
    short: Memo<SHORT>,
    long: Memo<LONG>,
}

impl Memos {
    /// The code of the verdict on a name without escapes that stands between two offsets; asks
    /// the rules when it is not known.
    #[inline(always)]
    pub(super) fn judge(
        &self,
        json: &[u8],
        start: usize,
        end: usize,
        judge: impl FnOnce() -> Verdict,
    ) -> u32 {
        if end - start <= Memo::<SHORT>::MAX_NAME {
            self.short.judge(json, start, end - start, judge)
        } else {
            self.judge_long(json, start, end, judge)
        }
    }

    #[cold]
    fn judge_long(
        &self,
        json: &[u8],
        start: usize,
        end: usize,
        judge: impl FnOnce() -> Verdict,
    ) -> u32 {
        self.long.judge(json, start, end - start, judge)
    }
}

impl Default for Memos {
    fn default() -> Self {
        Self {
            short: Memo::new(8),
            long: Memo::new(5),
        }
    }
}

/// What was learned is learned again.
impl Clone for Memos {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Verdicts on names of up to eight bytes for each of the `WORDS`.
#[derive(Debug)]
struct Memo<const WORDS: usize> {
    /// By a hash of the name, two for each; their number is a power of two.
    entries: Box<[[Entry<WORDS>; 2]]>,
    /// From the top of a hash to the number.
    shift: u32,
}

/// A name as words, filled up with zeros.
type Words<const WORDS: usize> = [u64; WORDS];

#[derive(Debug)]
struct Entry<const WORDS: usize> {
    /// The verdict, [`BUSY`], and the count of writes.
    state: AtomicU64,
    name: [AtomicU64; WORDS],
}

impl<const WORDS: usize> Memo<WORDS> {
    /// Longest name that is kept.
    const MAX_NAME: usize = 8 * WORDS;

    /// With room for two to the power of `bits` names, twice; `bits` is not zero.
    fn new(bits: u32) -> Self {
        let entry = || Entry {
            state: AtomicU64::new(Verdict::Plain.code().into()),
            name: [const { AtomicU64::new(0) }; WORDS],
        };
        Self {
            entries: (0..1_usize << bits).map(|_| [entry(), entry()]).collect(),
            shift: u64::BITS - bits,
        }
    }

    /// The verdict on a name without escapes that begins at the offset and is this long; asks
    /// the rules when it is not known.
    #[inline(always)]
    fn judge(&self, json: &[u8], start: usize, len: usize, judge: impl FnOnce() -> Verdict) -> u32 {
        let Some(name) = words(json, start, len) else {
            return judge().code();
        };
        let set = self.entries.get(self.number(&name));
        let Some([first, second]) = set else {
            return judge().code();
        };
        if let Some(code) = first.get(&name).or_else(|| second.get(&name)) {
            return code;
        }
        let code = judge().code();
        // The one that was written less often was written longer ago.
        let writes = |entry: &Entry<WORDS>| entry.state.load(Ordering::Relaxed) / WRITTEN;
        let entry = if writes(second) < writes(first) {
            second
        } else {
            first
        };
        entry.put(&name, code);
        code
    }

    #[inline(always)]
    fn number(&self, name: &Words<WORDS>) -> usize {
        let mixed = name
            .iter()
            .fold(0, |mixed: u64, word| mixed.rotate_left(29) ^ word);
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }
}

impl<const WORDS: usize> Entry<WORDS> {
    /// The code of the verdict, if the entry is for this name.
    #[inline(always)]
    fn get(&self, name: &Words<WORDS>) -> Option<u32> {
        let state = self.state.load(Ordering::Acquire);
        let kept = self.name.iter().zip(name);
        let differs = kept.fold(0, |bits, (kept, word)| {
            bits | (kept.load(Ordering::Relaxed) ^ word)
        });
        fence(Ordering::Acquire);
        let torn = state & BUSY | (self.state.load(Ordering::Relaxed) ^ state);
        (differs | torn == 0).then_some(state as u32)
    }

    /// Keeps a verdict, unless another thread keeps one here right now.
    fn put(&self, name: &Words<WORDS>, code: u32) {
        let state = self.state.load(Ordering::Relaxed);
        let begins = state & BUSY == 0
            && self
                .state
                .compare_exchange(state, state | BUSY, Ordering::Acquire, Ordering::Relaxed)
                .is_ok();
        if !begins {
            return;
        }
        fence(Ordering::Release);
        for (kept, word) in self.name.iter().zip(name) {
            kept.store(*word, Ordering::Relaxed);
        }
        let writes = (state & !(WRITTEN - 1)).wrapping_add(WRITTEN);
        self.state
            .store(writes | u64::from(code), Ordering::Release);
    }
}

const fn kept() -> [u8; 2 * MAX_KEPT] {
    let mut kept = [0; 2 * MAX_KEPT];
    let (named, _) = kept.split_at_mut(MAX_KEPT);
    let mut rest = named;
    while let [byte, others @ ..] = rest {
        *byte = u8::MAX;
        rest = others;
    }
    kept
}

/// The name of the text as words; `None` when it is too long, or too near to the end of the text.
#[inline(always)]
fn words<const WORDS: usize>(json: &[u8], start: usize, len: usize) -> Option<Words<WORDS>> {
    let bytes = 8 * WORDS;
    let hidden = bytes.checked_sub(len)?;
    let kept = KEPT.get(MAX_KEPT - bytes + hidden..)?;
    let (kept, _) = kept.get(..bytes)?.as_chunks::<8>();
    let (chunks, _) = json.get(start..start.checked_add(bytes)?)?.as_chunks::<8>();
    let mut words = [0; WORDS];
    for ((word, chunk), kept) in words.iter_mut().zip(chunks).zip(kept) {
        *word = (u64::from_le_bytes(*chunk) ^ QUOTES) & u64::from_le_bytes(*kept);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn judged(memo: &Memo<2>, text: &str, len: usize, verdict: Verdict) -> (Verdict, bool) {
        let mut is_asked = false;
        let code = memo.judge(text.as_bytes(), 0, len, || {
            is_asked = true;
            verdict
        });
        (Verdict::of_code(code), is_asked)
    }

    #[test]
    fn a_known_name_is_not_judged_again() {
        let memo = Memo::new(3);
        let rest = "\": and what follows";
        for (number, name) in [
            "",
            "a",
            "a\0",
            "name",
            "eight_by",
            "eight_byt",
            "sixteen_bytes_ab",
        ]
        .into_iter()
        .enumerate()
        {
            let verdict = Verdict::Denied(number as u16);
            let text = format!("{name}{rest}");
            let judged = |verdict| judged(&memo, &text, name.len(), verdict);
            assert_eq!(
                judged(verdict).0,
                if name.is_empty() {
                    Verdict::Plain
                } else {
                    verdict
                }
            );
            assert!(!judged(Verdict::Name).1, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_kept_is_judged_each_time() {
        let memo = Memo::new(3);
        for (text, len) in [("seventeen_bytes_a\": 1", 17), ("at the end\"", 10)] {
            for _ in 0..2 {
                assert_eq!(
                    judged(&memo, text, len, Verdict::Value),
                    (Verdict::Value, true)
                );
            }
        }
    }

    #[test]
    fn every_verdict_is_kept_as_it_was() {
        for verdict in [
            Verdict::Plain,
            Verdict::Structural,
            Verdict::Name,
            Verdict::Value,
            Verdict::Modules,
            Verdict::Fingerprint,
            Verdict::Cookies(7),
            Verdict::Denied(u16::MAX),
        ] {
            assert_eq!(Verdict::of_code(verdict.code()), verdict);
        }
    }

    #[test]
    fn threads_that_share_few_entries_never_mix_names_up() {
        let memo = Memo::<2>::new(1);
        let misses = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4_u16 {
                let (memo, misses) = (&memo, &misses);
                scope.spawn(move || {
                    for step in 0..20_000_u16 {
                        let number = step.wrapping_mul(thread + 3) % 9;
                        let text = format!("{number}_name_{number}_name\": 1");
                        let verdict = memo.judge(text.as_bytes(), 0, 13, || {
                            misses.fetch_add(1, Ordering::Relaxed);
                            Verdict::Denied(number)
                        });
                        assert_eq!(verdict, Verdict::Denied(number).code());
                    }
                });
            }
        });
        assert!(misses.into_inner() >= 9);
    }
}
