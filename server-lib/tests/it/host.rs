//! A program around the server that says itself who asks.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use mini_sentry_server::Server;
use mini_sentry_server::error::Error;
use mini_sentry_server::model::people::Role;
use mini_sentry_server::people::{Authenticator, HostUser};
use mini_sentry_server::provision::Provision;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// Believes two headers.
#[derive(Debug)]
struct ByHeader;

#[async_trait]
impl Authenticator for ByHeader {
    async fn authenticate(&self, request: &Parts) -> Result<Option<HostUser>, Error> {
        let said = |name: &str| request.headers.get(name)?.to_str().ok();
        let role = said("x-role").and_then(Role::from_name);
        Ok(said("x-person")
            .zip(role)
            .map(|(email, role)| HostUser::new(email, "Somebody", role)))
    }
}

async fn host() -> (TempDir, Server) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::builder()
        .data_dir(dir.path())
        .authenticator(Arc::new(ByHeader));
    let server = server.build().await.unwrap();
    server.provision(Provision::default()).await.unwrap();
    (dir, server)
}

async fn ask(
    server: &Server,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Body::from(r#"{"name":"Made"}"#);
    let answer = server.router().oneshot(request.body(body).unwrap()).await;
    let answer = answer.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn whoever_the_host_names_has_an_account_and_the_role_that_it_says() {
    let (_dir, server) = host().await;
    let whoami = "/api/0/auth/";
    let teams = "/api/0/organizations/my-organisation/teams/";
    let nobody = ask(&server, Method::GET, whoami, &[]).await;
    assert_eq!(nobody.0, StatusCode::UNAUTHORIZED);
    let person = ("x-person", "A@example.com");
    let viewer = [person, ("x-role", "viewer")];
    let (status, first) = ask(&server, Method::GET, whoami, &viewer).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    assert_eq!(first["email"], "a@example.com");
    let refused = ask(&server, Method::POST, teams, &viewer).await;
    assert_eq!(refused.0, StatusCode::FORBIDDEN);

    let admin = [person, ("x-role", "admin")];
    let (status, made) = ask(&server, Method::POST, teams, &admin).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let (_, again) = ask(&server, Method::GET, whoami, &admin).await;
    assert_eq!(again["id"], first["id"]);
    assert_eq!(again["role"], "admin");
}

#[tokio::test]
async fn with_a_host_there_is_nothing_to_log_in_to_and_other_websites_change_nothing() {
    let (_dir, server) = host().await;
    for path in ["/auth/login/", "/auth/link/00/"] {
        let page = ask(&server, Method::GET, path, &[]).await;
        assert_eq!(page.0, StatusCode::NOT_FOUND, "{path}");
    }
    let login = ask(&server, Method::POST, "/api/0/auth/", &[]).await;
    assert_eq!(login.0, StatusCode::NOT_FOUND);
    let headers = [
        ("x-person", "a@example.com"),
        ("x-role", "admin"),
        ("sec-fetch-site", "cross-site"),
    ];
    let path = "/api/0/organizations/my-organisation/teams/";
    let refused = ask(&server, Method::POST, path, &headers).await;
    assert_eq!(refused.0, StatusCode::FORBIDDEN);
    assert_eq!(refused.1["code"], "other_website");
}
