//! What the sink was sent.

use std::io::{self, Read};

use flate2::read::GzDecoder;
use mini_sentry::envelope::Envelope;
use mini_sentry::protocol::Message;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path, or the whole address when the sender takes the sink for a proxy.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The body, unpacked.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A header's value; names are compared as HTTP does.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter();
        found
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as an envelope in which nothing is wrong.
    pub(crate) fn envelope(&self) -> Envelope {
        let parsed = Envelope::parse(&self.body).expect("the body is an envelope");
        assert_eq!(parsed.faults, [], "the envelope has no broken items");
        parsed.envelope
    }

    /// The message of the event in it; what tests tell events apart by.
    pub(crate) fn message(&self) -> String {
        let envelope = self.envelope();
        let event = envelope.event().expect("the envelope holds an event");
        match &event.message {
            Some(Message::Text(text)) => text.clone(),
            other => panic!("the event has no plain message but {other:?}"),
        }
    }

    /// Reads the next request; `None` when the peer has closed.
    pub(super) fn read(stream: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte)? == 0 {
                return Ok(None);
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).map_err(io::Error::other)?;
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let mut request = Self {
            method: words.next().unwrap_or_default().to_owned(),
            target: words.next().unwrap_or_default().to_owned(),
            headers: lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: Vec::new(),
        };
        request.read_body(stream)?;
        Ok(Some(request))
    }

    fn read_body(&mut self, stream: &mut impl Read) -> io::Result<()> {
        let mut body = Vec::new();
        if let Some(length) = self.header("Content-Length") {
            body.resize(length.parse().map_err(io::Error::other)?, 0);
            stream.read_exact(&mut body)?;
        }
        if self.header("Content-Encoding") == Some("gzip") {
            GzDecoder::new(body.as_slice()).read_to_end(&mut self.body)?;
        } else {
            self.body = body;
        }
        Ok(())
    }
}
