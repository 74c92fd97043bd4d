//! Bodies in files of their own: attachments and the like that are too large for a block of the
//! journal.
//!
//! A blob's name is 32 hexadecimal digits, of which the first twelve are the time of arrival in
//! milliseconds, so that retention can drop old ones by name. A blob is complete and synced
//! before the record that names it is appended.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::model::record::Blob;
use crate::model::time::Millis;
use crate::secret;

/// End of the name of a file that is being written.
const UNFINISHED: &str = "part";

/// Free space is asked for again after so many bytes of one blob.
const SPACE_STEP: u64 = 4 * 1024 * 1024;

/// The folder of blobs.
#[derive(Clone, Debug)]
pub struct Blobs {
    dir: PathBuf,
    min_free_bytes: u64,
}

/// A file in the folder of blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobFile {
    /// Its name.
    pub name: String,
    /// When its record arrived, as the name says.
    pub received: Millis,
    /// Its length.
    pub bytes: u64,
}

impl Blobs {
    /// Opens the folder, makes it when it is not there, and removes what a crash left unfinished.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or read.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let dir = dir.into();
        fs::create_dir_all(&dir)?;
        for entry in fs::read_dir(&dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == UNFINISHED) {
                fs::remove_file(path)?;
            }
        }
        Ok(Self {
            dir,
            min_free_bytes: 0,
        })
    }

    /// Leaves so much of the disk's free space alone: blobs are refused before it is touched.
    #[must_use]
    pub fn leaving_free(mut self, bytes: u64) -> Self {
        self.min_free_bytes = bytes;
        self
    }

    /// Names the folder and leaves it as it is, for those who work beside the one that opened it.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            min_free_bytes: 0,
        }
    }

    /// Begins a blob.
    ///
    /// # Errors
    ///
    /// When the file cannot be made; [`Full`](crate::error::ErrorKind::Full) when there is too little
    /// free space.
    pub fn create(&self, received: Millis) -> Result<BlobWriter, Error> {
        let time = u64::try_from(received.0).unwrap_or(0) & 0xffff_ffff_ffff;
        let name = format!("{time:012x}{}", secret::random_hex::<10>()?);
        let path = self.dir.join(&name).with_extension(UNFINISHED);
        check_space(&path, self.min_free_bytes)?;
        Ok(BlobWriter {
            file: File::create_new(&path)?,
            path: Some(path),
            name,
            bytes: 0,
            min_free_bytes: self.min_free_bytes,
            unchecked: 0,
        })
    }

    /// Opens a blob for reading. `NotFound` for a name that is not one of a blob.
    ///
    /// # Errors
    ///
    /// When there is no such file, or it cannot be read.
    pub fn read(&self, name: &str) -> io::Result<File> {
        File::open(self.path(name)?)
    }

    /// Removes a blob; one that is gone already is no error.
    ///
    /// # Errors
    ///
    /// When the file cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Returns the names of all blobs.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            names.extend(
                name.to_str()
                    .filter(|name| is_name(name))
                    .map(str::to_owned),
            );
        }
        Ok(names)
    }

    /// Returns the blobs that arrived in the time, oldest first.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn received_in(&self, times: Range<Millis>) -> io::Result<Vec<BlobFile>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let Some(received) = Self::received(name).filter(|at| times.contains(at)) else {
                continue;
            };
            let bytes = match entry.metadata() {
                Ok(about) => about.len(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            files.push(BlobFile {
                name: name.to_owned(),
                received,
                bytes,
            });
        }
        files.sort_by(|one, next| one.name.cmp(&next.name));
        Ok(files)
    }

    /// Returns how much space the blobs take.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn total_bytes(&self) -> io::Result<u64> {
        let mut sum = 0_u64;
        for entry in fs::read_dir(&self.dir)? {
            match entry?.metadata() {
                Ok(about) => sum = sum.saturating_add(about.len()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sum)
    }

    /// Tells when the blob of this name arrived.
    #[must_use]
    pub fn received(name: &str) -> Option<Millis> {
        let time = i64::from_str_radix(name.get(..12)?, 16).ok()?;
        is_name(name).then_some(Millis(time))
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        // Names come from the journal and, in the end, from our own hand; a path does not.
        if is_name(name) {
            Ok(self.dir.join(name))
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }
}

/// A blob that is being written. Dropped before [`finish`](Self::finish), it is gone.
#[derive(Debug)]
pub struct BlobWriter {
    file: File,
    path: Option<PathBuf>,
    name: String,
    bytes: u64,
    min_free_bytes: u64,
    unchecked: u64,
}

impl BlobWriter {
    /// Adds bytes.
    ///
    /// # Errors
    ///
    /// When they cannot be written; [`StorageFull`](io::ErrorKind::StorageFull) also when there is
    /// too little free space.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let added = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.unchecked = self.unchecked.saturating_add(added);
        if self.unchecked >= SPACE_STEP
            && let Some(path) = &self.path
        {
            check_space(path, self.min_free_bytes)?;
            self.unchecked = 0;
        }
        self.file.write_all(bytes)?;
        self.bytes = self.bytes.saturating_add(added);
        Ok(())
    }

    /// Returns how many bytes were added.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Syncs the file and gives it its name. Blocks for as long as the disk takes.
    ///
    /// # Errors
    ///
    /// When the disk does not take it.
    pub fn finish(mut self) -> io::Result<Blob> {
        self.file.sync_data()?;
        if let Some(path) = self.path.take() {
            fs::rename(&path, path.with_extension("")).inspect_err(|_| {
                // The error that matters is the one of the renaming.
                let _ = fs::remove_file(&path);
            })?;
            if let Some(dir) = path.parent() {
                sync_dir(dir)?;
            }
        }
        Ok(Blob {
            name: std::mem::take(&mut self.name),
            bytes: self.bytes,
        })
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            // What stays behind is removed at the next start.
            let _ = fs::remove_file(path);
        }
    }
}

