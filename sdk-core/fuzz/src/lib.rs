//! What must hold for any input at all, one function for each fuzz target.
//!
//! The property tests of `tests/it` drive the same functions on a stable compiler.

use mini_sentry::auth::Auth;
use mini_sentry::dsn::Dsn;
use mini_sentry::envelope::{
    Envelope, EnvelopeError, EnvelopeReader, EnvelopeStream, ItemHeader, StreamEvent,
};
use mini_sentry::limits::{self, EnvelopeLimits};
use mini_sentry::protocol::lenient::Lenient;
use mini_sentry::protocol::read::{ReadError, from_json};
use mini_sentry::protocol::{
    CheckIn, ClientReport, Event, EventId, Items, Log, SessionAggregates, SessionUpdate, SpanId,
    SpanV2, Timestamp, TraceMetric, Transaction, UserReport,
};
use mini_sentry::ratelimit::{DataCategory, RateLimit, RateLimits};
use serde::Serialize;

/// What a reader saw of one item, or why it saw none.
type Frame = Result<(ItemHeader, Vec<u8>), EnvelopeError>;

/// An envelope: both readers agree, and what was read can be written and read again.
pub fn envelope(body: &[u8]) {
    // The input itself decides how it is cut.
    let piece = usize::from(body.last().copied().unwrap_or(0)).saturating_add(1);
    let frames = framed(body);
    assert_eq!(frames, streamed(body, piece), "the readers disagree");
    let Ok(parsed) = Envelope::parse(body) else {
        assert_eq!(frames.len(), 1, "a framed envelope was refused");
        return;
    };
    let items = parsed.envelope.items.len();
    assert_eq!(items.saturating_add(parsed.faults.len()), frames.len());
    assert!(parsed.notes.len() <= limits::MAX_NOTES, "too many notes");

    // What is written may be longer than what was sent, so only its form is looked at.
    let roomy = EnvelopeLimits::default()
        .max_header_line_bytes(usize::MAX)
        .max_check_in_bytes(usize::MAX)
        .max_client_report_bytes(usize::MAX);
    let written = parsed.envelope.to_vec();
    let again = Envelope::parse_within(&written, &roomy).map(|again| {
        let is_whole = again.faults.iter().all(|fault| fault.code() == "too_deep");
        assert!(is_whole, "a written item was refused: {:?}", again.faults);
        assert!(
            again.notes.is_empty(),
            "a written value was noted: {:?}",
            again.notes
        );
        if again.faults.is_empty() {
            assert_eq!(again.envelope.to_vec(), written, "writing again changed it");
        }
    });
    assert_eq!(again, Ok(()), "a written envelope was refused");
}

fn framed(body: &[u8]) -> Vec<Frame> {
    match EnvelopeReader::new(body, &EnvelopeLimits::default()) {
        Ok(reader) => reader
            .map(|item| item.map(|item| (item.header, item.payload.to_vec())))
            .collect(),
        Err(error) => vec![Err(error)],
    }
}

fn streamed(body: &[u8], piece: usize) -> Vec<Frame> {
    let mut stream = EnvelopeStream::new(&EnvelopeLimits::default());
    let mut frames = Vec::new();
    let mut open = None;
    let mut take = |step: Result<StreamEvent<'_>, EnvelopeError>| match step {
        Ok(StreamEvent::ItemStart(header)) => open = Some((header, Vec::new())),
        Ok(StreamEvent::ItemData(bytes)) => {
            if let Some((_, payload)) = &mut open {
                payload.extend_from_slice(bytes);
            }
        }
        Ok(StreamEvent::ItemEnd) => frames.extend(open.take().map(Ok)),
        Ok(_) => {}
        Err(error) => {
            open = None;
            frames.push(Err(error));
        }
    };
    for mut piece in body.chunks(piece) {
        while let Some(step) = stream.advance(&mut piece) {
            take(step);
        }
    }
    while let Some(step) = stream.finish() {
        take(step);
    }
    frames
}

