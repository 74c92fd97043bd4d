//! Bodies that are too large for a block: one file each, written while they arrive.
//!
//! A blob is complete and on disk before a record that names it is appended. Who writes a blob and
//! then cannot append its record removes it again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::model::record::Blob;

use super::folder::{during, free_bytes};

const UNFINISHED_END: &str = ".tmp";
const NAME_BYTES: usize = 16;
/// What is gathered before it is written.
const BUFFER_BYTES: usize = 256 * 1024;

/// The folder of the blobs.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: Arc<Path>,
    min_free_bytes: u64,
}

impl Blobs {
    /// Opens the folder in the data folder, makes it if it is not there, and removes what was not
    /// finished.
    pub(super) fn open(data: &Path, min_free_bytes: u64) -> Result<Self, Error> {
        let folder = data.join("blobs");
        fs::create_dir_all(&folder).map_err(|error| during("create", &folder, error))?;
        for entry in fs::read_dir(&folder).map_err(|error| during("read", &folder, error))? {
            let path = entry
                .map_err(|error| during("read", &folder, error))?
                .path();
            let name = path.file_name().and_then(|name| name.to_str());
            if name.is_some_and(|name| name.ends_with(UNFINISHED_END)) {
                fs::remove_file(&path).map_err(|error| during("remove", &path, error))?;
            }
        }
        Ok(Self {
            folder: folder.into(),
            min_free_bytes,
        })
    }

    /// Begins a blob of at most `max_bytes`.
    ///
    /// # Errors
    ///
    /// [`Full`](ErrorKind::Full) when the disk has no room; others when the file cannot be made.
    pub fn create(&self, max_bytes: u64) -> Result<BlobWriter, Error> {
        let mut random = [0; NAME_BYTES];
        getrandom::fill(&mut random).map_err(|error| Error::new(ErrorKind::System, error))?;
        let name = format!("{:032x}", u128::from_le_bytes(random));
        let unfinished = self.folder.join(format!("{name}{UNFINISHED_END}"));
        let file =
            File::create_new(&unfinished).map_err(|error| during("create", &unfinished, error))?;
        let writer = BlobWriter {
            blobs: self.clone(),
            name,
            unfinished: Some(unfinished),
            file: Arc::new(file),
            buffer: Vec::new(),
            bytes: 0,
            max_bytes,
        };
        writer.check_space()?;
        Ok(writer)
    }

    /// Returns where a blob is; `None` when there is none of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let path = self.path(name)?;
        path.is_file().then_some(path)
    }

    /// Removes a blob. One that is not there is no error.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let Some(path) = self.path(name) else {
            return Ok(());
        };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(during("remove", &path, error))
            }
            _ => Ok(()),
        }
    }

    /// Returns how much space the blobs take.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn bytes(&self) -> Result<u64, Error> {
        let mut sum = 0_u64;
        for entry in fs::read_dir(&self.folder)? {
            match entry?.metadata() {
                Ok(about) => sum = sum.saturating_add(about.len()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(sum)
    }

    /// A name comes from a record, so it must not lead out of the folder.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let is_name = name.len() == NAME_BYTES * 2
            && name
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_name.then(|| self.folder.join(name))
    }
}

/// A blob that is being written. Dropped unfinished, it leaves nothing behind.
#[derive(Debug)]
pub struct BlobWriter {
    blobs: Blobs,
    name: String,
    unfinished: Option<PathBuf>,
    file: Arc<File>,
    buffer: Vec<u8>,
    bytes: u64,
    max_bytes: u64,
}

impl BlobWriter {
    /// Adds bytes.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) when it has more than it may have,
    /// [`Full`](ErrorKind::Full) when the disk has no room.
    pub async fn write(&mut self, data: &[u8]) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(data.len() as u64);
        if self.bytes > self.max_bytes {
            return Err(Error::because(
                ErrorKind::Invalid,
                format!("the body has more than {} bytes", self.max_bytes),
            ));
        }
        self.buffer.extend_from_slice(data);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    /// Makes the blob durable and gives it its name.
    ///
    /// # Errors
    ///
    /// When the disk has no room or fails.
    pub async fn finish(mut self) -> Result<Blob, Error> {
        self.flush().await?;
        let Some(unfinished) = self.unfinished.take() else {
            return Err(Error::because(
                ErrorKind::System,
                "the blob is finished already",
            ));
        };
        let file = Arc::clone(&self.file);
        let target = self.blobs.folder.join(&self.name);
        let folder = Arc::clone(&self.blobs.folder);
        blocking(move || {
            let finished = file.sync_all().and_then(|()| {
                fs::rename(&unfinished, &target)?;
                File::open(&folder)?.sync_all()
            });
            finished.map_err(|error| {
                let _ = fs::remove_file(&unfinished);
                during("finish", &unfinished, error)
            })
        })
        .await?;
        Ok(Blob {
            name: std::mem::take(&mut self.name),
            bytes: self.bytes,
        })
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let data = std::mem::take(&mut self.buffer);
        if data.is_empty() {
            return Ok(());
        }
        self.check_space()?;
        let file = Arc::clone(&self.file);
        blocking(move || (&*file).write_all(&data).map_err(Error::from)).await
    }

    fn check_space(&self) -> Result<(), Error> {
        // A system that does not say is found out by writing.
        let free = free_bytes(&self.blobs.folder).unwrap_or(u64::MAX);
        if free < self.blobs.min_free_bytes {
            return Err(Error::because(ErrorKind::Full, "the disk is full"));
        }
        Ok(())
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if let Some(path) = &self.unfinished {
            let _ = fs::remove_file(path);
        }
    }
}

/// Runs what may block on a thread for that.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Error::new(ErrorKind::System, error)))
}
