//! Capturing: events, messages, errors, logs, check-ins, feedback, sessions.

use crate::client::bridge::error::BridgeError;
use crate::client::bridge::handle::Bridge;
use crate::client::bridge::read::{read_level, read_value};
use crate::client::hub::Hub;
use crate::client::{check_in, logger};
use crate::protocol::read::{from_json, from_value};
use crate::protocol::{
    Attribute, CheckIn, Event, EventId, Feedback, LogLevel, Map, SessionStatus, Transaction,
};
use crate::ratelimit::DataCategory;

impl Bridge {
    /// Captures an event, or a finished transaction, given as JSON. Returns its id: 32 hex
    /// digits, all zeros when it is not kept.
    ///
    /// # Errors
    /// When there is no such scope, or the JSON cannot be read.
    pub fn capture_event(&self, scope: u64, json: &[u8]) -> Result<String, BridgeError> {
        self.guard(DataCategory::Error, || {
            let event = Event::from_json(json)?;
            let hub = self.scopes.hub(scope)?;
            if event.ty.as_deref() != Some("transaction") {
                return Ok(hub.capture_event(event).to_string());
            }
            let transaction = Transaction::from_json(json)?;
            let id = hub.client().map(|client| {
                let scope = hub.scope();
                client.capture_transaction(transaction, scope.trace_description(), Some(scope))
            });
            Ok(id.unwrap_or_default().to_string())
        })
    }

    /// Captures a message with a level. Returns its id as [`capture_event`](Self::capture_event).
    ///
    /// # Errors
    /// When there is no such scope or level.
    pub fn capture_message(
        &self,
        scope: u64,
        text: &str,
        level: &str,
    ) -> Result<String, BridgeError> {
        self.guard(DataCategory::Error, || {
            let level = read_level(level)?;
            let id = self.scopes.hub(scope)?.capture_message(text, level);
            Ok(id.to_string())
        })
    }

    /// Captures an error, given as the JSON of one exception or of a chain, oldest cause first.
    /// Returns its id as [`capture_event`](Self::capture_event).
    ///
    /// # Errors
    /// When there is no such scope, or the JSON cannot be read.
    pub fn capture_exception(&self, scope: u64, json: &[u8]) -> Result<String, BridgeError> {
        self.guard(DataCategory::Error, || {
            let event = serde_json::json!({"exception": read_value(json)?});
            let event: Event = from_value(event).unwrap_or_default();
            Ok(self.scopes.hub(scope)?.capture_event(event).to_string())
        })
    }

    /// Captures what a user said, given as the JSON of feedback. Returns its id as
    /// [`capture_event`](Self::capture_event).
    ///
    /// # Errors
    /// When there is no such scope, or the JSON cannot be read.
    pub fn capture_feedback(&self, scope: u64, json: &[u8]) -> Result<String, BridgeError> {
        self.guard(DataCategory::Feedback, || {
            let (feedback, _) = from_json::<Feedback>(json)?;
            let hub = self.scopes.hub(scope)?;
            Ok(hub.capture_event(feedback.into_event()).to_string())
        })
    }

    /// Sends a log line with others. The attributes are a JSON object of plain values.
    ///
    /// # Errors
    /// When there is no such scope or level, or the JSON cannot be read.
    pub fn capture_log(
        &self,
        scope: u64,
        level: &str,
        body: &str,
        attributes_json: Option<&[u8]>,
    ) -> Result<(), BridgeError> {
        self.guard(DataCategory::LogItem, || {
            let level =
                LogLevel::from_name(level).ok_or(BridgeError::UnknownName { what: "level" })?;
            let attributes = attributes_json.map(read_value).transpose()?;
            let attributes: Map<String, Attribute> = attributes
                .as_ref()
                .and_then(|value| value.as_object())
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), value.clone().into()))
                .collect();
            let hub = self.scopes.hub(scope)?;
            Hub::run(hub, || {
                logger::capture_log(level, body.to_owned(), attributes)
            });
            Ok(())
        })
    }

    /// Sends a word from a scheduled job, given as JSON. Returns the id of the run, to be given
    /// with the next word.
    ///
    /// # Errors
    /// When the JSON cannot be read.
    pub fn capture_check_in(&self, json: &[u8]) -> Result<String, BridgeError> {
        self.guard(DataCategory::Monitor, || {
            let (word, _) = from_json::<CheckIn>(json)?;
            if !self.client.is_enabled() {
                return Ok(EventId::nil().to_string());
            }
            Ok(check_in::send(&self.client, word).to_string())
        })
    }

    /// Starts a session in a scope; one that runs there ends first. Without a release there are
    /// none.
    ///
    /// # Errors
    /// When there is no such scope.
    pub fn start_session(&self, scope: u64) -> Result<(), BridgeError> {
        self.guard(DataCategory::Session, || {
            self.scopes.hub(scope)?.start_session();
            Ok(())
        })
    }

    /// Ends the session of a scope: `exited`, `crashed` or `abnormal`.
    ///
    /// # Errors
    /// When there is no such scope or status.
    pub fn end_session(&self, scope: u64, status: &str) -> Result<(), BridgeError> {
        self.guard(DataCategory::Session, || {
            let status = SessionStatus::from_name(status);
            if !status.is_terminal() {
                return Err(BridgeError::UnknownName { what: "status" });
            }
            self.scopes.hub(scope)?.end_session(status);
            Ok(())
        })
    }
}
