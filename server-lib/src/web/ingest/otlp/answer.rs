//! What exporters are answered, in the form in which they asked.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::accept::Receipt;
use crate::accept::otlp::Format;
use crate::web::error::ApiError;
use crate::web::ingest::answer::limited;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

const WHY: &str = "entries were not readable, or beyond what one request may hold";

/// The name of the count of rejected entries.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rejected {
    Spans,
    LogRecords,
}

impl Rejected {
    fn name(self) -> &'static str {
        match self {
            Self::Spans => "rejectedSpans",
            Self::LogRecords => "rejectedLogRecords",
        }
    }
}

/// How many entries were rejected and what was stored, or why nothing was.
pub(super) struct Answered(
    pub(super) Result<(u64, Receipt), ApiError>,
    pub(super) Rejected,
);

impl Answered {
    pub(super) fn in_format(self, format: Option<Format>) -> Response {
        let Self(answer, name) = self;
        let is_binary = format == Some(Format::Protobuf);
        match answer {
            Ok((rejected, receipt)) => {
                let response = if is_binary {
                    binary(StatusCode::ACCEPTED, partial_success(rejected))
                } else {
                    (StatusCode::ACCEPTED, axum::Json(told(rejected, name))).into_response()
                };
                limited(response, &receipt)
            }
            Err(error) if is_binary => {
                let status = status_message(&error);
                let (mut head, _) = error.into_response().into_parts();
                head.headers.remove(header::CONTENT_LENGTH);
                head.headers.insert(header::CONTENT_TYPE, PROTOBUF);
                Response::from_parts(head, Body::from(status))
            }
            Err(error) => error.into_response(),
        }
    }
}

fn told(rejected: u64, name: Rejected) -> Value {
    if rejected == 0 {
        return json!({});
    }
    // Numbers of 64 bits are written as text.
    let partial: Map<String, Value> = [
        (name.name().to_owned(), json!(rejected.to_string())),
        ("errorMessage".to_owned(), json!(WHY)),
    ]
    .into_iter()
    .collect();
    json!({ "partialSuccess": partial })
}

fn binary(status: StatusCode, message: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, PROTOBUF)], message).into_response()
}

/// Writes an answer with the first field, the partial success: a count and a text.
fn partial_success(rejected: u64) -> Vec<u8> {
    let mut answer = Vec::new();
    if rejected > 0 {
        let mut partial = Vec::new();
        put_number(&mut partial, 1, rejected);
        put_bytes(&mut partial, 2, WHY.as_bytes());
        put_bytes(&mut answer, 1, &partial);
    }
    answer
}

/// Writes an error as the protocol has it: a code of gRPC and a text.
fn status_message(error: &ApiError) -> Vec<u8> {
    let code = match error.status() {
        StatusCode::UNAUTHORIZED => 16,
        StatusCode::FORBIDDEN => 7,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYLOAD_TOO_LARGE => 8,
        StatusCode::SERVICE_UNAVAILABLE => 14,
        status if status.is_client_error() => 3,
        _ => 2,
    };
    let mut message = Vec::new();
    put_number(&mut message, 1, code);
    put_bytes(&mut message, 2, error.detail().as_bytes());
    message
}

fn put_number(message: &mut Vec<u8>, field: u8, number: u64) {
    message.push(field << 3);
    put_varint(message, number);
}

fn put_bytes(message: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    message.push(field << 3 | 2);
    put_varint(message, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    message.extend_from_slice(bytes);
}

fn put_varint(message: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            message.push(low);
            return;
        }
        message.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_groups_of_seven_bits() {
        for (number, expected) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
        ] {
            let mut message = Vec::new();
            put_varint(&mut message, number);
            assert_eq!(message, expected, "{number}");
        }
        let mut most = Vec::new();
        put_varint(&mut most, u64::MAX);
        assert_eq!((most.len(), most.last()), (10, Some(&1)));
    }

    #[test]
    fn an_answer_without_rejected_entries_is_empty() {
        assert_eq!(partial_success(0), [0; 0]);
        assert_eq!(told(0, Rejected::Spans), json!({}));
    }
}