/// Returns the bytes that this process may still write on the file system of `path`.
///
/// # Errors
///
/// When the system does not say.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let system = rustix::fs::statvfs(path)?;
    Ok(system.f_bavail.saturating_mul(system.f_frsize))
}

fn check_space(file: &Path, min_free_bytes: u64) -> io::Result<()> {
    let Some(dir) = file.parent().filter(|_| min_free_bytes > 0) else {
        return Ok(());
    };
    // A system that does not say is found out by writing.
    match free_bytes(dir) {
        Ok(free) if free < min_free_bytes => Err(io::ErrorKind::StorageFull.into()),
        _ => Ok(()),
    }
}

/// Makes new names in a folder survive a loss of power.
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn is_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn nothing_is_written_where_too_little_space_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        let starved = blobs.clone().leaving_free(u64::MAX);
        let refused = starved.create(Millis(1)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Full);

        // Space may run short while a body arrives.
        let mut writer = blobs.create(Millis(1)).unwrap();
        writer.min_free_bytes = u64::MAX;
        let step = usize::try_from(SPACE_STEP).unwrap() / 2;
        writer.write(&vec![0; step]).unwrap();
        let refused = writer.write(&vec![0; step]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        drop(writer);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn blobs_are_listed_by_their_arrival() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        let write = |received| {
            let mut writer = blobs.create(Millis(received)).unwrap();
            writer.write(b"body").unwrap();
            writer.finish().unwrap().name
        };
        let names = [write(30), write(20), write(10)];
        let listed = blobs.received_in(Millis(10)..Millis(30)).unwrap();
        let listed: Vec<_> = listed
            .into_iter()
            .map(|file| (file.name, file.bytes))
            .collect();
        assert_eq!(listed, [(names[2].clone(), 4), (names[1].clone(), 4)]);
    }
}
