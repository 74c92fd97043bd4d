//! The pass over the JSON.
//!
//! From string to string: what stands between strings is short, and the bytes around a string
//! tell whether it is a name, a value or the first of a pair. So the pass needs no stack, only
//! the depth; objects that name a secret in one member and hold it in another are remembered by
//! their depth, and there are none in most events.

use std::borrow::Cow;

use memchr::memmem;

use crate::scrub::cursor::{self, Text};
use crate::scrub::escape;
use crate::scrub::find::{Found, Rule};
use crate::scrub::keys::Verdict;
use crate::scrub::marks::{Marks, marks};
use crate::scrub::report::ScrubReport;
use crate::scrub::scrubber::{FILTERED, Scrubber};

/// Longest first element of a pair, and longest value of `name`, that is taken for a name.
const MAX_PAIR_NAME: usize = 64;
/// Names of packages instead of names of values stand at this depth.
const MODULES_DEPTH: usize = 2;

/// What stands in the output instead of a range of the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) with: &'static str,
    /// `None` where the edit only keeps a shape and removes nothing.
    pub(super) rule: Option<Rule>,
}

/// The value of a member called `value`.
#[derive(Clone, Copy, Debug)]
struct LastValue {
    depth: usize,
    start: usize,
}

/// One pass.
#[derive(Debug)]
pub(super) struct Walk<'s, 'a> {
    pub(super) scrubber: &'s Scrubber,
    pub(super) json: &'a [u8],
    /// Sorted, without overlaps.
    pub(super) edits: Vec<Edit>,
    pub(super) depth: usize,
    /// What the name before the value said.
    pub(super) under: Verdict,
    /// Where the innermost opening bracket stands that was seen last.
    pub(super) opened: usize,
    /// Where the list of a fingerprint opens.
    fingerprint: Option<usize>,
    in_modules: bool,
    /// Depths of the objects around here that name a secret, and its rule.
    named: Vec<(usize, u16)>,
    last_value: Option<LastValue>,
    unescaped: Vec<u8>,
    found: Vec<Found>,
}

