//! Typed attributes under a denied name: `{"value": …, "type": "string"}`.
//!
//! Logs, spans and metrics would lose the whole attribute if it became a text, so it keeps its
//! shape, and what it becomes is a string.

use crate::scrub::cursor::{self, Text};
use crate::scrub::walk::{Edit, Walk};

/// Members that an attribute has at most.
const MAX_MEMBERS: usize = 3;

/// Where the parts of an attribute stand.
struct Attribute {
    value: usize,
    ty: Option<Text>,
    has_unit: bool,
    end: usize,
}

impl Walk<'_, '_> {
    /// Removes the value of a member whose name is denied; gives the offset behind it.
    pub(super) fn deny_member(&mut self, at: usize, rule: u16) -> usize {
        let Some(attribute) = Attribute::at(self.json, at) else {
            return self.deny_value(at, rule);
        };
        let is_number = matches!(self.json.get(attribute.value), Some(b'-' | b'0'..=b'9'));
        let is_measurement = attribute.has_unit && attribute.ty.is_none();
        if is_number && is_measurement {
            return attribute.end;
        }
        let before = self.edits.len();
        self.deny_value(attribute.value, rule);
        if self.edits.len() == before {
            return attribute.end;
        }
        if let Some(ty) = attribute.ty.filter(|ty| ty.content(self.json) != b"string") {
            self.edits.push(Edit {
                start: ty.start,
                end: ty.end,
                with: "string",
                rule: None,
            });
            self.edits.sort_by_key(|edit| edit.start);
        }
        attribute.end
    }
}

impl Attribute {
    fn at(json: &[u8], open: usize) -> Option<Self> {
        if json.get(open) != Some(&b'{') {
            return None;
        }
        let (mut value, mut ty, mut has_unit) = (None, None, false);
        let mut at = cursor::skip_space(json, open + 1);
        for _ in 0..MAX_MEMBERS {
            if json.get(at) != Some(&b'"') {
                return None;
            }
            let name = Text::at(json, at);
            let colon = cursor::skip_space(json, name.after());
            if json.get(colon) != Some(&b':') {
                return None;
            }
            let start = cursor::skip_space(json, colon + 1);
            let is_text = json.get(start) == Some(&b'"');
            match name.content(json) {
                b"value" if value.is_none() => value = Some(start),
                b"type" if ty.is_none() && is_text => ty = Some(Text::at(json, start)),
                b"unit" if !has_unit => has_unit = true,
                _ => return None,
            }
            at = cursor::skip_space(json, cursor::skip_value(json, start));
            match json.get(at) {
                Some(b',') => at = cursor::skip_space(json, at + 1),
                Some(b'}') => {
                    let is_attribute = ty.is_some() || has_unit;
                    return value.filter(|_| is_attribute).map(|value| Self {
                        value,
                        ty,
                        has_unit,
                        end: at + 1,
                    });
                }
                _ => return None,
            }
        }
        None
    }
}
