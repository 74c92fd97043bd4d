//! The files of this process: written, taken oldest first, bounded in bytes and age.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::folder::{RunFolder, entries};
use super::read::read_envelope;
use super::{file_name, private};
use crate::envelope::Envelope;
use crate::losses::Losses;
use crate::protocol::DiscardReason;
use crate::ratelimit::DataCategory;
use crate::transport::SpoolOptions;
use crate::transport::parcel::{Now, Parcel, Stamp, Stamps};

/// How often, at most, the folders of other processes are measured.
const MEASURE_EVERY: Duration = Duration::from_secs(5);

/// The spool of this process.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: RunFolder,
    options: SpoolOptions,
    /// A forked child has this struct too, but not the folder.
    pid: u32,
    index: Mutex<Index>,
    losses: Arc<Losses>,
}

/// Which files there are. Only looked at and changed under the lock, never written to disk
/// there, so that a panicking thread does not wait for a disk.
#[derive(Debug, Default)]
struct Index {
    files: BTreeMap<Stamp, FileState>,
    bytes: u64,
    bytes_of_others: u64,
    measured_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct FileState {
    bytes: u64,
    /// Whether it is being sent.
    is_taken: bool,
}

impl Spool {
    /// Opens the spool; `None` when its folder cannot be used.
    pub(crate) fn open(options: &SpoolOptions, losses: Arc<Losses>) -> Option<Arc<Self>> {
        let folder = RunFolder::claim(&options.dir).ok()?;
        Some(Arc::new(Self {
            folder,
            options: options.clone(),
            pid: std::process::id(),
            index: Mutex::default(),
            losses,
        }))
    }

    /// Takes over what dead processes left. Not part of opening, for there may be much.
    pub(crate) fn adopt(&self) {
        let bytes_of_others = self.folder.adopt_dead(&self.options.dir);
        let mut found = Vec::new();
        for entry in entries(self.folder.path()) {
            let stamp = entry.file_name().to_str().and_then(file_name::parse);
            if let (Some(stamp), Ok(meta)) = (stamp, entry.metadata()) {
                found.push((stamp, meta.len()));
            }
        }
        let mut index = self.index();
        index.bytes_of_others = bytes_of_others;
        index.measured_at = Some(Instant::now());
        for (stamp, bytes) in found {
            index.insert(stamp, bytes);
        }
    }

    /// Writes an envelope; false when there is no room on disk or in the bounds.
    pub(crate) fn store(&self, stamp: Stamp, envelope: &Envelope) -> bool {
        let Ok(bytes) = self.write(stamp, envelope, Sync::Later) else {
            return false;
        };
        self.index().insert(stamp, bytes);
        self.keep_bounds();
        true
    }

    /// Writes an envelope so that it outlives even the machine; for any thread, also while it
    /// panics. It is sent as the others are.
    pub(crate) fn keep(&self, envelope: &Envelope) -> bool {
        // A run number of its own, for a forked child may do the same.
        let run = getrandom::u32().unwrap_or_default();
        let stamp = Stamps::new(run).next(Now::read().unix_ms);
        let Ok(bytes) = self.write(stamp, envelope, Sync::Now) else {
            return false;
        };
        self.index().insert(stamp, bytes);
        true
    }

    /// Whether anything waits to be sent.
    pub(crate) fn has_waiting(&self) -> bool {
        self.index().oldest().is_some()
    }

    /// Takes the oldest envelope, if it is older than `before`. Its file stays until it is
    /// [removed](Self::remove). Files that are too old or damaged are counted and removed.
    pub(crate) fn take_oldest(&self, before: Option<Stamp>, now: Now) -> Option<Parcel> {
        self.expire(now);
        self.keep_bounds();
        loop {
            let stamp = self.index().take(before)?;
            match fs::read(self.path(stamp)) {
                Ok(bytes) => match read_envelope(&bytes, &self.losses) {
                    Some(envelope) => {
                        let mut parcel = Parcel::new(stamp, envelope);
                        parcel.is_spooled = true;
                        parcel.has_waited = true;
                        return Some(parcel);
                    }
                    None => self.remove(stamp),
                },
                // Somebody else cleared it away.
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.remove(stamp),
                Err(_) => {
                    self.count_unread();
                    self.remove(stamp);
                }
            }
        }
    }

    /// Lets a file that was taken wait again.
    pub(crate) fn put_back(&self, stamp: Stamp) {
        if let Some(file) = self.index().files.get_mut(&stamp) {
            file.is_taken = false;
        }
    }

