//! The load: connections that send one request after the other, by hand over TCP because a full
//! HTTP client would take more of the shared processors than the server.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::corpus::Corpus;

/// Where and how to send.
#[derive(Clone)]
pub struct Target {
    /// The server.
    pub address: SocketAddr,
    /// Path of the envelope endpoint.
    pub path: String,
    /// The DSN's key.
    pub key: String,
}

/// What to send.
#[derive(Clone)]
pub struct Plan {
    /// Connections.
    pub connections: usize,
    /// For how long.
    pub time: Duration,
    /// At most so many requests in all.
    pub requests: u64,
    /// Requests a second over all connections; `None` sends as fast as answers come.
    pub rate: Option<f64>,
}

/// What a run and its watcher tell each other.
#[derive(Default)]
pub struct Live {
    /// Ends the run early.
    pub stop: AtomicBool,
    /// Requests that were answered 2xx so far.
    pub accepted: AtomicU64,
}

/// What came back.
#[derive(Default)]
pub struct Answers {
    /// Requests that were answered 2xx.
    pub accepted: u64,
    /// Requests that were answered otherwise, or not.
    pub refused: u64,
    /// Time of each answered request in microseconds, sorted.
    pub micros: Vec<u32>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Ids of the accepted events.
    pub ids: HashSet<u128>,
    /// Ids of events that were sent and not answered.
    pub unanswered: HashSet<u128>,
}

impl Answers {
    /// Accepted requests a second.
    pub fn rate(&self) -> f64 {
        self.accepted as f64 / self.elapsed.as_secs_f64()
    }

    /// A quantile of the times, in milliseconds.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        let place = ((self.micros.len() as f64) * quantile) as usize;
        self.micros.get(place.min(self.micros.len().saturating_sub(1))).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }
}

/// Sends. `keep_ids` remembers which events were accepted.
pub async fn send(
    target: &Target,
    corpus: &Arc<Corpus>,
    plan: &Plan,
    first_id: u128,
    keep_ids: bool,
    live: Arc<Live>,
) -> Result<Answers> {
    let begin = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for _ in 0..plan.connections {
        let (target, corpus, plan) = (target.clone(), Arc::clone(corpus), plan.clone());
        let (next, live) = (Arc::clone(&next), Arc::clone(&live));
        tasks.push(tokio::spawn(async move {
            connection(&target, &corpus, &plan, first_id, keep_ids, begin, &next, &live).await
        }));
    }
    let mut all = Answers::default();
    for task in tasks {
        let one = task.await?;
        all.accepted += one.accepted;
        all.refused += one.refused;
        all.micros.extend(one.micros);
        all.ids.extend(one.ids);
        all.unanswered.extend(one.unanswered);
    }
    all.elapsed = begin.elapsed();
    all.micros.sort_unstable();
    Ok(all)
}

#[expect(clippy::too_many_arguments, reason = "the state of one connection")]
async fn connection(
    target: &Target,
    corpus: &Corpus,
    plan: &Plan,
    first_id: u128,
    keep_ids: bool,
    begin: Instant,
    next: &AtomicU64,
    live: &Live,
) -> Answers {
    let mut answers = Answers::default();
    let mut socket: Option<TcpStream> = None;
    let (mut request, mut body, mut answer) = (Vec::new(), Vec::new(), vec![0; 4096]);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= plan.requests || live.stop.load(Ordering::Relaxed) || begin.elapsed() >= plan.time {
            return answers;
        }
        if let Some(rate) = plan.rate {
            let due = begin + Duration::from_secs_f64(number as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
        }
        let id = first_id + u128::from(number);
        body.clear();
        request.clear();
        corpus.body(number as usize, spread(id), &mut body);
        request.extend_from_slice(
            format!(
                "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-sentry-envelope\r\n\
                 Content-Encoding: gzip\r\nX-Sentry-Auth: Sentry sentry_key={}, sentry_version=7, \
                 sentry_client=sentry.python/2.75.0\r\nUser-Agent: sentry.python/2.75.0\r\n\
                 Content-Length: {}\r\n\r\n",
                target.path, target.address, target.key, body.len()
            )
            .as_bytes(),
        );
        request.extend_from_slice(&body);
        let sent = Instant::now();
        match exchange(target, &mut socket, &request, &mut answer).await {
            Ok(status) if (200..300).contains(&status) => {
                answers.accepted += 1;
                live.accepted.fetch_add(1, Ordering::Relaxed);
                answers.micros.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                if keep_ids {
                    answers.ids.insert(spread(id));
                }
            }
            Ok(_) => answers.refused += 1,
            Err(_) => {
                answers.refused += 1;
                socket = None;
                if keep_ids {
                    answers.unanswered.insert(spread(id));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Ids of SDKs are random: spreads a counter over all bits, one to one.
fn spread(id: u128) -> u128 {
    id.wrapping_mul(0xda94_2042_e4dd_58b5_9e37_79b9_7f4a_7c15).rotate_left(41).wrapping_mul(0x2545_f491_4f6c_dd1d_8f14_5d2b_93c1_77a1)
}

async fn exchange(
    target: &Target,
    socket: &mut Option<TcpStream>,
    request: &[u8],
    answer: &mut [u8],
) -> Result<u16> {
    let stream = match socket {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect(target.address).await?;
            stream.set_nodelay(true)?;
            socket.insert(stream)
        }
    };
    stream.write_all(request).await?;
    let mut read = 0;
    loop {
        let count = stream.read(answer.get_mut(read..).context("the answer is too long")?).await?;
        if count == 0 {
            bail!("closed");
        }
        read += count;
        if let Some((status, length)) = whole(&answer[..read]) && read >= length {
            return Ok(status);
        }
    }
}

/// Status and length of an answer whose head is complete.
fn whole(bytes: &[u8]) -> Option<(u16, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .unwrap_or(0);
    Some((status, end + length))
}

/// One small request with an answer in JSON, for setting up and reading back.
pub async fn get(address: SocketAddr, path: &str, token: &str) -> Result<(u16, serde_json::Value)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").context("no head")? + 4;
    let status = std::str::from_utf8(answer.get(9..12).context("no status")?)?.parse()?;
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let body = if head.contains("transfer-encoding: chunked") { unchunk(&answer[end..])? } else { answer[end..].to_vec() };
    let json = serde_json::from_slice(&body)
        .unwrap_or_else(|_| serde_json::Value::String(String::from_utf8_lossy(&body).into_owned()));
    Ok((status, json))
}

fn unchunk(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n").context("no chunk")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line])?.trim(), 16)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(rest.get(line + 2..line + 2 + size).context("short chunk")?);
        rest = rest.get(line + 4 + size..).context("short chunk")?;
    }
}
