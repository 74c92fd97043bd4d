"""Writes the envelopes that come from the protocol's documentation, byte by byte.

    documented.py        # writes ../envelopes/ok/doc-* and ../envelopes/bad/*

The `.json` of the good ones is then made by `capture.py parse`, with the official parsers.
A bad envelope is given as the bytes before the fault and the bytes from the fault on, so
its position needs no counting and no parser.
"""

from __future__ import annotations

import json
import pathlib
import zlib

ENVELOPES = pathlib.Path(__file__).resolve().parent.parent / "envelopes"
ID = "9ec79c33ec9942ab8353589fcb2e04dc"
TRACE = "4c79f60c11214eb38604f4ae0781bfb2"
SESSION = b'{"sid":"7c7b6585-f901-4351-bf8d-02711b721929","started":"2020-02-07T14:16:00Z","status":"ok"}'


def item(kind: str, payload: bytes, **header: object) -> bytes:
    """One item with a length, and the line feed that ends it."""
    head = json.dumps({"type": kind, "length": len(payload), **header}, separators=(",", ":"))
    return head.encode() + b"\n" + payload + b"\n"


def text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


EVENT = text({"event_id": ID, "message": "hello world", "level": "error"})
HEAD = text({"event_id": ID}) + b"\n"
# First bytes of a minidump: magic, version, number of streams, then zeros and line feeds.
MINIDUMP = b"MDMP\x93\xa7\x00\x00\x02\x00\x00\x00 \x00\x00\x00" + bytes(12) + b"\n\n\x00\xff\r\n"
REPLAY = text([{"type": 4, "timestamp": 1700000000500, "data": {"href": "http://shop.example.com/"}}])

