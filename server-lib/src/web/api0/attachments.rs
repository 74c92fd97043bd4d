//! Attachments of an event: what is there, and their bytes.

use std::io::{self, Read};
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body_util::channel::{Channel, Sender};
use serde_json::Value;
use sha1::{Digest, Sha1};

use super::events::event_id;
use crate::error::{Error, ErrorKind};
use crate::model::item::ItemRow;
use crate::model::record::{Record, RecordKind};
use crate::model::scope::Scope;
use crate::secret::to_hex;
use crate::state::AppState;
use crate::store::query::{ItemFilter, Page};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Names, Pairs};
use crate::web::paging::{Listed, Part, Place};
use crate::web::present::attachment;
use crate::web::reading;

/// How much of a file is read at once.
const STEP: usize = 64 * 1024;
/// How many steps may wait for a slow reader.
const STEPS_AHEAD: usize = 4;

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names((organisation, name, event)): Names<(String, String, String)>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(&[Scope::EventRead])?;
    let project = caller.project(&organisation, &name)?;
    let id = event_id(&event)?;
    // An attachment may come before its event, and outlive it; so only items are asked.
    reading::settle_list(&state).await;
    let filter = ItemFilter {
        projects: vec![project.id],
        kinds: vec![RecordKind::Attachment],
        event_id: Some(id),
    };
    let part = Part::of(&query)?;
    let page = Page {
        offset: part.cursor.offset,
        limit: part.limit.saturating_add(1),
    };
    let mut items = state.store.events.items(&filter, page).await?;
    let limit = usize::try_from(part.limit).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = part.next(items.len());
    let mut shown = Vec::with_capacity(items.len());
    for item in items {
        if let Some(record) = read(&state, &item).await? {
            let sha1 = sha1_of(&state, record).await?;
            shown.push(attachment::attachment(&item, &sha1));
        }
    }
    let place = Place {
        base: &base,
        path: &format!("/api/0/projects/{organisation}/{name}/events/{event}/attachments/"),
        query: &query,
    };
    Ok(Listed::new(shown, &part, next, has_more, &place))
}

/// Shows an attachment, or with `download` its bytes.
pub(super) async fn detail(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name, event, id)): Names<(String, String, String, String)>,
    query: Pairs,
) -> Result<Response, ApiError> {
    caller.require(&[Scope::EventRead])?;
    let item = find(&state, &caller, [&organisation, &name, &event, &id]).await?;
    let record = read(&state, &item).await?.ok_or_else(ApiError::not_found)?;
    // Clients write `download`, `download=` and `download=1`.
    if query.iter().any(|(key, _)| key == "download") {
        return download(&state, &item, record);
    }
    let sha1 = sha1_of(&state, record).await?;
    Ok(Json(attachment::attachment(&item, &sha1)).into_response())
}

pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name, event, id)): Names<(String, String, String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.require(&[Scope::EventAdmin])?;
    let item = find(&state, &caller, [&organisation, &name, &event, &id]).await?;
    state.store.upkeep.erase(&[item.seq]).await?;
    caller
        .note(&state, "attachment.erase", &item.name, Some(item.project))
        .await;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(
    state: &AppState,
    caller: &Access,
    [organisation, name, event, id]: [&str; 4],
) -> Result<ItemRow, ApiError> {
    let project = caller.project(organisation, name)?;
    let filter = ItemFilter {
        projects: vec![project.id],
        kinds: vec![RecordKind::Attachment],
        event_id: Some(event_id(event)?),
    };
    reading::settle_list(state).await;
    let mut page = Page::first(500);
    loop {
        let items = state.store.events.items(&filter, page).await?;
        if items.is_empty() {
            return Err(ApiError::not_found());
        }
        page.offset = page.offset.saturating_add(items.len() as u64);
        let found = items.into_iter().find(|item| id.parse() == Ok(item.seq));
        if let Some(item) = found {
            return Ok(item);
        }
    }
}

async fn read(state: &AppState, item: &ItemRow) -> Result<Option<Record>, ApiError> {
    let mut read = state.bodies.read(&[item.seq]).await?;
    Ok(read.pop().flatten())
}

fn download(state: &AppState, item: &ItemRow, record: Record) -> Result<Response, ApiError> {
    let (body, bytes) = match &record.head.context.blob {
        Some(blob) => {
            let file = state.blobs.read(&blob.name).map_err(Error::from)?;
            (stream(file), blob.bytes)
        }
        None => {
            let bytes = record.body.len() as u64;
            (Body::from(record.body), bytes)
        }
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    // Whatever it claims to be: a page of somebody else's must not run under our address.
    let media_type = HeaderValue::try_from(attachment::media_type(item))
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(value) = HeaderValue::try_from(disposition(attachment::name(item))) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Writes the header that saves the answer under a file name.
fn disposition(name: &str) -> String {
    use std::fmt::Write as _;
    let mut plain = String::new();
    let mut encoded = String::new();
    for byte in name.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if is_plain {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    for letter in name.chars() {
        let is_plain = letter.is_ascii_graphic() && !matches!(letter, '"' | '\\' | '/');
        plain.push(if is_plain { letter } else { '_' });
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// Sends a file step by step, no faster than it is read.
fn stream(mut file: std::fs::File) -> Body {
    let (mut sender, body) = Channel::<Bytes, io::Error>::new(STEPS_AHEAD);
    tokio::spawn(async move {
        loop {
            let step = tokio::task::spawn_blocking(move || {
                let mut bytes = vec![0; STEP];
                let count = file.read(&mut bytes)?;
                bytes.truncate(count);
                io::Result::Ok((file, Bytes::from(bytes)))
            });
            match step.await.map_err(io::Error::other).flatten() {
                Ok((_, bytes)) if bytes.is_empty() => return,
                Ok((rest, bytes)) => {
                    file = rest;
                    if sender.send_data(bytes).await.is_err() {
                        return;
                    }
                }
                Err(error) => return abort(sender, error),
            }
        }
    });
    Body::new(body)
}

fn abort(sender: Sender<Bytes, io::Error>, error: io::Error) {
    tracing::warn!(%error, "an attachment cannot be read to its end");
    sender.abort(error);
}

async fn sha1_of(state: &AppState, record: Record) -> Result<String, ApiError> {
    let blobs = Arc::clone(&state.blobs);
    let hash = tokio::task::spawn_blocking(move || {
        let mut hash = Sha1::new();
        match &record.head.context.blob {
            None => hash.update(&record.body),
            Some(blob) => {
                let mut file = blobs.read(&blob.name)?;
                let mut bytes = vec![0; STEP];
                loop {
                    let count = file.read(&mut bytes)?;
                    match bytes.get(..count) {
                        Some(read) if !read.is_empty() => hash.update(read),
                        _ => break,
                    }
                }
            }
        }
        io::Result::Ok(to_hex(&hash.finalize()))
    });
    let hash = hash
        .await
        .map_err(|error| Error::new(ErrorKind::System, error))?;
    Ok(hash.map_err(Error::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        assert_eq!(
            disposition("a\"b\r\n/ä.txt"),
            "attachment; filename=\"a_b____.txt\"; filename*=UTF-8''a%22b%0D%0A%2F%C3%A4.txt"
        );
        assert!(HeaderValue::try_from(disposition("ä\0\n")).is_ok());
    }
}
