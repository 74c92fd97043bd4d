//! Splits an envelope into its items. Written apart from the SDK on purpose: a reader that
//! shares no code with the writer shows what is really on the wire.

use std::{error, fmt};

use serde_json::{Map, Value};

/// The parts of an envelope, borrowed from the body.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) header: Map<String, Value>,
    pub(crate) items: Vec<Item<'a>>,
}

/// One item with its payload as sent.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) header: Map<String, Value>,
    pub(crate) payload: &'a [u8],
}

/// Where a body stops being an envelope.
#[derive(Debug, PartialEq)]
pub(crate) enum EnvelopeError {
    Header,
    ItemHeader(usize),
    Length(usize),
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => write!(f, "the envelope header is no JSON object"),
            Self::ItemHeader(item) => write!(f, "the header of item {item} is no JSON object"),
            Self::Length(item) => write!(f, "the length of item {item} does not fit its payload"),
        }
    }
}

impl error::Error for EnvelopeError {}

/// Reads a whole envelope; items are counted from 1 in errors.
pub(crate) fn parse(body: &[u8]) -> Result<Envelope<'_>, EnvelopeError> {
    let (line, mut rest) = split_line(body);
    let header = object(line).ok_or(EnvelopeError::Header)?;
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        if line.is_empty() {
            rest = after;
            continue;
        }
        let number = items.len().saturating_add(1);
        let header = object(line).ok_or(EnvelopeError::ItemHeader(number))?;
        let (payload, after) = match header.get("length") {
            None | Some(Value::Null) => split_line(after),
            Some(length) => {
                let length = length
                    .as_u64()
                    .and_then(|length| usize::try_from(length).ok());
                length
                    .and_then(|length| split_payload(after, length))
                    .ok_or(EnvelopeError::Length(number))?
            }
        };
        items.push(Item { header, payload });
        rest = after;
    }
    Ok(Envelope { header, items })
}

fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => (
            bytes.get(..at).unwrap_or_default(),
            bytes.get(at.saturating_add(1)..).unwrap_or_default(),
        ),
        None => (bytes, &[]),
    }
}

fn split_payload(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (payload, rest) = bytes.split_at_checked(length)?;
    match rest.split_first() {
        None => Some((payload, rest)),
        Some((b'\n', rest)) => Some((payload, rest)),
        Some(_) => None,
    }
}

fn object(line: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(line) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_with_and_without_a_length_are_split() {
        let body = b"{\"dsn\":1}\n{\"type\":\"a\",\"length\":3}\nx\ny\n{\"type\":\"b\"}\n{}\n\n{\"type\":\"c\"}";
        let envelope = parse(body).unwrap();
        let payloads: Vec<&[u8]> = envelope.items.iter().map(|item| item.payload).collect();
        assert_eq!(payloads, [b"x\ny".as_slice(), b"{}", b""]);
        assert!(envelope.header.contains_key("dsn"));
    }

    #[test]
    fn errors_name_the_item() {
        let error = |body: &[u8]| parse(body).map(|_| ()).unwrap_err();
        assert_eq!(error(b""), EnvelopeError::Header);
        assert_eq!(error(b"[]\n"), EnvelopeError::Header);
        assert_eq!(
            error(b"{}\n{\"type\":\"a\"}\nx\nnot json\n"),
            EnvelopeError::ItemHeader(2)
        );
        assert_eq!(error(b"{}\n{\"length\":9}\nx\n"), EnvelopeError::Length(1));
        assert_eq!(error(b"{}\n{\"length\":1}\nxx\n"), EnvelopeError::Length(1));
        assert_eq!(error(b"{}\n{\"length\":-1}\nx\n"), EnvelopeError::Length(1));
    }
}