OK = {
    # Frame
    "empty-header": b"{}\n" + item("session", SESSION),
    "no-items": text({"event_id": ID, "sent_at": "2020-02-07T14:16:00Z"}) + b"\n",
    "no-items-no-newline": b"{}",
    "missing-length": HEAD + b'{"type":"event"}\n' + EVENT + b'\n{"type":"session"}\n' + SESSION + b"\n",
    "missing-length-no-newline": HEAD + b'{"type":"event"}\n' + EVENT,
    "missing-length-text": b'{}\n{"type":"attachment","filename":"a.txt"}\nplain text, to the line feed\n'
    + item("session", SESSION),
    "missing-length-empty": b'{}\n{"type":"attachment","filename":"a.txt"}\n\n' + item("session", SESSION),
    "no-final-newline": HEAD + item("event", EVENT)[:-1],
    "trailing-blank-lines": HEAD + item("event", EVENT) + b"\n\n",
    "crlf-in-payload": HEAD + item("attachment", b"\xef\xbb\xbfHello\r\n\r\n", filename="hello.txt"),
    "empty-payload": HEAD
    + item("attachment", b"", filename="empty.txt")
    + item("session", SESSION),
    "empty-payload-at-end": HEAD + b'{"type":"attachment","length":0,"filename":"empty.txt"}\n',
    "empty-payload-no-newline": HEAD + b'{"type":"attachment","length":0,"filename":"empty.txt"}',
    "length-before-type": b'{}\n{"length":%d,"type":"session"}\n%s\n' % (len(SESSION), SESSION),
    "spaces-in-headers": b'{ "event_id" : "' + ID.encode() + b'" }\n\t{ "type" : "session" }\n' + SESSION + b"\n",
    "binary-attachment": HEAD
    + item("event", EVENT)
    + item("attachment", b"\n\n{}\n" + bytes(range(256)) + b"\n", filename="röntgen ☂.bin")
    + item("attachment", b'{"looks":"like","an":"item"}\n{}\n', filename="view.json", content_type="application/json"),
    # Headers
    "full-header": text(
        {
            "event_id": "9ec79c33-ec99-42ab-8353-589fcb2e04dc",
            "dsn": "https://e12d836b15bb49d7bbf99e64295d995b:@sentry.example.com/42",
            "sdk": {"name": "sentry.native", "version": "0.7.0", "packages": [], "integrations": ["crashpad"]},
            "sent_at": "2020-02-07T14:16:00.123456Z",
            "trace": {
                "trace_id": TRACE,
                "public_key": "e12d836b15bb49d7bbf99e64295d995b",
                "sample_rate": "0.25",
                "sample_rand": "0.123456",
                "sampled": "true",
                "release": "shop@1.2.3",
                "environment": "production",
                "transaction": "/checkout",
                "user_id": "user-42",
                "replay_id": "8d1b0e0c6dd94c9b8f1f4a1f1c2d3e4f",
                "org_id": "7",
                "future_key": "kept",
            },
            "future": {"nested": [1, None, "x"]},
        }
    )
    + b"\n"
    + item("session", SESSION, future_key={"a": [1, 2]}, item_count=1),
    # Item types
    "unknown-type": HEAD
    + item("type_of_the_future", b"\x00\x01 not json", version=3, extra={"deep": [True]})
    + item("type_of_tomorrow", text({"kept": "verbatim", "n": 1.5}))
    + item("event", EVENT),
    "broken-item": b"{}\n" + item("session", b'{"sid":') + item("session", SESSION),
    "nan": HEAD
    + item("event", b'{"event_id":"%s","extra":{"a":NaN,"b":Infinity,"c":-Infinity,"d":"NaN"}}' % ID.encode()),
    "minidump": HEAD
    + item("event", text({"event_id": ID, "level": "fatal", "platform": "native"}))
    + item("attachment", MINIDUMP, filename="upload.dmp", content_type="application/x-dmp", attachment_type="event.minidump"),
    "attachment-types": HEAD
    + item("event", EVENT)
    + item("attachment", b"Incident Identifier: x\n", filename="report.crash", attachment_type="event.applecrashreport")
    + item("attachment", b"<FGenericCrashContext/>", filename="context.xml", attachment_type="unreal.context")
    + item("attachment", b"LogInit: ok\n", filename="shop.log", attachment_type="unreal.logs")
    + item("attachment", text({"rendering_system": "x", "windows": []}), filename="view-hierarchy.json",
           content_type="application/json", attachment_type="event.view_hierarchy")
    + item("attachment", b"x", filename="other", attachment_type="kind.of.the.future"),
    "trace-attachment": b"{}\n"
    + item("attachment", b'{"trace_id":"%s"}hello' % TRACE.encode(), filename="t.txt", meta_length=47,
           content_type="application/vnd.sentry.trace-attachment", span_id="e9c0f0f2b7a1d3c5"),
    "replay": text({"event_id": ID}) + b"\n"
    + item("replay_event", text({
        "type": "replay_event", "event_id": ID, "replay_id": ID, "segment_id": 0, "replay_type": "session",
        "timestamp": 1700000005.25, "replay_start_timestamp": 1700000000.5, "platform": "javascript",
        "urls": ["http://shop.example.com/"], "error_ids": [], "trace_ids": [TRACE],
    }))
    + item("replay_recording", b'{"segment_id":0}\n' + zlib.compress(REPLAY, 9)),
    "replay-plain": text({"event_id": ID}) + b"\n"
    + item("replay_recording", b'{"segment_id":1}\n' + REPLAY),
    "replay-video": text({"event_id": ID}) + b"\n"
    + item("replay_video", b"\x83\xacreplay_event\xc4\x02{}\xb0replay_recording\xc4\x02[]\xacreplay_video\xc4\x04\x00\n\x01\x02"),
    "profile": HEAD
    + item("profile", text({
        "event_id": ID, "version": "1", "platform": "python", "timestamp": "2023-11-14T22:13:20Z",
        "release": "shop@1.2.3", "runtime": {"name": "CPython", "version": "3.11"},
        "device": {"architecture": "x86_64"}, "os": {"name": "Linux", "version": "6.1"},
        "transaction": {"id": ID, "name": "import", "trace_id": TRACE, "active_thread_id": "1"},
        "profile": {
            "samples": [{"elapsed_since_start_ns": "0", "stack_id": 0, "thread_id": "1"}],
            "stacks": [[0]], "frames": [{"function": "main", "lineno": 1}], "thread_metadata": {},
        },
    })),
    "profile-chunk": b"{}\n"
    + item("profile_chunk", text({
        "version": "2", "profiler_id": ID, "chunk_id": TRACE, "platform": "python",
        "client_sdk": {"name": "sentry.python", "version": "2.0.0"},
        "profile": {
            "samples": [{"timestamp": 1700000000.5, "stack_id": 0, "thread_id": "1"}],
            "stacks": [[0]], "frames": [{"function": "main"}], "thread_metadata": {"1": {"name": "main"}},
        },
    }), platform="python"),
    "span-v1": b"{}\n"
    + item("span", text({
        "trace_id": TRACE, "span_id": "e9c0f0f2b7a1d3c5", "parent_span_id": "b0e6f15b45c36b12", "is_segment": False,
        "op": "ui.click", "description": "button", "status": "ok", "exclusive_time": 12.5, "origin": "auto.ui",
        "start_timestamp": 1700000000.0, "timestamp": 1700000000.5, "data": {"n": 1},
        "measurements": {"inp": {"value": 12.5, "unit": "millisecond"}}, "segment_id": "b0e6f15b45c36b12",
    })),
    "otel-span": b"{}\n"
    + item("otel_span", text({
        "traceId": TRACE, "spanId": "e9c0f0f2b7a1d3c5", "parentSpanId": "b0e6f15b45c36b12", "name": "GET /",
        "kind": 2, "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000500000000",
        "attributes": [{"key": "http.request.method", "value": {"stringValue": "GET"}}], "status": {"code": 1},
    })),
    "raw-security": b"{}\n"
    + item("raw_security", text({"csp-report": {
        "document-uri": "http://shop.example.com/", "violated-directive": "script-src",
        "effective-directive": "script-src", "blocked-uri": "inline", "original-policy": "default-src 'self'",
    }}), sentry_release="shop@1.2.3", sentry_environment="production"),
    "user-report": HEAD
    + item("user_report", text({"event_id": ID, "name": "user-42", "email": "a@example.com", "comments": "It broke.\nAgain."})),
    "feedback": HEAD
    + item("feedback", text({
        "event_id": ID, "timestamp": 1700000000.5, "platform": "javascript",
        "contexts": {"feedback": {
            "message": "the button does nothing", "contact_email": "a@example.com", "name": "user-42",
            "url": "http://shop.example.com/cart", "associated_event_id": TRACE, "replay_id": ID, "source": "widget",
        }},
    })),
    "session-full": b"{}\n"
    + item("session", text({
        "sid": "7c7b6585-f901-4351-bf8d-02711b721929", "did": "user-42", "init": False, "seq": 3,
        "started": "2020-02-07T14:16:00Z", "timestamp": "2020-02-07T14:17:00Z", "duration": 60.0,
        "status": "abnormal", "errors": 2, "abnormal_mechanism": "anr_foreground",
        "attrs": {"release": "shop@1.2.3", "environment": "production", "ip_address": "192.0.2.7", "user_agent": "browser/1.0"},
    })),
    "sessions-full": b"{}\n"
    + item("sessions", text({
        "aggregates": [
            {"started": "2020-02-07T14:16:00Z", "exited": 123, "errored": 4, "abnormal": 3, "crashed": 2, "unhandled": 1},
            {"started": "2020-02-07T14:17:00Z", "did": "user-42", "exited": 1},
        ],
        "attrs": {"release": "shop@1.2.3", "environment": "production"},
    })),
    "client-report": b"{}\n"
    + item("client_report", text({
        "timestamp": "2020-02-07T14:16:00Z",
        "discarded_events": [
            {"reason": "queue_overflow", "category": "error", "quantity": 23},
            {"reason": "reason_of_the_future", "category": "category_of_the_future", "quantity": 1},
        ],
    })),
    "check-in": b"{}\n"
    + item("check_in", text({"check_in_id": "0" * 32, "monitor_slug": "nightly", "status": "error"}))
    + item("check_in", text({
        "check_in_id": "83a7c03ed0a04e1b97e2e3b18d38f244", "monitor_slug": "hourly", "status": "in_progress",
        "environment": "production", "release": "shop@1.2.3", "contexts": {"trace": {"trace_id": TRACE}},
        "monitor_config": {"schedule": {"type": "interval", "value": 1, "unit": "hour"}, "owner": "user:42"},
    })),
    "dead-types": b"{}\n"
    + item("statsd", b"shop.orders@none:2|c|#region:eu|T1700000000\n")
    + item("metric_buckets", text([{"name": "c:custom/orders@none", "type": "c", "value": 2, "timestamp": 1700000000}]))
    + item("metric_meta", text({"timestamp": "2023-11-14T00:00:00Z", "mapping": {}}))
    + item("nel", text([{"age": 0, "type": "network-error", "url": "http://shop.example.com/", "body": {}}]))
    + item("form_data", text([["a", "1"]]))
    + item("unreal_report", b"CR1\x00\n\x01"),
}