/// JSON: every type reads it or refuses it, and what it writes reads as the same.
pub fn event(json: &[u8]) {
    if let Ok(event) = Event::from_json(json) {
        assert_bounded(&event);
        assert_settled(&event, Event::from_json);
    }
    if let Ok(transaction) = Transaction::from_json(json) {
        assert_settled(&transaction, Transaction::from_json);
    }
    settles::<SessionUpdate>(json);
    settles::<SessionAggregates>(json);
    settles::<CheckIn>(json);
    settles::<ClientReport>(json);
    settles::<UserReport>(json);
    settles::<Items<Log>>(json);
    settles::<Items<TraceMetric>>(json);
    settles::<Items<SpanV2>>(json);
}

fn assert_bounded(event: &Event) {
    let maps = [event.tags.len(), event.modules.len(), event.contexts.len()];
    let lists = [
        event.exception.len(),
        event.breadcrumbs.len(),
        event.threads.len(),
        event.fingerprint.len(),
        event.errors.len().saturating_sub(limits::MAX_NOTES),
    ];
    for length in maps {
        assert!(length <= limits::MAX_MAP_ENTRIES, "a map of {length}");
    }
    for length in lists {
        assert!(length <= limits::MAX_LIST_ITEMS, "a list of {length}");
    }
}

fn settles<T: Lenient + Serialize>(json: &[u8]) {
    let Ok((value, notes)) = from_json::<T>(json) else {
        return;
    };
    assert!(
        notes.into_vec().len() <= limits::MAX_NOTES,
        "too many notes"
    );
    assert_settled(&value, |json| {
        let (value, notes) = from_json::<T>(json)?;
        assert!(notes.is_empty(), "a written value was noted: {notes:?}");
        Ok(value)
    });
}

/// Fails unless what is written reads and writes again as it stands.
fn assert_settled<T: Serialize>(value: &T, read: impl Fn(&[u8]) -> Result<T, ReadError>) {
    let written = serde_json::to_vec(value).unwrap_or_default();
    match read(&written) {
        Ok(again) => {
            let again = serde_json::to_vec(&again).unwrap_or_default();
            assert_eq!(
                String::from_utf8_lossy(&again),
                String::from_utf8_lossy(&written),
                "writing again changed it"
            );
        }
        // The list that wraps values is one level, and a note is longer than its value.
        Err(ReadError::TooDeep { .. } | ReadError::TooLarge { .. }) => {}
        Err(error) => assert_eq!(error.to_string(), "", "what was written is refused"),
    }
}

/// One line of text: DSNs, authentication, rate limits, times and identifiers.
pub fn dsn(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(dsn) = Dsn::parse(&text) {
        assert_eq!(Dsn::parse(&dsn.to_string()), Ok(dsn.clone()));
        let auth = dsn.to_auth("fuzz/1.0");
        assert_eq!(Auth::parse_header(&auth.to_header()), Ok(auth));
        assert!(dsn.envelope_url().is_ascii(), "a url with other letters");
    }
    let auths = [
        Some(Auth::parse_header(&text)),
        Some(Auth::parse_query(&text)),
        Auth::parse_authorization(&text),
    ];
    for auth in auths.into_iter().flatten().flatten() {
        assert_eq!(Auth::parse_header(&auth.to_header()), Ok(auth.clone()));
        assert_eq!(Auth::parse_query(&auth.to_query()), Ok(auth));
    }
    let header = RateLimit::to_header(&RateLimit::parse_header(&text));
    assert_eq!(
        RateLimit::to_header(&RateLimit::parse_header(&header)),
        header
    );
    for (rate_limits, retry_after) in [(Some(&*text), None), (None, Some(&*text))] {
        let mut limits = RateLimits::default();
        limits.update_from_headers(rate_limits, retry_after, 429, 1_700_000_000_000);
        for category in DataCategory::ALL {
            let held = limits.is_limited(*category, 1_700_000_000_000);
            let seconds = held.map_or(0, |time| time.as_secs());
            assert!(
                seconds <= limits::MAX_RETRY_AFTER_SECS,
                "held for {seconds} s"
            );
        }
    }
    if let Some(at) = Timestamp::parse(&text) {
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
    }
    if let Ok(id) = text.parse::<EventId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    if let Ok(id) = text.parse::<SpanId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
}
