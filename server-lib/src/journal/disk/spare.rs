//! The next segment's file, made while the one before fills: full of zeros and on disk.
//!
//! Writing into it changes neither its length nor where its bytes lie, so that a sync has only the
//! group to write and does not wait for what other files of the system still have to say. Where
//! there is no spare, a segment begins empty and grows, which is slower and as safe.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What a group is rounded up to in a prepared file: a page that is written whole need not be read.
pub(super) const PAGE_BYTES: u64 = 4096;
/// Zeros that are written at once.
const STEP_BYTES: usize = 1024 * 1024;

/// A place for one file.
#[derive(Debug, Default)]
pub(super) struct Spares {
    shared: Arc<Shared>,
    maker: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    place: Mutex<Place>,
    /// Tells the thread to give up.
    is_over: AtomicBool,
}

#[derive(Debug, Default)]
enum Place {
    #[default]
    Empty,
    /// A thread is at it.
    Making,
    Ready(Spare),
}

/// A file of zeros without a name that lasts.
#[derive(Debug)]
pub(super) struct Spare {
    pub(super) file: File,
    pub(super) path: PathBuf,
    /// How long it is.
    pub(super) bytes: u64,
}

impl Spares {
    /// Makes a file at `path` on a thread of its own, unless one is there or being made.
    pub(super) fn prepare(&mut self, path: PathBuf, bytes: u64) {
        let mut place = self.shared.lock();
        if !matches!(*place, Place::Empty) {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let maker = std::thread::Builder::new()
            .name("journal-spare".to_owned())
            .spawn(move || {
                let made = make(&path, bytes, &shared.is_over).map_err(|error| {
                    tracing::debug!(%error, "no segment is prepared");
                    let _ = fs::remove_file(&path);
                });
                *shared.lock() = made.map_or(Place::Empty, Place::Ready);
            });
        if let Ok(maker) = maker {
            *place = Place::Making;
            drop(place);
            self.maker = Some(maker);
        }
    }

    /// Takes the file when it is ready.
    pub(super) fn take(&self) -> Option<Spare> {
        let mut place = self.shared.lock();
        match std::mem::take(&mut *place) {
            Place::Ready(spare) => Some(spare),
            other => {
                *place = other;
                None
            }
        }
    }

    /// Removes the file, so that nothing takes space when nothing comes.
    pub(super) fn shed(&self) {
        if let Some(spare) = self.take() {
            let _ = fs::remove_file(&spare.path);
        }
    }
}

impl Drop for Spares {
    /// Ends the thread too: who opens the folder next may use the same name.
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(maker) = self.maker.take() {
            // It does not panic; if it did, nothing would be left to do.
            let _ = maker.join();
        }
        self.shed();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make(path: &Path, bytes: u64, is_over: &AtomicBool) -> io::Result<Spare> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    if !fill_past_cache(path, bytes, is_over)? {
        fill(&file, &vec![0; STEP_BYTES], bytes, is_over)?;
    }
    file.sync_all()?;
    Ok(Spare {
        file,
        path: path.to_owned(),
        bytes,
    })
}

/// Fills the file without taking memory of the system for it; `false` where that cannot be done.
#[cfg(target_os = "linux")]
fn fill_past_cache(path: &Path, bytes: u64, is_over: &AtomicBool) -> io::Result<bool> {
    const ALIGNMENT: usize = 4096;
    let flags = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).unwrap_or_default();
    let Ok(file) = OpenOptions::new()
        .write(true)
        .custom_flags(flags)
        .open(path)
    else {
        return Ok(false);
    };
    let buffer = vec![0; STEP_BYTES.saturating_add(ALIGNMENT)];
    let start = buffer.as_ptr().align_offset(ALIGNMENT);
    let aligned = buffer.get(start..start.saturating_add(STEP_BYTES));
    match fill(&file, aligned.unwrap_or_default(), bytes, is_over) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(false),
        result => result.map(|()| true),
    }
}

#[cfg(not(target_os = "linux"))]
fn fill_past_cache(_path: &Path, _bytes: u64, _is_over: &AtomicBool) -> io::Result<bool> {
    Ok(false)
}

fn fill(file: &File, zeros: &[u8], bytes: u64, is_over: &AtomicBool) -> io::Result<()> {
    if zeros.is_empty() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut at = 0;
    while at < bytes {
        if is_over.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        file.write_all_at(zeros, at)?;
        at = at.saturating_add(zeros.len() as u64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn wait_for(spares: &Spares) -> Spare {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(spare) = spares.take() {
                return spare;
            }
            assert!(Instant::now() < deadline, "no spare was made");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_spare_is_zeros_of_the_length_asked_for_and_is_given_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut spares = Spares::default();
        spares.prepare(folder.path().join("spare"), 3 << 20);
        let spare = wait_for(&spares);
        assert_eq!(spare.bytes, 3 << 20);
        let bytes = fs::read(&spare.path).unwrap();
        assert_eq!(bytes.len(), 3 << 20);
        assert!(bytes.iter().all(|byte| *byte == 0));
        assert!(spares.take().is_none());
    }

    #[test]
    fn a_spare_that_is_shed_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spare");
        let mut spares = Spares::default();
        spares.prepare(path.clone(), 1 << 20);
        let spare = wait_for(&spares);
        *spares.shared.lock() = Place::Ready(spare);
        spares.shed();
        assert!(!path.exists());
    }

    #[test]
    fn where_no_file_can_be_made_there_is_no_spare_and_the_next_try_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let mut spares = Spares::default();
        spares.prepare(folder.path().join("absent/spare"), 1 << 20);
        let deadline = Instant::now() + Duration::from_secs(30);
        while !matches!(*spares.shared.lock(), Place::Empty) {
            assert!(Instant::now() < deadline, "the thread is still at it");
            std::thread::yield_now();
        }
        spares.prepare(folder.path().join("spare"), 1 << 20);
        wait_for(&spares);
    }
}
