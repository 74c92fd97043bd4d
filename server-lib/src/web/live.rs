//! The live feed: a websocket that sends one JSON message for each event of a project once it is
//! in the store.
//!
//! It never holds digest up. A reader that is too slow misses batches, is told so, and is let go;
//! it can read what it missed from the list of events.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use http::StatusCode;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::access::{Access, missing};
use super::error::ApiError;
use super::extract::{Names, Pairs, RequestParts};
use super::present::own;
use super::reading;
use crate::digest::progress::Digested;
use crate::model::ids::{ProjectId, Seq};
use crate::model::scope::Scope;
use crate::state::AppState;

/// How many may read at the same time.
const MAX_READERS: usize = 200;
/// How long a message may take to be sent.
const SEND_PATIENCE: Duration = Duration::from_secs(5);
/// How often it is checked that the reader still may read.
const CHECK_EVERY: Duration = Duration::from_secs(2);
/// At every so many checks the connection is tried.
const CHECKS_PER_PING: u32 = 15;
/// A reader has nothing to say; longer messages end the connection.
const MAX_INCOMING: usize = 4096;

/// Upgrades to a websocket. A token comes in the header, or as `token` in the query, since browsers
/// cannot set headers here.
pub(super) async fn follow(
    State(state): State<AppState>,
    Names(name): Names<String>,
    query: Pairs,
    mut request: RequestParts,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let caller = match (
        Access::of(&state, &mut request.0).await?,
        query.first("token"),
    ) {
        (Some(caller), _) => caller,
        (None, Some(text)) => Access::from_text(&state, text).await?,
        (None, None) => return Err(missing()),
    };
    caller.require(&[Scope::EventRead])?;
    let project = caller.project_by_name(&name)?.id;
    let upgrade = upgrade.map_err(|_| {
        let detail = "this address speaks websocket";
        ApiError::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail)
    })?;
    if state.progress.followers() >= MAX_READERS {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let busy = ApiError::new(status, "too_many_readers", "too many read the live feed");
        return Err(busy.retry_after(Duration::from_secs(5)));
    }
    let reader = Reader {
        state,
        caller,
        project,
    };
    Ok(upgrade
        .max_message_size(MAX_INCOMING)
        .max_frame_size(MAX_INCOMING)
        .on_upgrade(|socket| reader.serve(socket)))
}

/// Why a connection ends.
enum End {
    /// The other side went away, or does not take what is sent.
    Gone,
    /// It is told why.
    Closed(u16, &'static str),
}

struct Reader {
    state: AppState,
    caller: Access,
    project: ProjectId,
}

impl Reader {
    async fn serve(self, mut socket: WebSocket) {
        let end = self.feed(&mut socket).await;
        if let End::Closed(code, reason) = end {
            let frame = CloseFrame {
                code,
                reason: reason.into(),
            };
            // It is closed either way.
            let _ = timeout(SEND_PATIENCE, socket.send(Message::Close(Some(frame)))).await;
        }
    }

    async fn feed(&self, socket: &mut WebSocket) -> End {
        let mut batches = self.state.progress.follow();
        let mut checks = interval(CHECK_EVERY);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut check: u32 = 0;
        loop {
            let step = tokio::select! {
                batch = batches.recv() => match batch {
                    Ok(batch) => self.send_batch(socket, &batch).await,
                    Err(RecvError::Lagged(_)) => {
                        Err(End::Closed(close_code::AGAIN, "the reader is too slow"))
                    }
                    Err(RecvError::Closed) => Err(going_away()),
                },
                message = socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
                    Some(Ok(_)) => Ok(()),
                },
                _ = checks.tick() => {
                    check = check.wrapping_add(1);
                    self.check(socket, check.is_multiple_of(CHECKS_PER_PING)).await
                }
                () = self.state.progress.closed() => Err(going_away()),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn check(&self, socket: &mut WebSocket, with_ping: bool) -> Result<(), End> {
        if !self.may_read().await {
            return Err(End::Closed(
                close_code::POLICY,
                "the token or the project is gone",
            ));
        }
        if with_ping {
            return send(socket, Message::Ping(bytes::Bytes::new())).await;
        }
        Ok(())
    }

    async fn may_read(&self) -> bool {
        match self.caller.renew(&self.state).await {
            Ok(caller) => {
                caller.require(&[Scope::EventRead]).is_ok()
                    && caller.project_by_id(self.project).is_some()
            }
            // A database that does not answer now is no reason to hang up.
            Err(error) => error.status().is_server_error(),
        }
    }

    async fn send_batch(&self, socket: &mut WebSocket, batch: &[Digested]) -> Result<(), End> {
        let seqs: Vec<_> = batch
            .iter()
            .filter(|digested| digested.project == self.project)
            .map(|digested| digested.seq)
            .collect();
        for part in seqs.chunks(reading::CHUNK) {
            for text in self.messages(part).await? {
                send(socket, Message::Text(text.into())).await?;
            }
        }
        Ok(())
    }

    async fn messages(&self, seqs: &[Seq]) -> Result<Vec<String>, End> {
        let failed = |error: ApiError| {
            tracing::warn!(
                error.code = error.code(),
                "the live feed cannot read events"
            );
            End::Closed(close_code::ERROR, "the server failed")
        };
        let mut rows = Vec::with_capacity(seqs.len());
        for seq in seqs {
            let row = self.state.store.events.get(*seq).await;
            rows.extend(row.map_err(|error| failed(error.into()))?);
        }
        let view = self.state.catalog.view();
        let project_of = |id| view.project(id).map(Arc::clone);
        let show = |whole: &super::present::WholeEvent| own::summary(whole).to_string();
        reading::show_all(&*self.state.bodies, rows, project_of, show)
            .await
            .map_err(failed)
    }
}

fn going_away() -> End {
    End::Closed(close_code::AWAY, "the server shuts down")
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match timeout(SEND_PATIENCE, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}
