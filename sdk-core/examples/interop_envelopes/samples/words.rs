//! What users say, in the new form and in the old one.

use mini_sentry::protocol::{EventId, Feedback, UserReport};
use serde_json::json;

use super::expected::{Spelled, TraceIds, facts, with};
use super::stage::{SERVER, Stage};
use super::{Sample, Samples};

/// The event that the words are about.
const ABOUT: &str = "211e1809ec764b5ab4aaaf1e9dde1279";

pub(super) fn samples() -> Samples {
    let about: EventId = ABOUT.parse()?;
    Ok(vec![feedback(about)?, user_report(about)?])
}

fn feedback(about: EventId) -> Result<Sample, String> {
    let stage = Stage::new(|options| options.server_name(SERVER));
    let ((id, trace), bytes) = stage.play_one(|| {
        mini_sentry::set_tag("page", "cart");
        let id = mini_sentry::capture_feedback(Feedback {
            message: Some("the button does nothing\nat all".to_owned()),
            contact_email: Some("a@example.com".to_owned()),
            name: Some("user-42".to_owned()),
            url: Some("http://shop.example.com/cart".to_owned()),
            associated_event_id: Some(about),
            source: Some("widget".to_owned()),
            ..Feedback::default()
        });
        (id, TraceIds::current())
    })?;
    let payload = with(
        facts(&id, &trace.context()),
        json!({
            "type": "feedback",
            "level": "info",
            "tags": {"page": "cart"},
            "contexts": {"feedback": {
                "message": "the button does nothing\nat all",
                "contact_email": "a@example.com",
                "name": "user-42",
                "url": "http://shop.example.com/cart",
                "associated_event_id": ABOUT,
                "source": "widget",
            }},
        }),
    );
    let spelled = Spelled::of_event(&id, &trace.header()).item("feedback", payload);
    Ok(Sample::new("feedback", bytes, spelled))
}

fn user_report(about: EventId) -> Result<Sample, String> {
    let stage = Stage::new(|options| options);
    let (_, bytes) = stage.play_one(|| {
        mini_sentry::capture_user_report(UserReport {
            event_id: Some(about),
            name: Some("user-42".to_owned()),
            email: Some("a@example.com".to_owned()),
            comments: Some("it broke ☹".to_owned()),
            ..UserReport::default()
        });
    })?;
    let payload = json!({
        "event_id": ABOUT,
        "name": "user-42",
        "email": "a@example.com",
        "comments": "it broke ☹",
    });
    let spelled = Spelled::new().item("user_report", payload);
    Ok(Sample::new("user-report", bytes, spelled))
}
