//! The binary itself as a child process, for tests of what only a whole process shows: being
//! killed, memory, a full disk.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a server may take to start or to digest what it has.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server that is set up and may run.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    pub(crate) project: String,
    pub(crate) token: String,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Program {
    /// Sets a data folder up, with further arguments for all commands, such as `--store`.
    pub(crate) fn init(data: &Path, arguments: &[&str]) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut all = vec!["--listen".to_owned(), address.to_string()];
        all.extend(["--data".to_owned(), data.to_str().unwrap().to_owned()]);
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let output = command()
            .args(["init", "--json"])
            .args(&all)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let dsn = told["dsn"].as_str().unwrap();
        let key = dsn.split_once("://").unwrap().1.split_once('@').unwrap().0;
        Self {
            address,
            key: key.to_owned(),
            project: dsn.rsplit_once('/').unwrap().1.to_owned(),
            token: told["api_token"].as_str().unwrap().to_owned(),
            arguments: all,
            child: None,
        }
    }

    /// Starts the server and waits until it answers.
    pub(crate) async fn start(&mut self) {
        let child = command()
            .arg("serve")
            .args(&self.arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let begin = Instant::now();
        while self.get("/api/health/").await.is_none() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {ended:?}");
            assert!(begin.elapsed() < PATIENCE, "the server does not answer");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends the process at once, without a chance to tidy up.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself, or by a signal.
            let _ = child.kill();
            child.wait().unwrap();
        }
    }

    /// Kills the process while others still talk to it; [`kill`](Self::kill) reaps it.
    pub(crate) fn kill_by_signal(&self) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(
            Command::new("kill")
                .args(["-9", &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Returns the bytes of memory that the process holds, and those that it held at most.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let id = self.child.as_ref().unwrap().id();
        let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let field = |name: &str| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap();
            line.trim()
                .split(' ')
                .next()
                .unwrap()
                .parse::<u64>()
                .unwrap()
                * 1024
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// Gets a path with the token; `None` unless the answer is 200 with JSON.
    pub(crate) async fn get(&self, path: &str) -> Option<Value> {
        let url = format!("http://{}{path}", self.address);
        let answer = crate::caller::client()
            .get(url)
            .bearer_auth(&self.token)
            .send()
            .await
            .ok()?;
        if !answer.status().is_success() {
            return None;
        }
        answer.json().await.ok()
    }

    /// Sends an event over a connection that is kept, and returns the status; `None` when the
    /// connection broke before the answer.
    pub(crate) async fn send(
        &self,
        stream: &mut Option<TcpStream>,
        id: u128,
        message: &str,
    ) -> Option<u16> {
        let event = serde_json::json!({ "message": message, "level": "error" }).to_string();
        let body = format!(
            "{{\"event_id\":\"{id:032x}\"}}\n{{\"type\":\"event\",\"length\":{}}}\n{event}\n",
            event.len()
        );
        let request = format!(
            "POST /api/{}/envelope/?sentry_key={} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.project,
            self.key,
            self.address,
            body.len()
        );
        let status = exchange(self.address, stream, request.as_bytes()).await;
        if status.is_none() {
            *stream = None;
        }
        status
    }

    /// Waits until the list of events counts so many, and returns their ids.
    pub(crate) async fn event_ids(&self, at_least: usize) -> Vec<u128> {
        let begin = Instant::now();
        loop {
            let page = self.get("/api/events/?limit=1").await.unwrap();
            if page["count"].as_u64().unwrap() >= at_least as u64 {
                break;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "only {} events are visible",
                page["count"]
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut ids = Vec::new();
        loop {
            let page = self
                .get(&format!("/api/events/?limit=1000&offset={}", ids.len()))
                .await
                .unwrap();
            let results = page["results"].as_array().unwrap();
            ids.extend(results.iter().map(|event| {
                u128::from_str_radix(&event["event_id"].as_str().unwrap().replace('-', ""), 16)
                    .unwrap()
            }));
            if results.len() < 1000 {
                return ids;
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns a port that nothing listens on. It is below those that the system gives to connections
/// and to whoever asks for any, so that none of them takes it before the server does.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(61);
    loop {
        let number = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let port = u16::try_from(number).unwrap() + 20_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Returns a command of the binary, free of this environment's settings.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mini-sentry"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// Sends bytes and returns the status of the answer, of which the body is skipped.
pub(crate) async fn exchange(
    address: SocketAddr,
    stream: &mut Option<TcpStream>,
    request: &[u8],
) -> Option<u16> {
    let stream = match stream {
        Some(stream) => stream,
        None => stream.insert(TcpStream::connect(address).await.ok()?),
    };
    stream.write_all(request).await.ok()?;
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
                return head.get(9..12)?.parse().ok();
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
