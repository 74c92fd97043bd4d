//! A PostgreSQL server for tests: made in a temporary folder, started, stopped and started again on
//! demand, and gone with the test, however that ends.

use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::error::{Error, ErrorKind};

/// The one that tests share, while any of them has it.
static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
/// Numbers the databases of a process.
static DATABASES: AtomicU32 = AtomicU32::new(1);

/// Waits until its input ends, which it does when the test's process does, and clears up.
const WATCH: &str = r#"cat >/dev/null; "${1:+$1/}pg_ctl" -D "$2/data" -m immediate -w stop >/dev/null 2>&1; rm -rf "$2""#;

/// A PostgreSQL server of our own, with settings as they come.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    settings: &'static str,
    dir: TempDir,
    user: Option<(u32, u32)>,
    watch: Option<Child>,
}

/// Where tests find a server.
#[derive(Clone, Debug)]
pub enum Server {
    /// One of our own.
    Own(Arc<Cluster>),
    /// One that somebody else runs.
    Given(String),
}

impl Server {
    /// Returns the server that the address names, or else our own one, which all callers share
    /// while any of them has it. `None` when there is no PostgreSQL on this machine.
    ///
    /// # Errors
    ///
    /// When ours cannot be made or started.
    pub fn shared(given: Option<String>) -> Result<Option<Self>, Error> {
        if let Some(address) = given {
            return Ok(Some(Self::Given(address)));
        }
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Ok(Some(Self::Own(running)));
        }
        // Nobody cuts its power: its data need not outlive the machine.
        let Some(cluster) = Cluster::with_settings("-c fsync=off")? else {
            return Ok(None);
        };
        let cluster = Arc::new(cluster);
        *shared = Arc::downgrade(&cluster);
        Ok(Some(Self::Own(cluster)))
    }

    /// Makes an empty database and returns its address.
    ///
    /// # Errors
    ///
    /// When the server refuses.
    pub async fn database(&self) -> Result<String, Error> {
        let server = match self {
            Self::Own(cluster) => cluster.url("postgres"),
            Self::Given(address) => address.clone(),
        };
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("mini_sentry_test_{}_{number}", std::process::id());
        let failed = |error| Error::new(ErrorKind::Unavailable, error).during("make a database");
        let (client, driver) = tokio_postgres::connect(&server, NoTls)
            .await
            .map_err(failed)?;
        let driver = tokio::spawn(driver);
        let sql = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0");
        client.batch_execute(&sql).await.map_err(failed)?;
        drop(client);
        // It ends with its client.
        let _ = driver.await;
        with_database(&server, &name)
    }
}

impl Cluster {
    /// Makes and starts a server; `None` when there is no PostgreSQL on this machine.
    ///
    /// # Errors
    ///
    /// When it cannot be made or started.
    pub fn start_new() -> Result<Option<Self>, Error> {
        Self::with_settings("")
    }

    fn with_settings(settings: &'static str) -> Result<Option<Self>, Error> {
        let Some(programs) = find_programs() else {
            return Ok(None);
        };
        let dir = tempfile::Builder::new()
            .prefix("mini-sentry-pg")
            .tempdir()?;
        let user = unprivileged_user()?;
        if let Some((uid, gid)) = user {
            chown(dir.path(), Some(uid), Some(gid))?;
        }
        let mut cluster = Self {
            programs,
            settings,
            dir,
            user,
            watch: None,
        };
        let data = cluster.data();
        let form = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"];
        cluster.run("initdb", &[OsStr::new("-D"), data.as_os_str()], &form)?;
        cluster.watch = Some(cluster.watched()?);
        cluster.start()?;
        Ok(Some(cluster))
    }

