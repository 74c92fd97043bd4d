//! Hostile input costs bounded memory. A binary of its own, because it counts all allocations.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

mod counting;

use counting::peak_bytes;
use mini_sentry::envelope::{Envelope, EnvelopeStream};
use mini_sentry::limits::{self, EnvelopeLimits};
use mini_sentry::protocol::read::from_json;
use mini_sentry::protocol::{Event, Notes};

const MANY: usize = 1_000_000;
const MIB: usize = 1024 * 1024;

/// Head, element by its number, and tail of a JSON text.
type Form = (&'static str, fn(usize) -> String, &'static str);

/// `head`, then a million elements with commas between them, then `tail`.
fn million(head: &str, element: impl Fn(usize) -> String, tail: &str) -> String {
    let mut out = head.to_owned();
    for index in 0..MANY {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&element(index));
    }
    out + tail
}

/// Reads an event past the limit on its bytes, as the server does with larger payloads.
fn read(json: &str) -> ((Event, Notes), usize) {
    let (read, peak) = peak_bytes(|| from_json::<Event>(json.as_bytes()));
    (read.unwrap(), peak)
}

fn only_note(notes: Notes) -> (String, &'static str) {
    let notes = notes.into_vec();
    assert_eq!(notes.len(), 1, "{notes:?}");
    (notes[0].path.clone(), notes[0].kind)
}

#[test]
fn the_allocator_counts_what_is_held_at_once() {
    let (_, peak) = peak_bytes(|| {
        drop(vec![0_u8; 3 * MIB]);
        vec![0_u8; 2 * MIB]
    });
    assert!((3 * MIB..4 * MIB).contains(&peak), "{peak}");
}

#[test]
fn a_million_tags_are_trimmed_in_any_form() {
    let forms: [Form; 3] = [
        ("{\"tags\":{", |n| format!("\"key-{n}\":\"value\""), "}}"),
        ("{\"tags\":[", |n| format!("[\"key-{n}\",\"value\"]"), "]}"),
        (
            "{\"tags\":[",
            |n| format!("{{\"key\":\"key-{n}\",\"value\":1}}"),
            "]}",
        ),
    ];
    for (head, element, tail) in forms {
        let json = million(head, element, tail);
        let ((event, notes), peak) = read(&json);
        assert_eq!(event.tags.len(), limits::MAX_MAP_ENTRIES, "{head}");
        assert_eq!(only_note(notes), ("tags".to_owned(), "too_many_items"));
        assert!(peak < MIB, "{peak} bytes for {head}");
    }
}

#[test]
fn a_million_elements_of_any_list_are_trimmed() {
    for (head, element, tail, path) in [
        (
            "{\"breadcrumbs\":[",
            "{\"message\":\"a\"}",
            "]}",
            "breadcrumbs.values",
        ),
        (
            "{\"exception\":{\"values\":[",
            "{\"type\":\"E\"}",
            "]}}",
            "exception.values",
        ),
        (
            "{\"stacktrace\":{\"frames\":[",
            "{\"lineno\":1}",
            "]}}",
            "stacktrace.frames",
        ),
        ("{\"fingerprint\":[", "\"a\"", "]}", "fingerprint"),
        ("{\"logentry\":{\"params\":[", "7", "]}}", "logentry.params"),
    ] {
        let json = million(head, |_| element.to_owned(), tail);
        let ((event, notes), peak) = read(&json);
        assert_eq!(only_note(notes), (path.to_owned(), "too_many_items"));
        assert!(peak < 3 * json.len(), "{peak} bytes for {path}");
        let frames = event.stacktrace.map_or(0, |stack| stack.frames.len());
        for length in [event.breadcrumbs.len(), event.exception.len(), frames] {
            assert!([0, limits::MAX_LIST_ITEMS].contains(&length), "{length}");
        }
    }
}

#[test]
fn many_lists_of_empty_objects_do_not_add_up() {
    let frames = format!(
        "{{\"stacktrace\":{{\"frames\":[{}]}}}}",
        vec!["{}"; 9_000].join(",")
    );
    let json = format!("{{\"exception\":[{}]}}", vec![frames; 38].join(","));
    assert!(json.len() < MIB);
    let (event, peak) = peak_bytes(|| Event::from_json(json.as_bytes()).unwrap());
    assert!(peak < 64 * MIB, "{peak} bytes");
    let is_cut =
        |error: &mini_sentry::protocol::EventError| error.ty.as_deref() == Some("too_many_items");
    assert!(event.errors.iter().any(is_cut));
    assert!(event.exception[0].stacktrace.as_ref().unwrap().frames.len() == 9_000);
}

#[test]
fn free_form_json_takes_a_bounded_multiple_of_its_bytes() {
    for (head, element, tail) in [
        ("{\"extra\":{\"a\":[", "0", "]}}"),
        ("{\"unknown\":[", "{}", "]}"),
        ("{\"user\":[", "[]", "]}"),
    ] {
        let json = million(head, |_| element.to_owned(), tail);
        let (_, peak) = read(&json);
        assert!(peak < 32 * json.len(), "{peak} bytes for {}", json.len());
    }
}

#[test]
fn a_million_levels_are_refused_without_a_copy_for_each() {
    for open in ["[", "{\"a\":"] {
        let json = format!("{{\"extra\":{}", open.repeat(MANY));
        let (read, peak) = peak_bytes(|| from_json::<Event>(json.as_bytes()).map(drop));
        assert_eq!(read.map_err(|error| error.code()), Err("too_deep"));
        assert!(peak < MIB, "{peak} bytes");
    }
}

#[test]
fn a_claimed_length_reserves_nothing() {
    let body = b"{}\n{\"type\":\"attachment\",\"length\":200000000}\nabc";
    let (parsed, peak) = peak_bytes(|| Envelope::parse(body).unwrap());
    assert_eq!(parsed.faults[0].code(), "truncated_payload");
    assert!(peak < 16 * 1024, "{peak} bytes");
    let (_, peak) = peak_bytes(|| {
        let mut stream = EnvelopeStream::new(&EnvelopeLimits::default());
        let mut rest = &body[..];
        while let Some(step) = stream.advance(&mut rest) {
            assert!(step.is_ok());
        }
    });
    assert!(peak < 16 * 1024, "{peak} bytes");
}

#[test]
fn as_many_items_as_allowed_are_held_and_no_more() {
    let body = format!("{{}}\n{}", "{\"type\":\"event\"}\n{}\n".repeat(MANY));
    let (parsed, peak) = peak_bytes(|| Envelope::parse(body.as_bytes()).unwrap());
    assert_eq!(parsed.envelope.items.len(), limits::MAX_ITEMS);
    assert_eq!(parsed.faults.len(), 1);
    assert_eq!(parsed.faults[0].code(), "too_many_items");
    assert!(peak < 3 * body.len(), "{peak} bytes for {}", body.len());
}

#[test]
fn a_stream_holds_no_payload() {
    let payload = "x".repeat(64 * MIB);
    let (_, peak) = peak_bytes(|| {
        let mut stream = EnvelopeStream::new(&EnvelopeLimits::default());
        for mut piece in
            ["{}\n{\"type\":\"attachment\"}\n", payload.as_str(), "\n"].map(str::as_bytes)
        {
            while let Some(step) = stream.advance(&mut piece) {
                assert!(step.is_ok());
            }
        }
    });
    assert!(peak < 16 * 1024, "{peak} bytes");
}
