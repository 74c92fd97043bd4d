//! The server as a process: first start, signals, and commands beside it.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::tempdir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Served, answer, failure, json, output, send};
use crate::caller::client;
use crate::program::{PATIENCE, command};

#[test]
fn the_first_start_prints_curl_lines_that_work_as_pasted() {
    let dir = tempdir().unwrap();
    let mut child = command()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(dir.path().join("data"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut curls = Vec::new();
    for line in lines.by_ref() {
        let line = line.unwrap();
        if line.starts_with("curl ") {
            curls.push(line);
        } else if line.starts_with("Mini Sentry is ready") {
            break;
        }
    }
    assert_eq!(curls.len(), 2);
    let answers: Vec<String> = curls
        .iter()
        .map(|line| {
            let answer = Command::new("bash").args(["-c", line]).output().unwrap();
            assert!(answer.status.success(), "{line}");
            String::from_utf8(answer.stdout).unwrap()
        })
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let sent: serde_json::Value = serde_json::from_str(&answers[0]).unwrap();
    let read: serde_json::Value = serde_json::from_str(&answers[1]).unwrap();
    assert_eq!(read["count"], 1, "{sent} {read}");
    assert_eq!(read["results"][0]["message"], "Hello");
}

#[tokio::test]
async fn a_second_start_shows_no_secrets_and_knows_the_project() {
    let dir = tempdir().unwrap();
    let first = Served::start(dir.path(), &[]);
    let project = first.first("project");
    first.stop().await;
    let second = Served::start(dir.path(), &[]);
    assert!(second.told["first"].is_null());
    let projects = json(dir.path(), &["project", "list"]);
    assert_eq!(projects[0]["slug"], project);
}

#[test]
fn a_port_in_use_is_told_before_anything_is_made() {
    let dir = tempdir().unwrap();
    let data = dir.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (exit, detail) = failure(&data, &["serve", "--listen", &address]);
    assert_eq!(exit, 5);
    assert!(
        detail.starts_with(&format!("{address} is in use")),
        "{detail}"
    );
    assert!(!data.exists());
}

#[test]
fn two_servers_do_not_share_a_data_folder() {
    let dir = tempdir().unwrap();
    let _running = Served::start(dir.path(), &[]);
    let (exit, detail) = failure(dir.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(exit, 4, "{detail}");
    assert!(
        detail.contains("another server uses the data folder"),
        "{detail}"
    );
}

#[tokio::test]
async fn commands_beside_a_running_server_take_effect() {
    let dir = tempdir().unwrap();
    let data = dir.path();
    let server = Served::start(data, &[]);
    let token = server.first("api_token");
    let made = json(data, &["project", "create", "Beside"]);
    let dsn = made["dsn"].as_str().unwrap();
    let client = client();

    let begin = Instant::now();
    while send(&client, server.url(), dsn, 1).await != 200 {
        assert!(begin.elapsed() < PATIENCE, "the new key is not accepted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let url = format!("{}/api/events/?project=beside", server.url());
    let page = answer(&url, &token, |page| page["count"] == 1).await;
    assert_eq!(page["results"][0]["message"], "event 1");

    let space = json(data, &["storage"]);
    assert!(space["total_bytes"].as_u64().unwrap() > 0);
    // As a crash left it long ago.
    let orphan = data.join("blobs").join("0".repeat(12) + &"a".repeat(20));
    std::fs::write(orphan, "body").unwrap();
    let doctor = json(data, &["doctor"]);
    assert!(doctor.to_string().contains("belong to no record: 1, 4 B"));
    assert!(doctor.to_string().contains("a server uses the data folder"));
    let listed = output(data, &["project", "list"]);
    assert!(String::from_utf8(listed.stdout).unwrap().contains("beside"));

    let key = dsn.split_once("://").unwrap().1.split_once('@').unwrap().0;
    json(data, &["key", "disable", key]);
    let begin = Instant::now();
    while send(&client, server.url(), dsn, 2).await != 403 {
        assert!(
            begin.elapsed() < PATIENCE,
            "the disabled key is still accepted"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_request_that_has_begun_is_answered_before_the_server_ends() {
    let dir = tempdir().unwrap();
    let mut server = Served::start(dir.path(), &[]);
    let mut request = begin_request(&server).await;
    server.signal("TERM");
    until_refused(&server).await;
    request.write_all(b"\"}").await.unwrap();
    let mut told = String::new();
    request.read_to_string(&mut told).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    assert_eq!(server.ended().await, 0);
}

#[tokio::test]
async fn a_second_signal_ends_the_server_at_once() {
    for (name, exit) in [("TERM", 143), ("INT", 130)] {
        let dir = tempdir().unwrap();
        let mut server = Served::start(dir.path(), &["--shutdown-timeout", "1h"]);
        let _request = begin_request(&server).await;
        server.signal(name);
        until_refused(&server).await;
        server.signal(name);
        assert_eq!(server.ended().await, exit);
    }
}

/// Sends all of a request but its last two bytes.
async fn begin_request(server: &Served) -> TcpStream {
    let dsn = server.first("dsn");
    let key = dsn.split_once("://").unwrap().1.split_once('@').unwrap().0;
    let project = server.first("project_id");
    let body = "{\"message\":\"late\"}";
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head = format!(
        "POST /api/{project}/store/?sentry_key={key} HTTP/1.1\r\nHost: localhost\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body once it handles the request.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100"));
    stream
        .write_all(&body.as_bytes()[..body.len() - 2])
        .await
        .unwrap();
    stream
}

/// Waits until the server takes no new connections.
async fn until_refused(server: &Served) {
    let begin = Instant::now();
    while TcpStream::connect(server.address()).await.is_ok() {
        assert!(begin.elapsed() < PATIENCE, "the server still listens");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
