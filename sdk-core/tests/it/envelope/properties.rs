//! Properties of the readers: round trip, agreement in every cut, limits, no panic.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use mini_sentry::envelope::{ItemHeader, ItemKind};
use mini_sentry::limits::EnvelopeLimits;

use super::{read_slice, read_stream};

/// A small writer of the frame, so that reading is not tested with its own twin.
fn write(
    header: &Map<String, Value>,
    items: &[(ItemHeader, Vec<u8>)],
    final_newline: bool,
) -> Vec<u8> {
    let mut out = serde_json::to_vec(header).unwrap();
    for (header, payload) in items {
        out.push(b'\n');
        out.extend(serde_json::to_vec(header).unwrap());
        out.push(b'\n');
        out.extend(payload);
    }
    if final_newline {
        out.push(b'\n');
    }
    out
}

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        any::<i64>().prop_map(|n| json!(n)),
        any::<bool>().prop_map(|b| json!(b)),
        ".{0,12}".prop_map(|text| json!(text)),
        vec(any::<u8>(), 0..4).prop_map(|list| json!(list)),
        Just(json!({"a": {"b": null}})),
    ];
    vec(("[a-z_]{1,8}|filename|platform|item_count", value), 0..5)
        .prop_map(|pairs| pairs.into_iter().collect())
}

fn item() -> impl Strategy<Value = (ItemHeader, Vec<u8>)> {
    let name = prop_oneof![
        (0..ItemKind::KNOWN.len()).prop_map(|i| ItemKind::KNOWN[i].as_str().to_owned()),
        ".{0,10}",
    ];
    (name, fields(), vec(any::<u8>(), 0..200), any::<bool>()).prop_map(
        |(name, mut fields, payload, is_counted)| {
            fields.remove("length");
            fields.insert("type".to_owned(), json!(name));
            if is_counted || payload.contains(&b'\n') {
                fields.insert("length".to_owned(), json!(payload.len()));
            }
            (ItemHeader::from_fields(fields).unwrap(), payload)
        },
    )
}

/// Bytes that look enough like an envelope to get far into the readers.
fn envelope_like() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => (0u64..12).prop_map(|n| format!("{{\"type\":\"event\",\"length\":{n}}}\n").into_bytes()),
        3 => Just(b"{\"type\":\"attachment\"}\n".to_vec()),
        2 => Just(b"{}\n".to_vec()),
        1 => Just(b"{\"type\":1,\"length\":4}\n".to_vec()),
        1 => Just(b"{\"type\":\"event\",\"length\":18446744073709551615}\n".to_vec()),
        1 => Just(b"{\"type\":\"check_in\",\"length\":-2}\r\n".to_vec()),
        3 => vec(prop_oneof![Just(b'\n'), Just(b' '), Just(b'{'), Just(b'}'), any::<u8>()], 0..12),
        3 => Just(b"\n".to_vec()),
    ];
    (any::<bool>(), vec(line, 0..12)).prop_map(|(has_header, lines)| {
        let mut body = if has_header {
            b"{}\n".to_vec()
        } else {
            Vec::new()
        };
        body.extend(lines.concat());
        body
    })
}

fn small_limits() -> impl Strategy<Value = EnvelopeLimits> {
    (0usize..8, 0usize..64, 0usize..12, 0usize..12).prop_map(|(items, line, event, file)| {
        EnvelopeLimits::default()
            .max_items(items)
            .max_header_line_bytes(line)
            .max_event_bytes(event)
            .max_attachment_bytes(file)
    })
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(1usize..20, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_was_written_is_read_back(
        header in fields(),
        items in vec(item(), 0..6),
        final_newline in any::<bool>(),
        cuts in cuts(),
    ) {
        // A trailing empty payload without its line feed is the same as one with it.
        let body = write(&header, &items, final_newline);
        let limits = EnvelopeLimits::default();
        let read = read_slice(&body, &limits);
        prop_assert_eq!(&read.header, &Some(header));
        let expected: Vec<_> = items.into_iter().map(Ok).collect();
        prop_assert_eq!(&read.items, &expected);
        prop_assert_eq!(read_stream(&body, &cuts, &limits), read);
    }

    #[test]
    fn both_readers_agree_on_a_damaged_envelope(
        header in fields(),
        items in vec(item(), 1..4),
        at in any::<prop::sample::Index>(),
        damage in prop_oneof![Just(None), any::<u8>().prop_map(Some)],
        cuts in cuts(),
    ) {
        let mut body = write(&header, &items, true);
        let at = at.index(body.len());
        match damage {
            Some(byte) => body[at] = byte,
            None => body.truncate(at),
        }
        let limits = EnvelopeLimits::default();
        prop_assert_eq!(read_stream(&body, &cuts, &limits), read_slice(&body, &limits));
    }

    #[test]
    fn both_readers_agree_on_envelope_like_bytes_under_any_limits(
        body in envelope_like(),
        limits in small_limits(),
        cuts in cuts(),
    ) {
        let read = read_slice(&body, &limits);
        prop_assert_eq!(&read_stream(&body, &cuts, &limits), &read);
        prop_assert!(read.items.len() <= limits.max_items + 1);
        for (header, payload) in read.items.iter().flatten() {
            prop_assert!(payload.len() <= limits.max_item_bytes(&header.kind));
        }
        for error in read.items.iter().filter_map(|item| item.as_ref().err()) {
            prop_assert!(error.position() <= body.len());
        }
        let fatal = read.items.iter().position(|item| item.as_ref().is_err_and(|e| e.is_fatal()));
        prop_assert!(fatal.is_none_or(|at| at + 1 == read.items.len()));
    }

    #[test]
    fn both_readers_agree_on_arbitrary_bytes(body in vec(any::<u8>(), 0..300), cuts in cuts()) {
        let limits = EnvelopeLimits::default();
        prop_assert_eq!(read_stream(&body, &cuts, &limits), read_slice(&body, &limits));
    }

    #[test]
    fn a_stream_never_takes_more_than_the_limit(
        body in envelope_like(),
        limit in 0usize..60,
        cuts in cuts(),
    ) {
        let limits = EnvelopeLimits::default().max_envelope_bytes(limit);
        let cut = read_stream(&body, &cuts, &limits);
        prop_assert_eq!(&read_stream(&body, &[usize::MAX], &limits), &cut);
        if body.len() > limit {
            prop_assert_eq!(read_slice(&body, &limits).errors(), [("too_large", limit)]);
            let last = cut.items.last().and_then(|item| item.as_ref().err());
            prop_assert!(last.is_some_and(|error| error.is_fatal()));
        } else {
            prop_assert_eq!(read_slice(&body, &limits), cut);
        }
    }

    #[test]
    fn an_item_header_keeps_every_field(fields in fields(), kind in ".{0,8}") {
        let mut fields = fields;
        fields.insert("type".to_owned(), json!(kind));
        let header = ItemHeader::from_fields(fields.clone()).unwrap();
        prop_assert_eq!(serde_json::to_value(&header).unwrap(), Value::Object(fields));
    }
}
