//! Cookies: which there were helps to find a fault, so that names stay and only values go.

use crate::scrub::cursor::{self, Text};
use crate::scrub::walk::Walk;

impl Walk<'_, '_> {
    /// Removes the values of cookies, given as an object, as pairs, as objects with `name` and
    /// `value`, or as one text; gives the offset behind them.
    pub(super) fn deny_cookies(&mut self, at: usize, rule: u16) -> usize {
        match self.json.get(at) {
            Some(b'{') => self.deny_members(at, rule, |_| false),
            Some(b'[') => self.deny_list(at, rule),
            _ => self.deny_value(at, rule),
        }
    }

    /// Removes the values of all members but those whose names are to keep.
    fn deny_members(&mut self, open: usize, rule: u16, keep: impl Fn(&[u8]) -> bool) -> usize {
        let mut at = cursor::skip_space(self.json, open + 1);
        while self.json.get(at) == Some(&b'"') {
            let name = Text::at(self.json, at);
            let colon = cursor::skip_space(self.json, name.after());
            if self.json.get(colon) != Some(&b':') {
                return colon;
            }
            let value = cursor::skip_space(self.json, colon + 1);
            at = if keep(name.content(self.json)) {
                cursor::skip_value(self.json, value)
            } else {
                self.deny_any(value, rule)
            };
            match self.next_element(at) {
                Ok(next) => at = next,
                Err(end) => return end,
            }
        }
        self.behind_closing(at)
    }

    fn deny_list(&mut self, open: usize, rule: u16) -> usize {
        let mut at = cursor::skip_space(self.json, open + 1);
        loop {
            at = match self.json.get(at) {
                Some(b'[') => self.deny_pair(at, rule),
                Some(b'{') => self.deny_members(at, rule, |name| matches!(name, b"name" | b"key")),
                Some(b']') | None => return self.behind_closing(at),
                Some(_) => self.deny_any(at, rule),
            };
            match self.next_element(at) {
                Ok(next) => at = next,
                Err(end) => return end,
            }
        }
    }

    /// Removes all elements of a list but the first.
    fn deny_pair(&mut self, open: usize, rule: u16) -> usize {
        let first = cursor::skip_space(self.json, open + 1);
        let mut at = match self.json.get(first) {
            Some(b'"') => Text::at(self.json, first).after(),
            Some(b']') | None => return self.behind_closing(first),
            Some(_) => self.deny_any(first, rule),
        };
        loop {
            match self.next_element(at) {
                Ok(next) => at = self.deny_any(next, rule),
                Err(end) => return end,
            }
        }
    }

    /// Like `deny_value`, but passes over what stays.
    fn deny_any(&mut self, at: usize, rule: u16) -> usize {
        self.deny_value(at, rule)
            .max(cursor::skip_value(self.json, at))
    }

    /// Behind the comma after an element; or behind the closing bracket, or where the JSON went
    /// wrong.
    fn next_element(&self, at: usize) -> Result<usize, usize> {
        let comma = cursor::skip_space(self.json, at);
        match self.json.get(comma) {
            Some(b',') => Ok(cursor::skip_space(self.json, comma + 1)),
            _ => Err(self.behind_closing(comma)),
        }
    }

    fn behind_closing(&self, at: usize) -> usize {
        match self.json.get(at) {
            Some(b'}' | b']') => at + 1,
            _ => at,
        }
    }
}
