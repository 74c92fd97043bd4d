//! Envelope reading: what counts as an item, what is refused, and where.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

mod bad_input;
mod properties;

use mini_sentry::envelope::{
    EnvelopeError, EnvelopeReader, EnvelopeStream, ItemHeader, ItemKind, StreamEvent,
};
use mini_sentry::limits::EnvelopeLimits;

/// What one item came to: its header and whole payload, or its error.
pub(crate) type Outcome = Result<(ItemHeader, Vec<u8>), EnvelopeError>;

/// An envelope in the same form from either reader.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Read {
    pub(crate) header: Option<serde_json::Map<String, serde_json::Value>>,
    pub(crate) items: Vec<Outcome>,
}

impl Read {
    fn payloads(&self) -> Vec<&[u8]> {
        self.items
            .iter()
            .flatten()
            .map(|(_, payload)| payload.as_slice())
            .collect()
    }

    pub(crate) fn errors(&self) -> Vec<(&'static str, usize)> {
        let errors = self.items.iter().filter_map(|item| item.as_ref().err());
        errors
            .map(|error| (error.code(), error.position()))
            .collect()
    }
}

pub(crate) fn read_slice(body: &[u8], limits: &EnvelopeLimits) -> Read {
    let reader = match EnvelopeReader::new(body, limits) {
        Ok(reader) => reader,
        Err(error) => {
            return Read {
                header: None,
                items: vec![Err(error)],
            };
        }
    };
    let header = Some(reader.header().fields.clone());
    let items = reader.map(|item| item.map(|item| (item.header, item.payload.to_vec())));
    Read {
        header,
        items: items.collect(),
    }
}

pub(crate) fn read_stream(body: &[u8], piece_sizes: &[usize], limits: &EnvelopeLimits) -> Read {
    let mut stream = EnvelopeStream::new(limits);
    let mut collector = Collector::default();
    let mut sizes = piece_sizes.iter().copied().cycle();
    let mut rest = body;
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(body.len()).clamp(1, rest.len());
        let (mut piece, after) = rest.split_at(size);
        while let Some(step) = stream.advance(&mut piece) {
            collector.take(step);
        }
        assert!(piece.is_empty(), "a piece was not used up");
        rest = after;
    }
    while let Some(step) = stream.finish() {
        collector.take(step);
    }
    assert!(stream.has_ended());
    assert_eq!(collector.open, None, "an item was left open");
    collector.read
}

#[derive(Default)]
struct Collector {
    read: Read,
    open: Option<(ItemHeader, Vec<u8>)>,
}

impl Collector {
    fn take(&mut self, step: Result<StreamEvent<'_>, EnvelopeError>) {
        match step {
            Ok(StreamEvent::Header(fields)) => {
                assert_eq!(self.read.header.replace(fields), None);
            }
            Ok(StreamEvent::ItemStart(header)) => {
                assert_eq!(self.open.replace((header, Vec::new())), None);
            }
            Ok(StreamEvent::ItemData(bytes)) => {
                assert!(!bytes.is_empty());
                self.open
                    .as_mut()
                    .expect("data outside an item")
                    .1
                    .extend_from_slice(bytes);
            }
            Ok(StreamEvent::ItemEnd) => {
                let item = self.open.take().expect("end outside an item");
                self.read.items.push(Ok(item));
            }
            Ok(other) => panic!("unknown event {other:?}"),
            Err(error) => {
                self.open = None;
                self.read.items.push(Err(error));
            }
        }
    }
}

/// Reads with both readers, in several cuts, and returns what they agree on.
pub(crate) fn read_with(body: &[u8], limits: &EnvelopeLimits) -> Read {
    let read = read_slice(body, limits);
    for sizes in [&[usize::MAX][..], &[1], &[2], &[3, 1, 7], &[64]] {
        assert_eq!(read_stream(body, sizes, limits), read, "cut by {sizes:?}");
    }
    read
}