ATTACHMENT = b'{"type":"attachment","length":10}\n'
# Name: (code, bytes before the fault, bytes from the fault on).
BAD = {
    "empty-input": ("missing_header", b"", b""),
    "blank-first-line": ("missing_header", b"", b"\n" + item("event", EVENT)),
    "header-not-json": ("invalid_header", b"", b"hello\n" + item("event", EVENT)),
    "header-is-list": ("invalid_header", b"", b"[]\n" + item("event", EVENT)),
    "header-is-text": ("invalid_header", b"", b'"{}"\n' + item("event", EVENT)),
    "header-cut": ("invalid_header", b"", HEAD[:-3]),
    "header-not-utf8": ("invalid_header", b"", b'{"dsn":"\xff\xfe"}\n' + item("event", EVENT)),
    "header-over-two-lines": ("invalid_header", b"", b'{\n"event_id":"' + ID.encode() + b'"}\n'),
    "item-header-not-json": ("invalid_item_header", HEAD, b"type=event\n" + EVENT + b"\n"),
    "item-header-is-list": ("invalid_item_header", HEAD, b'["event"]\n' + EVENT + b"\n"),
    "item-header-not-utf8": ("invalid_item_header", HEAD, b'{"type":"event","filename":"\xff"}\n' + EVENT + b"\n"),
    "item-header-cut": ("invalid_item_header", HEAD + item("session", SESSION), b'{"type":"even'),
    "length-is-text": ("invalid_item_header", HEAD, b'{"type":"event","length":"2"}\n{}\n'),
    "length-is-negative": ("invalid_item_header", HEAD, b'{"type":"event","length":-1}\n{}\n'),
    "length-is-fraction": ("invalid_item_header", HEAD, b'{"type":"event","length":2.5}\n{}\n'),
    "second-item-header": ("invalid_item_header", HEAD + item("event", EVENT), b"{}}\n{}\n"),
    "no-type": ("missing_item_type", HEAD, b'{"length":2}\n{}\n'),
    "no-type-second-item": ("missing_item_type", HEAD + item("event", EVENT), b'{"length":2}\n{}\n' + item("session", SESSION)),
    "payload-cut": ("truncated_payload", HEAD + b'{"type":"event","length":%d}\n' % len(EVENT), EVENT[:-1]),
    "payload-cut-by-much": ("truncated_payload", HEAD + b'{"type":"attachment","length":200000000}\n', EVENT + b"\n"),
    "payload-missing": ("truncated_payload", HEAD + b'{"type":"event","length":2}\n', b""),
    "payload-missing-no-newline": ("truncated_payload", HEAD + b'{"type":"event","length":2}', b""),
    "length-is-largest": ("truncated_payload", HEAD + b'{"type":"event","length":18446744073709551615}\n', EVENT + b"\n"),
    "second-payload-cut": ("truncated_payload", HEAD + item("event", EVENT) + ATTACHMENT, b"12345678\n"),
    "length-too-small": ("missing_newline", HEAD + ATTACHMENT + b"1234567890", b"1\n"),
    "length-too-small-by-much": ("missing_newline", HEAD + b'{"type":"event","length":0}\n', EVENT + b"\n"),
    "crlf-after-payload": ("missing_newline", HEAD + ATTACHMENT + b"1234567890", b"\r\n" + item("event", EVENT)),
    "second-length-too-small": ("missing_newline", HEAD + item("event", EVENT) + ATTACHMENT + b"1234567890", b" \n"),
    # 4 KiB is the limit of a client report, 100 KiB that of a check-in.
    "client-report-too-large": ("item_too_large", HEAD, item("client_report", b" " * 4095 + b"{}")),
}


def main() -> None:
    for folder in ("ok", "bad"):
        (ENVELOPES / folder).mkdir(parents=True, exist_ok=True)
    for name, body in OK.items():
        (ENVELOPES / "ok" / f"doc-{name}.envelope").write_bytes(body)
    for name, (code, before, after) in BAD.items():
        (ENVELOPES / "bad" / f"{name}.envelope").write_bytes(before + after)
        (ENVELOPES / "bad" / f"{name}.code").write_text(f"{code} {len(before)}\n")
    print(*(f"doc-{name}" for name in OK))


if __name__ == "__main__":
    main()
