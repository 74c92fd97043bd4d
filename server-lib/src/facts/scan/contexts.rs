//! Tags and contexts, as far as events can be found by them.

use std::borrow::Cow;

use super::{Cursor, ScanError, fields, owned, put};
use crate::facts::json::Shape;
use crate::facts::{NameAndVersion, ScannedContexts};
use crate::model::tag::MAX_TAGS;

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Reads a map, a list of pairs, or a list of `{"key", "value"}`.
pub(super) fn read_tags<'a>(
    cursor: &mut Cursor<'a>,
    tags: &mut Vec<Pair<'a>>,
) -> Result<(), ScanError> {
    match cursor.shape() {
        Shape::Object => {
            tags.clear();
            cursor.object(|cursor, key| {
                let key = key.to_owned();
                let value = cursor.scalar()?;
                add(tags, Some(Cow::Owned(key)), value);
                Ok(())
            })
        }
        Shape::List => {
            tags.clear();
            cursor.list(|cursor| read_pair(cursor, tags))
        }
        Shape::Text | Shape::Other => cursor.skip(),
    }
}

fn read_pair<'a>(cursor: &mut Cursor<'a>, tags: &mut Vec<Pair<'a>>) -> Result<(), ScanError> {
    let (mut key, mut value) = (None, None);
    match cursor.shape() {
        Shape::List => {
            let mut place = 0_usize;
            cursor.list(|cursor| {
                place = place.saturating_add(1);
                match place {
                    1 => put(&mut key, cursor.scalar()),
                    2 => put(&mut value, cursor.scalar()),
                    _ => cursor.skip(),
                }
            })?;
        }
        Shape::Object => cursor.object(|cursor, name| match name {
            "key" => put(&mut key, cursor.scalar()),
            "value" => put(&mut value, cursor.scalar()),
            _ => cursor.skip(),
        })?,
        Shape::Text | Shape::Other => cursor.skip()?,
    }
    add(tags, key, value);
    Ok(())
}

fn add<'a>(tags: &mut Vec<Pair<'a>>, key: Option<Cow<'a, str>>, value: Option<Cow<'a, str>>) {
    if let (Some(key), Some(value)) = (key, value)
        && tags.len() < MAX_TAGS
    {
        tags.push((key, value));
    }
}

/// Reads what is known by name of the contexts.
pub(super) fn read_contexts<'a>(
    cursor: &mut Cursor<'a>,
    contexts: &mut ScannedContexts<'a>,
) -> Result<(), ScanError> {
    fields(cursor, |cursor, key| match key {
        "browser" => read_program(cursor, &mut contexts.browser),
        "os" => read_program(cursor, &mut contexts.os),
        "client_os" => read_program(cursor, &mut contexts.client_os),
        "runtime" => read_program(cursor, &mut contexts.runtime),
        "app" => fields(cursor, |cursor, key| match key {
            "app_name" => put(&mut contexts.app.name, cursor.text()),
            "app_version" => put(&mut contexts.app.version, cursor.scalar()),
            _ => cursor.skip(),
        }),
        "device" => fields(cursor, |cursor, key| match key {
            "model" => put(&mut contexts.device, cursor.text()),
            "family" => put(&mut contexts.device_family, cursor.text()),
            _ => cursor.skip(),
        }),
        _ => cursor.skip(),
    })
}

fn read_program<'a>(
    cursor: &mut Cursor<'a>,
    program: &mut NameAndVersion<'a>,
) -> Result<(), ScanError> {
    fields(cursor, |cursor, key| match key {
        "name" => put(&mut program.name, cursor.text()),
        "version" => put(&mut program.version, cursor.scalar()),
        _ => cursor.skip(),
    })
}

impl ScannedContexts<'_> {
    /// Copies what is borrowed.
    pub(super) fn into_owned(self) -> ScannedContexts<'static> {
        let program = |program: NameAndVersion<'_>| NameAndVersion {
            name: owned(program.name),
            version: owned(program.version),
        };
        ScannedContexts {
            browser: program(self.browser),
            os: program(self.os),
            client_os: program(self.client_os),
            runtime: program(self.runtime),
            app: program(self.app),
            device: owned(self.device),
            device_family: owned(self.device_family),
        }
    }
}