pub(crate) fn read(body: impl AsRef<[u8]>) -> Read {
    read_with(body.as_ref(), &EnvelopeLimits::default())
}

#[test]
fn an_envelope_of_header_only_has_no_items() {
    for body in ["{}", "{}\n", "{\"dsn\":\"x\"}\n\n\n", "{} \r\n"] {
        let read = read(body);
        assert!(read.header.is_some(), "{body:?}");
        assert_eq!(read.items, [], "{body:?}");
    }
}

#[test]
fn the_header_line_is_given_raw_and_as_fields() {
    let body = b"{\"event_id\":\"1\", \"x\":[2]}\n";
    let reader = EnvelopeReader::new(body, &EnvelopeLimits::default()).unwrap();
    assert_eq!(reader.header().line, b"{\"event_id\":\"1\", \"x\":[2]}");
    assert_eq!(reader.header().fields["x"][0], 2);
    assert_eq!(reader.position(), body.len());
}

#[test]
fn a_counted_payload_may_hold_line_feeds() {
    let read = read(
        "{}\n{\"type\":\"attachment\",\"length\":5}\na\nb\r\n\n{\"type\":\"event\",\"length\":2}\n{}",
    );
    assert_eq!(read.payloads(), [&b"a\nb\r\n"[..], b"{}"]);
    assert_eq!(read.errors(), []);
}

#[test]
fn a_missing_length_reads_to_the_next_line_feed() {
    let read = read("{}\n{\"type\":\"attachment\"}\nhello\r\n{\"type\":\"event\"}\n{}");
    assert_eq!(read.payloads(), [&b"hello\r"[..], b"{}"]);
}

#[test]
fn a_length_of_null_counts_as_missing_and_is_kept() {
    let read = read("{}\n{\"type\":\"event\",\"length\":null}\nabc\n");
    assert_eq!(read.payloads(), [b"abc"]);
    let (header, _) = read.items[0].as_ref().unwrap();
    assert_eq!(header.length, None);
    assert!(header.other.contains_key("length"));
}

#[test]
fn items_without_payload_are_items() {
    let start =
        "{}\n{\"type\":\"attachment\",\"length\":0}\n\n{\"type\":\"attachment\",\"length\":0}";
    for end in ["", "\n", "\n\n"] {
        assert_eq!(
            read(format!("{start}{end}")).payloads(),
            [b"", b""],
            "{end:?}"
        );
    }
    let open = read("{}\n{\"type\":\"attachment\"}\n\n{\"type\":\"attachment\"}");
    assert_eq!(open.payloads(), [b"", b""]);
}

#[test]
fn blank_lines_between_items_are_passed_over() {
    let read =
        read("{}\n\n \t\r\n{\"type\":\"event\",\"length\":2}\n{}\n\n\n{\"type\":\"log\"}\n[]\n \n");
    assert_eq!(read.payloads(), [b"{}", b"[]"]);
    assert_eq!(read.errors(), []);
}

#[test]
fn a_carriage_return_ends_a_header_line_as_white_space() {
    let read = read("{}\r\n{\"type\":\"event\",\"length\":2}\r\n{}\n");
    assert_eq!(read.payloads(), [b"{}"]);
}

#[test]
fn a_carriage_return_after_a_counted_payload_is_refused() {
    let read = read("{}\n{\"type\":\"event\",\"length\":2}\n{}\r\n");
    assert_eq!(read.errors(), [("missing_newline", 33)]);
}

#[test]
fn unknown_types_are_kept_by_name_between_their_neighbours() {
    let mut body = b"{}\n{\"type\":\"novel\",\"length\":3,\"k\":{}}\n".to_vec();
    body.extend_from_slice(b"\x00\xff\x01\n{\"type\":\"event\"}\n{}");
    let read = read(body);
    assert_eq!(read.payloads(), [&b"\x00\xff\x01"[..], b"{}"]);
    let (header, _) = read.items[0].as_ref().unwrap();
    assert_eq!(header.kind, ItemKind::Unknown("novel".into()));
    assert!(header.other.contains_key("k"));
}

