//! Sessions of the program, step by step, and sessions of requests, counted.

use mini_sentry::protocol::{Event, Exception, Level, Mechanism, SessionStatus, User};
use mini_sentry::{Hub, SessionMode};
use serde_json::{Value, json};

use super::expected::{Spelled, first_id, with};
use super::stage::{ENVIRONMENT, RELEASE, Stage};
use super::{Sample, Samples};

pub(super) fn samples() -> Samples {
    let mut samples = Vec::from(steps()?);
    samples.push(crashed()?);
    samples.push(counted()?);
    Ok(samples)
}

fn attrs() -> Value {
    json!({"release": RELEASE, "environment": ENVIRONMENT})
}

fn user(id: &str) -> Option<User> {
    Some(User {
        id: Some(id.to_owned()),
        ..User::default()
    })
}

/// A session that starts, has an error and ends.
fn steps() -> Result<[Sample; 3], String> {
    let stage = Stage::new(|options| options);
    let (_, init) = stage.play_one(|| {
        mini_sentry::set_user(user("42"));
        mini_sentry::start_session();
    })?;
    stage.wait(1_000);
    let (_, errored) = stage.play(|| mini_sentry::capture_message("oh", Level::Error))?;
    stage.wait(1_500);
    let (_, exited) = stage.play_one(mini_sentry::end_session)?;
    let [errored, _event] = <[Vec<u8>; 2]>::try_from(errored)
        .map_err(|sent| format!("expected a session and an event, got {}", sent.len()))?;
    let common = json!({
        "sid": first_id(&init, "sid")?,
        "did": "42",
        "started": "2026-01-02T03:04:05.250Z",
        "attrs": attrs(),
    });
    let step = |at: &str, own: Value| {
        let payload = with(common.clone(), with(json!({"timestamp": at}), own));
        Spelled::new().sent_at(at).item("session", payload)
    };
    Ok([
        Sample::new(
            "session-init",
            init,
            step(
                "2026-01-02T03:04:05.250Z",
                json!({
                    "init": true,
                    "seq": 0,
                    "status": "ok",
                    "errors": 0,
                }),
            ),
        ),
        Sample::new(
            "session-errored",
            errored,
            step(
                "2026-01-02T03:04:06.250Z",
                json!({
                    "seq": 1,
                    "status": "ok",
                    "errors": 1,
                }),
            ),
        ),
        Sample::new(
            "session-exited",
            exited,
            step(
                "2026-01-02T03:04:07.750Z",
                json!({
                    "seq": 2,
                    "duration": 2.5,
                    "status": "exited",
                    "errors": 1,
                }),
            ),
        ),
    ])
}

fn unhandled() -> Event {
    let mechanism = Mechanism {
        ty: Some("panic".to_owned()),
        handled: Some(false),
        ..Mechanism::default()
    };
    let exception = Exception {
        ty: Some("Unhandled".to_owned()),
        mechanism: Some(mechanism),
        ..Exception::default()
    };
    Event {
        exception: vec![exception].into(),
        ..Event::default()
    }
}

/// A session without a user that an unhandled error ends.
fn crashed() -> Result<Sample, String> {
    let stage = Stage::new(|options| options);
    let (_, init) = stage.play_one(mini_sentry::start_session)?;
    let (_, sent) = stage.play(|| mini_sentry::capture_event(unhandled()))?;
    let crashed = sent.into_iter().next().unwrap_or_default();
    let payload = json!({
        "sid": first_id(&init, "sid")?,
        "seq": 1,
        "started": "2026-01-02T03:04:05.250Z",
        "timestamp": "2026-01-02T03:04:05.250Z",
        "status": "crashed",
        "errors": 1,
        "attrs": attrs(),
    });
    let spelled = Spelled::new().item("session", payload);
    Ok(Sample::new("session-crashed", crashed, spelled))
}

/// Sessions of requests in two minutes, some with a user.
fn counted() -> Result<Sample, String> {
    let stage = Stage::new(|options| options.session_mode(SessionMode::Request));
    let (_, mut sent) = stage.play(|| {
        let request = |during: &dyn Fn()| {
            mini_sentry::start_session();
            during();
            mini_sentry::end_session();
        };
        request(&|| {});
        request(&|| {});
        request(&|| {
            mini_sentry::capture_message("oh", Level::Error);
        });
        mini_sentry::set_user(user("42"));
        request(&|| {
            mini_sentry::capture_event(unhandled());
        });
        stage.wait(60_000);
        mini_sentry::start_session();
        Hub::with(|hub| hub.end_session(SessionStatus::Abnormal));
    })?;
    // The events of these requests left before.
    let sessions = sent.pop().unwrap_or_default();
    let payload = json!({
        "attrs": attrs(),
        "aggregates": [
            {"started": "2026-01-02T03:04:00Z", "exited": 2, "errored": 1},
            {"started": "2026-01-02T03:04:00Z", "did": "42", "crashed": 1},
            {"started": "2026-01-02T03:05:00Z", "did": "42", "abnormal": 1},
        ],
    });
    let spelled = Spelled::new()
        .sent_at("2026-01-02T03:05:05.250Z")
        .item("sessions", payload);
    Ok(Sample::new("sessions", sessions, spelled))
}
