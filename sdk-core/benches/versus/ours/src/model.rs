//! Mini Sentry's model, for the rows that need no client.

use std::error::Error;

use mini_sentry::envelope::Envelope;
use mini_sentry::protocol::Event;
use serde_json::Value;

use crate::child::sample::ImageKeys;

pub const IMAGE_KEYS: ImageKeys = ImageKeys {
    id: "debug_id",
    file: "code_file",
};

pub fn envelope(event: Value) -> Result<Envelope, Box<dyn Error>> {
    let event: Event = serde_json::from_value(event)?;
    let mut envelope = Envelope::default();
    envelope.header.event_id = event.event_id;
    envelope.add(event);
    Ok(envelope)
}

pub fn write(envelope: &Envelope, out: &mut Vec<u8>) -> std::io::Result<()> {
    envelope.write_to(out)
}
