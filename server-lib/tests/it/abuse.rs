//! What hostile and broken clients do harms nobody else: they get a clear refusal, good events in
//! between are accepted, and memory stays within its bound.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::program::{Program, exchange};

/// What the process may hold at most, whatever comes.
const MAX_MEMORY: u64 = 128 * 1024 * 1024;

async fn started(data: &std::path::Path) -> Program {
    let mut program = Program::init(data, &[]);
    program.start().await;
    program
}

/// Posts a body with headers to the envelope endpoint over a connection of its own.
async fn post(program: &Program, headers: &str, body: &[u8]) -> Option<u16> {
    let mut request = format!(
        "POST /api/{}/envelope/?sentry_key={} HTTP/1.1\r\nHost: x\r\n{headers}\r\n",
        program.project, program.key
    )
    .into_bytes();
    request.extend_from_slice(body);
    exchange(program.address, &mut None, &request).await
}

async fn good(program: &Program, id: u128) {
    assert_eq!(program.send(&mut None, id, "a good event").await, Some(200));
}

fn gzip(plain: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for part in plain {
        encoder.write_all(&part).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gzip_bomb_is_cut_at_the_limit() {
    let data = tempfile::tempdir().unwrap();
    let program = started(data.path()).await;
    let mebibyte = vec![b' '; 1024 * 1024];
    let bomb = gzip((0..300).map(|_| mebibyte.clone()));
    let headers = format!(
        "Content-Encoding: gzip\r\nContent-Length: {}\r\n",
        bomb.len()
    );
    for round in 0..4 {
        let status = post(&program, &headers, &bomb).await.unwrap();
        assert!((400..500).contains(&status), "a bomb was answered {status}");
        good(&program, round + 1).await;
    }
    let (_, most) = program.memory();
    assert!(most < MAX_MEMORY, "{most} bytes were held");
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_json_is_refused_without_harm_to_its_neighbours() {
    let data = tempfile::tempdir().unwrap();
    let program = started(data.path()).await;
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let item = format!("{{\"extra\":{{\"a\":{deep}}}}}");
    let body = format!(
        "{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{item}\n",
        item.len()
    );
    let headers = format!("Content-Length: {}\r\n", body.len());
    let status = post(&program, &headers, body.as_bytes()).await.unwrap();
    assert!(status == 200 || (400..500).contains(&status), "{status}");
    good(&program, 1).await;
    assert_eq!(program.event_ids(1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lying_lengths_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let program = started(data.path()).await;
    let item = "{\"message\":\"a\"}";
    for length in ["999999", "-1", "18446744073709551616", "1"] {
        let body = format!("{{}}\n{{\"type\":\"event\",\"length\":{length}}}\n{item}\n");
        let headers = format!("Content-Length: {}\r\n", body.len());
        let status = post(&program, &headers, body.as_bytes()).await.unwrap();
        assert!(
            (400..500).contains(&status),
            "length {length} was answered {status}"
        );
        good(&program, 1).await;
    }
    // Promises more than it sends, then hangs up.
    let mut stream = TcpStream::connect(program.address).await.unwrap();
    let head = format!(
        "POST /api/{}/envelope/?sentry_key={} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{{}}\n",
        program.project, program.key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    drop(stream);
    good(&program, 2).await;
    assert_eq!(program.event_ids(2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_refused_by_the_thousand() {
    let data = tempfile::tempdir().unwrap();
    let program = started(data.path()).await;
    let mut stream = None;
    for number in 0..2000 {
        let request = format!(
            "POST /api/{}/envelope/?sentry_key={number:032x} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{{}}\n",
            program.project
        );
        assert_eq!(
            exchange(program.address, &mut stream, request.as_bytes()).await,
            Some(403)
        );
    }
    good(&program, 1).await;
    let (_, most) = program.memory();
    assert!(most < MAX_MEMORY, "{most} bytes were held");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_idle_connections_do_not_keep_a_good_event_out() {
    let data = tempfile::tempdir().unwrap();
    let program = started(data.path()).await;
    let mut idle = Vec::new();
    for _ in 0..2000 {
        let mut stream = TcpStream::connect(program.address).await.unwrap();
        stream
            .write_all(b"POST /api/1/envelope/ HTTP/1.1\r\nHost: x\r\n")
            .await
            .unwrap();
        idle.push(stream);
        if idle.len() % 200 == 0 {
            good(&program, idle.len() as u128).await;
        }
    }
    let (_, most) = program.memory();
    assert!(most < MAX_MEMORY, "{most} bytes were held");
    drop(idle);
    assert_eq!(program.event_ids(10).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_a_byte_now_and_then_is_cut_off() {
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::init(
        data.path(),
        &[
            "--set",
            "http.header_timeout=1s",
            "--set",
            "http.body_timeout=1s",
        ],
    );
    program.start().await;
    let starts = [
        "POST /api/1/envelope/ HTTP/1.1\r\nX-Slow: ".to_owned(),
        format!(
            "POST /api/{}/envelope/?sentry_key={} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
            program.project, program.key
        ),
    ];
    for start in starts {
        let mut stream = TcpStream::connect(program.address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let begin = Instant::now();
        let mut byte = [0];
        loop {
            // Whichever comes first: the server hangs up or answers, or it is time for a byte.
            let told =
                tokio::time::timeout(Duration::from_millis(100), stream.read(&mut byte)).await;
            if told.is_ok() || stream.write_all(b"a").await.is_err() {
                break;
            }
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "the slow client is still served"
            );
        }
        good(&program, 1).await;
    }
}
