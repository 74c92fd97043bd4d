//! Request bodies: gzip envelopes of captured events, each time with another id.
//!
//! The generator shares the machine with the server, so it must cost next to nothing. It packs each
//! event once. A request is that, behind an uncompressed deflate block with the envelope's header:
//! the id in it is the only thing that changes, and the checksum is put together from two parts.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};

/// Events, packed.
pub struct Corpus {
    events: Vec<Packed>,
    spread: Option<Spread>,
    /// Bytes of an average event as JSON.
    pub average_bytes: usize,
}

/// Over what the events of a corpus are spread that fills a server for questions.
#[derive(Clone)]
pub struct Spread {
    /// Different issues; half of all events belong to a hundredth of them.
    pub issues: u64,
    /// Unix time of the first event.
    pub begin: f64,
    /// From the first event to the last.
    pub seconds: f64,
    /// Events in all.
    pub events: u64,
}

impl Spread {
    /// The beginning of event `number`: what makes it another one than its template.
    fn fields(&self, number: u64) -> String {
        let issue = self.issue(number);
        let at = self.begin + self.seconds * (number as f64 / self.events.max(1) as f64);
        let (customer, feature, build) = (dice(number, 4) % 100_000, dice(number, 5) % 50, number * 40 / self.events.max(1));
        format!(
            "{{\"timestamp\":{at:.3},\"fingerprint\":[\"issue-{issue}\"],\"transaction\":\"/orders/{}\",\
             \"release\":\"shop@2.{build}.0\",\"user\":{{\"id\":\"c{customer}\"}},\
             \"tags\":{{\"feature\":\"f{feature}\",\"customer\":\"c{customer}\"}},\
             \"logentry\":{{\"formatted\":\"order {number} of basket b{issue} was not paid\"}},",
            issue % 500
        )
    }

    fn issue(&self, number: u64) -> u64 {
        let some = dice(number, 1) % self.issues;
        if dice(number, 2) % 2 == 0 { some / 100 } else { some }
    }
}

/// Numbers that look random and are the same in every run.
pub fn dice(number: u64, salt: u64) -> u64 {
    let mixed = (number ^ (salt << 56)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    mixed ^ (mixed >> 32)
}

struct Packed {
    deflated: Vec<u8>,
    hash: Hasher,
    plain_bytes: usize,
}

impl Corpus {
    /// Reads events, one JSON document a line.
    pub fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("no corpus at {}", path.display()))?;
        let mut events = Vec::new();
        let mut total = 0;
        for line in BufReader::new(file).split(b'\n') {
            let json = line?;
            total += json.len();
            let mut item = format!("{{\"type\":\"event\",\"length\":{}}}\n", json.len()).into_bytes();
            item.extend_from_slice(&json);
            item.push(b'\n');
            let mut hash = Hasher::new();
            hash.update(&item);
            events.push(Packed { deflated: deflate(&item)?, hash, plain_bytes: item.len() });
        }
        ensure!(!events.is_empty(), "the corpus is empty");
        let average_bytes = total / events.len();
        Ok(Self { events, spread: None, average_bytes })
    }

    /// Reads events as templates of many more, which differ in issue, time, user and tags.
    pub fn read_spread(path: &Path, spread: Spread) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("no corpus at {}", path.display()))?;
        let (mut events, mut total) = (Vec::new(), 0);
        for line in text.lines() {
            let mut event: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line)?;
            for name in ["event_id", "timestamp", "fingerprint", "transaction", "release", "user", "tags", "logentry", "message"] {
                event.remove(name);
            }
            // The other fields follow the ones of `Spread::fields`.
            let mut rest = serde_json::to_vec(&event)?.split_off(1);
            rest.push(b'\n');
            total += rest.len();
            let mut hash = Hasher::new();
            hash.update(&rest);
            events.push(Packed { deflated: deflate(&rest)?, hash, plain_bytes: rest.len() });
        }
        ensure!(!events.is_empty(), "the corpus is empty");
        let average_bytes = total / events.len();
        Ok(Self { events, spread: Some(spread), average_bytes })
    }

    /// Returns how many events there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Writes the gzip body of request `number`, whose event has the id `event_id`.
    pub fn body(&self, number: usize, event_id: u128, out: &mut Vec<u8>) {
        let event = &self.events[number % self.events.len()];
        let mut header = format!("{{\"event_id\":\"{event_id:032x}\",\"sdk\":{{\"name\":\"sentry.python\",\"version\":\"2.75.0\"}}}}\n");
        if let Some(spread) = &self.spread {
            header.push_str("{\"type\":\"event\"}\n");
            header.push_str(&spread.fields(number as u64));
        }
        let length = u16::try_from(header.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 0]);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(&event.deflated);
        let mut hash = Hasher::new();
        hash.update(header.as_bytes());
        hash.combine(&event.hash);
        out.extend_from_slice(&hash.finalize().to_le_bytes());
        let plain = u32::try_from(header.len() + event.plain_bytes).unwrap_or(u32::MAX);
        out.extend_from_slice(&plain.to_le_bytes());
    }
}

fn deflate(plain: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(plain.len() + 64);
    let status = Compress::new(Compression::new(6), false)
        .compress_vec(plain, &mut out, FlushCompress::Finish)?;
    ensure!(status == Status::StreamEnd, "the event did not fit");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_body_is_valid_gzip_of_an_envelope() {
        let path = std::env::temp_dir().join("load-corpus-test.jsonl");
        std::fs::write(&path, "{\"message\":\"a\"}\n").unwrap();
        let corpus = Corpus::read(&path).unwrap();
        let mut body = Vec::new();
        corpus.body(0, 7, &mut body);
        let mut text = String::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
        assert!(text.starts_with("{\"event_id\":\"00000000000000000000000000000007\""));
        assert!(text.ends_with("{\"type\":\"event\",\"length\":15}\n{\"message\":\"a\"}\n"));
    }

    #[test]
    fn spread_events_are_json_of_their_own() {
        let path = std::env::temp_dir().join("load-spread-test.jsonl");
        std::fs::write(&path, "{\"message\":\"a\",\"level\":\"error\"}\n").unwrap();
        let spread = Spread { issues: 50, begin: 1_000.0, seconds: 100.0, events: 10 };
        let corpus = Corpus::read_spread(&path, spread).unwrap();
        let mut body = Vec::new();
        corpus.body(5, 7, &mut body);
        let mut text = String::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
        let event: serde_json::Value = serde_json::from_str(text.lines().nth(2).unwrap()).unwrap();
        assert_eq!((&event["timestamp"], &event["level"]), (&1_050.0.into(), &"error".into()));
        assert!(event["fingerprint"][0].as_str().unwrap().starts_with("issue-"));
    }
}
