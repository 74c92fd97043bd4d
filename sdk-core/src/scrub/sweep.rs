//! The pass over a document that is JSON as programs write it.
//!
//! It does what the walk from string to string does, but looks only at names, at brackets and
//! at those texts that hold a stop; most texts are passed over without being looked at one by
//! one. What is odd is left to the walk.

use crate::scrub::cursor::{self, Text};
use crate::scrub::find::assignment;
use crate::scrub::find::token::Beginnings;
use crate::scrub::keys::Verdict;
use crate::scrub::lanes::{self, BLOCK};
use crate::scrub::stops::{RUN_STOP, Scan, Stops};
use crate::scrub::walk::Walk;

/// What the stops of a block need to know of those before.
#[derive(Default)]
struct Place {
    /// The opening mark of the last string.
    opening: usize,
    /// Behind the last backslash.
    slash: usize,
    /// Nothing before this offset is looked at any more.
    next: usize,
    /// No text before this offset is searched any more.
    searched: usize,
}

impl Walk<'_, '_> {
    /// Walks to the end; false, and to be forgotten, when the document is odd.
    pub(super) fn sweep(&mut self, beginnings: &Beginnings) -> bool {
        let mut scan = Scan::default();
        let mut place = Place::default();
        for base in (0..self.json.len()).step_by(BLOCK) {
            let classes = lanes::classes(self.json, base);
            let stops = scan.stops(&classes, beginnings.with_digits());
            if stops.odd {
                return false;
            }
            self.block(base, &stops, &mut place, beginnings);
            place.opening = last(stops.opening, base).unwrap_or(place.opening);
            place.slash = last(stops.backslash, base).map_or(place.slash, |at| at + 1);
        }
        true
    }

    #[inline(always)]
    fn block(&mut self, base: usize, stops: &Stops, place: &mut Place, beginnings: &Beginnings) {
        let mut rest = stops.colon | stops.bracket | stops.found;
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            let at = base + rest.trailing_zeros() as usize;
            rest ^= bit;
            if at < place.next {
                continue;
            }
            let before = bit - 1;
            let opening = || last(stops.opening & before, base).unwrap_or(place.opening);
            if stops.found & bit != 0 {
                if at < place.searched
                    || stops.run & bit != 0 && !beginnings.begin(self.json, at - RUN_STOP)
                {
                    continue;
                }
                let open = opening();
                if self.is_searched(at, open) {
                    place.searched = self.search_at(open);
                }
            } else if stops.colon & bit != 0 {
                let open = opening();
                if open < place.next {
                    continue;
                }
                let slash = last(stops.backslash & before, base).map_or(place.slash, |at| at + 1);
                let name = Text {
                    start: open + 1,
                    end: at - 1,
                    escaped: slash > open,
                    closed: true,
                };
                place.next = self.named(name, at);
            } else {
                place.next = self.bracket(at);
            }
        }
    }

    /// Handles a name; gives where to go on.
    #[inline(always)]
    fn named(&mut self, name: Text, colon: usize) -> usize {
        let at = self.member(name, colon);
        if self.under != Verdict::Name {
            return at;
        }
        let value = cursor::skip_space(self.json, at);
        self.text(value, b':').unwrap_or(at)
    }

    #[inline(always)]
    fn bracket(&mut self, at: usize) -> usize {
        match self.json.get(at) {
            Some(byte @ (b'{' | b'[')) => {
                self.depth += 1;
                self.opened = at;
                if *byte == b'[' {
                    return self.first_of_list(at + 1);
                }
            }
            _ => self.close(),
        }
        at + 1
    }

    /// Handles what may be a pair.
    fn first_of_list(&mut self, at: usize) -> usize {
        let first = cursor::skip_space(self.json, at);
        if self.json.get(first) != Some(&b'"') {
            return at;
        }
        let text = Text::at(self.json, first);
        let behind = cursor::skip_space(self.json, text.after());
        if self.json.get(behind) == Some(&b',') && self.denied_name(text).is_some() {
            return self.value(text, b'[', behind);
        }
        at
    }

    /// Handles a text that is no name, if there is one; gives where to go on.
    fn text(&mut self, open: usize, before: u8) -> Option<usize> {
        if self.json.get(open) != Some(&b'"') {
            return None;
        }
        let text = Text::at(self.json, open);
        let behind = cursor::skip_space(self.json, text.after());
        (self.json.get(behind) != Some(&b':')).then(|| self.value(text, before, behind))
    }

    /// False when the stop at the offset surely is no reason to search the text.
    #[inline(always)]
    fn is_searched(&self, at: usize, open: usize) -> bool {
        self.json.get(at) != Some(&b'=')
            || self.json.get(open + 1..).is_some_and(|text| {
                assignment::may_assign(text, at - open - 1, &self.scrubber.keys)
            })
    }

    /// Searches the text that begins at the offset, unless it is a name; gives its end.
    fn search_at(&mut self, open: usize) -> usize {
        let text = Text::at(self.json, open);
        let behind = cursor::skip_space(self.json, text.after());
        if self.json.get(behind) != Some(&b':') {
            let before = self.json.get(..open).unwrap_or_default().trim_ascii_end();
            let under = match before.last() {
                Some(b':') => self.under,
                _ => Verdict::Plain,
            };
            self.search(text, under);
        }
        text.end
    }
}

/// The offset of the highest bit.
#[inline(always)]
fn last(mask: u64, base: usize) -> Option<usize> {
    Some(base + mask.checked_ilog2()? as usize)
}
