//! Tags: a map, a list of pairs, or a list of `{"key", "value"}`.

use std::borrow::Cow;

use super::{ScanError, put};
use crate::facts::json::{Cursor, Shape};

/// Tags that are kept.
const MAX_TAGS: usize = 200;

/// Reads a map, a list of pairs, or a list of `{"key", "value"}`.
pub(super) fn read_tags<'a>(
    cursor: &mut Cursor<'a>,
    tags: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
) -> Result<(), ScanError> {
    let mut keep = |key: Cow<'a, str>, value: Option<Cow<'a, str>>| {
        if let Some(value) = value
            && tags.len() < MAX_TAGS
        {
            tags.push((key, value));
        }
    };
    match cursor.shape() {
        Shape::Object => cursor.entries(|cursor, key| {
            keep(key, cursor.scalar()?);
            Ok(())
        }),
        Shape::List => cursor.list(|cursor| {
            let (mut key, mut value, mut place) = (None, None, 0_usize);
            match cursor.shape() {
                Shape::List => cursor.list(|cursor| {
                    place = place.saturating_add(1);
                    match place {
                        1 => put(&mut key, cursor.scalar()),
                        2 => put(&mut value, cursor.scalar()),
                        _ => cursor.skip(),
                    }
                })?,
                Shape::Object => cursor.object(|cursor, name| match name {
                    "key" => put(&mut key, cursor.scalar()),
                    "value" => put(&mut value, cursor.scalar()),
                    _ => cursor.skip(),
                })?,
                Shape::Text | Shape::Other => cursor.skip()?,
            }
            if let Some(key) = key {
                keep(key, value);
            }
            Ok(())
        }),
        Shape::Text | Shape::Other => cursor.skip(),
    }
}
