//! What all envelopes of a kind have in common, spelled out.

use serde_json::{Value, json};

use super::stage::{DIST, ENVIRONMENT, PUBLIC_KEY, RELEASE, SERVER, START};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// An expected envelope.
pub(super) struct Spelled {
    header: Value,
    items: Vec<Value>,
}

impl Spelled {
    /// An envelope that belongs to no event.
    pub(super) fn new() -> Self {
        let sdk = json!({"name": "mini-sentry.rust", "version": VERSION});
        Self {
            header: json!({"sent_at": START, "sdk": sdk}),
            items: Vec::new(),
        }
    }

    /// An envelope that belongs to an event.
    pub(super) fn of_event(id: &impl ToString, trace: &Value) -> Self {
        let own = json!({"event_id": id.to_string(), "trace": trace});
        let Self { header, items } = Self::new();
        Self {
            header: with(header, own),
            items,
        }
    }

    /// Sent at another time than the start.
    pub(super) fn sent_at(mut self, at: &str) -> Self {
        self.header = with(self.header, json!({"sent_at": at}));
        self
    }

    /// With an item whose header says no more than the type.
    pub(super) fn item(self, kind: &str, payload: Value) -> Self {
        self.item_with(json!({"type": kind}), payload)
    }

    /// With an item.
    pub(super) fn item_with(mut self, header: Value, payload: Value) -> Self {
        let item = [("header", header), ("payload", payload)];
        self.items.push(item.into_iter().collect());
        self
    }
}

impl From<Spelled> for Value {
    fn from(Spelled { header, items }: Spelled) -> Self {
        json!({"header": header, "items": items})
    }
}

/// The ids of the trace that the current scope belongs to, from the headers for other programs.
#[derive(Clone)]
pub(super) struct TraceIds {
    pub(super) trace: String,
    pub(super) span: String,
}

impl TraceIds {
    /// The trace of the current scope.
    pub(super) fn current() -> Self {
        let headers = mini_sentry::trace_headers();
        let sentry = headers.iter().find(|(name, _)| *name == "sentry-trace");
        let mut parts = sentry.map_or("", |(_, value)| value).split('-');
        Self {
            trace: parts.next().unwrap_or_default().to_owned(),
            span: parts.next().unwrap_or_default().to_owned(),
        }
    }

    /// The envelope's `trace` of an event without a transaction.
    pub(super) fn header(&self) -> Value {
        json!({
            "trace_id": self.trace,
            "public_key": PUBLIC_KEY,
            "release": RELEASE,
            "environment": ENVIRONMENT,
        })
    }

    /// The trace context of such an event.
    pub(super) fn context(&self) -> Value {
        json!({"trace_id": self.trace, "span_id": self.span})
    }
}

/// What every event and transaction says.
pub(super) fn facts(id: &impl ToString, trace: &Value) -> Value {
    json!({
        "event_id": id.to_string(),
        "timestamp": START,
        "platform": "native",
        "release": RELEASE,
        "dist": DIST,
        "environment": ENVIRONMENT,
        "server_name": SERVER,
        "contexts": {
            "os": {"name": "Linux", "version": "12.11", "kernel_version": "6.1.0"},
            "device": {"arch": "x86_64"},
            "runtime": {"name": "rustc", "version": "1.95.0"},
            "trace": trace,
        },
        "sdk": {
            "name": "mini-sentry.rust",
            "version": VERSION,
            "packages": [{"name": "cargo:mini-sentry", "version": VERSION}],
        },
    })
}

/// One object over another: what `more` says wins, objects in both are joined.
pub(super) fn with(base: Value, more: Value) -> Value {
    match (base, more) {
        (Value::Object(mut base), Value::Object(more)) => {
            for (key, value) in more {
                let joined = match base.remove(&key) {
                    Some(old) => with(old, value),
                    None => value,
                };
                base.insert(key, joined);
            }
            Value::Object(base)
        }
        (_, more) => more,
    }
}

/// An id in the payload of an envelope's first item, for those that no call returns.
pub(super) fn first_id(envelope: &[u8], key: &str) -> Result<String, String> {
    let line = envelope
        .split(|byte| *byte == b'\n')
        .nth(2)
        .unwrap_or_default();
    let payload: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let id = payload.get(key).and_then(Value::as_str);
    id.map(str::to_owned)
        .ok_or(format!("the first item has no {key}"))
}