impl<'s, 'a> Walk<'s, 'a> {
    pub(super) fn new(scrubber: &'s Scrubber, json: &'a [u8]) -> Self {
        Self {
            scrubber,
            json,
            edits: Vec::new(),
            depth: 0,
            under: Verdict::Plain,
            opened: 0,
            fingerprint: None,
            in_modules: false,
            named: Vec::new(),
            last_value: None,
            unescaped: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Walks to the end and gives what the input became.
    pub(super) fn run(&mut self, report: &mut ScrubReport) -> Cow<'a, [u8]> {
        let mut at = 0;
        // The last byte that is not white space.
        let mut before = 0;
        while let Some(byte) = self.json.get(at).copied() {
            match byte {
                b'"' => {
                    let text = Text::at(self.json, at);
                    let behind = cursor::skip_space(self.json, text.after());
                    if self.json.get(behind) == Some(&b':') {
                        at = self.member(text, behind);
                        before = b':';
                    } else {
                        at = self.value(text, before, behind);
                        before = b'"';
                    }
                    continue;
                }
                b'{' | b'[' => {
                    self.depth += 1;
                    self.opened = at;
                    before = byte;
                }
                b'}' | b']' => {
                    self.close();
                    before = byte;
                }
                b' ' | b'\n' | b'\t' | b'\r' => {}
                _ => before = byte,
            }
            at += 1;
        }
        self.finish(report)
    }

    /// Handles a name, whose colon is known; gives where to go on.
    #[inline(always)]
    pub(super) fn member(&mut self, name: Text, colon: usize) -> usize {
        let at = colon + 1;
        self.under = self.judge(name);
        if self.under == Verdict::Plain {
            return at;
        }
        self.special_member(at)
    }

    fn special_member(&mut self, at: usize) -> usize {
        let value = cursor::skip_space(self.json, at);
        match self.under {
            Verdict::Plain | Verdict::Structural | Verdict::Name => {}
            Verdict::Value => {
                let named = self.named.last().filter(|(depth, _)| *depth == self.depth);
                if let Some((_, rule)) = named {
                    return self.deny_sibling(value, *rule);
                }
                self.last_value = Some(LastValue {
                    depth: self.depth,
                    start: value,
                });
            }
            Verdict::Modules => self.in_modules |= self.depth + 1 == MODULES_DEPTH,
            Verdict::Fingerprint => self.fingerprint = Some(value),
            Verdict::Cookies(rule) => {
                if !(self.in_modules && self.depth == MODULES_DEPTH) {
                    return self.deny_cookies(value, rule);
                }
            }
            Verdict::Denied(rule) => {
                if !(self.in_modules && self.depth == MODULES_DEPTH) {
                    return self.deny_member(value, rule);
                }
            }
        }
        at
    }

    /// Handles a string that is no name; gives where to go on.
    #[inline(always)]
    pub(super) fn value(&mut self, text: Text, before: u8, behind: usize) -> usize {
        let under = match before {
            b':' => std::mem::take(&mut self.under),
            _ => Verdict::Plain,
        };
        self.search(text, under);
        if under == Verdict::Name {
            self.name_sibling(text);
        } else if before == b'[' && self.json.get(behind) == Some(&b',') {
            return self.pair(text, behind + 1);
        }
        text.after()
    }

    /// Searches the content of a string.
    #[inline(always)]
    pub(super) fn search(&mut self, text: Text, under: Verdict) {
        let mut marks = marks(self.json, text.start, text.end).with(self.scrubber.given);
        if text.escaped && memmem::find(text.content(self.json), b"\\u").is_some() {
            marks = Marks::ALL;
        }
        if marks.and(self.scrubber.wanted) != Marks::NONE {
            self.search_marked(text, marks, under);
        }
    }

    fn search_marked(&mut self, text: Text, marks: Marks, under: Verdict) {
        let raw = text.content(self.json);
        if under == Verdict::Structural && raw.iter().all(|byte| is_of_an_id(*byte)) {
            return;
        }
        self.found.clear();
        if !text.escaped {
            self.scrubber.find(raw, marks, &mut self.found);
            for hit in &self.found {
                self.edits.push(Edit {
                    start: text.start + hit.start,
                    end: text.start + hit.end,
                    with: FILTERED,
                    rule: Some(hit.rule),
                });
            }
            return;
        }
        self.unescaped.clear();
        escape::unescape(raw, &mut self.unescaped);
        self.scrubber.find(&self.unescaped, marks, &mut self.found);
        let mut known = (0, 0);
        for hit in &self.found {
            known = escape::raw_offset(raw, known, hit.start);
            let start = text.start + known.0;
            known = escape::raw_offset(raw, known, hit.end);
            self.edits.push(Edit {
                start,
                end: text.start + known.0,
                with: FILTERED,
                rule: Some(hit.rule),
            });
        }
    }

    /// Handles the first string of an array, whose second element begins behind `at`.
    fn pair(&mut self, name: Text, at: usize) -> usize {
        if self.fingerprint == Some(self.opened) {
            return name.after();
        }
        let Some(rule) = self.denied_name(name) else {
            return name.after();
        };
        let second = cursor::skip_space(self.json, at);
        let end = match self.json.get(second) {
            Some(b'"') => Text::at(self.json, second).after(),
            Some(b'{' | b'[') => return self.deny_value(second, rule),
            _ => cursor::skip_scalar(self.json, second),
        };
        match self.json.get(cursor::skip_space(self.json, end)) {
            Some(b']') | None => self.deny_value(second, rule),
            Some(_) => name.after(),
        }
    }

    /// Handles a string that may name what a sibling holds.
    fn name_sibling(&mut self, name: Text) {
        let Some(rule) = self.denied_name(name) else {
            return;
        };
        if self
            .named
            .last()
            .is_none_or(|(depth, _)| *depth != self.depth)
        {
            self.named.push((self.depth, rule));
        }
        let held = self.last_value.take();
        if let Some(value) = held.filter(|value| value.depth == self.depth) {
            // The value was passed already: what was found in it is in the way.
            let later = self.edits.len()
                - self
                    .edits
                    .iter()
                    .rev()
                    .take_while(|edit| edit.start >= value.start)
                    .count();
            let behind = self.edits.split_off(later);
            let end = self.deny_sibling(value.start, rule);
            self.edits
                .extend(behind.into_iter().filter(|edit| edit.start >= end));
        }
    }

    /// The rule that denies a string, if that string looks like a name.
    pub(super) fn denied_name(&mut self, text: Text) -> Option<u16> {
        let raw = text.content(self.json);
        let verdict = if text.escaped {
            // An escape takes up to six bytes for one.
            if raw.len() > 6 * MAX_PAIR_NAME {
                return None;
            }
            self.unescaped.clear();
            escape::unescape(raw, &mut self.unescaped);
            looks_like_a_name(&self.unescaped).then(|| self.scrubber.keys.judge(&self.unescaped))?
        } else {
            looks_like_a_name(raw).then(|| self.judge(text))?
        };
        match verdict {
            Verdict::Denied(rule) | Verdict::Cookies(rule) => Some(rule),
            Verdict::Plain
            | Verdict::Structural
            | Verdict::Name
            | Verdict::Value
            | Verdict::Modules
            | Verdict::Fingerprint => None,
        }
    }

    /// The verdict on a name.
    #[inline(always)]
    fn judge(&mut self, name: Text) -> Verdict {
        if name.escaped {
            return self.judge_escaped(name);
        }
        Verdict::of_code(self.judge_plain(name))
    }

    /// The code of the verdict on a name that has no escapes.
    #[inline(always)]
    pub(super) fn judge_plain(&self, name: Text) -> u32 {
        let judge = || self.scrubber.keys.judge(name.content(self.json));
        let memos = &self.scrubber.memos;
        memos.judge(self.json, name.start, name.end, judge)
    }

    #[cold]
    fn judge_escaped(&mut self, name: Text) -> Verdict {
        self.unescaped.clear();
        escape::unescape(name.content(self.json), &mut self.unescaped);
        self.scrubber.keys.judge(&self.unescaped)
    }

    /// Replaces a whole value, whatever it is; gives the offset behind it. What tells nothing
    /// stays: nothing, yes and no, empty texts, lists and objects.
    pub(super) fn deny_value(&mut self, at: usize, rule: u16) -> usize {
        let with = match self.json.get(at) {
            Some(b'"') => {
                let text = Text::at(self.json, at);
                let content = text.content(self.json);
                if !content.is_empty() && content != FILTERED.as_bytes() {
                    self.edit(text.start, text.end, FILTERED, rule);
                }
                return text.after();
            }
            Some(b'{' | b'[') => {
                let end = cursor::skip_value(self.json, at);
                let inner = cursor::skip_space(self.json, at + 1);
                if end > inner + 1 {
                    self.edit(at, end, "\"[Filtered]\"", rule);
                }
                return end;
            }
            Some(b'-' | b'0'..=b'9') => "\"[Filtered]\"",
            _ => return at,
        };
        let end = cursor::skip_scalar(self.json, at);
        if !self.scrubber.keys.spares_numbers(rule) {
            self.edit(at, end, with, rule);
        }
        end
    }

    /// Like [`deny_value`](Self::deny_value) for the value of a sibling, where numbers are
    /// measurements.
    fn deny_sibling(&mut self, at: usize, rule: u16) -> usize {
        match self.json.get(at) {
            Some(b'"' | b'{' | b'[') => self.deny_value(at, rule),
            _ => at,
        }
    }

    pub(super) fn edit(&mut self, start: usize, end: usize, with: &'static str, rule: u16) {
        self.edits.push(Edit {
            start,
            end,
            with,
            rule: Some(Rule::Key(rule)),
        });
    }

    /// The lowest depth that forgets nothing.
    pub(super) fn floor(&self) -> usize {
        let value = self.last_value.map_or(0, |value| value.depth);
        let named = self.named.last().map_or(0, |(depth, _)| *depth);
        let modules = if self.in_modules { MODULES_DEPTH } else { 0 };
        value.max(named).max(modules)
    }

    #[inline(always)]
    pub(super) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self
            .last_value
            .is_some_and(|value| value.depth > self.depth)
        {
            self.last_value = None;
        }
        while self
            .named
            .last()
            .is_some_and(|(depth, _)| *depth > self.depth)
        {
            self.named.pop();
        }
        self.in_modules &= self.depth >= MODULES_DEPTH;
    }

