//! The files of a data folder, copied while a server goes on writing them.
//!
//! The database is copied first and the segments afterwards, so that every record which the copied
//! index knows is in a copied segment; what the segments have beyond it is digested at the next
//! start. Retention and compaction may remove segments meanwhile: before anything else all of them
//! get a second name, a hard link, under which they stay.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::{During as _, Failure};

/// Folder of the segments in a data folder.
pub(crate) const SEGMENTS: &str = "segments";
/// Folder of the blobs in a data folder.
pub(crate) const BLOBS: &str = "blobs";
/// Begins the names of folders with second names of segments.
pub(crate) const PINS: &str = ".backup-";

const LOCK: &str = "lock";
const SEGMENT_END: &str = ".seg";

/// Second names of segments, removed when dropped.
#[derive(Debug)]
pub(crate) struct Pins {
    dir: PathBuf,
    _lock: File,
}

impl Pins {
    /// Gives all segments a second name, after removing those that a broken-off backup left.
    pub(crate) fn new(data_dir: &Path) -> Result<Self, Failure> {
        remove_stale(data_dir).during("remove what a backup left behind")?;
        let dir = data_dir.join(format!("{PINS}{}", std::process::id()));
        fs::create_dir(&dir).during(format_args!("make {}", dir.display()))?;
        let lock = lock(&dir).during(format_args!("lock {}", dir.display()))?;
        let pins = Self { dir, _lock: lock };
        pins.add(data_dir)?;
        Ok(pins)
    }

    /// Gives second names to segments that are new.
    pub(crate) fn add(&self, data_dir: &Path) -> Result<(), Failure> {
        for (name, path) in segments(&data_dir.join(SEGMENTS))? {
            match fs::hard_link(&path, self.dir.join(name)) {
                // Gone since the list was made: nothing of it is kept any more.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => result.during(format_args!("link {}", path.display()))?,
            }
        }
        Ok(())
    }

    /// Copies the segments. The last one is still written to; the others are shared where both
    /// folders are on one disk, because a closed segment is replaced and never changed.
    pub(crate) fn copy_to(&self, target: &Path) -> Result<(), Failure> {
        fs::create_dir_all(target).during(format_args!("make {}", target.display()))?;
        let segments = segments(&self.dir)?;
        let last = segments.keys().next_back();
        for (name, path) in &segments {
            let to = target.join(name);
            if Some(name) == last {
                copy(path, &to)?;
            } else {
                link_or_copy(path, &to)?;
            }
        }
        Ok(())
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        // What stays is removed by the next backup, and told by doctor.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Returns the segments of a folder by name, in their order, without those that compaction is still
/// writing.
pub(crate) fn segments(dir: &Path) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut segments = files(dir).during(format_args!("list {}", dir.display()))?;
    segments.retain(|name, _| name.ends_with(SEGMENT_END));
    Ok(segments)
}

/// Copies all blobs that are complete.
pub(crate) fn copy_blobs(data_dir: &Path, target: &Path) -> Result<(), Failure> {
    let blobs = files(&data_dir.join(BLOBS)).during("list the blobs")?;
    fs::create_dir_all(target).during(format_args!("make {}", target.display()))?;
    for (name, path) in blobs {
        if path.extension().is_none() && path.exists() {
            link_or_copy(&path, &target.join(name))?;
        }
    }
    Ok(())
}

/// Returns the second names that a broken-off backup left.
pub(crate) fn stale_pins(data_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut stale = Vec::new();
    for entry in fs::read_dir(data_dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let is_pins = name.is_some_and(|name| name.starts_with(PINS));
        if is_pins && lock(&path).is_ok() {
            stale.push(path);
        }
    }
    Ok(stale)
}

/// Returns the files of a folder by name; none when there is no such folder.
pub(crate) fn files(dir: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries?,
    };
    let mut files = BTreeMap::new();
    for entry in entries {
        let entry = entry?;
        if let (Ok(name), true) = (
            entry.file_name().into_string(),
            entry.file_type()?.is_file(),
        ) {
            files.insert(name, entry.path());
        }
    }
    Ok(files)
}

