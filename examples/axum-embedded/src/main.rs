//! A web shop with its error tracker in the same process: one program, one port, one folder.

use std::{env, time::Duration};

use anyhow::Context as _;
use axum::{Router, http::StatusCode, routing::get};
use mini_sentry::{ClientOptions, integrations::tower::HttpLayer};
use mini_sentry_server::{Server, provision::Provision};
use tokio::{net::TcpListener, signal};

#[tokio::main]
#[expect(
    clippy::print_stdout,
    reason = "the address and the token are for whoever started it"
)]
async fn main() -> anyhow::Result<()> {
    let mut given = env::args().skip(1);
    let listen = given.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let data = given.next().unwrap_or_else(|| "data".to_owned());
    let listener = TcpListener::bind(listen).await?;
    let shop = format!("http://{}", listener.local_addr()?);

    let tracker = Server::builder()
        .data_dir(data)
        .public_url(format!("{shop}/errors"));
    let tracker = tracker.build().await?;
    if let Some(first) = tracker.provision(Provision::default()).await? {
        println!("API token, shown once: {}", first.api_token.reveal());
    }
    let running = tracker.start()?;
    let catalog = tracker.state().catalog.view();
    let project = catalog.projects().first().context("there is no project")?;
    let sdk = ClientOptions::new().transport(tracker.transport(project.id));
    let guard = mini_sentry::init(("http://inprocess@localhost/1", sdk));

    let app = Router::new()
        .route("/buy", get(buy))
        .layer(HttpLayer::new())
        .nest("/errors", tracker.router());
    println!("{shop}/buy fails; {shop}/errors/api/events/ has the error");
    axum::serve(listener, app)
        .with_graceful_shutdown(async { signal::ctrl_c().await.unwrap_or_default() })
        .await?;
    drop(guard);
    running.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

async fn buy() -> Result<&'static str, StatusCode> {
    let price: Result<u32, _> = "12 pears".parse();
    price.map(|_| "sold").map_err(|error| {
        mini_sentry::capture_error(&error);
        StatusCode::INTERNAL_SERVER_ERROR
    })
}
