//! Ingest: where SDKs, browsers, crash handlers, exporters and log shippers send.
//!
//! No handler decides by the media type what it can tell by the body, because clients send all
//! sorts of them.

use axum::Router;
use axum::routing::{get, post};

use super::EitherSlash;
use crate::config::HttpConfig;
use crate::state::AppState;

pub(in crate::web) mod address;
mod answer;
mod attachments;
mod caller;
mod check_in;
mod dialog;
mod envelope;
mod feedback;
mod incoming;
mod logs;
mod minidump;
mod multipart;
mod otlp;
mod own;
mod security;
mod store;

/// Returns the routes.
pub fn routes(config: &HttpConfig) -> Router<AppState> {
    let routes = Router::new()
        .either("/api/{project}/envelope/", post(envelope::receive))
        .either(
            "/api/{project}/store/",
            post(store::receive).get(store::pixel),
        )
        .either("/api/store/", post(store::receive).get(store::pixel))
        .either("/api/{project}/logs/", post(logs::receive))
        .either("/api/{project}/security/", post(security::receive))
        .either("/api/{project}/csp-report/", post(security::receive))
        .either("/api/{project}/nel/", post(security::receive_nel))
        .either("/api/{project}/minidump/", post(minidump::receive))
        .either(
            "/api/{project}/events/{event_id}/attachments/",
            post(attachments::receive),
        )
        .either(
            "/api/{project}/cron/{slug}/",
            get(check_in::receive).post(check_in::receive),
        )
        .either(
            "/api/{project}/cron/{slug}/{key}/",
            get(check_in::receive).post(check_in::receive),
        )
        .either(
            "/api/{project}/integration/otlp/v1/traces/",
            post(otlp::traces),
        )
        .either("/api/{project}/integration/otlp/v1/logs/", post(otlp::logs))
        .either("/api/{project}/otlp/v1/traces/", post(otlp::traces))
        .either("/api/{project}/otlp/v1/logs/", post(otlp::logs))
        .either(
            "/api/embed/error-page/",
            get(dialog::show).post(dialog::submit),
        )
        .either(
            "/api/0/projects/{organisation}/{name}/user-feedback/",
            post(feedback::receive),
        )
        .either("/api/events/ingest/{slug}/", post(own::event_by_slug))
        .either(
            "/api/events/ingest/token/{token}/",
            post(own::event_by_token),
        )
        .either(
            "/api/sessions/ingest/token/{token}/",
            post(own::session_by_token),
        );
    match tunnel_path(config) {
        Some(path) => routes.either(path, post(envelope::receive)),
        None => routes,
    }
}

/// Returns the path of the tunnel, unless it is switched off or would hide another route.
fn tunnel_path(config: &HttpConfig) -> Option<&str> {
    let path = config.tunnel_path.as_deref()?;
    let is_plain = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_./~".contains(&byte));
    let is_free = ["/api", "/ws", "/_", "/metrics", "/docs"]
        .iter()
        .all(|taken| !path.starts_with(taken));
    if path.len() > 1 && path.starts_with('/') && is_plain && is_free {
        return Some(path);
    }
    tracing::warn!(path, "the tunnel is off, because its path cannot be used");
    None
}
