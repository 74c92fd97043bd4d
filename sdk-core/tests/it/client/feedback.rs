//! What users say.

use mini_sentry::envelope::{ItemKind, Payload};
use mini_sentry::protocol::{Feedback, UserReport};
use mini_sentry::test::with_captured_envelopes;
use mini_sentry::{Level, capture_feedback, capture_message, capture_user_report};

use super::stage::{items, kinds};

#[test]
fn feedback_travels_as_an_item_of_its_own_with_all_it_says() {
    let mut feedback = Feedback {
        message: Some("the button does nothing".to_owned()),
        contact_email: Some("a@example.com".to_owned()),
        name: Some("user-42".to_owned()),
        url: Some("http://localhost/cart".to_owned()),
        ..Feedback::default()
    };
    let sent = with_captured_envelopes(|| {
        feedback.associated_event_id = Some(capture_message("broken", Level::Error));
        let id = capture_feedback(feedback.clone());
        assert_ne!(Some(id), feedback.associated_event_id);
    });
    assert_eq!(kinds(&sent), [ItemKind::Event, ItemKind::Feedback]);
    let Payload::Feedback(event) = &sent[1].items[0].payload else {
        panic!("feedback is an event");
    };
    assert_eq!(Feedback::from_event(event), Some(feedback));
    assert_eq!(event.event_id, sent[1].event_id());
}

#[test]
fn a_user_report_travels_as_it_is() {
    let mut report = UserReport {
        name: Some("user-42".to_owned()),
        email: Some("a@example.com".to_owned()),
        comments: Some("it broke".to_owned()),
        ..UserReport::default()
    };
    let sent = with_captured_envelopes(|| {
        report.event_id = Some(capture_message("broken", Level::Error));
        capture_user_report(report.clone());
    });
    let last = items(&sent).last().unwrap();
    assert_eq!(last.payload, Payload::UserReport(report));
}