#[test]
fn every_known_type_has_one_name_and_reads_back() {
    for kind in ItemKind::KNOWN {
        assert_eq!(&ItemKind::from_name(kind.as_str()), kind);
        let read = read(format!("{{}}\n{{\"type\":\"{kind}\"}}\nx\n"));
        assert_eq!(&read.items[0].as_ref().unwrap().0.kind, kind);
    }
    assert_eq!(ItemKind::KNOWN.len(), 25);
}

#[test]
fn the_items_after_one_without_a_type_are_kept() {
    for bad in ["{}", "{\"type\":5}", "{\"type\":null,\"length\":3}"] {
        let body = format!("{{}}\n{bad}\na}}b\n{{\"type\":\"event\"}}\n{{}}\n");
        let read = read(&body);
        assert_eq!(read.errors(), [("missing_item_type", 3)], "{bad}");
        assert_eq!(read.payloads(), [b"{}"], "{bad}");
    }
}

#[test]
fn the_items_after_one_that_is_too_large_are_kept() {
    let limits = EnvelopeLimits::default().max_event_bytes(4);
    let counted = "{}\n{\"type\":\"event\",\"length\":5}\n12345\n{\"type\":\"event\"}\n1234\n";
    let open = "{}\n{\"type\":\"event\"}\n12345\n{\"type\":\"event\"}\n1234";
    for body in [counted, open] {
        let read = read_with(body.as_bytes(), &limits);
        assert_eq!(read.errors(), [("item_too_large", 3)], "{body}");
        assert_eq!(read.payloads(), [b"1234"], "{body}");
    }
}

#[test]
fn a_stream_hands_on_an_open_payload_only_up_to_its_limit() {
    let limits = EnvelopeLimits::default().max_event_bytes(4);
    let mut stream = EnvelopeStream::new(&limits);
    let mut input = &b"{}\n{\"type\":\"event\"}\n12345678"[..];
    let mut steps = Vec::new();
    while let Some(step) = stream.advance(&mut input) {
        steps.push(step);
    }
    let too_large = EnvelopeError::ItemTooLarge {
        position: 3,
        limit: 4,
    };
    assert_eq!(
        steps[2..],
        [Ok(StreamEvent::ItemData(b"1234")), Err(too_large)]
    );
}

#[test]
fn a_stream_starts_no_item_whose_length_is_over_the_limit() {
    let mut stream = EnvelopeStream::new(&EnvelopeLimits::default().max_event_bytes(4));
    let mut input = &b"{}\n{\"type\":\"event\",\"length\":5}\n1234"[..];
    assert!(matches!(
        stream.advance(&mut input),
        Some(Ok(StreamEvent::Header(_)))
    ));
    assert_eq!(stream.advance(&mut input), None);
}

#[test]
fn each_type_has_the_limit_of_its_family() {
    let limits = EnvelopeLimits::default();
    assert_eq!(limits.max_item_bytes(&ItemKind::Event), 1024 * 1024);
    assert_eq!(
        limits.max_item_bytes(&ItemKind::Attachment),
        200 * 1024 * 1024
    );
    assert_eq!(limits.max_item_bytes(&ItemKind::CheckIn), 100 * 1024);
    assert_eq!(limits.max_item_bytes(&ItemKind::ClientReport), 4 * 1024);
    assert_eq!(
        limits.max_item_bytes(&ItemKind::ProfileChunk),
        50 * 1024 * 1024
    );
    assert_eq!(
        limits.max_item_bytes(&ItemKind::ReplayRecording),
        10 * 1024 * 1024
    );
    assert_eq!(
        limits.max_item_bytes(&ItemKind::Unknown("x".into())),
        1024 * 1024
    );
}
