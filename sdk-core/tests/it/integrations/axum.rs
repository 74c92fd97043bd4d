//! An axum server that is asked over a socket.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use mini_sentry::envelope::{Envelope, Payload};
use mini_sentry::integrations::tower::HttpLayer;
use mini_sentry::protocol::Event;
use mini_sentry::test::with_captured_envelopes_options;
use mini_sentry::{ClientOptions, Level, capture_message};

/// Serves an app, asks for paths one after the other, and returns what was captured.
fn serve(options: ClientOptions, app: Router, paths: &[&'static str]) -> Vec<Envelope> {
    with_captured_envelopes_options(options, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        runtime.unwrap().block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = tokio::spawn(async move { axum::serve(listener, app).await });
            for path in paths.iter().copied() {
                let asked = tokio::task::spawn_blocking(move || ask(address, path));
                asked.await.unwrap();
            }
            server.abort();
        });
    })
}

fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: shop.example.com\r\nauthorization: Bearer x\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    // A handler that panics closes the connection without an answer.
    let _ = stream.read_to_string(&mut answer);
    answer
}

async fn article(Path(id): Path<u32>) -> (StatusCode, &'static str) {
    mini_sentry::set_tag("article", id);
    capture_message("looked at", Level::Info);
    (StatusCode::OK, "tea")
}

async fn broken() -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

fn app() -> Router {
    Router::new()
        .route("/articles/{id}", get(article))
        .route("/broken", get(broken))
        .layer(HttpLayer::new())
}

fn events(envelopes: &[Envelope]) -> Vec<&Event> {
    envelopes.iter().filter_map(Envelope::event).collect()
}

#[test]
fn requests_are_named_by_their_routes_and_do_not_share_scopes() {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let envelopes = serve(
        options,
        app(),
        &["/articles/7?full=1", "/articles/8", "/nowhere"],
    );
    let events = events(&envelopes);
    let tags: Vec<_> = events
        .iter()
        .map(|it| it.tags.get("article").unwrap().as_str())
        .collect();
    assert_eq!(tags, ["7", "8"]);
    let request = events[0].request.as_ref().unwrap();
    assert_eq!(
        request.url.as_deref(),
        Some("http://shop.example.com/articles/7")
    );
    assert!(request.headers.get("authorization").is_none());
    assert!(request.headers.get("host").is_some());
    let mut names: Vec<_> = envelopes
        .iter()
        .flat_map(|it| &it.items)
        .filter_map(|item| match &item.payload {
            Payload::Transaction(it) => {
                let source = it.transaction_info.as_ref()?.source.as_deref()?;
                Some((it.transaction.as_deref()?, source))
            }
            _ => None,
        })
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            ("GET /articles/{id}", "route"),
            ("GET /articles/{id}", "route"),
            ("GET /nowhere", "url"),
        ]
    );
}

#[test]
fn an_answer_of_500_is_an_event_with_its_request() {
    let envelopes = serve(ClientOptions::new(), app(), &["/broken"]);
    let events = events(&envelopes);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].transaction.as_deref(), Some("GET /broken"));
    let value = events[0].exception.last().unwrap().value.as_deref();
    assert_eq!(
        value,
        Some("GET /broken was answered with 500 Internal Server Error")
    );
}

#[test]
#[cfg(feature = "panic")]
fn a_panic_of_a_handler_is_one_event_with_its_request() {
    async fn panics() -> &'static str {
        panic!("no tea left")
    }
    let app = Router::new()
        .route("/tea", get(panics))
        .layer(HttpLayer::new());
    let options = ClientOptions::new()
        .add_integration(mini_sentry::integrations::panic::PanicIntegration::new());
    let envelopes = serve(options, app, &["/tea"]);
    let events = events(&envelopes);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].level, Some(Level::Fatal));
    assert_eq!(events[0].transaction.as_deref(), Some("GET /tea"));
}
