//! A server as a child process: started, measured from outside, stopped or killed.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::client::{self, Target};

/// A running server.
pub struct Program {
    child: Child,
    /// Where to send.
    pub target: Target,
    /// A token with every scope; empty for a sink.
    pub token: String,
    /// How long it took from the start to the first good answer.
    pub ready: Duration,
}

/// How to start ours.
#[derive(Clone)]
pub struct Ours {
    /// The binary.
    pub binary: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// The database's address; `None` for SQLite in the data folder.
    pub store: Option<String>,
    /// Further arguments of `serve`.
    pub arguments: Vec<String>,
    /// Environment.
    pub environment: Vec<(String, String)>,
    /// The address, the DSN's key, project number and token, once initialised.
    pub set_up: Option<SetUp>,
}

/// What `init` told.
#[derive(Clone)]
pub struct SetUp {
    address: SocketAddr,
    key: String,
    project: String,
    token: String,
}

impl Ours {
    /// Sets an empty folder up.
    pub fn init(&mut self) -> Result<()> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let output = Command::new(&self.binary)
            .args(["init", "--json", "--listen", &address.to_string()])
            .args(self.place())
            .stderr(Stdio::inherit())
            .output()?;
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).context("init told nothing")?;
        let text = |name: &str| {
            let value = &told[name];
            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
        };
        let dsn = text("dsn");
        let key = dsn.split_once("://").and_then(|(_, rest)| rest.split_once('@')).context("no key")?.0;
        self.set_up = Some(SetUp { address, key: key.to_owned(), project: text("project_id"), token: text("api_token") });
        Ok(())
    }

    /// Notes beside the data what `init` told, for another run of this program.
    pub fn remember(&self) -> Result<()> {
        let set_up = self.set_up.as_ref().context("not initialised")?;
        let SetUp { address, key, project, token } = set_up;
        std::fs::write(self.data.with_extension("setup"), format!("{address}\n{key}\n{project}\n{token}"))?;
        Ok(())
    }

    /// Takes up data that another run has left; false when there is none.
    pub fn recall(&mut self) -> Result<bool> {
        let Ok(note) = std::fs::read_to_string(self.data.with_extension("setup")) else {
            return Ok(false);
        };
        let lines: Vec<_> = note.lines().map(str::to_owned).collect();
        let [address, key, project, token] = lines.try_into().ok().context("the note is damaged")?;
        self.set_up = Some(SetUp { address: address.parse()?, key, project, token });
        Ok(true)
    }

    /// Where the data is, as every command wants to know.
    fn place(&self) -> Vec<&OsStr> {
        let mut arguments = vec![OsStr::new("--data"), self.data.as_os_str()];
        if let Some(url) = &self.store {
            arguments.extend([OsStr::new("--store"), OsStr::new(url)]);
        }
        arguments
    }

    /// Runs another command on the data folder.
    pub fn command(&self, arguments: &[&str]) -> Result<()> {
        let status = Command::new(&self.binary)
            .args(arguments)
            .args(self.place())
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "{} ended with {status}", arguments.join(" "));
        Ok(())
    }

    /// Changes a setting of the project.
    pub fn set_project(&self, setting: &str) -> Result<()> {
        let set_up = self.set_up.as_ref().context("not initialised")?;
        self.command(&["project", "update", &set_up.project, "--setting", setting])
    }

    /// Where the server's log lines go.
    pub fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }

    /// Starts the server and waits until it is ready.
    pub async fn start(&self) -> Result<Program> {
        let set_up = self.set_up.clone().context("not initialised")?;
        let begin = Instant::now();
        let child = Command::new(&self.binary)
            .args(["serve", "--listen", &set_up.address.to_string()])
            .args(self.place())
            .args(&self.arguments)
            .envs(self.environment.iter().cloned())
            .stdout(Stdio::null())
            .stderr(Stdio::from(std::fs::File::options().create(true).append(true).open(self.log())?))
            .spawn()?;
        let target = Target {
            address: set_up.address,
            path: format!("/api/{}/envelope/", set_up.project),
            key: set_up.key,
        };
        let mut program = Program { child, target, token: set_up.token, ready: Duration::ZERO };
        while begin.elapsed() < Duration::from_secs(60) {
            if let Ok((200, _)) = client::get(program.target.address, "/api/health/", "").await {
                program.ready = begin.elapsed();
                return Ok(program);
            }
            if let Some(status) = program.child.try_wait()? {
                bail!("the server ended with {status}");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        bail!("the server did not get ready");
    }
}

impl Program {
    /// Starts a sink: this program itself, with other arguments.
    pub fn sink(arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let target = Target { address: line.trim().parse()?, path: "/api/1/envelope/".to_owned(), key: "0".repeat(32) };
        Ok(Self { child, target, token: String::new(), ready: Duration::ZERO })
    }

    /// Processor time that the process has used.
    pub fn cpu(&self) -> Result<Duration> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = text.rsplit_once(") ").context("no stat")?.1.split(' ').collect();
        let ticks: u64 = fields.get(11).context("utime")?.parse::<u64>()? + fields.get(12).context("stime")?.parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Resident memory in bytes: now, and at most so far.
    pub fn memory(&self) -> Result<(u64, u64)> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.trim().split(' ').next()?.parse::<u64>().ok())
                .map_or(0, |kib| kib * 1024)
        };
        Ok((field("VmRSS:"), field("VmHWM:")))
    }

    /// A number from the server's metrics.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let (_, text) = client::get(self.target.address, "/metrics", &self.token).await?;
        let text = text.as_str().context("no metrics")?.to_owned();
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .and_then(|value| value.trim().parse().ok())
            .with_context(|| format!("no metric {name}"))
    }

    /// How many events a query counts.
    pub async fn visible(&self) -> Result<u64> {
        let (status, page) = client::get(self.target.address, "/api/events/?limit=1", &self.token).await?;
        page["count"].as_u64().with_context(|| format!("no count: {status} {page}"))
    }

    /// Waits until a query counts so many events.
    pub async fn await_visible(&self, events: u64, patience: Duration) -> Result<()> {
        let begin = Instant::now();
        loop {
            let seen = self.visible().await?;
            if seen >= events {
                return Ok(());
            }
            if begin.elapsed() > patience {
                bail!("{seen} of {events} events are visible");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the process at once, as a power cut would.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends the process in good order.
    pub fn stop(mut self) -> Result<()> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes that a folder takes on disk.
pub fn disk(folder: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(about) = entry.metadata() else { continue };
        total += if about.is_dir() { disk(&entry.path()).unwrap_or(0) } else { about.blocks() * 512 };
    }
    Ok(total)
}
