//! Names without case and separators, with the places where their words begin.

/// Bytes of a name that are folded at once.
pub(super) const MAX_FOLDED: usize = 128;
/// How far the next part of a longer name begins behind the last one; what the parts share is
/// longer than the names of rules are.
const STRIDE: usize = MAX_FOLDED / 2;

/// A name, or a part of a very long one, in lower case and without separators.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    bytes: [u8; MAX_FOLDED],
    len: usize,
    /// A bit for each byte that begins a word.
    starts: u128,
    /// True when the last byte ends a word.
    ends: bool,
    /// Which letters occur, for a quick no.
    letters: u32,
}

impl Folded {
    /// Folds the first [`MAX_FOLDED`] bytes of a name. Words end at separators, at a change of
    /// case as in `userAuth` and `HTTPAuth`, and between letters and digits.
    pub(super) fn new(name: &[u8]) -> Self {
        Self::part(name, 0)
    }

    /// Folds all of a name, in parts that overlap.
    pub(super) fn parts(name: &[u8]) -> impl Iterator<Item = Self> {
        let last = name.len().saturating_sub(MAX_FOLDED).div_ceil(STRIDE);
        (0..=last).map(move |part| Self::part(name, part * STRIDE))
    }

    fn part(name: &[u8], from: usize) -> Self {
        let mut folded = Self {
            bytes: [0; MAX_FOLDED],
            len: 0,
            starts: 0,
            ends: true,
            letters: 0,
        };
        let mut at = from;
        let mut before = from.checked_sub(1).and_then(|at| name.get(at)).copied();
        let stop = name.len().min(from + MAX_FOLDED);
        while at < stop {
            let (byte, taken) = decoded(name, at);
            let after = name.get(at + taken).copied();
            if is_word(byte) {
                let starts = begins_word(before, byte, after);
                folded.push(byte.to_ascii_lowercase(), starts);
            }
            before = Some(byte);
            at += taken;
        }
        folded.ends = match (before, name.get(at)) {
            (Some(last), Some(next)) => {
                !is_word(*next) || begins_word(Some(last), *next, name.get(at + 1).copied())
            }
            _ => true,
        };
        folded
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The letters that occur, as a set.
    pub(super) fn letters(&self) -> u32 {
        self.letters
    }

    /// True when a word begins at the offset, or the name ends there with a word.
    pub(super) fn is_boundary(&self, at: usize) -> bool {
        if at >= self.len {
            self.ends
        } else {
            self.starts >> at & 1 == 1
        }
    }

    fn push(&mut self, byte: u8, starts: bool) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.starts |= u128::from(starts) << self.len;
            self.letters |= 1 << (byte & 31);
            self.len += 1;
        }
    }
}

/// The byte at the offset and how many it took: `%70` is read as `p`.
fn decoded(name: &[u8], at: usize) -> (u8, usize) {
    let rest = name.get(at..).unwrap_or_default();
    if let [b'%', high, low, ..] = rest
        && let (Some(high), Some(low)) = (hex(*high), hex(*low))
    {
        return (high << 4 | low, 3);
    }
    (rest.first().copied().unwrap_or_default(), 1)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

fn begins_word(before: Option<u8>, byte: u8, after: Option<u8>) -> bool {
    let Some(before) = before else {
        return true;
    };
    if !is_word(before) || before.is_ascii_digit() != byte.is_ascii_digit() {
        return true;
    }
    if !byte.is_ascii_uppercase() {
        return false;
    }
    before.is_ascii_lowercase() || after.is_some_and(|after| after.is_ascii_lowercase())
}
