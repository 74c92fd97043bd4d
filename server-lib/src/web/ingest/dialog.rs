//! The dialog that asks a user what happened: a script for the page, and what the user answers.

use axum::Form;
use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{StatusCode, header};
use mini_sentry::dsn::Dsn;
use mini_sentry::protocol::EventId;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::feedback::{self, UserReport};
use super::incoming::Incoming;
use crate::accept::{Claim, Refusal, Sender};
use crate::model::ids::ProjectId;
use crate::state::AppState;
use crate::web::error::ApiError;
use crate::web::extract::Pairs;

/// A function of the settings.
const SCRIPT: &str = include_str!("dialog.js");

/// The texts that a page may replace, with what they say otherwise.
const TEXTS: &[(&str, &str)] = &[
    ("title", "It looks like we’re having issues."),
    ("subtitle", "Our team has been notified."),
    (
        "subtitle2",
        "If you’d like to help, tell us what happened below.",
    ),
    ("labelName", "Name"),
    ("labelEmail", "Email"),
    ("labelComments", "What happened?"),
    ("labelClose", "Close"),
    ("labelSubmit", "Submit"),
    (
        "errorGeneric",
        "An unknown error occurred while submitting your report. Please try again.",
    ),
    (
        "errorFormEntry",
        "Some fields were invalid. Please correct the errors and try again.",
    ),
    ("successMessage", "Your feedback has been sent. Thank you!"),
];

pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    query: Pairs,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&query)?;
    asked.sender(&state, &caller.claim).await?;
    let script = script(&asked, &query);
    let content_type = (header::CONTENT_TYPE, "text/javascript; charset=utf-8");
    let cache = (header::CACHE_CONTROL, "no-store");
    Ok(([content_type, cache], script).into_response())
}

pub(super) async fn submit(
    State(state): State<AppState>,
    caller: Caller,
    query: Pairs,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&query)?;
    let sender = asked.sender(&state, &caller.claim).await?;
    let body = incoming.read(&state).await?;
    let form = form(body.clone()).await;
    let field = |name| form.first(name).unwrap_or_default().trim().to_owned();
    let report = UserReport {
        event_id: asked.event_id,
        name: field("name"),
        email: field("email"),
        comments: field("comments"),
    };
    let missing: Map<String, Value> = [
        ("name", report.name.is_empty()),
        ("email", !report.email.contains('@')),
        ("comments", report.comments.is_empty()),
    ]
    .into_iter()
    .filter(|(_, is_missing)| *is_missing)
    .map(|(name, _)| (name.to_owned(), json!(["This field is required."])))
    .collect();
    if !missing.is_empty() {
        let told = axum::Json(json!({ "errors": missing }));
        return Ok((StatusCode::BAD_REQUEST, told).into_response());
    }
    feedback::check(&report)?;
    feedback::store(&state, &sender, &caller.facts, &report).await?;
    Ok(axum::Json(json!({})).into_response())
}

/// For which event of which project.
struct Asked {
    dsn: Dsn,
    event_id: EventId,
}

impl Asked {
    fn read(query: &Pairs) -> Result<Self, ApiError> {
        let dsn = query.first("dsn").ok_or(Refusal::MissingKey)?;
        let dsn = Dsn::parse(dsn)
            .map_err(|_| Refusal::MalformedAuth("the query's dsn is not readable".to_owned()))?;
        let event_id = query
            .first("eventId")
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| {
                ApiError::invalid("missing_event", "the query has no eventId").for_sdk()
            })?;
        Ok(Self { dsn, event_id })
    }

    async fn sender(&self, state: &AppState, claim: &Claim) -> Result<Sender, Refusal> {
        let project = u32::try_from(self.dsn.project_id()).map_err(|_| Refusal::WrongProject)?;
        let claim = Claim {
            public_key: Some(self.dsn.public_key().to_owned()),
            project: Some(ProjectId(project)),
            origin: claim.origin.clone(),
        };
        state.acceptor.admit_fresh(&claim).await
    }
}

