//! `mini-sentry backup`: a consistent copy while the server runs.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use mini_sentry_server::clock::{Clock as _, SystemClock};
use mini_sentry_server::error::Error;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Context;
use super::catalogue::open_store;
use super::snapshot::{BLOBS, Pins, SEGMENTS, copy_blobs, tree};
use crate::failure::{During as _, Failure};
use crate::output::human_bytes;

/// Name of the list of files in a backup.
pub(crate) const MANIFEST: &str = "backup.json";
/// The form of backups that this version writes.
pub(crate) const FORMAT: u32 = 1;

const LEVEL: i32 = 3;

/// Where to.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// A folder that is absent or empty, or a file that ends in .tar or .tar.zst
    #[arg(value_name = "DIR|FILE")]
    target: PathBuf,
}

/// What a backup says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The form; see [`FORMAT`].
    pub(crate) format: u32,
    /// Which version wrote it.
    pub(crate) version: String,
    /// When, RFC 3339.
    pub(crate) created: String,
    /// All other files.
    pub(crate) files: Vec<ManifestFile>,
}

/// A file of a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestFile {
    /// Its path in the backup.
    pub(crate) name: String,
    /// Its length.
    pub(crate) bytes: u64,
}

/// How a backup is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A folder.
    Folder,
    /// A tar file.
    Tar,
    /// A tar file, compressed.
    TarZst,
}

impl Form {
    /// Tells the form by the name.
    pub(crate) fn of(path: &Path) -> Self {
        match path.to_string_lossy() {
            name if name.ends_with(".tar") => Self::Tar,
            name if name.ends_with(".tar.zst") => Self::TarZst,
            _ => Self::Folder,
        }
    }
}

/// Writes the backup.
pub(crate) async fn run(context: &Context, arguments: &BackupArgs) -> Result<(), Failure> {
    let settings = context.settings();
    let target = &arguments.target;
    refuse_to_overwrite(target)?;
    let store = open_store(settings).await?;
    let data_dir = &settings.config.data_dir;
    let work = beside(target, "partial");
    remove_if_there(&work)?;
    super::init::make_folder(&work)?;
    let made = async {
        collect(data_dir, &work, store.upkeep.backup(&work)).await?;
        let manifest = write_manifest(&work)?;
        deliver(&work, target)?;
        Ok::<_, Failure>(manifest)
    }
    .await;
    if made.is_err() {
        // The failure itself is what counts.
        let _ = remove_if_there(&work);
    }
    let manifest = made?;
    store.upkeep.close().await?;
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    let files = manifest.files.len();
    let value = json!({
        "backup": target.display().to_string(),
        "created": manifest.created,
        "files": files,
        "bytes": bytes,
    });
    context.output.show(&value, |_| {
        let size = human_bytes(bytes);
        format!("{files} files, {size}, are in {}", target.display())
    })
}

/// Copies everything into the folder. The future copies the database: after all segments have second
/// names, and before they are copied.
async fn collect(
    data_dir: &Path,
    work: &Path,
    database: impl Future<Output = Result<(), Error>>,
) -> Result<(), Failure> {
    let pins = Pins::new(data_dir)?;
    database.await?;
    pins.add(data_dir)?;
    pins.copy_to(&work.join(SEGMENTS))?;
    copy_blobs(data_dir, &work.join(BLOBS))
}

/// Returns a name beside the path, for work that is not done.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{end}"));
    name.into()
}

/// Removes a folder that a run before has left.
pub(crate) fn remove_if_there(dir: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.during(format_args!("remove {}", dir.display())),
    }
}

/// Reports whether there is nothing at the path, or an empty folder.
pub(crate) fn is_free(path: &Path) -> Result<bool, Failure> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(error).during(format_args!("look into {}", path.display())),
    }
}

fn refuse_to_overwrite(target: &Path) -> Result<(), Failure> {
    if is_free(target)? {
        return Ok(());
    }
    Err(Failure::conflict(format!(
        "{} is there already",
        target.display()
    )))
}

