//! The folder of one running process, and those of processes that are gone.

use std::fs::{self, DirEntry, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{file_name, private};

/// How every process's folder is called, before its process id and a random number.
const PREFIX: &str = "run-";
/// The file in it that is locked while the process lives.
const LOCK: &str = "lock";
/// A folder without a lock is left alone for so long: its owner may be about to make one.
const GRACE: Duration = Duration::from_secs(60 * 60);
/// A new folder may be taken for a dead one before it is locked; then another is made.
const MAX_CLAIMS: u32 = 8;

/// The folder of this process.
#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    /// Holds the lock while it is open.
    _lock: File,
}

impl RunFolder {
    /// Makes and locks a folder in the spool's folder.
    pub(super) fn claim(spool: &Path) -> io::Result<Self> {
        private::create_folder(spool)?;
        let mut last_error = io::ErrorKind::AlreadyExists.into();
        for _ in 0..MAX_CLAIMS {
            let name = format!("{PREFIX}{}-{:08x}", std::process::id(), random());
            match Self::claim_as(spool.join(name)) {
                Ok(folder) => return Ok(folder),
                Err(error) => last_error = error,
            }
        }
        Err(last_error)
    }

    fn claim_as(path: PathBuf) -> io::Result<Self> {
        private::create_folder(&path)?;
        let lock_path = path.join(LOCK);
        let lock = private::create_file(&lock_path)?;
        lock.try_lock()?;
        // Between making and locking, another process may have cleared it away.
        fs::metadata(&lock_path)?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the files of dead processes in here, and removes their folders. Returns how many
    /// bytes living processes hold.
    pub(super) fn adopt_dead(&self, spool: &Path) -> u64 {
        let mut living_bytes = 0_u64;
        for entry in self.others(spool) {
            match lock_dead(&entry) {
                Some(lock) => self.adopt(&entry.path(), &lock),
                None => living_bytes = living_bytes.saturating_add(bytes_in(&entry.path())),
            }
        }
        living_bytes
    }

    /// How many bytes are in the folders of others.
    pub(super) fn bytes_of_others(&self, spool: &Path) -> u64 {
        let others = self.others(spool);
        others.fold(0, |sum, entry| sum.saturating_add(bytes_in(&entry.path())))
    }

    /// Removes the folder when nothing is in it.
    pub(super) fn remove_empty(&self) {
        let is_lock = |entry: DirEntry| entry.file_name() == LOCK;
        let is_unused = entries(&self.path).all(is_lock);
        if is_unused {
            // Best effort: what stays is cleared away by the next process.
            let _ = fs::remove_file(self.path.join(LOCK));
            let _ = fs::remove_dir(&self.path);
        }
    }

    fn others(&self, spool: &Path) -> impl Iterator<Item = DirEntry> {
        entries(spool).filter(|entry| {
            let name = entry.file_name();
            let is_run = name.to_str().is_some_and(|name| name.starts_with(PREFIX));
            // Not through links, which could lead anywhere.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            is_run && is_folder && entry.path() != self.path
        })
    }

    fn adopt(&self, dead: &Path, _lock: &File) {
        for entry in entries(dead) {
            let name = entry.file_name();
            let stamp = name.to_str().and_then(file_name::parse);
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            // An unfinished file takes a whole one's name: reading finds out what it is worth.
            if let Some(stamp) = stamp.filter(|_| is_file) {
                let _ = fs::rename(entry.path(), self.path.join(file_name::whole(stamp)));
            }
        }
        let _ = fs::remove_file(dead.join(LOCK));
        let _ = fs::remove_dir(dead);
    }
}

/// Locks the folder of a process that is gone; `None` while it lives.
fn lock_dead(entry: &DirEntry) -> Option<File> {
    let path = entry.path().join(LOCK);
    let mut options = OpenOptions::new();
    options.write(true);
    let lock = match options.open(&path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_old(entry) => {
            private::create_file(&path).ok()?
        }
        Err(_) => return None,
    };
    match lock.try_lock() {
        // Whoever held it may have adopted everything just now.
        Ok(()) => fs::metadata(&path).ok().map(|_| lock),
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
    }
}

fn is_old(entry: &DirEntry) -> bool {
    let modified = entry.metadata().and_then(|meta| meta.modified());
    let age = modified.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
    age.is_ok_and(|age| age > GRACE)
}

fn bytes_in(folder: &Path) -> u64 {
    let sizes = entries(folder).filter_map(|entry| Some(entry.metadata().ok()?.len()));
    sizes.fold(0, u64::saturating_add)
}

/// What is in a folder; nothing when it cannot be read.
pub(super) fn entries(folder: &Path) -> impl Iterator<Item = DirEntry> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

fn random() -> u32 {
    getrandom::u32().unwrap_or_default()
}
