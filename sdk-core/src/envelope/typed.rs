//! An envelope in memory: its header and its items.

use crate::envelope::{EnvelopeHeader, Item, Payload};
use crate::protocol::{Event, EventId};

/// An envelope: what travels in one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Envelope {
    /// The first line.
    pub header: EnvelopeHeader,
    /// The items, in their order.
    pub items: Vec<Item>,
}

impl Envelope {
    /// Adds an item. The first event or transaction also gives the envelope its id.
    pub fn add(&mut self, item: impl Into<Item>) {
        let item = item.into();
        if self.header.event_id.is_none() {
            self.header.event_id = match &item.payload {
                Payload::Event(event) | Payload::Feedback(event) => event.event_id,
                Payload::Transaction(transaction) => transaction.event_id,
                _ => None,
            };
        }
        self.items.push(item);
    }

    /// The event, when the envelope holds one.
    #[must_use]
    pub fn event(&self) -> Option<&Event> {
        self.items.iter().find_map(|item| match &item.payload {
            Payload::Event(event) | Payload::Feedback(event) => Some(&**event),
            _ => None,
        })
    }

    /// The id of the event that the items belong to.
    #[must_use]
    pub fn event_id(&self) -> Option<EventId> {
        self.header.event_id
    }
}

impl<T: Into<Item>> From<T> for Envelope {
    fn from(item: T) -> Self {
        let mut envelope = Self::default();
        envelope.add(item);
        envelope
    }
}