    /// Removes a file that is delivered or given up.
    pub(crate) fn remove(&self, stamp: Stamp) {
        // First the file: should that fail, the next process tries again.
        let _ = fs::remove_file(self.path(stamp));
        self.index().remove(stamp);
    }

    fn write(&self, stamp: Stamp, envelope: &Envelope, sync: Sync) -> io::Result<u64> {
        let mut bytes = Vec::new();
        envelope.write_to(&mut bytes)?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > self.options.max_bytes {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let part = self.folder.path().join(file_name::part(stamp));
        let written =
            write_file(&part, &bytes, sync).and_then(|()| fs::rename(&part, self.path(stamp)));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written.map(|()| size)
    }

    /// Drops the oldest files until the spool is within its bytes.
    fn keep_bounds(&self) {
        while self.is_over_bounds() {
            let Some(stamp) = self.index().take(None) else {
                break;
            };
            self.drop_counted(stamp);
        }
    }

    fn is_over_bounds(&self) -> bool {
        let index = self.index();
        if index.total() <= self.options.max_bytes {
            return false;
        }
        let is_stale = index
            .measured_at
            .is_none_or(|at| at.elapsed() > MEASURE_EVERY);
        drop(index);
        if !is_stale {
            return true;
        }
        let bytes_of_others = self.folder.bytes_of_others(&self.options.dir);
        let mut index = self.index();
        index.bytes_of_others = bytes_of_others;
        index.measured_at = Some(Instant::now());
        index.total() > self.options.max_bytes
    }

    /// Drops files that are too old.
    fn expire(&self, now: Now) {
        let max_age_ms = u64::try_from(self.options.max_age.as_millis()).unwrap_or(u64::MAX);
        let too_old_ms = now.unix_ms.saturating_sub(max_age_ms);
        loop {
            let mut index = self.index();
            let Some(stamp) = index.oldest().filter(|stamp| stamp.at_ms < too_old_ms) else {
                return;
            };
            index.take(None);
            drop(index);
            self.drop_counted(stamp);
        }
    }

    fn drop_counted(&self, stamp: Stamp) {
        match fs::read(self.path(stamp)) {
            Ok(bytes) => {
                if let Some(envelope) = read_envelope(&bytes, &self.losses) {
                    self.losses
                        .record_envelope(&envelope, DiscardReason::CacheOverflow);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => self.count_unread(),
        }
        self.remove(stamp);
    }

    fn count_unread(&self) {
        self.losses
            .record(DataCategory::Error, DiscardReason::InternalSdkError, 1);
    }

    fn path(&self, stamp: Stamp) -> PathBuf {
        self.folder.path().join(file_name::whole(stamp))
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            self.folder.remove_empty();
        }
    }
}

impl Index {
    fn insert(&mut self, stamp: Stamp, bytes: u64) {
        // A file that is known may be on its way just now.
        self.files.entry(stamp).or_insert_with(|| {
            self.bytes = self.bytes.saturating_add(bytes);
            FileState {
                bytes,
                is_taken: false,
            }
        });
    }

    fn remove(&mut self, stamp: Stamp) {
        if let Some(file) = self.files.remove(&stamp) {
            self.bytes = self.bytes.saturating_sub(file.bytes);
        }
    }

    /// The oldest that is not being sent.
    fn oldest(&self) -> Option<Stamp> {
        let mut waiting = self.files.iter().filter(|(_, file)| !file.is_taken);
        waiting.next().map(|(stamp, _)| *stamp)
    }

    fn take(&mut self, before: Option<Stamp>) -> Option<Stamp> {
        let stamp = self
            .oldest()
            .filter(|stamp| before.is_none_or(|before| *stamp < before))?;
        self.files.get_mut(&stamp)?.is_taken = true;
        Some(stamp)
    }

    fn total(&self) -> u64 {
        self.bytes.saturating_add(self.bytes_of_others)
    }
}

/// Whether to wait until the disk has it.
#[derive(Clone, Copy)]
enum Sync {
    Now,
    Later,
}

fn write_file(path: &std::path::Path, bytes: &[u8], sync: Sync) -> io::Result<()> {
    let mut file = private::create_file(path)?;
    file.write_all(bytes)?;
    match sync {
        Sync::Now => file.sync_data(),
        Sync::Later => Ok(()),
    }
}
