//! A web shop with its error tracker in the same process: one program, one port, one folder.

use std::{env, time::Duration};

use anyhow::Context as _;
use axum::{Router, http::StatusCode, routing::get};
use mini_sentry::{ClientOptions, integrations::tower::HttpLayer};
use mini_sentry_server::{Server, provision::Provision};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "for whoever started it")]
async fn main() -> anyhow::Result<()> {
    let listen = env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let data = env::args().nth(2).unwrap_or("data".into());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let shop = format!("http://{}", listener.local_addr()?);

    let tracker = Server::builder()
        .data_dir(data)
        .public_url(format!("{shop}/errors"));
    let tracker = tracker.build().await?;
    let running = tracker.start()?;
    if let Some(first) = tracker.provision(Provision::default()).await? {
        println!("API token, shown once: {}", first.api_token.reveal());
    }
    let catalog = tracker.state().catalog.view();
    let project = catalog.projects().first().context("there is no project")?;
    let options = ClientOptions::new().transport(tracker.transport(project.id));
    let guard = mini_sentry::init(("http://inprocess@localhost/1", options));

    let app = Router::new()
        .route("/buy", get(buy))
        .layer(HttpLayer::new());
    let app = app.nest("/errors", tracker.router());
    println!("{shop}/buy fails; {shop}/errors/api/events/ has the error");
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?;
    drop(guard);
    running.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

async fn buy() -> StatusCode {
    let Err(error) = "12 pears".parse::<u32>() else {
        return StatusCode::OK;
    };
    mini_sentry::capture_error(&error);
    StatusCode::INTERNAL_SERVER_ERROR
}
