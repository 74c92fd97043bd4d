//! Contexts, as far as events can be found by them.

use super::{Cursor, ScanError, fields, put};
use crate::facts::{NameAndVersion, ScannedContexts};

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
