//! Hostile and broken envelopes: a typed error with its position, in bounded time and memory.

use mini_sentry::envelope::{EnvelopeError, EnvelopeReader, EnvelopeStream, StreamEvent};
use mini_sentry::limits::{EnvelopeLimits, MAX_ENVELOPE_BYTES, MAX_HEADER_LINE_BYTES, MAX_ITEMS};

use super::{read, read_slice, read_stream, read_with};

#[test]
fn a_body_without_a_header_is_refused() {
    for body in ["", "\n", " \r\n{}\n", "\n{\"type\":\"event\"}\n{}"] {
        let read = read(body);
        assert_eq!(read.header, None, "{body:?}");
        assert_eq!(read.errors(), [("missing_header", 0)], "{body:?}");
    }
}

#[test]
fn a_header_that_is_no_json_object_is_refused() {
    for body in [
        "[]",
        "null\n",
        "7",
        "{\"a\":1",
        "{}{}\n",
        "{} x\n",
        "\u{feff}{}\n",
        "{'a':1}",
    ] {
        assert_eq!(read(body).errors(), [("invalid_header", 0)], "{body:?}");
    }
}

#[test]
fn invalid_utf8_in_a_header_is_refused() {
    assert_eq!(
        read(b"{\"a\":\"\xff\"}\n").errors(),
        [("invalid_header", 0)]
    );
    let item = b"{}\n{\"type\":\"event\",\"a\":\"\xc3\x28\"}\n{}\n";
    assert_eq!(read(item).errors(), [("invalid_item_header", 3)]);
}

#[test]
fn an_item_header_that_is_no_json_object_ends_the_reading() {
    for bad in ["[]", "event", "{\"type\":\"event\"", "\0"] {
        let body = format!(
            "{{}}\n{{\"type\":\"event\"}}\n{{}}\n{bad}\n{{}}\n{{\"type\":\"event\"}}\n{{}}"
        );
        let read = read(&body);
        assert_eq!(read.errors(), [("invalid_item_header", 23)], "{bad:?}");
        assert_eq!(read.payloads(), [b"{}"], "{bad:?}");
    }
}

#[test]
fn a_length_that_is_no_count_ends_the_reading() {
    for length in [
        "\"3\"",
        "-1",
        "1.5",
        "1e30",
        "18446744073709551616",
        "[]",
        "true",
    ] {
        let body = format!("{{}}\n{{\"type\":\"event\",\"length\":{length}}}\nabc\n");
        assert_eq!(
            read(body).errors(),
            [("invalid_item_header", 3)],
            "{length}"
        );
    }
}

#[test]
fn a_length_beyond_the_end_is_refused_at_the_payload() {
    for length in ["3", "200000000", "4294967296", "18446744073709551615"] {
        let body = format!("{{}}\n{{\"type\":\"attachment\",\"length\":{length}}}\nab");
        let payload_start = body.len() - 2;
        assert_eq!(
            read(&body).errors(),
            [("truncated_payload", payload_start)],
            "{length}"
        );
    }
    let event = "{}\n{\"type\":\"event\",\"length\":200000000}\n{}\n";
    assert_eq!(read(event).errors(), [("truncated_payload", 39)]);
    let nothing = "{}\n{\"type\":\"event\",\"length\":1}";
    assert_eq!(
        read(nothing).errors(),
        [("truncated_payload", nothing.len())]
    );
}

#[test]
fn a_length_that_ends_elsewhere_is_refused_where_the_line_feed_was_due() {
    let short = "{}\n{\"type\":\"event\",\"length\":1}\n{}\n{\"type\":\"event\"}\n{}\n";
    assert_eq!(read(short).errors(), [("missing_newline", 32)]);
    let no_gap = "{}\n{\"type\":\"event\",\"length\":0}\n{\"type\":\"event\",\"length\":0}\n";
    assert_eq!(read(no_gap).errors(), [("missing_newline", 31)]);
}

#[test]
fn a_huge_claim_reserves_no_memory() {
    let mut stream = EnvelopeStream::new(&EnvelopeLimits::default());
    let mut input = &b"{}\n{\"type\":\"attachment\",\"length\":200000000}\nabc"[..];
    let mut handed_on = 0;
    while let Some(step) = stream.advance(&mut input) {
        if let StreamEvent::ItemData(bytes) = step.unwrap() {
            handed_on += bytes.len();
        }
    }
    assert_eq!(handed_on, 3);
    assert_eq!(
        stream.finish(),
        Some(Err(EnvelopeError::TruncatedPayload { position: 44 }))
    );
    assert_eq!(stream.finish(), None);
}

#[test]
fn headers_nested_ten_thousand_deep_are_refused() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(read(&deep).errors(), [("invalid_header", 0)]);
    let item = format!("{{}}\n{deep}\nx\n");
    assert_eq!(read(&item).errors(), [("invalid_item_header", 3)]);
}

