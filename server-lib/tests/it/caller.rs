//! Calls the server of a test over HTTP, as a client would.

use mini_sentry_server::testkit::TestServer;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// Returns the body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {} {}", self.status, self.text))
    }

    /// Returns a header as text; empty without it.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    async fn read(response: Response) -> Self {
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }
}

/// Makes a client that uses no proxy.
pub(crate) fn client() -> Client {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

/// Begins a request to a path of the server, without credentials.
pub(crate) fn request(server: &TestServer, method: Method, path: &str) -> RequestBuilder {
    client().request(method, format!("{}{path}", server.url))
}

/// Sends a request and reads the answer.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    Answer::read(request.send().await.unwrap()).await
}

/// Gets a path with the first token and returns the JSON of the answer, which must be 200.
pub(crate) async fn get(server: &TestServer, path: &str) -> Value {
    let answer = answer(request(server, Method::GET, path).bearer_auth(server.token())).await;
    assert_eq!(answer.status, StatusCode::OK, "GET {path}: {}", answer.text);
    answer.json()
}

/// Posts an envelope to the first project with the first key.
pub(crate) async fn send_envelope(server: &TestServer, envelope: impl Into<Vec<u8>>) -> Answer {
    let path = format!("/api/{}/envelope/", server.first.project.id);
    let auth = format!(
        "Sentry sentry_version=7, sentry_key={}",
        server.first.key.public_key
    );
    let request = request(server, Method::POST, &path).header("X-Sentry-Auth", auth);
    answer(request.body(envelope.into())).await
}

/// Returns the event as Sentry's API shows it.
pub(crate) async fn event(server: &TestServer, id: &str) -> Value {
    let (organisation, project) = (&server.first.organisation.slug, &server.first.project.slug);
    get(
        server,
        &format!("/api/0/projects/{organisation}/{project}/events/{id}/"),
    )
    .await
}