/// Returns all files under a folder, by their path in it.
pub(crate) fn tree(dir: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), dir.to_owned())];
    while let Some((prefix, dir)) = open.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let name = format!("{prefix}{name}");
            match entry.file_type()? {
                kind if kind.is_dir() => open.push((format!("{name}/"), entry.path())),
                kind if kind.is_file() => {
                    found.insert(name, entry.path());
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

/// Copies a file and waits until the copy is on disk.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::copy(from, to)
        .and_then(|_| File::open(to)?.sync_all())
        .during(format_args!("copy {} to {}", from.display(), to.display()))
}

fn link_or_copy(from: &Path, to: &Path) -> Result<(), Failure> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(_) => copy(from, to),
    }
}

fn remove_stale(data_dir: &Path) -> io::Result<()> {
    stale_pins(data_dir)?
        .iter()
        .try_for_each(fs::remove_dir_all)
}

/// Locks a folder of second names; fails when its backup is still running.
fn lock(dir: &Path) -> io::Result<File> {
    let file = File::create(dir.join(LOCK))?;
    file.try_lock()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: PathBuf, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn pinned_segments_outlive_retention_and_compaction_and_leave_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let (data, target) = (dir.path().join("data"), dir.path().join("copy"));
        for name in ["1.seg", "2.seg", "3.seg"] {
            write(data.join(SEGMENTS).join(name), name);
        }
        let pins = Pins::new(&data).unwrap();
        fs::remove_file(data.join(SEGMENTS).join("1.seg")).unwrap();
        write(data.join("new"), "packed");
        fs::rename(data.join("new"), data.join(SEGMENTS).join("2.seg")).unwrap();
        write(data.join(SEGMENTS).join("4.seg"), "begun");
        pins.add(&data).unwrap();
        write(data.join(SEGMENTS).join("5.seg"), "too late");
        pins.copy_to(&target).unwrap();
        drop(pins);
        let copied: Vec<_> = files(&target)
            .unwrap()
            .into_values()
            .map(|path| fs::read_to_string(path).unwrap())
            .collect();
        assert_eq!(copied, ["1.seg", "2.seg", "3.seg", "begun"]);
        assert_eq!(stale_pins(&data).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
    }

    #[test]
    fn the_segment_that_is_written_to_is_not_shared() {
        let dir = tempfile::tempdir().unwrap();
        let (data, target) = (dir.path().join("data"), dir.path().join("copy"));
        write(data.join(SEGMENTS).join("1.seg"), "closed");
        write(data.join(SEGMENTS).join("2.seg"), "open");
        Pins::new(&data).unwrap().copy_to(&target).unwrap();
        write(data.join(SEGMENTS).join("2.seg"), "open and on");
        assert_eq!(fs::read_to_string(target.join("2.seg")).unwrap(), "open");
    }

    #[test]
    fn what_a_broken_off_backup_left_is_found_and_removed_but_not_a_running_ones() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        write(data.join(".backup-1").join("1.seg"), "left");
        write(data.join(SEGMENTS).join("1.seg"), "kept");
        assert_eq!(stale_pins(data).unwrap(), [data.join(".backup-1")]);
        let running = Pins::new(data).unwrap();
        assert!(!data.join(".backup-1").exists());
        assert!(stale_pins(data).unwrap().is_empty());
        drop(running);
    }

    #[test]
    fn blobs_that_are_still_arriving_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path().join(BLOBS).join("0a"), "whole");
        write(dir.path().join(BLOBS).join("0b.part"), "begun");
        let target = dir.path().join("copy");
        copy_blobs(dir.path(), &target).unwrap();
        assert_eq!(
            tree(&target).unwrap().into_keys().collect::<Vec<_>>(),
            ["0a"]
        );
    }
}
