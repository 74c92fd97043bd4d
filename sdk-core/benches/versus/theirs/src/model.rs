//! The `sentry` crate's model, for the rows that need no client.

use std::error::Error;

use sentry::{Envelope, protocol::Event};
use serde_json::Value;

use crate::child::sample::ImageKeys;

pub const IMAGE_KEYS: ImageKeys = ImageKeys {
    id: "id",
    file: "name",
};

pub fn envelope(event: Value) -> Result<Envelope, Box<dyn Error>> {
    let event: Event<'static> = serde_json::from_value(event)?;
    Ok(Envelope::from(event))
}

pub fn write(envelope: &Envelope, out: &mut Vec<u8>) -> std::io::Result<()> {
    envelope.to_writer(out)
}