#[test]
fn a_million_items_end_at_the_limit() {
    let item = "{\"type\":\"session\"}\n{}\n";
    let body = format!("{{}}\n{}", item.repeat(1_000_000));
    let limits = EnvelopeLimits::default();
    let position = 3 + MAX_ITEMS * item.len();
    let expected = EnvelopeError::TooManyItems {
        position,
        limit: MAX_ITEMS,
    };
    for read in [
        read_slice(body.as_bytes(), &limits),
        read_stream(body.as_bytes(), &[65_536], &limits),
    ] {
        assert_eq!(read.items.len(), MAX_ITEMS + 1);
        assert_eq!(read.items[MAX_ITEMS], Err(expected));
    }
}

#[test]
fn broken_items_count_against_the_number_of_items() {
    let limits = EnvelopeLimits::default().max_items(2);
    let read = read_with(b"{}\n{}\na\n{}\nb\n{\"type\":\"event\"}\n{}\n", &limits);
    assert_eq!(
        read.errors(),
        [
            ("missing_item_type", 3),
            ("missing_item_type", 8),
            ("too_many_items", 13)
        ]
    );
}

#[test]
fn a_header_line_over_the_limit_is_refused_before_it_ends() {
    let long = "x".repeat(MAX_HEADER_LINE_BYTES);
    let first = format!("{{\"a\":\"{long}");
    assert_eq!(read(&first).errors(), [("header_too_long", 0)]);
    let item = format!("{{}}\n{{\"type\":\"event\",\"a\":\"{long}\"}}\n{{}}\n");
    assert_eq!(read(&item).errors(), [("header_too_long", 3)]);
    let blanks = format!("{{}}\n{}", " ".repeat(MAX_HEADER_LINE_BYTES + 1));
    assert_eq!(read(&blanks).errors(), [("header_too_long", 3)]);
}

#[test]
fn a_header_line_of_exactly_the_limit_is_read() {
    let fill = "x".repeat(MAX_HEADER_LINE_BYTES - "{\"a\":\"\"}".len());
    let read = read(format!("{{\"a\":\"{fill}\"}}\n"));
    assert!(read.header.is_some());
}

#[test]
fn an_envelope_over_the_limit_is_refused_as_a_whole_or_where_it_crosses() {
    let limits = EnvelopeLimits::default().max_envelope_bytes(30);
    let body = b"{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"event\"}\n{}\n";
    let too_large = EnvelopeError::TooLarge { limit: 30 };
    assert_eq!(EnvelopeReader::new(body, &limits).unwrap_err(), too_large);
    for sizes in [&[1][..], &[7], &[100]] {
        let read = read_stream(body, sizes, &limits);
        assert_eq!(read.payloads(), [b"{}"]);
        assert_eq!(read.errors(), [("too_large", 30)]);
    }
    assert_eq!(read_with(&body[..30], &limits).items.len(), 2);
}

#[test]
fn line_feeds_up_to_the_whole_limit_are_passed_over() {
    let mut body = b"{}\n".to_vec();
    body.resize(MAX_ENVELOPE_BYTES / 10, b'\n');
    let limits = EnvelopeLimits::default();
    assert_eq!(read_slice(&body, &limits).items, []);
    assert_eq!(read_stream(&body, &[65_536], &limits).items, []);
}

#[test]
fn nothing_is_read_after_a_fatal_error() {
    let mut stream = EnvelopeStream::new(&EnvelopeLimits::default());
    let mut input = &b"nonsense\n{}\n"[..];
    assert!(matches!(stream.advance(&mut input), Some(Err(error)) if error.is_fatal()));
    assert!(stream.has_ended());
    assert_eq!(stream.advance(&mut input), None);
    assert_eq!(stream.finish(), None);
}

#[test]
fn error_texts_name_place_and_limit_and_no_payload() {
    let error = EnvelopeError::ItemTooLarge {
        position: 12,
        limit: 34,
    };
    assert_eq!(
        error.to_string(),
        "item at byte 12 is larger than the 34 bytes of its type"
    );
}

#[test]
fn debug_text_of_a_reader_holds_nothing_of_the_envelope() {
    let body = b"{\"dsn\":\"https://key:hush@example.com/1\"}\n{\"type\":\"event\"}\nhush";
    let limits = EnvelopeLimits::default();
    let reader = EnvelopeReader::new(body, &limits).unwrap();
    let mut stream = EnvelopeStream::new(&limits);
    stream.advance(&mut &body[..30]);
    assert_eq!(
        format!("{reader:?}"),
        "EnvelopeReader { position: 41, items_seen: 0, has_ended: false, .. }"
    );
    assert_eq!(
        format!("{stream:?}"),
        "EnvelopeStream { position: 30, items_seen: 0, state: Header, .. }"
    );
}
