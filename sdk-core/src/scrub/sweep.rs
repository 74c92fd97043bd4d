//! The pass over a document that is JSON as programs write it.
//!
//! It does what the walk from string to string does, but looks only at names, at brackets and
//! at those texts that hold a stop; most texts are passed over without being looked at one by
//! one. What is odd is left to the walk.

use crate::scrub::cursor::{self, Text};
use crate::scrub::find::token::Beginnings;
use crate::scrub::find::{assignment, card};
use crate::scrub::keys::Verdict;
use crate::scrub::lanes::{self, BLOCK, ByBlock, Classes};
use crate::scrub::stops::{AHEAD, Quotes, RUN_STOP, Scan, Stops};
use crate::scrub::walk::{self, Walk};

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
    /// The depth from which on it only matters how many brackets close.
    floor: usize,
}

/// Goes over a whole document; false, and to be forgotten, when the document is odd.
struct Sweep<'w, 's, 'a> {
    walk: &'w mut Walk<'s, 'a>,
    beginnings: &'w Beginnings,
}

impl ByBlock for Sweep<'_, '_, '_> {
    type Output = bool;

    #[inline(always)]
    fn run(
        self,
        classes: impl Fn(&[u8; BLOCK]) -> Classes,
        parity: impl Fn(u64) -> u64,
    ) -> Self::Output {
        let Self { walk, beginnings } = self;
        let json = walk.json;
        let mut scan = Scan::default();
        // On its own it stays in registers.
        let mut quotes = Quotes::default();
        let mut place = Place::default();
        for stretch in (0..json.len()).step_by(AHEAD * BLOCK) {
            for number in 0..AHEAD {
                let rest = json.get(stretch + number * BLOCK..).unwrap_or_default();
                let mut tail = [0; BLOCK];
                let block = rest.first_chunk().unwrap_or_else(|| {
                    tail.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                    &tail
                });
                scan.read(number, &classes(block), &mut quotes, &parity);
            }
            if !scan.work_out(beginnings.with_digits()) {
                return false;
            }
            for number in 0..AHEAD {
                let base = stretch + number * BLOCK;
                let stops = scan.stops(number);
                if !walk.pass(base, &stops, &place, beginnings) {
                    walk.block(base, &stops, &mut place, beginnings);
                    place.floor = walk.floor();
                }
                place.opening = last(stops.opening, base).unwrap_or(place.opening);
                place.slash = last(stops.backslash, base).map_or(place.slash, |at| at + 1);
            }
        }
        true
    }
}

impl Walk<'_, '_> {
    /// Walks to the end; false, and to be forgotten, when the document is odd.
    pub(super) fn sweep(&mut self, beginnings: &Beginnings) -> bool {
        lanes::by_block(Sweep {
            walk: self,
            beginnings,
        })
    }

    /// Passes over a block that surely has nothing to do: one kind of stop after the other,
    /// which is quicker than from stop to stop. False, and nothing done, for all other blocks.
    #[inline(always)]
    fn pass(&mut self, base: usize, stops: &Stops, place: &Place, beginnings: &Beginnings) -> bool {
        let (opened, closed) = (stops.opens.count_ones(), stops.closes.count_ones());
        if place.next > base || place.searched > base || closed as usize + place.floor > self.depth
        {
            return false;
        }
        let mut code = None;
        let plain_from = place.next.max(place.slash);
        for (bit, at) in bits(stops.colon, base) {
            let before = bit - 1;
            let open = last(stops.opening & before, base).unwrap_or(place.opening);
            if open < plain_from || stops.backslash & before != 0 {
                return false;
            }
            let verdict = self.judge_plain(Text {
                start: open + 1,
                end: at - 1,
                escaped: false,
                closed: true,
            });
            if !Verdict::is_idle(verdict) {
                return false;
            }
            code = Some(verdict);
        }
        for (_, at) in bits(stops.run, base) {
            if beginnings.begin(self.json, at - RUN_STOP) {
                return false;
            }
        }
        for (bit, at) in bits(stops.strong, base) {
            let open = last(stops.opening & (bit - 1), base).unwrap_or(place.opening);
            if self.is_searched(at, open) {
                return false;
            }
        }
        for (_, at) in bits(stops.list, base) {
            if self.may_be_a_pair(at) {
                return false;
            }
        }
        self.under = code.map_or(self.under, Verdict::of_code);
        self.depth = self.depth + opened as usize - closed as usize;
        true
    }

