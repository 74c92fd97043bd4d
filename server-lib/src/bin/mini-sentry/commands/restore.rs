//! `mini-sentry restore`: a data folder from a backup, checked by opening it.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use clap::Args;
use mini_sentry_server::Server;
use mini_sentry_server::config::Config;
use mini_sentry_server::store::open::restore;
use serde_json::json;

use super::Context;
use super::backup::{FORMAT, Form, MANIFEST, Manifest, beside, is_free, remove_if_there};
use super::snapshot::copy;
use crate::failure::{During as _, Failure};

/// Where from.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// A backup: folder, .tar or .tar.zst
    #[arg(value_name = "FROM")]
    from: PathBuf,
}

/// Makes the data folder.
pub(crate) async fn run(context: &Context, arguments: &RestoreArgs) -> Result<(), Failure> {
    let settings = context.settings();
    let data_dir = &settings.config.data_dir;
    if !is_free(data_dir)? {
        return Err(Failure::conflict(format!(
            "{} is not empty; restore into a new folder",
            data_dir.display()
        )));
    }
    let work = beside(data_dir, "partial");
    remove_if_there(&work)?;
    super::init::make_folder(&work)?;
    let restored = async {
        let manifest = unpack(&arguments.from, &work)?;
        let config = &settings.config;
        restore(&config.store, &work).await?;
        let mut config = config.clone();
        config.data_dir.clone_from(&work);
        let found = check(config).await?;
        fs::rename(&work, data_dir).during(format_args!("write {}", data_dir.display()))?;
        Ok::<_, Failure>((manifest, found))
    }
    .await;
    if restored.is_err() {
        // The failure itself is what counts.
        let _ = remove_if_there(&work);
    }
    let (manifest, found) = restored?;
    let value = json!({
        "data": data_dir.display().to_string(),
        "created": manifest.created,
        "files": manifest.files.len(),
        "records": found.tail,
        "to_digest": found.to_digest,
    });
    context.output.show(&value, |_| {
        format!(
            "{} is as it was at {}: {} records, of which {} are digested at the next start",
            data_dir.display(),
            manifest.created,
            found.tail,
            found.to_digest,
        )
    })
}

/// What opening the restored folder showed.
#[derive(Debug)]
struct Found {
    tail: u64,
    to_digest: u64,
}

fn unpack(from: &Path, work: &Path) -> Result<Manifest, Failure> {
    if !from.exists() {
        return Err(Failure::not_found(format!(
            "there is no {}",
            from.display()
        )));
    }
    let what = format!("read {}", from.display());
    if from.is_dir() {
        let manifest = read_manifest(&from.join(MANIFEST))?;
        for file in &manifest.files {
            let to = inside(work, &file.name)?;
            make_parent(&to)?;
            copy(&from.join(&file.name), &to)?;
        }
        return complete(manifest, work);
    }
    let file = File::open(from).during(&what)?;
    match Form::of(from) {
        Form::Tar => unpack_tar(file, work),
        Form::TarZst => unpack_tar(zstd::Decoder::new(file).during(&what)?, work),
        Form::Folder => {
            return Err(Failure::usage(format!(
                "{} is neither a folder nor .tar nor .tar.zst",
                from.display()
            )));
        }
    }
    .during(&what)?;
    let manifest = read_manifest(&work.join(MANIFEST))?;
    let manifest = complete(manifest, work)?;
    fs::remove_file(work.join(MANIFEST)).during(&what)?;
    Ok(manifest)
}

fn unpack_tar(from: impl io::Read, work: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(from);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let is_file = entry.header().entry_type().is_file();
        // `unpack_in` leaves out what would land outside the folder.
        if !is_file || !entry.unpack_in(work)? {
            return Err(io::Error::other("it holds something that no backup has"));
        }
    }
    Ok(())
}

fn read_manifest(path: &Path) -> Result<Manifest, Failure> {
    let wrong = || Failure::usage("this is no backup: it has no readable backup.json");
    let text = fs::read(path).map_err(|_| wrong())?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| wrong())?;
    if manifest.format > FORMAT {
        return Err(Failure::usage(format!(
            "the backup was written by a newer version, {}",
            manifest.version
        )));
    }
    Ok(manifest)
}

/// Compares what is there with what the list says.
fn complete(manifest: Manifest, work: &Path) -> Result<Manifest, Failure> {
    for file in &manifest.files {
        let path = inside(work, &file.name)?;
        let bytes = fs::metadata(&path)
            .map(|metadata| metadata.len())
            .unwrap_or(0);
        if bytes != file.bytes {
            return Err(Failure::other(format!(
                "the backup is damaged: {} has {bytes} bytes of {}",
                file.name, file.bytes
            )));
        }
    }
    Ok(manifest)
}

/// Returns the path of a file in the folder; names that lead out of it are refused.
fn inside(dir: &Path, name: &str) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    if path
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return Ok(dir.join(path));
    }
    Err(Failure::usage(format!(
        "the backup names a file outside itself: {name}"
    )))
}

fn make_parent(path: &Path) -> Result<(), Failure> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    fs::create_dir_all(parent).during(format_args!("make {}", parent.display()))
}

/// Opens the restored folder as a server does, looks for damage, and closes it again.
async fn check(config: Config) -> Result<Found, Failure> {
    let damaged = |what: String| Failure::other(format!("the backup is damaged: {what}"));
    let server = Server::builder()
        .config(config)
        .build()
        .await
        .map_err(|error| damaged(error.to_string()))?;
    let state = server.state();
    let findings = state.store.upkeep.check().await?;
    if let Some(finding) = findings.first() {
        return Err(damaged(finding.clone()));
    }
    let position = state.store.digests.position().await?;
    let tail = state.journal.tail();
    if tail < position {
        return Err(damaged(format!(
            "its index knows {position} records, its segments have {tail}"
        )));
    }
    state.journal.close();
    state.store.upkeep.close().await?;
    Ok(Found {
        tail: tail.0,
        to_digest: tail.0.saturating_sub(position.0),
    })
}