    pub(super) fn finish(&self, report: &mut ScrubReport) -> Cow<'a, [u8]> {
        if self.edits.is_empty() {
            return Cow::Borrowed(self.json);
        }
        let mut clean = Vec::with_capacity(self.json.len());
        let mut copied = 0;
        for edit in &self.edits {
            clean.extend_from_slice(self.json.get(copied..edit.start).unwrap_or_default());
            clean.extend_from_slice(edit.with.as_bytes());
            copied = edit.end;
            if let Some(name) = edit.rule.and_then(|rule| rule.name(self.scrubber)) {
                report.add(name, 1);
            }
        }
        clean.extend_from_slice(self.json.get(copied..).unwrap_or_default());
        Cow::Owned(clean)
    }
}

/// True for the bytes that ids, addresses, times and trace headers are made of.
fn is_of_an_id(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'-' | b'x' | b'X' | b'T' | b'Z' | b':' | b'.')
}

/// True for what may be the name of a header, a cookie or a parameter. What holds something
/// filtered is none, so that it is judged once and not again when it is shorter.
fn looks_like_a_name(text: &[u8]) -> bool {
    text.len() <= MAX_PAIR_NAME
        && text.iter().all(|byte| is_of_a_name(*byte))
        && memmem::find(text, FILTERED.as_bytes()).is_none()
}

/// True for the bytes that such a name is made of.
#[inline(always)]
pub(super) fn is_of_a_name(byte: u8) -> bool {
    !byte.is_ascii_whitespace()
        && !matches!(
            byte,
            b'=' | b'?' | b'&' | b'/' | b'"' | b'\'' | b'<' | b'>' | b'@'
        )
}
