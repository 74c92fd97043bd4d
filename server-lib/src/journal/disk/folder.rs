//! The folder of the segments: names, locking, free space, and making changes of names durable.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind};
use crate::model::ids::Seq;

const LOCK_NAME: &str = "journal.lock";
const SEGMENT_END: &str = ".seg";
const UNFINISHED_END: &str = ".tmp";

/// The folder, held by this process until dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    /// Opens `segments` in the data folder, and refuses when another process has it.
    pub(super) fn open(data: &Path) -> Result<Self, Error> {
        let path = data.join("segments");
        fs::create_dir_all(&path).map_err(|error| during("create", &path, error))?;
        let lock_path = data.join(LOCK_NAME);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|error| during("open", &lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, lock }),
            Err(TryLockError::WouldBlock) => Err(Error::because(
                ErrorKind::Conflict,
                format!("another server uses the data folder {}", data.display()),
            )),
            Err(TryLockError::Error(error)) => Err(during("lock", &lock_path, error)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where the segment that begins with `first` is.
    pub(super) fn segment_path(&self, first: Seq) -> PathBuf {
        self.path.join(format!("{:020}{SEGMENT_END}", first.0))
    }

    /// Returns a name for a file that is not a segment yet; such files are removed at opening.
    pub(super) fn unfinished_path(&self, first: Seq, unique: u64) -> PathBuf {
        self.path
            .join(format!("{:020}-{unique}{UNFINISHED_END}", first.0))
    }

    /// Returns the name of the file that is prepared for the next segment.
    pub(super) fn spare_path(&self) -> PathBuf {
        self.path.join(format!("spare{UNFINISHED_END}"))
    }

    /// Returns the segments by their first records, in order, and removes unfinished files.
    pub(super) fn list(&self) -> Result<Vec<(Seq, PathBuf)>, Error> {
        let mut segments = Vec::new();
        let entries =
            fs::read_dir(&self.path).map_err(|error| during("read", &self.path, error))?;
        for entry in entries {
            let path = entry
                .map_err(|error| during("read", &self.path, error))?
                .path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if name.ends_with(UNFINISHED_END) {
                fs::remove_file(&path).map_err(|error| during("remove", &path, error))?;
            } else if let Some(first) = name.strip_suffix(SEGMENT_END).and_then(first_of) {
                segments.push((first, path));
            }
        }
        segments.sort();
        Ok(segments)
    }

    /// Makes creations, renames and removals in the folder durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Drop for Folder {
    /// Gives the lock back by word: a child that the host is just starting still has the file open
    /// and would hold it for a moment.
    fn drop(&mut self) {
        if let Err(error) = self.lock.unlock() {
            tracing::debug!(%error, "the lock of the data folder goes with its file");
        }
    }
}

/// Reports whether the error means that there is no room.
pub(super) fn means_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Says what was done to which file when it failed.
pub(super) fn during(what: &str, path: &Path, error: io::Error) -> Error {
    Error::from(error).during(format!("{what} {}", path.display()))
}

fn first_of(stem: &str) -> Option<Seq> {
    let digits = stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| stem.parse().ok()).flatten()
}
