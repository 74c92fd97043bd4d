//! Files and folders, as private as the folder above makes them.

use std::fs::{DirBuilder, File};
use std::io;
use std::path::Path;

/// Makes a folder, and those above it.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

/// Makes a file that must not be there yet.
pub(super) fn create_file(path: &Path) -> io::Result<File> {
    File::create_new(path)
}