    fn block(&mut self, base: usize, stops: &Stops, place: &mut Place, beginnings: &Beginnings) {
        let mut rest = stops.colon | stops.opens | stops.closes | stops.run | stops.strong;
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            let at = base + rest.trailing_zeros() as usize;
            rest ^= bit;
            if at < place.next {
                continue;
            }
            let before = bit - 1;
            let opening = || last(stops.opening & before, base).unwrap_or(place.opening);
            if (stops.run | stops.strong) & bit != 0 {
                if at < place.searched {
                    continue;
                }
                let open = opening();
                if stops.run & bit != 0 && beginnings.begin(self.json, at - RUN_STOP)
                    || stops.strong & bit != 0 && self.is_searched(at, open)
                {
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

    /// False when the list at the offset surely begins with no name.
    #[inline(always)]
    fn may_be_a_pair(&self, open: usize) -> bool {
        match self.json.get(open + 1) {
            Some(b'"') => self
                .json
                .get(open + 2)
                .is_some_and(|byte| walk::is_of_a_name(*byte)),
            Some(b' ' | b'\n' | b'\t' | b'\r') => true,
            _ => false,
        }
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
        match self.json.get(at) {
            Some(b'=') => self.json.get(open + 1..).is_some_and(|text| {
                assignment::may_assign(text, at - open - 1, &self.scrubber.keys)
            }),
            Some(b'0'..=b'9') => card::may_go_on(self.json, at),
            // Of what letters stand for behind a backslash, only tabs and numbers matter.
            Some(byte @ (b'A'..=b'Z' | b'a'..=b'z')) => matches!(byte, b't' | b'u'),
            _ => true,
        }
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

/// Each set bit of a mask, and its offset.
#[inline(always)]
fn bits(mut mask: u64, base: usize) -> impl Iterator<Item = (u64, usize)> {
    std::iter::from_fn(move || {
        let bit = mask & mask.wrapping_neg();
        let at = base + mask.trailing_zeros() as usize;
        mask ^= bit;
        (bit != 0).then_some((bit, at))
    })
}

/// The offset of the highest bit.
#[inline(always)]
fn last(mask: u64, base: usize) -> Option<usize> {
    Some(base + mask.checked_ilog2()? as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::scrub::{Charset, Pattern, ScrubReport, Scrubber};

    /// What documents are put together from: what the searches start from, whole and cut, and
    /// what stands around it.
    const PIECES: &[&str] = &[
        "\"",
        "\"",
        "\"",
        "\":\"",
        "\",\"",
        "\":",
        "{\"",
        "\"}",
        "[\"",
        "\"]",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        " ",
        "\n",
        "\\",
        "\\\\",
        "\\\"",
        "\\n",
        "\\t",
        "\\r",
        "\\u0041",
        "\\u003d",
        "\\/",
        "'",
        "`",
        "':",
        "\\\":",
        "=",
        "@",
        "--",
        "-",
        "_",
        ".",
        "é",
        "password",
        "token",
        "=x",
        "name",
        "key",
        "value",
        "type",
        "span_id",
        "modules",
        "fingerprint",
        "cookies",
        "null",
        "12",
        "tokens",
        "\"password\":\"x\"",
        "\"name\":\"token\"",
        "\"value\":\"x\"",
        "[\"token\",\"x\"]",
        "'password': 'x'",
        "\\\"pwd\\\": \\\"x\\\"",
        "password = \\\"x\\\"",
        "password\\t=\\\"x\\\"",
        "?token=x&",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "3782 822463 10005",
        "4111111111111111",
        "411111111111",
        "4111 1111",
        "Bearer abc123",
        "basic dXNlcjpwYXNz",
        "Bearer ",
        "err ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "redis://u:p@h/",
        "://a:b",
        "ghp_0123456789abcdefghij",
        "sk-0123456789abcdefghijk",
        "AKIAIOSFODNN7EXAMPLE",
        "gh",
        "SG.0123456789abcdef",
        "SG.-123456789abcdef",
        "ya29.",
        "EMP-0123456789ab",
        "é-0123456789",
        "eyJ0123456789abcdef.abcde.f",
        "0123456789abcdef",
        "a0b1c2d3",
        "[Filtered]",
    ];

    fn document() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            12 => prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
            1 => (0..70_usize).prop_map(|count| vec![b'x'; count]),
            1 => (0..70_usize).prop_map(|count| vec![b' '; count]),
            1 => prop::collection::vec(any::<u8>(), 1..3),
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    /// Valid but for the bytes in its strings, so that the sweep gets through.
    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let inner = prop::sample::select(PIECES).prop_filter("no mark of its own", |piece| {
            !piece.replace("\\\"", "").contains('"') && *piece != "\\"
        });
        let text = prop::collection::vec(inner, 0..8).prop_map(|pieces| pieces.concat());
        let member = (text.clone(), text, 0..6).prop_map(|(name, text, form)| match form {
            0 => format!("{{\"{name}\":\"{text}\"}}"),
            1 => format!("[\"{name}\",\"{text}\"]"),
            2 => format!("{{\"value\": \"{text}\", \"name\": \"{name}\"}}"),
            3 => format!("{{\"modules\":{{\"{name}\":\"{text}\"}}}}"),
            4 => format!("{{\"span_id\":[ \"{text}\" ],\"type\":\"{name}\",\"key\":null}}"),
            _ => format!("\"{text}\""),
        });
        prop::collection::vec(member, 0..20)
            .prop_map(|members| format!("[{}]", members.join(",")).into_bytes())
    }

    fn scrubbers() -> [Scrubber; 3] {
        let badge = Pattern::new("badge", "EMP-").charset(Charset::DIGITS.or(Charset::LOWER));
        let dotted = Pattern::new("dotted", "é-0").at_least(16);
        [
            Scrubber::new(),
            Scrubber::new().pattern(badge.at_least(12)).deny_key("x"),
            Scrubber::new().pattern(dotted),
        ]
    }

    fn assert_same(scrubber: &Scrubber, json: &[u8]) {
        let (mut swept, mut walked) = (ScrubReport::default(), ScrubReport::default());
        let ours = scrubber.scrub(json, &mut swept);
        let plain = scrubber.walk(json, &mut walked);
        assert_eq!(
            String::from_utf8_lossy(&ours),
            String::from_utf8_lossy(&plain),
            "of {:?}",
            String::from_utf8_lossy(json)
        );
        assert_eq!(ours, plain);
        assert_eq!(swept, walked);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn any_document_becomes_what_the_walk_makes_of_it(json in document()) {
            for scrubber in scrubbers() {
                assert_same(&scrubber, &json);
            }
        }

        #[test]
        fn any_text_becomes_what_the_walk_makes_of_it(json in texts()) {
            for scrubber in scrubbers() {
                assert_same(&scrubber, &json);
            }
        }
    }

    #[test]
    fn secrets_are_found_wherever_they_stand_in_a_block() {
        let scrubber = Scrubber::new();
        for piece in PIECES {
            for before in 0..130 {
                let piece = piece.trim_matches('"').trim_end_matches('\\');
                let json = format!("{{\"{}\":\"{piece}\"}}", "x".repeat(before));
                assert_same(&scrubber, json.as_bytes());
                let json = format!("[\"{}{piece} \\\"\"]", " ".repeat(before));
                assert_same(&scrubber, json.as_bytes());
            }
        }
    }
}
