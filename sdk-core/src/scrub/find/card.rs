//! Payment cards.
//!
//! Events are full of long numbers that are none: ids, timestamps, addresses. So a card needs
//! all of: the beginning and length of an issuer, the check digit, groups as printed on cards,
//! and nothing around it that would make it a part of something longer.

use crate::scrub::find::{Found, Rule};

/// Group lengths as printed: most cards, those of 19 digits, and two of 14 and 15 digits.
const GROUPINGS: [&[usize]; 4] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];
/// Digits of the first group.
const FIRST_GROUP: usize = 4;
/// Shortest card.
const MIN_DIGITS: usize = 13;
/// Longest card.
const MAX_DIGITS: usize = 19;
/// How far a neighbour behind a hyphen is looked at.
const MAX_NEIGHBOUR: usize = 40;

pub(in crate::scrub) fn find(text: &[u8], rule: Rule, found: &mut Vec<Found>) {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if !byte.is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        at = digits_end(text, start);
        if let Some(end) = card_end(text, start, at)
            && begins_freely(text, start)
        {
            found.push(Found { start, end, rule });
            at = end;
        }
    }
}

/// False when the digit at the offset surely is not the fourth of a second group of a card, nor
/// the last of its first thirteen digits.
pub(in crate::scrub) fn may_go_on(text: &[u8], at: usize) -> bool {
    let separator = at.checked_sub(FIRST_GROUP).and_then(|at| text.get(at));
    if separator.is_none_or(u8::is_ascii_digit) {
        return true;
    }
    let end = digits_end(text, at);
    text.get(end) == separator && digits_end(text, end + 1) - end > FIRST_GROUP
}

/// The end of the card that begins with the digits from `start` to `end`.
fn card_end(text: &[u8], start: usize, end: usize) -> Option<usize> {
    if end - start == FIRST_GROUP {
        return GROUPINGS
            .iter()
            .find_map(|grouping| grouped_end(text, start, grouping));
    }
    if end - start < MIN_DIGITS {
        return None;
    }
    let mut digits = Digits::default();
    digits.extend(text.get(start..end)?);
    (digits.are_a_card() && ends_freely(text, end)).then_some(end)
}

fn grouped_end(text: &[u8], start: usize, grouping: &[usize]) -> Option<usize> {
    let mut digits = Digits::default();
    let mut at = start;
    let mut separator = None;
    for len in grouping {
        if at != start {
            let byte = *text.get(at)?;
            if !matches!(byte, b' ' | b'-') || separator.is_some_and(|known| known != byte) {
                return None;
            }
            separator = Some(byte);
            at += 1;
        }
        let end = digits_end(text, at);
        if end - at != *len {
            return None;
        }
        digits.extend(text.get(at..end)?);
        at = end;
    }
    (digits.are_a_card() && ends_freely(text, at)).then_some(at)
}

/// Up to nineteen digits, and how many there were.
#[derive(Default)]
struct Digits {
    values: [u8; MAX_DIGITS],
    len: usize,
}

impl Digits {
    fn extend(&mut self, text: &[u8]) {
        for byte in text {
            if let Some(slot) = self.values.get_mut(self.len) {
                *slot = byte.wrapping_sub(b'0');
            }
            self.len += 1;
        }
    }

    fn are_a_card(&self) -> bool {
        self.have_an_issuer() && self.check()
    }

    /// Beginnings and lengths of the large issuers.
    fn have_an_issuer(&self) -> bool {
        let first = |count: usize| {
            let digits = self.values.iter().take(count);
            digits.fold(0_u32, |number, digit| number * 10 + u32::from(*digit))
        };
        match (first(2), first(3), first(4)) {
            (40..=49, ..) => matches!(self.len, 13 | 16 | 19),
            (51..=55, ..) | (_, _, 2221..=2720) => self.len == 16,
            (34 | 37, ..) => self.len == 15,
            (36 | 38 | 39, ..) | (_, 300..=305, _) => matches!(self.len, 14 | 16..=19),
            (62 | 65, ..) | (_, 644..=649, _) | (.., 6011 | 3528..=3589) => {
                matches!(self.len, 16..=19)
            }
            (.., 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763) => {
                matches!(self.len, 16 | 18 | 19)
            }
            _ => false,
        }
    }

    /// The check digit: every second digit from the end counts double.
    fn check(&self) -> bool {
        let digits = self.values.get(..self.len).unwrap_or_default();
        let doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
        let sum: u32 = digits
            .iter()
            .rev()
            .enumerate()
            .map(|(at, digit)| match at % 2 {
                0 => u32::from(*digit),
                _ => doubled
                    .get(usize::from(*digit))
                    .copied()
                    .unwrap_or_default(),
            })
            .sum();
        sum.is_multiple_of(10)
    }
}

fn digits_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    start + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn begins_freely(text: &[u8], start: usize) -> bool {
    let before = text.get(..start).unwrap_or_default();
    let before = before
        .get(before.len().saturating_sub(MAX_NEIGHBOUR)..)
        .unwrap_or_default();
    is_free(before.iter().rev())
}

fn ends_freely(text: &[u8], end: usize) -> bool {
    let after = text.get(end..).unwrap_or_default();
    is_free(after.iter().take(MAX_NEIGHBOUR))
}

/// True when what comes next, seen from the number, is not of one piece with it: no letter, no
/// fraction, and no part with digits or `[Filtered]` behind a hyphen, as in an id.
fn is_free<'a>(mut neighbours: impl Iterator<Item = &'a u8>) -> bool {
    match neighbours.next() {
        Some(b'.') => !neighbours.next().is_some_and(u8::is_ascii_digit),
        Some(b'-') => !neighbours
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'[' | b']'))
            .any(|byte| byte.is_ascii_digit() || matches!(byte, b'[' | b']')),
        Some(byte) => !byte.is_ascii_alphanumeric() && *byte != b'_',
        None => true,
    }
}