fn write_manifest(work: &Path) -> Result<Manifest, Failure> {
    let mut files = Vec::new();
    for (name, path) in tree(work).during("list the backup")? {
        let bytes = fs::metadata(&path)
            .during(format_args!("look at {}", path.display()))?
            .len();
        files.push(ManifestFile { name, bytes });
    }
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        created: SystemClock.now().to_rfc3339(),
        files,
    };
    let text =
        serde_json::to_vec_pretty(&manifest).map_err(|error| Failure::other(error.to_string()))?;
    let path = work.join(MANIFEST);
    let mut file = File::create(&path).during(format_args!("write {}", path.display()))?;
    file.write_all(&text)
        .and_then(|()| file.sync_all())
        .during(format_args!("write {}", path.display()))?;
    Ok(manifest)
}

/// Gives the finished work its name.
fn deliver(work: &Path, target: &Path) -> Result<(), Failure> {
    let what = format!("write {}", target.display());
    match Form::of(target) {
        Form::Folder => fs::rename(work, target).during(what),
        form => {
            let file = beside(target, "part");
            pack(work, &file, form).during(&what)?;
            fs::rename(&file, target).during(&what)?;
            remove_if_there(work)
        }
    }
}

fn pack(work: &Path, file: &Path, form: Form) -> io::Result<()> {
    let file = File::create(file)?;
    if form == Form::Tar {
        return pack_into(work, file)?.sync_all();
    }
    let encoder = zstd::Encoder::new(file, LEVEL)?;
    pack_into(work, encoder)?.finish()?.sync_all()
}

fn pack_into<W: io::Write>(work: &Path, to: W) -> io::Result<W> {
    let mut archive = tar::Builder::new(to);
    archive.mode(tar::HeaderMode::Deterministic);
    // The list goes first, so that a reader knows what is to come.
    archive.append_path_with_name(work.join(MANIFEST), MANIFEST)?;
    for (name, path) in tree(work)? {
        if name != MANIFEST {
            archive.append_path_with_name(path, name)?;
        }
    }
    archive.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_and_removed_while_the_database_is_copied_is_in_the_backup() {
        let dir = tempfile::tempdir().unwrap();
        let (data, work) = (dir.path().join("data"), dir.path().join("work"));
        let segment = |name: &str| data.join(SEGMENTS).join(name);
        fs::create_dir_all(data.join(SEGMENTS)).unwrap();
        fs::create_dir_all(data.join(BLOBS)).unwrap();
        fs::write(segment("1.seg"), "dropped").unwrap();
        fs::write(segment("2.seg"), "begun").unwrap();
        let database = async {
            fs::remove_file(segment("1.seg"))?;
            fs::write(segment("2.seg"), "begun and on")?;
            fs::write(segment("3.seg"), "new")?;
            fs::write(data.join(BLOBS).join("0a"), "large")?;
            Ok(())
        };
        collect(&data, &work, database).await.unwrap();
        let copied: Vec<_> = tree(&work)
            .unwrap()
            .into_iter()
            .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
            .collect();
        let expected = [
            ("blobs/0a", "large"),
            ("segments/1.seg", "dropped"),
            ("segments/2.seg", "begun and on"),
            ("segments/3.seg", "new"),
        ];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(copied, expected);
    }

    #[test]
    fn the_name_tells_the_form() {
        assert_eq!(Form::of(Path::new("a/b.tar")), Form::Tar);
        assert_eq!(Form::of(Path::new("b.tar.zst")), Form::TarZst);
        assert_eq!(Form::of(Path::new("/backup/today")), Form::Folder);
    }

    #[test]
    fn only_an_absent_path_and_an_empty_folder_are_free() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_free(dir.path()).unwrap());
        assert!(is_free(&dir.path().join("absent")).unwrap());
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(!is_free(&file).unwrap());
        assert!(!is_free(dir.path()).unwrap());
    }
}