    /// Returns the address of a database, by a socket in the server's folder.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let folder = self.dir.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}/{database}")
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(&self) -> Result<(), Error> {
        let (data, log) = (self.data(), self.dir.path().join("log"));
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={} {}",
            self.dir.path().display(),
            self.settings
        );
        self.run(
            "pg_ctl",
            &[
                OsStr::new("-D"),
                data.as_os_str(),
                OsStr::new("-l"),
                log.as_os_str(),
                OsStr::new("-o"),
                OsStr::new(&options),
            ],
            &["-w", "start"],
        )
    }

    /// Stops the server at once, as a crash does.
    ///
    /// # Errors
    ///
    /// When it does not stop.
    pub fn stop(&self) -> Result<(), Error> {
        let data = self.data();
        self.run(
            "pg_ctl",
            &[OsStr::new("-D"), data.as_os_str()],
            &["-m", "immediate", "-w", "stop"],
        )
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn run(&self, program: &str, paths: &[&OsStr], rest: &[&str]) -> Result<(), Error> {
        let mut command = self.command(&self.programs.join(program));
        // A server inherits what is open, so nothing may wait for the end of its output.
        let said = tempfile::tempfile()?;
        command
            .args(paths)
            .args(rest)
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said.try_clone()?);
        if command.status()?.success() {
            return Ok(());
        }
        let mut text = String::new();
        let mut said = said;
        std::io::Seek::rewind(&mut said)?;
        said.read_to_string(&mut text)?;
        Err(Error::because(
            ErrorKind::System,
            format!("{program} failed: {}", text.trim()),
        ))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path()).env("LC_ALL", "C");
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn watched(&self) -> Result<Child, Error> {
        let mut command = self.command(Path::new("/bin/sh"));
        command
            .args([OsStr::new("-c"), OsStr::new(WATCH), OsStr::new("watch")])
            .arg(&self.programs)
            .arg(self.dir.path())
            .current_dir("/")
            // A signal from the terminal is for the test, and must not end what clears up after it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(command.spawn()?)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            drop(watch.stdin.take());
            // The folder goes in any case.
            let _ = watch.wait();
        }
    }
}

/// Looks for the folder that has `initdb` and the others; an empty one leaves it to the system.
fn find_programs() -> Option<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(found) = Command::new("pg_config").arg("--bindir").output() {
        let folder = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        folders.push(PathBuf::from(folder));
    }
    let mut installed: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    installed.sort();
    folders.extend(installed.into_iter().rev());
    let complete =
        |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
    if let Some(folder) = folders.into_iter().find(complete) {
        return Some(folder);
    }
    let on_path = |program: &str| Command::new(program).arg("--version").output().is_ok();
    (on_path("initdb") && on_path("pg_ctl")).then(PathBuf::new)
}

/// The server refuses to run as root; returns the numbers of a user who is not, when we are.
fn unprivileged_user() -> Result<Option<(u32, u32)>, Error> {
    let id = Command::new("id").arg("-u").output()?;
    if String::from_utf8_lossy(&id.stdout).trim() != "0" {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    for wanted in ["postgres", "nobody"] {
        for line in users.lines() {
            let mut fields = line.split(':');
            if fields.next() != Some(wanted) {
                continue;
            }
            // The password's place comes first.
            let uid = fields.nth(1).and_then(|field| field.parse().ok());
            let gid = fields.next().and_then(|field| field.parse().ok());
            if let Some(user) = uid.zip(gid) {
                return Ok(Some(user));
            }
        }
    }
    Err(Error::because(
        ErrorKind::System,
        "there is neither a user postgres nor nobody to run the server as",
    ))
}

/// Puts another database into an address.
fn with_database(server: &str, name: &str) -> Result<String, Error> {
    let unreadable = || {
        Error::because(
            ErrorKind::Invalid,
            "the address of the test server must be like postgres://user@host/database",
        )
    };
    let (base, query) = match server.split_once('?') {
        Some((base, query)) => (base, format!("?{query}")),
        None => (server, String::new()),
    };
    let (scheme, rest) = base.split_once("://").ok_or_else(unreadable)?;
    let host = rest.split_once('/').map_or(rest, |(host, _)| host);
    Ok(format!("{scheme}://{host}/{name}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_keeps_host_and_settings() {
        let address = with_database("postgres://u:p@h:5/x?sslmode=disable", "y").unwrap();
        assert_eq!(address, "postgres://u:p@h:5/y?sslmode=disable");
        assert_eq!(
            with_database("postgres://h", "y").unwrap(),
            "postgres://h/y"
        );
    }
}
