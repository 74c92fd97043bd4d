//! The headers `sentry-trace`, `baggage` and W3C `traceparent`: reading and writing.

use std::fmt::{self, Write as _};

use crate::envelope::TraceHeader;
use crate::protocol::{SpanId, TraceId};

/// Bytes of a baggage header that are read; more is not a header of ours.
const MAX_BAGGAGE_BYTES: usize = 8192;

/// The `sentry-trace` header: `trace-span` or `trace-span-sampled`.
///
/// ```
/// use mini_sentry::SentryTrace;
/// let header = SentryTrace::parse("09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1").unwrap();
/// assert_eq!(header.sampled, Some(true));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentryTrace {
    /// The trace.
    pub trace_id: TraceId,
    /// The span that called.
    pub span_id: SpanId,
    /// What the caller decided, if it did.
    pub sampled: Option<bool>,
}

impl SentryTrace {
    /// Reads the header; `None` when it is malformed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (trace_id, span_id) = ids(parts.next()?, parts.next()?)?;
        let sampled = match parts.next() {
            None => None,
            Some("1") => Some(true),
            Some("0") => Some(false),
            Some(_) => return None,
        };
        parts.next().is_none().then_some(Self {
            trace_id,
            span_id,
            sampled,
        })
    }
}

fn ids(trace: &str, span: &str) -> Option<(TraceId, SpanId)> {
    let trace_id: TraceId = trace.parse().ok()?;
    let span_id: SpanId = span.parse().ok()?;
    (!trace_id.is_nil() && !span_id.is_nil()).then_some((trace_id, span_id))
}

impl fmt::Display for SentryTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.trace_id, self.span_id)?;
        match self.sampled {
            Some(true) => f.write_str("-1"),
            Some(false) => f.write_str("-0"),
            None => Ok(()),
        }
    }
}

/// The W3C `traceparent` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace_id: TraceId,
    /// The span that called.
    pub span_id: SpanId,
    /// True when the caller keeps the trace.
    pub sampled: bool,
}

impl TraceParent {
    /// Reads the header; `None` when it is malformed or of the forbidden version `ff`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let version = hex_byte(parts.next()?)?;
        let (trace, span) = (parts.next()?, parts.next()?);
        // W3C asks for lower case, unlike Sentry's own header.
        if !is_lower_hex(trace) || !is_lower_hex(span) {
            return None;
        }
        let (trace_id, span_id) = ids(trace, span)?;
        let flags = hex_byte(parts.next()?)?;
        // Later versions may add parts behind the flags, the first one may not.
        let is_whole = version > 0 || parts.next().is_none();
        (version != 0xff && is_whole).then_some(Self {
            trace_id,
            span_id,
            sampled: flags & 1 == 1,
        })
    }
}

fn hex_byte(text: &str) -> Option<u8> {
    (text.len() == 2 && is_lower_hex(text))
        .then(|| u8::from_str_radix(text, 16).ok())
        .flatten()
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{}-{}-0{}",
            self.trace_id,
            self.span_id,
            u8::from(self.sampled)
        )
    }
}

/// The `sentry-` members of a `baggage` header: the trace as its first program described it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baggage {
    /// What the members say.
    pub trace: TraceHeader,
}

impl Baggage {
    /// Reads the header; `None` when it has no member of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let end = (0..=MAX_BAGGAGE_BYTES.min(text.len()))
            .rev()
            .find(|end| text.is_char_boundary(*end));
        let text = text.get(..end.unwrap_or_default()).unwrap_or_default();
        let mut fields = crate::protocol::Object::new();
        for member in text.split(',') {
            let member = member.split(';').next().unwrap_or_default();
            let Some((key, value)) = member.split_once('=') else {
                continue;
            };
            if let Some(key) = key.trim().strip_prefix("sentry-") {
                fields.insert(key.to_owned(), percent_decode(value.trim()).into());
            }
        }
        if fields.is_empty() {
            return None;
        }
        crate::protocol::read::from_value(fields.into()).map(|trace| Self { trace })
    }
}

impl fmt::Display for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(&self.trace) else {
            return Ok(());
        };
        let mut separator = "";
        for (key, value) in &fields {
            if let Some(text) = value.as_str() {
                write!(f, "{separator}sentry-{key}={}", PercentEncoded(text))?;
                separator = ",";
            }
        }
        Ok(())
    }
}

fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first == b'%'
            && let [high, low, behind @ ..] = behind
            && let Ok(pair) = std::str::from_utf8(&[*high, *low])
            && let Ok(byte) = u8::from_str_radix(pair, 16)
        {
            out.push(byte);
            rest = behind;
        } else {
            out.push(*first);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

struct PercentEncoded<'a>(&'a str);

impl fmt::Display for PercentEncoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'a'..=b'z'
                | b'A'..=b'Z'
                | b'0'..=b'9'
                | b'-'
                | b'_'
                | b'.'
                | b'~'
                | b'@'
                | b'+'
                | b'/'
                | b':' => {
                    f.write_char(char::from(byte))?;
                }
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

/// What a request's headers say about the trace that it belongs to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceHeaders {
    sentry_trace: Option<SentryTrace>,
    traceparent: Option<TraceParent>,
    baggage: Option<Baggage>,
}

impl TraceHeaders {
    /// Picks the trace headers out of a request's headers, whatever the case of their names.
    pub fn from_headers<K: AsRef<str>, V: AsRef<str>>(
        headers: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut out = Self::default();
        for (name, value) in headers {
            let (name, value) = (name.as_ref(), value.as_ref());
            if name.eq_ignore_ascii_case("sentry-trace") {
                out.sentry_trace = SentryTrace::parse(value);
            } else if name.eq_ignore_ascii_case("traceparent") {
                out.traceparent = TraceParent::parse(value);
            } else if name.eq_ignore_ascii_case("baggage") {
                out.baggage = Baggage::parse(value).or(out.baggage);
            }
        }
        out
    }

    /// The trace, the calling span and the caller's decision. `sentry-trace` wins over
    /// `traceparent`; the latter's "not sampled" is only a hint, since other tools set it.
    #[must_use]
    pub fn parent(&self) -> Option<SentryTrace> {
        self.sentry_trace.or_else(|| {
            let TraceParent {
                trace_id,
                span_id,
                sampled,
            } = self.traceparent?;
            Some(SentryTrace {
                trace_id,
                span_id,
                sampled: sampled.then_some(true),
            })
        })
    }

    /// How the first program described the trace.
    #[must_use]
    pub fn description(&self) -> Option<&TraceHeader> {
        self.baggage.as_ref().map(|baggage| &baggage.trace)
    }
}
