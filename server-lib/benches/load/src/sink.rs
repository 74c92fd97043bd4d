//! The servers to compare with: minimal axum programs that do nothing with what they read. `raw`
//! reads, unpacks and answers; `durable` also appends the body as it came to a file and answers
//! after one `fdatasync` for all that wait.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

type Waiting = (Bytes, oneshot::Sender<()>);

/// Serves on a free port of this machine, printed as the first line, until it is killed.
pub async fn run(durable: Option<PathBuf>) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = match durable {
        None => Router::new().route("/api/{project}/envelope/", post(raw)),
        Some(path) => {
            let (queue, waiting) = mpsc::channel(10_000);
            std::thread::spawn(move || append(waiting, &path));
            Router::new().route("/api/{project}/envelope/", post(keep)).with_state(queue)
        }
    };
    let mut out = std::io::stdout();
    writeln!(out, "{address}")?;
    out.flush()?;
    axum::serve(listener, app.layer(DefaultBodyLimit::max(1 << 20))).await?;
    Ok(())
}

async fn raw(body: Bytes) -> (StatusCode, &'static str) {
    (unpack(&body), "{}")
}

async fn keep(State(queue): State<mpsc::Sender<Waiting>>, body: Bytes) -> (StatusCode, &'static str) {
    let status = unpack(&body);
    let (done, written) = oneshot::channel();
    if queue.send((body, done)).await.is_err() || written.await.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "{}");
    }
    (status, "{}")
}

fn unpack(body: &[u8]) -> StatusCode {
    let hint = body.last_chunk::<4>().map_or(0, |tail| u32::from_le_bytes(*tail) as usize);
    let mut plain = Vec::with_capacity(hint.min(1 << 20));
    match flate2::read::GzDecoder::new(body).read_to_end(&mut plain) {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

fn append(mut waiting: mpsc::Receiver<Waiting>, path: &std::path::Path) {
    let Ok(mut file) = File::create(path) else { return };
    let mut group = Vec::new();
    let mut bytes = Vec::new();
    while let Some(first) = waiting.blocking_recv() {
        group.push(first);
        while let Ok(more) = waiting.try_recv() {
            group.push(more);
        }
        bytes.clear();
        for (body, _) in &group {
            bytes.extend_from_slice(body);
        }
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for (_, done) in group.drain(..) {
            let _ = done.send(());
        }
    }
}
