//! `mini-sentry serve`: the server until a signal ends it.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use mini_sentry_server::Server;
use mini_sentry_server::address::BaseUrl;
use mini_sentry_server::provision::{Provision, Provisioned};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::Context;
use super::catalogue::base_url;
use super::init::{describe, make_folder, welcome};
use super::presence::Presence;
use crate::failure::{During as _, Failure};
use crate::logs;
use crate::notify::notify;

/// Threads for what blocks: files of large attachments and the like.
const BLOCKING_THREADS: usize = 16;

/// Runs the server. Returns when it has stopped.
pub(crate) fn run(context: &Context) -> Result<ExitCode, Failure> {
    logs::start(context.settings())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("http")
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .during("start the runtime")?;
    let ended = runtime.block_on(serve(context));
    // After a second signal, what is still running must not hold the process.
    runtime.shutdown_background();
    ended
}

async fn serve(context: &Context) -> Result<ExitCode, Failure> {
    let settings = context.settings();
    for note in &context.resolved.notes {
        tracing::warn!("{note}");
    }
    let mut signals = Signals::new().during("listen for signals")?;
    // Before anything is made: the secrets of a first start are shown once, so nothing may fail
    // between making and showing them.
    let listener = bind(&settings.listen).await?;
    let address = listener.local_addr().during("ask for the address")?;
    let data_dir = &settings.config.data_dir;
    make_folder(data_dir)?;
    let server = Server::builder()
        .config(settings.config.clone())
        .build()
        .await?;
    let handle = server.start()?;
    let first = server.provision(Provision::default()).await?;

    let (stop, mut stopped) = watch::channel(false);
    let until_stopped = async move {
        // The sender lives as long as this function: an error cannot be.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let patience = settings.shutdown_timeout;
    let serving = tokio::spawn({
        let server = server.clone();
        async move { server.serve(listener, until_stopped, patience).await }
    });
    let base = base_url(settings, Some(address.port()))?;
    let _presence = Presence::note(data_dir, &base.to_string()).during("note the address")?;
    tell(context, address, &base, first.as_ref())?;
    notify("READY=1");

    let name = signals.next().await.name;
    tracing::info!(signal = name, "stopping");
    notify("STOPPING=1");
    stop.send_replace(true);
    let drained = async {
        if let Err(error) = serving.await {
            tracing::error!(error = %error, "serving ended badly");
        }
        handle.shutdown(patience).await;
    };
    tokio::select! {
        () = drained => {
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
        second = signals.next() => {
            tracing::warn!(signal = second.name, "ended at once by a second signal");
            Ok(ExitCode::from(second.exit))
        }
    }
}

async fn bind(listen: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(listen).await.map_err(|error| {
        let detail = match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "{listen} is in use: another program listens there; choose another with --listen"
            ),
            io::ErrorKind::PermissionDenied => {
                format!("{listen} needs privileges; choose a port above 1023 with --listen")
            }
            _ => format!("listen on {listen}: {error}"),
        };
        Failure::unavailable(detail)
    })
}

/// Tells that the server is ready, and after the first start how to reach it.
fn tell(
    context: &Context,
    address: SocketAddr,
    base: &BaseUrl,
    first: Option<&Provisioned>,
) -> Result<(), Failure> {
    let data = context.settings().config.data_dir.display().to_string();
    let value = json!({
        "listening": address.to_string(),
        "url": base.to_string(),
        "data": data,
        "first": first.map(|made| describe(base, made)),
    });
    context.output.show_line(&value, |_| {
        let ready = format!("Mini Sentry is ready at {base}, with its data in {data}\n");
        match first {
            Some(made) => format!("{}\n{ready}", welcome(base, made)),
            None => ready,
        }
    })
}

/// The two signals that end a server.
#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// A signal that came, and the exit code of a process that it ends.
#[derive(Clone, Copy, Debug)]
struct Ended {
    name: &'static str,
    exit: u8,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Ended {
        tokio::select! {
            _ = self.terminate.recv() => Ended { name: "SIGTERM", exit: 143 },
            _ = self.interrupt.recv() => Ended { name: "SIGINT", exit: 130 },
        }
    }
}
