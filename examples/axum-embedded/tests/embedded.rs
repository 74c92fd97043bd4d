//! The example as its reader starts it.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what fails here fails the test"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(30);

struct Shop {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Shop {
    fn open(data: &std::path::Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_axum-embedded"))
            .arg("127.0.0.1:0")
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks for a path and returns status and body.
async fn get(shop: &str, path: &str, token: &str) -> (u16, String) {
    let host = shop.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// Waits until the tracker lists an event, and returns the list.
async fn events(shop: &str, token: &str) -> Vec<Value> {
    let begin = Instant::now();
    loop {
        let (status, body) = get(shop, "/errors/api/events/", token).await;
        assert_eq!(status, 200, "{body}");
        let page: Value = serde_json::from_str(&body).unwrap();
        let results = page["results"].as_array().unwrap();
        if !results.is_empty() {
            return results.clone();
        }
        assert!(begin.elapsed() < PATIENCE, "the event does not arrive");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_error_of_the_host_is_read_back_under_the_prefix_and_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let mut shop = Shop::open(data.path());
    let told = shop.line();
    let token = told.strip_prefix("API token, shown once: ").unwrap();
    let ready = shop.line();
    let address = ready.split_once("/buy").unwrap().0;
    assert_eq!(get(address, "/buy", "").await.0, 500);
    let found = events(address, token).await;
    let text = found[0].to_string();
    assert!(text.contains("invalid digit found in string"), "{text}");
    // Killed: what is shown is on disk.
    drop(shop);

    let mut shop = Shop::open(data.path());
    let ready = shop.line();
    let address = ready.split_once("/buy").unwrap().0;
    assert_eq!(events(address, token).await.len(), 1);
}
