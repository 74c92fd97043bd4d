//! Requests as JSON, walked to their entries.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Entry, MAX_ENTRY_BYTES, Signal, Take, Unreadable, attributes};

type Raw<'a> = Option<Vec<&'a RawValue>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    resource_logs: Raw<'a>,
    #[serde(borrow)]
    resource_spans: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfResource<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    scope_logs: Raw<'a>,
    #[serde(borrow)]
    scope_spans: Raw<'a>,
    // Exporters of the years before 1.0 call them so.
    #[serde(borrow)]
    instrumentation_library_logs: Raw<'a>,
    #[serde(borrow)]
    instrumentation_library_spans: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfScope<'a> {
    #[serde(borrow)]
    log_records: Raw<'a>,
    #[serde(borrow)]
    logs: Raw<'a>,
    #[serde(borrow)]
    spans: Raw<'a>,
}

/// Gives every entry to `take`.
pub(super) fn walk(body: &[u8], signal: Signal, take: &mut Take<'_>) -> Result<(), Unreadable> {
    let request: Request<'_> = serde_json::from_slice(body).map_err(|_| Unreadable::Json)?;
    let resources = match signal {
        Signal::Logs => request.resource_logs,
        Signal::Spans => request.resource_spans,
    };
    for resource in resources.into_iter().flatten() {
        let group: OfResource<'_> = read(resource)?;
        let about = about(group.resource)?;
        let scopes = match signal {
            Signal::Logs => group.scope_logs.or(group.instrumentation_library_logs),
            Signal::Spans => group.scope_spans.or(group.instrumentation_library_spans),
        };
        for scope in scopes.into_iter().flatten() {
            let scope: OfScope<'_> = read(scope)?;
            let entries = match signal {
                Signal::Logs => scope.log_records.or(scope.logs),
                Signal::Spans => scope.spans,
            };
            for entry in entries.into_iter().flatten() {
                take(&about, Entry::Json(entry.get()));
            }
        }
    }
    Ok(())
}

fn about(resource: Option<&RawValue>) -> Result<Map<String, Value>, Unreadable> {
    let Some(resource) = resource else {
        return Ok(Map::new());
    };
    if resource.get().len() > MAX_ENTRY_BYTES {
        return Err(Unreadable::ResourceTooLarge);
    }
    Ok(attributes::read(&read::<Value>(resource)?))
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Unreadable> {
    serde_json::from_str(raw.get()).map_err(|_| Unreadable::Json)
}
