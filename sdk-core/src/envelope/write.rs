//! Writing envelopes.

use std::io;

use serde::Serialize;

use crate::envelope::{Envelope, Item, ItemHeader, Payload};
use crate::protocol::json::append;

/// Writes an envelope item by item, reusing its buffers.
#[derive(Debug, Default)]
pub struct EnvelopeWriter {
    line: Vec<u8>,
    payload: Vec<u8>,
}

impl EnvelopeWriter {
    /// Writes the whole envelope.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn write(&mut self, envelope: &Envelope, out: &mut impl io::Write) -> io::Result<()> {
        self.write_line(&envelope.header, out)?;
        for item in &envelope.items {
            self.write_item(item, out)?;
        }
        Ok(())
    }

    fn write_item(&mut self, item: &Item, out: &mut impl io::Write) -> io::Result<()> {
        let header = &item.header;
        if let Payload::Raw(payload) = &item.payload {
            self.write_line(&CountedHeader::new(header, payload, header.item_count), out)?;
            out.write_all(payload)?;
            return out.write_all(b"\n");
        }
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        item.payload.write_json(&mut payload)?;
        let item_count = match header.item_count {
            Some(_) if item.payload.is_container() => Some(item.quantity()),
            as_read => as_read,
        };
        self.write_line(&CountedHeader::new(header, &payload, item_count), out)?;
        payload.push(b'\n');
        out.write_all(&payload)?;
        self.payload = payload;
        Ok(())
    }

    fn write_line(&mut self, header: &impl Serialize, out: &mut impl io::Write) -> io::Result<()> {
        self.line.clear();
        append(header, &mut self.line)?;
        self.line.push(b'\n');
        out.write_all(&self.line)
    }
}

impl Envelope {
    /// Writes the envelope.
    ///
    /// ```
    /// use mini_sentry::envelope::Envelope;
    /// use mini_sentry::protocol::{Event, Level};
    /// let mut envelope = Envelope::default();
    /// envelope.add(Event::from_message("hi", Level::Info));
    /// let mut out = Vec::new();
    /// envelope.write_to(&mut out)?;
    /// assert_eq!(out, b"{}\n{\"type\":\"event\",\"length\":31}\n{\"level\":\"info\",\"message\":\"hi\"}\n");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `out` fails.
    pub fn write_to(&self, mut out: impl io::Write) -> io::Result<()> {
        EnvelopeWriter::default().write(self, &mut out)
    }

    /// The envelope's bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // Writing to memory cannot fail, and the model holds nothing that is not JSON.
        let written = self.write_to(&mut out);
        debug_assert!(written.is_ok(), "an envelope can be written to memory");
        out
    }
}

/// An item header with the counts that are true now.
struct CountedHeader<'a> {
    header: &'a ItemHeader,
    length: usize,
    item_count: Option<u64>,
}

impl<'a> CountedHeader<'a> {
    fn new(header: &'a ItemHeader, payload: &[u8], item_count: Option<u64>) -> Self {
        Self {
            header,
            length: payload.len(),
            item_count,
        }
    }
}

impl Serialize for CountedHeader<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let length = u64::try_from(self.length).unwrap_or(u64::MAX);
        self.header
            .serialize_counted(Some(length), self.item_count, serializer)
    }
}

impl Payload {
    fn is_container(&self) -> bool {
        matches!(self, Self::Logs(_) | Self::Metrics(_) | Self::Spans(_))
    }

    /// Writes the payload's bytes.
    ///
    /// # Errors
    /// When the payload holds what JSON cannot say.
    pub fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self::Event(value) | Self::Feedback(value) => append(value, out),
            Self::Transaction(value) => append(value, out),
            Self::UserReport(value) => append(value, out),
            Self::Session(value) => append(value, out),
            Self::Sessions(value) => append(value, out),
            Self::CheckIn(value) => append(value, out),
            Self::ClientReport(value) => append(value, out),
            Self::Logs(value) => append(value, out),
            Self::Metrics(value) => append(value, out),
            Self::Span(value) => append(value, out),
            Self::Spans(value) => append(value, out),
            Self::Raw(value) => {
                out.extend_from_slice(value);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_lost_entries_is_counted_anew() {
        let body = b"{}\n{\"type\":\"log\",\"item_count\":3}\n{\"items\":[{},null,{}]}\n";
        let mut envelope = Envelope::parse(body).unwrap().envelope;
        let Payload::Logs(logs) = &mut envelope.items[0].payload else {
            panic!("a log item is read as logs");
        };
        logs.items.pop();
        assert_eq!(
            String::from_utf8(envelope.to_vec()).unwrap(),
            "{}\n{\"type\":\"log\",\"length\":14,\"item_count\":1}\n{\"items\":[{}]}\n"
        );
    }
}
