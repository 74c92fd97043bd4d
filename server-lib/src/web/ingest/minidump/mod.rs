//! Dumps of crashed processes, as crash handlers upload them.
//!
//! The dump is kept as an attachment of an event that says how the process died. A crash handler
//! sends once and forgets, so limits are not told to it.

mod dump;
mod event;
mod msgpack;
mod packed;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use mini_sentry::envelope::{ItemHeader, ItemKind};

use super::answer::hyphenated;
use super::attachments::{item, malformed};
use super::caller::Caller;
use super::incoming::Incoming;
use super::multipart::{self, Part};
use crate::accept::{OfferedItem, Refusal};
use crate::state::AppState;
use crate::web::error::ApiError;

/// The field or file that holds the dump.
const DUMP: &str = "upload_file_minidump";

/// Forms within forms that are opened.
const MAX_NESTING: usize = 3;

pub(super) async fn receive(
    State(state): State<AppState>,
    caller: Caller,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let sender = match state.acceptor.admit_fresh(&caller.claim).await {
        Err(Refusal::RateLimited(_)) => return Ok(().into_response()),
        sender => sender?,
    };
    let content_type = incoming.content_type.clone();
    let mut body = incoming.read(&state).await?;
    let mut upload = Upload::default();
    if multipart::is_form(content_type.as_deref(), &body) {
        upload.read_form(content_type.as_deref(), &body, 0)?;
    } else {
        upload.dump = Some(Part {
            name: DUMP.to_owned(),
            content: body.clone(),
            ..Part::default()
        });
    }

    let mut dump = upload.dump.take().ok_or_else(|| {
        ApiError::invalid("missing_minidump", "the form has no upload_file_minidump").for_sdk()
    })?;
    let received = body.len();
    let limit = state.config.ingest.max_in_flight_bytes;
    let limit = limit.saturating_sub(received);
    // Unpacking takes up to seconds, too long for a thread that answers others. The body goes
    // along, because it holds the memory.
    let unpacking = tokio::task::spawn_blocking(move || {
        let plain = packed::unpack(dump.content, limit, |bytes| {
            body.reserve_now(received.saturating_add(bytes))
        });
        (plain, body)
    });
    let (plain, _body) = unpacking.await.map_err(|_| Refusal::Busy)?;
    dump.content = plain?;
    dump.content_type = Some("application/x-dmp".to_owned());
    let crash = dump::read(&dump.content).ok_or_else(|| {
        ApiError::invalid("invalid_minidump", "the file is no minidump").for_sdk()
    })?;
    let made = event::build(&upload.fields, &upload.described, &crash)?;

    let mut items = vec![OfferedItem {
        header: ItemHeader::new(ItemKind::Event),
        payload: made.json,
    }];
    items.push(item(dump, Some("event.minidump")));
    items.extend(upload.files.into_iter().map(|part| {
        let is_hierarchy = part.filename.as_deref() == Some("view-hierarchy.json");
        item(part, is_hierarchy.then_some("event.view_hierarchy"))
    }));
    match state
        .acceptor
        .receive_items(&sender, &caller.facts, made.id, items)
        .await
    {
        Ok(_) | Err(Refusal::RateLimited(_)) => Ok(hyphenated(made.id).into_response()),
        Err(refusal) => Err(refusal.into()),
    }
}

/// What an upload holds.
#[derive(Debug, Default)]
struct Upload {
    dump: Option<Part>,
    /// Fields with their texts, in order.
    fields: Vec<(String, String)>,
    /// What the SDK has prepared before the crash, in its binary form.
    described: event::Described,
    files: Vec<Part>,
}

impl Upload {
    fn read_form(
        &mut self,
        content_type: Option<&str>,
        body: &Bytes,
        depth: usize,
    ) -> Result<(), ApiError> {
        let parts = multipart::parse(content_type, body).ok_or_else(malformed)?;
        for part in parts {
            let is_form = part.name.is_empty() || part.filename.is_none();
            // Electron puts the whole form of the crash handler into a part of its own.
            if is_form
                && depth < MAX_NESTING
                && multipart::is_form(part.content_type.as_deref(), &part.content)
                && multipart::parse(part.content_type.as_deref(), &part.content).is_some()
            {
                self.read_form(
                    part.content_type.as_deref(),
                    &part.content,
                    depth.saturating_add(1),
                )?;
                continue;
            }
            self.take(part);
        }
        Ok(())
    }

    fn take(&mut self, part: Part) {
        match part.name.as_str() {
            DUMP if self.dump.is_none() => self.dump = Some(part),
            "__sentry-event" => self.described.event = part.content,
            "__sentry-breadcrumb1" | "__sentry-breadcrumb2" => {
                self.described.breadcrumbs.push(part.content);
            }
            _ if part.filename.is_some() => self.files.push(part),
            _ => {
                let text = String::from_utf8_lossy(&part.content).into_owned();
                self.fields.push((part.name, text));
            }
        }
    }
}
