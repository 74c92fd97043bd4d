//! Lists in parts: cursors, and the `Link` header that clients follow.
//!
//! A cursor reads `value:offset:is_prev`. The offset counts rows from the beginning. For lists
//! that grow for ever the value is `time.skip`: the next page is then found by time, with so many
//! rows of the same millisecond left out, and does not get slower with depth.

use std::fmt;
use std::str::FromStr;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;

use super::error::ApiError;
use super::extract::Pairs;
use crate::address::BaseUrl;
use crate::model::time::Millis;

/// The longest part of a list, and the length of one when the caller does not say.
pub const MAX_PAGE: u64 = 100;

/// A place in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Where by time, with rows of that millisecond to leave out.
    pub at: Option<(Millis, u64)>,
    /// How many rows are before it.
    pub offset: u64,
    is_previous: bool,
}

impl Cursor {
    /// The place after `offset` rows.
    #[must_use]
    pub fn after(offset: u64) -> Self {
        Self {
            offset,
            ..Self::default()
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some((time, skip)) => write!(f, "{}.{skip}", time.0)?,
            None => f.write_str("0")?,
        }
        write!(f, ":{}:{}", self.offset, u8::from(self.is_previous))
    }
}

impl FromStr for Cursor {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        let read = || {
            let mut parts = text.split(':');
            let (value, offset) = (parts.next()?, parts.next()?.parse().ok()?);
            let is_previous = match (parts.next()?, parts.next()) {
                ("0", None) => false,
                ("1", None) => true,
                _ => return None,
            };
            let at = match value.split_once('.') {
                Some((time, skip)) => Some((Millis(time.parse().ok()?), skip.parse().ok()?)),
                None => None,
            };
            Some(Self {
                at,
                offset,
                is_previous,
            })
        };
        read().ok_or_else(|| ApiError::invalid("invalid_cursor", "Invalid cursor parameter."))
    }
}

/// Which part of a list the caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it begins.
    pub cursor: Cursor,
    /// How long it may be.
    pub limit: u64,
}

impl Part {
    /// Reads `cursor` and `per_page` or `limit`. More than the server gives is cut.
    ///
    /// # Errors
    ///
    /// 400 when they are not readable.
    pub fn of(query: &Pairs) -> Result<Self, ApiError> {
        let cursor = match query.first("cursor") {
            Some(text) => text.parse()?,
            None => Cursor::default(),
        };
        let limit = match query.parsed("per_page")? {
            Some(limit) => Some(limit),
            None => query.parsed("limit")?,
        };
        Ok(Self {
            cursor,
            limit: limit.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE),
        })
    }

    /// Takes the part out of a list that is in memory whole.
    pub fn of_list<T>(&self, list: impl IntoIterator<Item = T>) -> (Vec<T>, bool) {
        let skip = usize::try_from(self.cursor.offset).unwrap_or(usize::MAX);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut rest = list.into_iter().skip(skip);
        let part = rest.by_ref().take(limit).collect();
        (part, rest.next().is_some())
    }

    /// Returns the place after a part of `count` rows.
    #[must_use]
    pub fn next(&self, count: usize) -> Cursor {
        Cursor::after(self.cursor.offset.saturating_add(count as u64))
    }

    /// Returns the place after rows of these times, newest first.
    #[must_use]
    pub fn next_by_time(&self, times: &[Millis]) -> Cursor {
        let mut next = self.next(times.len());
        let Some(last) = times.last() else {
            return next;
        };
        let same = times.iter().rev().take_while(|time| *time == last).count();
        let mut skip = same as u64;
        if same == times.len() {
            match self.cursor.at {
                // The part began in the middle of that millisecond.
                Some((time, before)) if time == *last => skip = skip.saturating_add(before),
                // It began somewhere that only the offset tells.
                None if self.cursor.offset > 0 => return next,
                _ => {}
            }
        }
        next.at = Some((*last, skip));
        next
    }

    fn previous(&self) -> Cursor {
        Cursor {
            at: None,
            offset: self.cursor.offset.saturating_sub(self.limit),
            is_previous: true,
        }
    }
}

/// A part of a list, with links to its neighbours.
#[derive(Debug)]
pub struct Listed<T> {
    rows: Vec<T>,
    link: String,
}

impl<T> Listed<T> {
    /// Puts the answer together. `next` is the place after it, and `has_more` whether anything is
    /// there.
    #[must_use]
    pub fn new(rows: Vec<T>, part: &Part, next: Cursor, has_more: bool, place: &Place<'_>) -> Self {
        let previous = place.link("previous", part.previous(), part.cursor.offset > 0);
        let next = place.link("next", next, has_more);
        Self {
            rows,
            link: format!("{previous}, {next}"),
        }
    }

