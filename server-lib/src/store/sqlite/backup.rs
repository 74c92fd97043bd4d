//! A copy of the database as it was at one moment, made while others write.

use std::fs::{self, File};
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::FILE;
use super::connection::{self, Role};
use super::writer::counter;
use crate::error::{Error, ErrorKind};

/// Pages that are copied between looks at whether it is done.
const STEP_PAGES: i32 = 4096;

/// Copies the database into a folder. The runs of event ids are not copied: they are made again
/// from the rows.
pub(super) fn copy(from: &Path, into: &Path) -> Result<(), Error> {
    fs::create_dir_all(into)?;
    let unfinished = into.join(format!("{FILE}.part"));
    let finished = into.join(FILE);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => (),
    }
    connection::create(&unfinished)?;
    let copied = copy_pages(from, &unfinished)
        .and_then(|()| Ok(File::open(&unfinished)?.sync_all()?))
        .and_then(|()| Ok(fs::rename(&unfinished, &finished)?))
        .and_then(|()| Ok(File::open(into)?.sync_all()?));
    if copied.is_err() {
        // The first error matters more than this one.
        let _ = fs::remove_file(&unfinished);
    }
    copied.map_err(|error| error.during(format!("copy the database into {}", into.display())))
}

fn copy_pages(from: &Path, to: &Path) -> Result<(), Error> {
    let mut source = connection::open(from, Role::Reader)?;
    // An open read keeps the copy at one moment, and from starting again with each commit.
    let source = source.transaction()?;
    counter(&source, "position")?;
    let mut target = Connection::open(to)?;
    let backup = Backup::new(&source, &mut target)?;
    loop {
        match backup.step(STEP_PAGES)? {
            StepResult::Done => return Ok(()),
            StepResult::More => (),
            _ => {
                return Err(Error::because(
                    ErrorKind::Unavailable,
                    "the database is locked",
                ));
            }
        }
    }
}
