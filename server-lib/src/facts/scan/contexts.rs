//! Contexts, as far as events can be found by them.

use super::owned::owned;
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
