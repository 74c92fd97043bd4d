//! Reading what hosts give as text or JSON.

use crate::client::bridge::error::BridgeError;
use crate::client::trace::TraceHeaders;
use crate::protocol::read::from_json;
use crate::protocol::{Level, Value};

pub(super) fn read_headers(json: &[u8]) -> Result<TraceHeaders, BridgeError> {
    let object = read_value(json)?;
    let headers = object.as_object().into_iter().flatten();
    Ok(TraceHeaders::from_headers(headers.filter_map(
        |(name, value)| Some((name.as_str(), value.as_str()?)),
    )))
}

pub(super) fn read_level(name: &str) -> Result<Level, BridgeError> {
    Level::from_name(name).ok_or(BridgeError::UnknownName { what: "level" })
}

/// Reads JSON of any kind, as leniently as everything else.
pub(super) fn read_value(json: &[u8]) -> Result<Value, BridgeError> {
    Ok(from_json::<Value>(json).map(|(value, _)| value)?)
}
