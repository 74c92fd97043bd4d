//! The server that both sides send to: takes everything, looks at it only when asked.
//!
//! Bodies are kept as they came and read on `GET /counts/<project>`, which also forgets them, so
//! that a sample is not slowed by the reading of its own events. Prints its port and runs until it
//! is killed.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
    content-length: 41\r\n\r\n{\"id\":\"00000000000000000000000000000000\"}";
const MAX_HEADER_LINE: u64 = 64 << 10;

/// Bodies by project.
type Store = Arc<Mutex<BTreeMap<String, Vec<Body>>>>;

struct Body {
    is_gzip: bool,
    bytes: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    let store = Store::default();
    for stream in listener.incoming() {
        let stream = stream?;
        let store = Arc::clone(&store);
        // A client that goes away ends its own connection only.
        thread::spawn(move || serve(&stream, &store));
    }
    Ok(())
}

fn serve(stream: &TcpStream, store: &Store) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::with_capacity(64 << 10, stream);
    let mut output = stream;
    while let Some(request) = Request::read(&mut input, &mut output)? {
        if let Some(project) = request.path.strip_prefix("/counts/") {
            let bodies = lock(store).remove(project).unwrap_or_default();
            let counts = count(&bodies).to_string();
            write!(
                output,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{counts}",
                counts.len()
            )?;
        } else {
            let project = request.path.split('/').nth(2).unwrap_or_default();
            lock(store)
                .entry(project.to_owned())
                .or_default()
                .push(request.body);
            output.write_all(ANSWER)?;
        }
    }
    Ok(())
}

fn lock(store: &Store) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<Body>>> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Request {
    path: String,
    body: Body,
}

impl Request {
    /// Reads one request; `None` at the end of the connection.
    fn read(input: &mut impl BufRead, output: &mut impl Write) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if input.by_ref().take(MAX_HEADER_LINE).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let (mut length, mut is_chunked, mut is_gzip) = (0, false, false);
        loop {
            line.clear();
            input.by_ref().take(MAX_HEADER_LINE).read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().map_err(io::Error::other)?;
            } else if name.eq_ignore_ascii_case("content-encoding") {
                is_gzip = value.eq_ignore_ascii_case("gzip");
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                is_chunked = value.eq_ignore_ascii_case("chunked");
            } else if name.eq_ignore_ascii_case("expect") {
                output.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
        }
        let mut bytes = Vec::new();
        if is_chunked {
            while read_chunk(input, &mut bytes)? {}
        } else {
            bytes.resize(length, 0);
            input.read_exact(&mut bytes)?;
        }
        let body = Body { is_gzip, bytes };
        Ok(Some(Self { path, body }))
    }
}

/// Appends one chunk; false at the last.
fn read_chunk(input: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let mut line = String::new();
    input.by_ref().take(MAX_HEADER_LINE).read_line(&mut line)?;
    let size = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
    input.by_ref().take(size).read_to_end(bytes)?;
    line.clear();
    input.by_ref().take(MAX_HEADER_LINE).read_line(&mut line)?;
    Ok(size > 0)
}

/// What arrived: envelopes, bytes, items by type, errors reported as lost by reason, and the
/// frames of the last event.
fn count(bodies: &[Body]) -> Value {
    let mut items = BTreeMap::<String, u64>::new();
    let mut lost = BTreeMap::<String, u64>::new();
    let (mut bytes, mut plain_bytes, mut frames, mut unreadable) = (0, 0, 0, 0);
    for body in bodies {
        bytes += body.bytes.len();
        let mut plain = Vec::new();
        let text = if body.is_gzip {
            // What cannot be unpacked has no items and shows as such.
            let _ = MultiGzDecoder::new(body.bytes.as_slice()).read_to_end(&mut plain);
            &plain
        } else {
            &body.bytes
        };
        plain_bytes += text.len();
        let complete = each_item(text, |kind, payload| {
            *items.entry(kind.to_owned()).or_default() += 1;
            match kind {
                "event" => frames = count_frames(payload),
                "client_report" => count_lost(payload, &mut lost),
                _ => {}
            }
        });
        unreadable += u64::from(complete.is_none());
    }
    json!({
        "envelopes": bodies.len(),
        "bytes": bytes,
        "plain_bytes": plain_bytes,
        "unreadable": unreadable,
        "items": items,
        "lost": lost,
        "frames": frames,
    })
}

/// Calls `visit` with type and payload of each item; `None` when the envelope is cut or is none.
fn each_item(mut text: &[u8], mut visit: impl FnMut(&str, &[u8])) -> Option<()> {
    take_line(&mut text)?;
    while !text.is_empty() {
        let header: Value = serde_json::from_slice(take_line(&mut text)?).ok()?;
        let kind = header.get("type")?.as_str()?;
        let payload = match header.get("length").and_then(Value::as_u64) {
            Some(length) => {
                let (payload, rest) = text.split_at_checked(usize::try_from(length).ok()?)?;
                text = rest.strip_prefix(b"\n").unwrap_or(rest);
                payload
            }
            None => take_line(&mut text)?,
        };
        visit(kind, payload);
    }
    Some(())
}

fn take_line<'a>(text: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut lines = text.splitn(2, |byte| *byte == b'\n');
    let line = lines.next()?;
    *text = lines.next().unwrap_or_default();
    Some(line)
}

/// Frames of the event's longest stack, wherever it hangs.
fn count_frames(payload: &[u8]) -> usize {
    fn longest(value: &Value) -> usize {
        match value {
            Value::Object(object) => object
                .iter()
                .map(|(key, value)| match (key.as_str(), value) {
                    ("frames", Value::Array(frames)) => frames.len(),
                    _ => longest(value),
                })
                .max()
                .unwrap_or(0),
            Value::Array(list) => list.iter().map(longest).max().unwrap_or(0),
            _ => 0,
        }
    }
    serde_json::from_slice(payload).map_or(0, |event| longest(&event))
}

fn count_lost(payload: &[u8], lost: &mut BTreeMap<String, u64>) {
    let report: Value = serde_json::from_slice(payload).unwrap_or_default();
    let entries = report.get("discarded_events").and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        let text = |key| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        if text("category") == "error" {
            *lost.entry(text("reason").to_owned()).or_default() += entry
                .get("quantity")
                .and_then(Value::as_u64)
                .unwrap_or_default();
        }
    }
}
