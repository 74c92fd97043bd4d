//! A running server's note of its address in the data folder, for commands that print DSNs.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The file that a running server holds.
const LOCK: &str = "journal.lock";
const NOTE: &str = "address.txt";

/// The note, removed when dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    path: PathBuf,
}

impl Presence {
    /// Notes the address.
    pub(crate) fn note(data_dir: &Path, url: &str) -> io::Result<Self> {
        let path = data_dir.join(NOTE);
        fs::write(&path, url)?;
        Ok(Self { path })
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // A note that stays is not believed without the lock.
        let _ = fs::remove_file(&self.path);
    }
}

/// Reports whether a server uses the data folder; `None` when none ever did.
pub(crate) fn is_served(data_dir: &Path) -> Option<bool> {
    let lock = File::open(data_dir.join(LOCK)).ok()?;
    Some(matches!(
        lock.try_lock_shared(),
        Err(TryLockError::WouldBlock)
    ))
}

/// Returns the address of the server that uses the data folder, when one does.
pub(crate) fn url(data_dir: &Path) -> Option<String> {
    if is_served(data_dir) != Some(true) {
        return None;
    }
    fs::read_to_string(data_dir.join(NOTE)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_believed_while_the_lock_is_held_only() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(is_served(dir.path()), None);
        let presence = Presence::note(dir.path(), "http://localhost:9").unwrap();
        let lock = File::create(dir.path().join(LOCK)).unwrap();
        assert_eq!(url(dir.path()), None);
        lock.try_lock().unwrap();
        assert_eq!(url(dir.path()).as_deref(), Some("http://localhost:9"));
        drop(presence);
        assert_eq!(url(dir.path()), None);
        assert_eq!(is_served(dir.path()), Some(true));
    }
}
