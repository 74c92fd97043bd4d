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
    /// Bytes of an average event as JSON.
    pub average_bytes: usize,
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
        Ok(Self { events, average_bytes })
    }

    /// Returns how many events there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Writes the gzip body of request `number`, whose event has the id `event_id`.
    pub fn body(&self, number: usize, event_id: u128, out: &mut Vec<u8>) {
        let event = &self.events[number % self.events.len()];
        let header = format!("{{\"event_id\":\"{event_id:032x}\",\"sdk\":{{\"name\":\"sentry.python\",\"version\":\"2.75.0\"}}}}\n");
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
}
