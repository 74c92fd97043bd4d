//! Dumps of crashed processes, and files that come after their event.

use std::io::Write;

use mini_sentry_server::model::record::RecordKind;
use mini_sentry_server::testkit::TestServer;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};

use super::{items, keyed, only_event};
use crate::caller::{answer, event};

/// A dump that says: Linux, SIGSEGV at 0x10.
fn dump() -> Vec<u8> {
    let head = [0x504d_444d, 0xa793, 2, 32, 0, 0, 0, 0_u32];
    let directory = [6, 168, 56, 7, 56, 88];
    let exception = [1, 0, 11, 0, 0, 0, 16, 0];
    let system = [9, 0, 0, 0, 0x8201];
    let words = head.into_iter().chain(directory).chain(exception);
    words.chain(system).flat_map(u32::to_le_bytes).collect()
}

#[tokio::test]
async fn a_dump_is_kept_beside_an_event_that_names_the_crash() {
    let server = TestServer::start().await.unwrap();
    let form = Form::new()
        .text("sentry[release]", "1.0")
        .text("sentry", r#"{"environment":"prod","tags":{"color":"red"}}"#)
        .text("guid", "abc")
        .part(
            "upload_file_minidump",
            Part::bytes(dump()).file_name("crash.dmp"),
        )
        .part("log", Part::text("line").file_name("app.log"));
    let sent = answer(keyed(&server, Method::POST, "minidump/").multipart(form)).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    assert_eq!(sent.text.len(), 36, "{}", sent.text);
    let id = sent.text.replace('-', "");

    let shown = only_event(&server).await;
    assert_eq!(shown["event_id"], id);
    assert_eq!(shown["platform"], "native");
    assert_eq!(shown["exception"][0]["type"], "Minidump");
    assert_eq!(shown["exception"][0]["value"], "SIGSEGV at 0x10");
    assert_eq!(shown["exception"][0]["mechanism"]["type"], "minidump");
    assert_eq!(shown["release"], "1.0");
    assert_eq!(shown["environment"], "prod");
    assert_eq!(shown["tags"]["color"], "red");
    assert_eq!(shown["extra"]["guid"], "abc");
    assert_eq!(event(&server, &id).await["id"], id);

    let files = items(&server, RecordKind::Attachment).await;
    let named: Vec<_> = files
        .iter()
        .map(|(row, body)| (row.name.as_str(), row.attachment_type.as_str(), body.len()))
        .collect();
    assert!(named.contains(&("crash.dmp", "event.minidump", dump().len())));
    assert!(named.contains(&("app.log", "", 4)), "{named:?}");
    assert!(files.iter().all(|(row, _)| row.event_id.to_string() == id));
}

/// The dump as `xz` and `bzip2` themselves pack it.
const XZ: &str = concat!(
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4ABrACxdACaRBd2oWOoHO+lKtz0C/IGeGIErK7",
    "Mb4/gr/vUvRyZqLLR0iNnG98l2VgAAAGbM3SN7CBp8AAFIbFVdIlwftvN9AQAAAAAEWVo=",
);
const BZIP2: &str = concat!(
    "QlpoOTFBWSZTWaxvLkIAAB9+cHmowABAAABABAJAQBAACAAAwCAAMUwmmgNM",
    "QYkgw0noalm9rePA6NZfp+5RA4iALowoCNEdrbNrk0/F3JFOFCQrG8uQgA==",
);

fn packed() -> [(&'static str, Vec<u8>); 4] {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&dump()).unwrap();
    [
        ("gzip", gzip.finish().unwrap()),
        ("zstd", zstd::encode_all(dump().as_slice(), 1).unwrap()),
        ("xz", engine.decode(XZ).unwrap()),
        ("bzip2", engine.decode(BZIP2).unwrap()),
    ]
}

#[tokio::test]
async fn a_dump_may_come_alone_and_packed_in_any_way() {
    let server = TestServer::start().await.unwrap();
    for (kind, packed) in packed() {
        let sent = answer(keyed(&server, Method::POST, "minidump/").body(packed)).await;
        assert_eq!(sent.status, StatusCode::OK, "{kind}: {}", sent.text);
        let id = sent.text.replace('-', "");
        server.digested().await.unwrap();
        let shown = event(&server, &id).await;
        assert_eq!(shown["title"], "Minidump: SIGSEGV at 0x10", "{kind}");
    }
    let files = items(&server, RecordKind::Attachment).await;
    assert_eq!(files.len(), 4);
    for (_, body) in files {
        assert_eq!(body, dump(), "it is kept unpacked");
    }
}

#[tokio::test]
async fn a_packed_dump_takes_no_more_memory_than_all_requests_may() {
    let server = TestServer::start_with(|config| config.ingest.max_in_flight_bytes = 8 << 20);
    let server = server.await.unwrap();
    let bombs = [
        {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&vec![0; 12 << 20]).unwrap();
            gzip.finish().unwrap()
        },
        {
            let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            bzip2.write_all(&vec![0; 12 << 20]).unwrap();
            bzip2.finish().unwrap()
        },
    ];
    for bomb in bombs {
        let refused = answer(keyed(&server, Method::POST, "minidump/").body(bomb)).await;
        assert_eq!(
            refused.status,
            StatusCode::PAYLOAD_TOO_LARGE,
            "{}",
            refused.text
        );
        assert_eq!(refused.json()["code"], "too_large");
    }
    let sent = answer(keyed(&server, Method::POST, "minidump/").body(dump())).await;
    assert_eq!(sent.status, StatusCode::OK, "the memory is given back");
    only_event(&server).await;
}

#[tokio::test]
async fn what_is_no_dump_is_refused_and_a_limit_is_not_told() {
    let server = TestServer::start_with(|config| config.ingest.sentry_events_per_minute = 1);
    let server = server.await.unwrap();
    let refused = answer(keyed(&server, Method::POST, "minidump/").body("MZ")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.json()["code"], "invalid_minidump");
    for (kind, mut packed) in packed() {
        packed.truncate(packed.len() - 1);
        let cut = answer(keyed(&server, Method::POST, "minidump/").body(packed)).await;
        assert_eq!(cut.status, StatusCode::BAD_REQUEST, "{kind}");
        assert_eq!(cut.json()["code"], "invalid_minidump");
    }
    let empty = Form::new().text("guid", "abc");
    let empty = answer(keyed(&server, Method::POST, "minidump/").multipart(empty)).await;
    assert_eq!(empty.json()["code"], "missing_minidump");
    for _ in 0..3 {
        let sent = answer(keyed(&server, Method::POST, "minidump/").body(dump())).await;
        assert_eq!(sent.status, StatusCode::OK, "crash handlers do not retry");
    }
}

#[tokio::test]
async fn files_may_follow_their_event() {
    let server = TestServer::start().await.unwrap();
    let id = "9ec79c33ec9942ab8353589fcb2e04dc";
    let to = format!("events/{id}/attachments/");
    let form = Form::new()
        .part("any", Part::text("one").file_name("a.txt"))
        .text("field", "two");
    let sent = answer(keyed(&server, Method::POST, &to).multipart(form)).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    let files = items(&server, RecordKind::Attachment).await;
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|(row, _)| row.event_id.to_string() == id));
    assert!(
        files
            .iter()
            .any(|(row, body)| row.name == "a.txt" && body == b"one")
    );
    let broken = answer(keyed(&server, Method::POST, &to).body("x")).await;
    assert_eq!(broken.json()["code"], "malformed_form");
}
