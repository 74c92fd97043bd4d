//! What users say: the older report about an event, and feedback of its own.

use crate::protocol::contexts::Context;
use crate::protocol::event::Event;
use crate::protocol::ids::EventId;
use crate::protocol::interface::interface;
use crate::protocol::lenient::Object;
use crate::protocol::level::Level;

interface! {
    /// What a user said about an event, in the older form.
    pub struct UserReport {
        /// The event.
        pub event_id: Option<EventId>,
        /// Name of the user.
        pub name: Option<String>,
        /// E-mail address of the user.
        pub email: Option<String>,
        /// What the user said.
        pub comments: Option<String>,
    }
}

interface! {
    /// What a user said; travels as the `feedback` context of an event.
    pub struct Feedback {
        /// What the user said.
        pub message: Option<String>,
        /// E-mail address of the user.
        pub contact_email: Option<String>,
        /// Name of the user.
        pub name: Option<String>,
        /// The page.
        pub url: Option<String>,
        /// The event that it is about.
        pub associated_event_id: Option<EventId>,
        /// The replay that shows it.
        pub replay_id: Option<EventId>,
        /// Where it was said, such as `widget`.
        pub source: Option<String>,
    }
}

impl Feedback {
    /// The event that carries the feedback.
    #[must_use]
    pub fn into_event(self) -> Event {
        let mut event = Event {
            ty: Some("feedback".to_owned()),
            level: Some(Level::Info),
            ..Event::default()
        };
        if let Ok(serde_json::Value::Object(object)) = serde_json::to_value(&self) {
            event
                .contexts
                .insert("feedback".to_owned(), Context::Other(object));
        }
        event
    }

    /// The feedback that an event carries.
    #[must_use]
    pub fn from_event(event: &Event) -> Option<Self> {
        match event.contexts.get("feedback")? {
            Context::Other(object) => {
                let object: Object = object.clone();
                serde_json::from_value(serde_json::Value::Object(object)).ok()
            }
            _ => None,
        }
    }
}