    /// Puts the answer together from a list that is in memory whole.
    pub fn whole(
        list: impl IntoIterator<Item = T>,
        query: &Pairs,
        place: &Place<'_>,
    ) -> Result<Self, ApiError> {
        let part = Part::of(query)?;
        let (rows, has_more) = part.of_list(list);
        let next = part.next(rows.len());
        Ok(Self::new(rows, &part, next, has_more, place))
    }
}

impl<T> Listed<T> {
    /// Answers with the rows inside of something else, and with the same links.
    pub fn within<W: Serialize>(self, wrap: impl FnOnce(Vec<T>) -> W) -> Response {
        linked(axum::Json(wrap(self.rows)).into_response(), self.link)
    }
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        linked(axum::Json(self.rows).into_response(), self.link)
    }
}

fn linked(mut response: Response, link: String) -> Response {
    if let Ok(link) = HeaderValue::try_from(link) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// Where a list is.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The server.
    pub base: &'a BaseUrl,
    /// The path, without the server's prefix.
    pub path: &'a str,
    /// The query of the request.
    pub query: &'a Pairs,
}

impl Place<'_> {
    /// Returns the list's address with other values in the query.
    #[must_use]
    pub fn with(&self, changes: &[(&str, String)]) -> String {
        let kept = self
            .query
            .iter()
            .filter(|(key, _)| changes.iter().all(|(changed, _)| changed != key));
        let changed = changes.iter().map(|(key, value)| (*key, value.as_str()));
        let query: Vec<_> = kept
            .chain(changed)
            .map(|(key, value)| format!("{}={}", escape(key), escape(value)))
            .collect();
        format!("{}?{}", self.base.join(self.path), query.join("&"))
    }

    fn link(&self, relation: &str, cursor: Cursor, has_results: bool) -> String {
        let url = self.with(&[("cursor", cursor.to_string())]);
        format!(r#"<{url}>; rel="{relation}"; results="{has_results}"; cursor="{cursor}""#)
    }
}

/// Writes text so that it can stand in a query.
fn escape(text: &str) -> String {
    use fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@/!*".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place_of(query: &Pairs, read: impl FnOnce(&Place<'_>)) {
        let base = BaseUrl::parse("https://h.example.com/p").unwrap();
        read(&Place {
            base: &base,
            path: "/api/0/projects/",
            query,
        });
    }

    #[test]
    fn both_links_are_there_and_keep_the_rest_of_the_query() {
        let query = Pairs::from_iter([("query", "a b&c"), ("cursor", "0:100:0")]);
        place_of(&query, |place| {
            let part = Part::of(&query).unwrap();
            let listed = Listed::<u8>::new(vec![], &part, part.next(100), true, place);
            assert_eq!(
                listed.link,
                "<https://h.example.com/p/api/0/projects/?query=a%20b%26c&cursor=0:0:1>; \
                 rel=\"previous\"; results=\"true\"; cursor=\"0:0:1\", \
                 <https://h.example.com/p/api/0/projects/?query=a%20b%26c&cursor=0:200:0>; \
                 rel=\"next\"; results=\"true\"; cursor=\"0:200:0\""
            );
        });
    }

    #[test]
    fn a_list_in_memory_is_cut_without_losing_or_repeating_a_row() {
        let mut seen = Vec::new();
        let mut cursor = Cursor::default();
        loop {
            let part = Part { cursor, limit: 3 };
            let (rows, has_more) = part.of_list(0..8);
            cursor = part.next(rows.len());
            seen.extend(rows);
            if !has_more {
                break;
            }
        }
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn pages_by_time_leave_out_what_was_shown_of_the_same_millisecond() {
        let at = |part: &Part, times: &[i64]| {
            let times: Vec<_> = times.iter().copied().map(Millis).collect();
            part.next_by_time(&times)
        };
        let first = Part {
            cursor: Cursor::default(),
            limit: 3,
        };
        let second = at(&first, &[9, 7, 7]);
        assert_eq!(second.to_string(), "7.2:3:0");
        let part = Part {
            cursor: second,
            limit: 3,
        };
        assert_eq!(at(&part, &[7, 7, 7]).to_string(), "7.5:6:0");
        assert_eq!(at(&part, &[7, 5, 5]).to_string(), "5.2:6:0");
        let by_offset = Part {
            cursor: Cursor::after(4),
            limit: 2,
        };
        assert_eq!(at(&by_offset, &[7, 7]).to_string(), "0:6:0");
    }

    #[test]
    fn a_cursor_reads_as_it_is_written_and_nothing_else_does() {
        for text in ["0:0:1", "0:100:0", "1767323045678.3:200:0", "-5.0:1:0"] {
            assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
        }
        for text in [
            "", "0", "0:0", "0:0:2", "0:-1:0", "0:0:0:0", "a.1:0:0", "1.a:0:0",
        ] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
