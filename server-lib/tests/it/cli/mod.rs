//! The program as people and scripts use it: each command a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::caller::client;
use crate::program::{PATIENCE, command};

mod backup;
mod catalogue;
mod serving;

/// Runs a command on a data folder and returns all that it said.
fn output(data: &Path, arguments: &[&str]) -> Output {
    command()
        .args(arguments)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap()
}

/// Runs a command that must succeed and returns its JSON.
fn json(data: &Path, arguments: &[&str]) -> Value {
    let output = output(data, &[arguments, &["--json"]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs a command that must fail, and returns its exit code and the sentence.
fn failure(data: &Path, arguments: &[&str]) -> (i32, String) {
    let output = output(data, &[arguments, &["--json"]].concat());
    assert!(!output.status.success(), "{arguments:?} succeeded");
    let told: Value = serde_json::from_slice(&output.stderr).unwrap();
    let detail = told["error"]["detail"].as_str().unwrap().to_owned();
    (output.status.code().unwrap(), detail)
}

/// A server that a command started.
#[derive(Debug)]
struct Served {
    child: Child,
    /// What it said when it was ready.
    told: Value,
}

impl Served {
    /// Starts a server on a port that is free, and waits until it is ready.
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut child = command()
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told = serde_json::from_str(&line).unwrap();
        Self { child, told }
    }

    fn url(&self) -> &str {
        self.told["url"].as_str().unwrap()
    }

    fn address(&self) -> &str {
        self.told["listening"].as_str().unwrap()
    }

    fn first(&self, field: &str) -> String {
        self.told["first"][field].as_str().unwrap().to_owned()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", name, &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits until the process ends, and returns its exit code.
    async fn ended(&mut self) -> i32 {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap();
            }
            assert!(begin.elapsed() < PATIENCE, "the server does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the server in good order.
    async fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.ended().await, 0);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends an event through the project's DSN and returns the status of the answer.
async fn send(client: &reqwest::Client, url: &str, dsn: &str, id: u128) -> u16 {
    let key = dsn.split_once("://").unwrap().1.split_once('@').unwrap().0;
    let project = dsn.rsplit_once('/').unwrap().1;
    let event = serde_json::json!({
        "event_id": format!("{id:032x}"),
        "message": format!("event {id}"),
    });
    let answer = client
        .post(format!("{url}/api/{project}/store/?sentry_key={key}"))
        .body(event.to_string())
        .send()
        .await;
    answer.unwrap().status().as_u16()
}

/// Waits until an answer of the API is what is wanted, and returns it.
async fn answer(url: &str, token: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let begin = Instant::now();
    loop {
        let answer = client().get(url).bearer_auth(token).send().await.unwrap();
        let value: Value = answer.json().await.unwrap();
        if wanted(&value) {
            return value;
        }
        assert!(begin.elapsed() < PATIENCE, "{url} still answers {value}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
