//! Writing envelopes.

use std::io;

use serde::Serialize;

use crate::envelope::{Envelope, EnvelopeHeader, Item, ItemHeader, Payload};

/// Writes an envelope item by item, reusing one buffer for the payloads.
#[derive(Debug, Default)]
pub struct EnvelopeWriter {
    scratch: Vec<u8>,
}

impl EnvelopeWriter {
    /// Writes the whole envelope.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn write(&mut self, envelope: &Envelope, out: &mut impl io::Write) -> io::Result<()> {
        write_header(&envelope.header, out)?;
        for item in &envelope.items {
            self.write_item(item, out)?;
        }
        Ok(())
    }

    fn write_item(&mut self, item: &Item, out: &mut impl io::Write) -> io::Result<()> {
        if let Payload::Raw(payload) = &item.payload {
            return write_framed(&item.header, item.header.item_count, payload, out);
        }
        self.scratch.clear();
        item.payload.write_json(&mut self.scratch)?;
        let item_count = match item.header.item_count {
            Some(_) if item.payload.is_container() => Some(item.quantity()),
            as_read => as_read,
        };
        write_framed(&item.header, item_count, &self.scratch, out)
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

fn write_header(header: &EnvelopeHeader, out: &mut impl io::Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, header)?;
    out.write_all(b"\n")
}

fn write_framed(
    header: &ItemHeader,
    item_count: Option<u64>,
    payload: &[u8],
    out: &mut impl io::Write,
) -> io::Result<()> {
    let counted = CountedHeader {
        header,
        length: payload.len(),
        item_count,
    };
    serde_json::to_writer(&mut *out, &counted)?;
    out.write_all(b"\n")?;
    out.write_all(payload)?;
    out.write_all(b"\n")
}

/// An item header with the counts that are true now.
struct CountedHeader<'a> {
    header: &'a ItemHeader,
    length: usize,
    item_count: Option<u64>,
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
            Self::Event(value) | Self::Feedback(value) => serde_json::to_writer(out, value),
            Self::Transaction(value) => serde_json::to_writer(out, value),
            Self::UserReport(value) => serde_json::to_writer(out, value),
            Self::Session(value) => serde_json::to_writer(out, value),
            Self::Sessions(value) => serde_json::to_writer(out, value),
            Self::CheckIn(value) => serde_json::to_writer(out, value),
            Self::ClientReport(value) => serde_json::to_writer(out, value),
            Self::Logs(value) => serde_json::to_writer(out, value),
            Self::Metrics(value) => serde_json::to_writer(out, value),
            Self::Span(value) => serde_json::to_writer(out, value),
            Self::Spans(value) => serde_json::to_writer(out, value),
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