/// Reads a form as browsers send it; one that cannot be read has no fields.
async fn form(body: Bytes) -> Pairs {
    let content_type = "application/x-www-form-urlencoded";
    let request = Request::post("/")
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::from(body));
    let Ok(request) = request else {
        return Pairs::default();
    };
    match Form::<Vec<(String, String)>>::from_request(request, &()).await {
        Ok(Form(pairs)) => pairs.into_iter().collect(),
        Err(_) => Pairs::default(),
    }
}

/// Writes the script: the function, called with settings that cannot be anything but data.
fn script(asked: &Asked, query: &Pairs) -> String {
    let texts: Map<String, Value> = TEXTS
        .iter()
        .map(|(name, text)| {
            let text = query.first(name).unwrap_or(text);
            ((*name).to_owned(), json!(text))
        })
        .collect();
    let dsn = &asked.dsn;
    let id = asked.event_id;
    // The secret of an old DSN does not belong into an address.
    let plain_dsn = format!(
        "{}://{}@{}{}/{}",
        dsn.scheme(),
        dsn.public_key(),
        dsn.origin().split_once("://").map_or("", |(_, host)| host),
        dsn.path(),
        dsn.project_id()
    );
    let settings = json!({
        "endpoint": format!(
            "{}{}/api/embed/error-page/?eventId={id}&dsn={}",
            dsn.origin(), dsn.path(), percent_encode(&plain_dsn)
        ),
        "text": texts,
        "user": {
            "name": query.first("name").unwrap_or_default(),
            "email": query.first("email").unwrap_or_default(),
        },
    });
    format!(
        "{}({});\n",
        SCRIPT.trim_end(),
        escape(&settings.to_string())
    )
}

/// Escapes JSON so that it may stand in a script, and in a page that holds the script.
fn escape(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            c => text.push(c),
        }
    }
    text
}

fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked {
            dsn: Dsn::parse("https://aaaa:secret@errors.example.com/base/7").unwrap(),
            event_id: EventId::from_bytes([1; 16]),
        }
    }

    #[test]
    fn nothing_that_the_page_gives_can_leave_its_quotes() {
        let evil = "</script><img src=x onerror=alert(1)>\"\\\u{2028}";
        let query: Pairs = [("title", evil), ("name", evil)].into_iter().collect();
        let script = script(&asked(), &query);
        let settings = script.rsplit_once("})(").unwrap().1;
        assert!(!settings.contains('<') && !settings.contains('\u{2028}'));
        let settings = settings.trim_end().trim_end_matches(");");
        let settings: Value = serde_json::from_str(settings).unwrap();
        assert_eq!(settings["text"]["title"], evil);
        assert_eq!(settings["user"]["name"], evil);
    }

    #[test]
    fn the_answer_goes_to_the_address_of_the_dsn_without_its_secret() {
        let script = script(&asked(), &Pairs::default());
        let id = "01".repeat(16);
        let endpoint = format!(
            "https://errors.example.com/base/api/embed/error-page/?eventId={id}\\u0026dsn=\
             https%3A%2F%2Faaaa%40errors.example.com%2Fbase%2F7"
        );
        assert!(script.contains(&endpoint), "{script}");
        assert!(!script.contains("secret"));
    }

    #[tokio::test]
    async fn a_form_is_read_as_browsers_write_it() {
        let body = Bytes::from_static(b"name=user+42&email=a%40example.com&comments=a%26b%0Ac");
        let form = form(body).await;
        assert_eq!(form.first("name"), Some("user 42"));
        assert_eq!(form.first("email"), Some("a@example.com"));
        assert_eq!(form.first("comments"), Some("a&b\nc"));
        let nonsense = super::form(Bytes::from_static(b"\xff\x00 \x01")).await;
        assert_eq!(nonsense.first("name"), None);
    }
}
