//! The live feed over a real websocket.

use std::net::TcpStream;
use std::time::Duration;

use mini_sentry_server::digest::progress::Digested;
use mini_sentry_server::model::ids::{IssueId, ProjectId, Seq};
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::Request;
use tungstenite::protocol::CloseFrame;
use tungstenite::{Error, Message, WebSocket};

use crate::caller::{answer, request, send_envelope};

/// Nothing here takes this long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

type Socket = WebSocket<TcpStream>;

async fn connect(request: Request<()>) -> Result<Socket, Box<Error>> {
    let connecting = tokio::task::spawn_blocking(move || {
        let host = request.uri().authority().unwrap().to_string();
        let stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::HandshakeError::Failure(error)) => Err(Box::new(error)),
            Err(other) => panic!("{other}"),
        }
    });
    connecting.await.unwrap()
}

fn feed(server: &TestServer, project: &str, query: &str) -> Request<()> {
    let host = server.url.strip_prefix("http://").unwrap();
    let url = format!("ws://{host}/ws/events/{project}/{query}");
    url.into_client_request().unwrap()
}

/// Reads until a text or the end comes.
async fn next(mut socket: Socket) -> (Socket, Result<Value, Option<CloseFrame>>) {
    let reading = tokio::task::spawn_blocking(move || {
        loop {
            match socket.read() {
                Ok(Message::Text(text)) => {
                    let value = serde_json::from_str(&text).unwrap();
                    return (socket, Ok(value));
                }
                Ok(Message::Close(frame)) => return (socket, Err(frame)),
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
    reading.await.unwrap()
}

async fn send(server: &TestServer, message: &str) {
    let body = json!({ "message": message }).to_string();
    let envelope = format!(
        "{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{body}\n",
        body.len()
    );
    assert_eq!(send_envelope(server, envelope).await.status, 200);
}

/// Waits until the feed has so many readers: who connects just now gets what is sent now.
async fn readers(server: &TestServer, count: usize) {
    let state = server.state().unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while state.progress.followers() < count {
        assert!(tokio::time::Instant::now() < deadline, "nobody follows");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_of_the_project_is_sent_once_it_is_stored() {
    let server = TestServer::start().await.unwrap();
    let query = format!("?token={}", server.token());
    let socket = connect(feed(&server, "my-project", &query)).await.unwrap();
    readers(&server, 1).await;
    send(&server, "first").await;
    send(&server, "second").await;
    let (socket, first) = next(socket).await;
    let first = first.unwrap();
    assert_eq!(first["message"], "first");
    assert_eq!(first["project"], "my-project");
    assert_eq!(first["event_id"].as_str().unwrap().len(), 32);
    let (_, second) = next(socket).await;
    assert_eq!(second.unwrap()["message"], "second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_header_follows_and_none_or_a_wrong_one_does_not() {
    let server = TestServer::start().await.unwrap();
    let mut with_header = feed(&server, "my-project", "");
    let bearer = format!("Bearer {}", server.token());
    let headers = with_header.headers_mut();
    headers.insert("authorization", bearer.parse().unwrap());
    assert!(connect(with_header).await.is_ok());

    for (project, query, status) in [
        ("my-project", String::new(), 401),
        ("my-project", "?token=wrong".to_owned(), 401),
        (
            "my-project",
            format!("?token={}", server.first.key.public_key),
            401,
        ),
        ("other", format!("?token={}", server.token()), 404),
    ] {
        let refused = connect(feed(&server, project, &query)).await;
        match *refused.err().unwrap() {
            Error::Http(answer) => assert_eq!(answer.status().as_u16(), status, "{query}"),
            other => panic!("{other}"),
        }
    }
    let plain = request(&server, Method::GET, "/ws/events/my-project/");
    let plain = answer(plain.bearer_auth(server.token())).await;
    assert_eq!(plain.status, StatusCode::UPGRADE_REQUIRED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_token_is_deleted_is_let_go_with_a_reason() {
    let server = TestServer::start().await.unwrap();
    let create = request(&server, Method::POST, "/api/0/api-tokens/").bearer_auth(server.token());
    let body = json!({ "name": "reader", "scopes": ["event:read"] });
    let made = answer(create.json(&body)).await.json();
    let query = format!("?token={}", made["token"].as_str().unwrap());
    let socket = connect(feed(&server, "my-project", &query)).await.unwrap();
    let path = format!("/api/0/api-tokens/{}/", made["id"].as_str().unwrap());
    let delete = request(&server, Method::DELETE, &path).bearer_auth(server.token());
    assert_eq!(answer(delete).await.status, StatusCode::NO_CONTENT);
    let (_, end) = next(socket).await;
    let frame = end.unwrap_err().unwrap();
    assert_eq!(u16::from(frame.code), 1008);
    assert_eq!(frame.reason.as_str(), "the token or the project is gone");
}

/// On one thread, so that the feed cannot take anything while the batches are told.
#[tokio::test]
async fn a_reader_that_misses_batches_is_let_go_with_a_reason() {
    let server = TestServer::start().await.unwrap();
    let query = format!("?token={}", server.token());
    let socket = connect(feed(&server, "my-project", &query)).await.unwrap();
    readers(&server, 1).await;
    let progress = &server.state().unwrap().progress;
    let elsewhere = Digested {
        project: ProjectId(999),
        seq: Seq(1),
        issue: IssueId(1),
        is_new_issue: false,
    };
    for _ in 0..100 {
        progress.advance(progress.position(), vec![elsewhere]);
    }
    let (_, end) = next(socket).await;
    let frame = end.unwrap_err().unwrap();
    assert_eq!(u16::from(frame.code), 1013);
    assert_eq!(frame.reason.as_str(), "the reader is too slow");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_are_told_when_the_server_shuts_down() {
    let server = TestServer::start().await.unwrap();
    let query = format!("?token={}", server.token());
    let socket = connect(feed(&server, "my-project", &query)).await.unwrap();
    readers(&server, 1).await;
    server.state().unwrap().progress.close();
    let (_, end) = next(socket).await;
    assert_eq!(u16::from(end.unwrap_err().unwrap().code), 1001);
}
