//! One event as JSON: old SDKs, log shippers, and the pixel of ancient browsers.

use std::io::Read;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::header;
use mini_sentry::limits::MAX_EVENT_BYTES;

use super::caller::Caller;
use super::incoming::Incoming;
use super::{answer, logs};
use crate::accept::{Refusal, shipper};
use crate::state::AppState;
use crate::web::error::ApiError;
use crate::web::extract::Pairs;

/// A transparent GIF of one dot.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\
    \x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;";

/// Takes base64 with and without the filler at its end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) async fn receive(
    State(state): State<AppState>,
    caller: Caller,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let sender = state.acceptor.admit_fresh(&caller.claim).await?;
    let body = incoming.read(&state).await?;
    let json = unpack(&body)?;
    if shipper::is_log(&json) {
        let tally = logs::take(&state, &sender, &caller.facts, &json).await?;
        return Ok(tally.answer_as_event());
    }
    let receipt = state
        .acceptor
        .receive_event(&sender, &caller.facts, json)
        .await?;
    Ok(answer::with_id(&receipt))
}

pub(super) async fn pixel(
    State(state): State<AppState>,
    caller: Caller,
    query: Pairs,
) -> Result<Response, ApiError> {
    let sender = state.acceptor.admit_fresh(&caller.claim).await?;
    let data = query.first("sentry_data").ok_or_else(|| {
        ApiError::invalid("missing_event", "the query has no sentry_data").for_sdk()
    })?;
    // A plus that was not escaped is read as a blank.
    let json = unpack(&Bytes::from(data.replace(' ', "+")))
        .or_else(|_| unpack(&Bytes::copy_from_slice(data.as_bytes())))?;
    let receipt = state
        .acceptor
        .receive_event(&sender, &caller.facts, json)
        .await?;
    let gif = ([(header::CONTENT_TYPE, "image/gif")], PIXEL).into_response();
    Ok(answer::limited(gif, &receipt))
}

/// Returns the JSON of a body that may be packed without saying so: zlib, or that as base64.
fn unpack(body: &Bytes) -> Result<Bytes, ApiError> {
    match body.first() {
        Some(b'e') => {
            let packed = BASE64.decode(body.trim_ascii()).map_err(|_| malformed())?;
            inflate(&packed)
        }
        Some(0x78) => inflate(body),
        _ => Ok(body.clone()),
    }
}

fn inflate(packed: &[u8]) -> Result<Bytes, ApiError> {
    let mut json = Vec::new();
    let limit = u64::try_from(MAX_EVENT_BYTES).unwrap_or(u64::MAX);
    flate2::read::ZlibDecoder::new(packed)
        .take(limit.saturating_add(1))
        .read_to_end(&mut json)
        .map_err(|_| malformed())?;
    if json.len() > MAX_EVENT_BYTES {
        let what = "event";
        return Err(Refusal::TooLarge { what, limit }.into());
    }
    Ok(json.into())
}

fn malformed() -> ApiError {
    Refusal::Malformed {
        code: "malformed_body",
        detail: "the body is neither JSON nor packed JSON".to_owned(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(json: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(json).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn a_body_is_unpacked_by_how_it_begins() {
        let json = br#"{"message":"m"}"#;
        let zlib = packed(json);
        let text = BASE64.encode(&zlib);
        assert!(text.starts_with('e'), "as old clients send it");
        for body in [json.to_vec(), zlib, text.into_bytes()] {
            assert_eq!(unpack(&body.into()).unwrap(), &json[..]);
        }
    }

    #[test]
    fn a_bomb_is_cut_and_nonsense_refused() {
        let bomb = packed(&vec![b' '; MAX_EVENT_BYTES + 1]);
        assert_eq!(unpack(&bomb.into()).unwrap_err().code(), "too_large");
        let nonsense = Bytes::from_static(b"e?");
        assert_eq!(unpack(&nonsense).unwrap_err().code(), "malformed_body");
        let short = Bytes::copy_from_slice(&packed(b"{}")[..4]);
        assert_eq!(unpack(&short).unwrap_err().code(), "malformed_body");
    }
}
