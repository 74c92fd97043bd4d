//! From the scanned fields to what the index keeps of an event.

use std::borrow::Cow;

use mini_sentry::protocol::Timestamp;

use super::{FactsInput, FrameRules, Scan, ScannedException, ScannedFrame, tags, text};
use crate::model::event::{EventFacts, EventKind, Headline, Level};
use crate::model::tag::Tags;
use crate::model::time::Millis;

/// Characters of a title.
const MAX_TITLE: usize = 200;
/// Characters of a culprit.
const MAX_CULPRIT: usize = 200;
/// Characters of a release.
pub(crate) const MAX_RELEASE: usize = 250;
/// Characters of an environment, a distribution or a platform.
pub(crate) const MAX_NAME: usize = 64;
/// An event may be so far ahead of our clock.
pub(crate) const MAX_AHEAD_MS: i64 = Millis::MINUTE;
/// An event may be so old.
pub(crate) const MAX_AGE_MS: i64 = 30 * Millis::DAY;

/// Makes the facts of an event. The same scan and input always give the same facts.
#[must_use]
pub fn derive(scan: &Scan<'_>, input: &FactsInput<'_>) -> EventFacts {
    let kind = kind_of(scan);
    let grouping = input.rules.grouping.group(scan, input.rules);
    let client_time = scan.timestamp.as_deref().and_then(read_timestamp);
    let blamed = blamed_frame(scan, input.rules);
    let mut facts = EventFacts {
        kind,
        timestamp: correct(client_time, input.drift_ms, input.received),
        level: read_level(scan.level.as_deref(), kind),
        platform: tidy(scan.platform.as_deref().unwrap_or("other"), MAX_NAME),
        environment: tidy(scan.environment.as_deref().unwrap_or_default(), MAX_NAME),
        release: tidy(scan.release.as_deref().unwrap_or_default(), MAX_RELEASE),
        dist: tidy(scan.dist.as_deref().unwrap_or_default(), MAX_NAME),
        title: match &grouping.title {
            Some(title) => tidy(first_line(Some(title)), MAX_TITLE),
            None => title_of(scan),
        },
        culprit: culprit_of(scan, blamed),
        headline: headline_of(scan, blamed),
        handled: (scan.exceptions.iter().rev()).find_map(|exception| exception.handled),
        grouping: grouping.key,
        former_grouping: (input.rules.grouping).previous_key(scan, input.rules, input.received),
        user: scan
            .user
            .identity(input.client_ip)
            .map(|identity| identity.hash()),
        tags: Tags::default(),
        text: text::text(scan, input.rules),
    };
    facts.tags = tags::tags(scan, &facts, input);
    facts
}

/// Puts a client's time on our clock; one that cannot be, or is too old to be counted where it
/// belongs, becomes the time of arrival.
pub(crate) fn correct(client: Option<Timestamp>, drift_ms: i64, received: Millis) -> Millis {
    let Some(client) = client else {
        return received;
    };
    let corrected = Millis::from(client).plus(drift_ms);
    let age = received.since(corrected);
    if (-MAX_AHEAD_MS..=MAX_AGE_MS).contains(&age) {
        corrected
    } else {
        received
    }
}

fn read_timestamp(text: &str) -> Option<Timestamp> {
    // Seconds come from most SDKs' languages, so they are tried before the longer form fails.
    match text.trim().parse::<f64>() {
        Ok(seconds) => Timestamp::from_seconds(seconds),
        Err(_) => Timestamp::parse(text),
    }
}

fn kind_of(scan: &Scan<'_>) -> EventKind {
    match scan.kind.as_deref() {
        Some("csp" | "hpkp" | "expectct" | "expectstaple") => EventKind::Csp,
        Some("transaction") => EventKind::Transaction,
        _ if scan.exceptions.is_empty() => EventKind::Default,
        _ => EventKind::Error,
    }
}

fn read_level(text: Option<&str>, kind: EventKind) -> Level {
    text.and_then(|text| Level::from_name(text.trim()))
        .unwrap_or(match kind {
            EventKind::Transaction => Level::Info,
            EventKind::Default | EventKind::Error | EventKind::Csp => Level::Error,
        })
}

fn title_of(scan: &Scan<'_>) -> String {
    if let Some(exception) = main_exception(scan) {
        let kind = first_line(exception.kind.as_deref());
        let value = first_line(exception.value.as_deref());
        let title = match (kind, value) {
            ("", value) => Cow::Borrowed(value),
            (kind, "") => Cow::Borrowed(kind),
            (kind, value) => Cow::Owned(format!("{kind}: {}", clip(value, MAX_TITLE))),
        };
        if !title.is_empty() {
            return tidy(&title, MAX_TITLE);
        }
    }
    let message = first_line(scan.message.as_deref());
    let transaction = first_line(scan.transaction.as_deref());
    let title = [message, transaction]
        .into_iter()
        .find(|text| !text.is_empty());
    tidy(title.unwrap_or("<unlabeled event>"), MAX_TITLE)
}

/// The exception that people see first: the last of the chain that says anything.
fn main_exception<'s, 'a>(scan: &'s Scan<'a>) -> Option<&'s ScannedException<'a>> {
    scan.exceptions
        .iter()
        .rev()
        .find(|exception| exception.kind.is_some() || exception.value.is_some())
}

fn headline_of(scan: &Scan<'_>, blamed: Option<Blamed<'_, '_>>) -> Headline {
    let main = main_exception(scan);
    let value = match main {
        Some(exception) => exception.value.as_deref(),
        None => scan.message.as_deref(),
    };
    let frame = blamed.map(|blamed| blamed.frame);
    let of_frame = |text: Option<&str>| tidy(text.unwrap_or_default(), MAX_CULPRIT);
    Headline {
        error_type: tidy(
            main.and_then(|exception| exception.kind.as_deref())
                .unwrap_or_default(),
            MAX_CULPRIT,
        ),
        value: tidy(first_line(value), MAX_TITLE),
        filename: of_frame(frame.and_then(|frame| frame.filename.as_deref())),
        function: of_frame(frame.and_then(|frame| frame.function.as_deref())),
    }
}

/// The frame that people see first.
#[derive(Clone, Copy)]
struct Blamed<'s, 'a> {
    frame: &'s ScannedFrame<'a>,
    is_own: bool,
}

/// Finds the innermost frame of the project's own code, else the innermost at all.
fn blamed_frame<'s, 'a>(scan: &'s Scan<'a>, rules: &FrameRules) -> Option<Blamed<'s, 'a>> {
    let stacks = scan
        .exceptions
        .iter()
        .rev()
        .map(|exception| exception.frames.as_slice())
        .chain([scan.frames.as_slice()]);
    let mut outside = None;
    for frame in stacks.flat_map(|frames| frames.iter().rev()) {
        if frame.function.is_none() && frame.module.is_none() && frame.filename.is_none() {
            continue;
        }
        if rules.is_in_app(frame.place(), frame.in_app) {
            return Some(Blamed {
                frame,
                is_own: true,
            });
        }
        outside = outside.or(Some(Blamed {
            frame,
            is_own: false,
        }));
    }
    outside
}

fn culprit_of(scan: &Scan<'_>, blamed: Option<Blamed<'_, '_>>) -> String {
    if let Some(own) = blamed.filter(|blamed| blamed.is_own) {
        return tidy(&place_of(own.frame), MAX_CULPRIT);
    }
    let told = [&scan.transaction, &scan.culprit]
        .into_iter()
        .filter_map(|text| text.as_deref().map(str::trim))
        .find(|text| !text.is_empty());
    match (told, blamed) {
        (Some(told), _) => tidy(told, MAX_CULPRIT),
        (None, Some(blamed)) => tidy(&place_of(blamed.frame), MAX_CULPRIT),
        (None, None) => String::new(),
    }
}

fn place_of<'f>(frame: &'f ScannedFrame<'_>) -> Cow<'f, str> {
    let file = frame.module.as_deref().or(frame.filename.as_deref());
    match (file, frame.function.as_deref()) {
        (Some(file), Some(function)) => Cow::Owned(format!("{file} in {function}")),
        (Some(one), None) | (None, Some(one)) => Cow::Borrowed(one),
        (None, None) => Cow::Borrowed(""),
    }
}

fn first_line(text: Option<&str>) -> &str {
    text.unwrap_or_default()
        .trim_start()
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end()
}

/// Makes a text fit for the index: trimmed, cut after so many characters, and without control
/// characters, of which some databases refuse NUL.
pub(crate) fn tidy(text: &str, max_chars: usize) -> String {
    let text = clip(text.trim(), max_chars);
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        text.replace(|c: char| c.is_ascii_control(), " ")
    } else {
        text.to_owned()
    }
}

/// Cuts a text after so many characters.
fn clip(text: &str, max_chars: usize) -> &str {
    if text.len() <= max_chars {
        return text;
    }
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-02T03:04:05Z.
    const RECEIVED: Millis = Millis(1_767_323_045_000);

    fn facts(json: &str) -> EventFacts {
        let rules = FrameRules::default();
        let input = FactsInput {
            received: RECEIVED,
            drift_ms: 0,
            client_ip: None,
            rules: &rules,
        };
        derive(&Scan::read(json.as_bytes()).unwrap(), &input)
    }

    #[test]
    fn a_time_that_cannot_be_right_is_that_of_arrival() {
        for (time, expected) in [
            ("1767323044.5", RECEIVED.plus(-500)),
            (r#""1767323044.5""#, RECEIVED.plus(-500)),
            (r#""2026-01-02T03:04:04Z""#, RECEIVED.plus(-1000)),
            (r#""2026-01-02 03:05:05""#, RECEIVED.plus(60_000)),
            (r#""2026-01-02T03:05:06Z""#, RECEIVED),
            (
                r#""2025-12-03T03:04:05Z""#,
                RECEIVED.plus(-30 * Millis::DAY),
            ),
            (r#""2025-12-03T03:04:04Z""#, RECEIVED),
            (r#""yesterday""#, RECEIVED),
            ("1e300", RECEIVED),
            ("NaN", RECEIVED),
        ] {
            let json = format!(r#"{{"timestamp":{time}}}"#);
            assert_eq!(facts(&json).timestamp, expected, "{time}");
        }
    }

    #[test]
    fn levels_have_other_names_and_a_default() {
        for (level, expected) in [
            ("\"critical\"", Level::Fatal),
            ("\"log\"", Level::Info),
            ("\"sample\"", Level::Debug),
            ("\" Warning \"", Level::Warning),
            ("\"loud\"", Level::Error),
            ("3", Level::Error),
        ] {
            let json = format!(r#"{{"level":{level}}}"#);
            assert_eq!(facts(&json).level, expected, "{level}");
        }
        assert_eq!(facts(r#"{"type":"transaction"}"#).level, Level::Info);
    }

    #[test]
    fn a_title_is_one_short_line_of_what_is_known() {
        let long = "x".repeat(300);
        for (json, expected) in [
            (r#"{"exception":[{"type":"A","value":"b\nc"}]}"#, "A: b"),
            (r#"{"exception":[{"type":"A"},{}]}"#, "A"),
            (r#"{"exception":[{"value":"\n b"}],"message":"m"}"#, "b"),
            (r#"{"exception":[{}],"message":"m\u0000n"}"#, "m n"),
            (r#"{"message":" ","transaction":"/cart"}"#, "/cart"),
            ("{}", "<unlabeled event>"),
        ] {
            assert_eq!(facts(json).title, expected, "{json}");
        }
        let title = facts(&format!(r#"{{"message":"{long}"}}"#)).title;
        assert_eq!(title.len(), MAX_TITLE);
    }

    #[test]
    fn a_culprit_is_the_innermost_frame_of_the_project_else_the_transaction() {
        let event = |frames: &str, rest: &str| {
            let stack = format!(r#"{{"type":"A","stacktrace":{{"frames":[{frames}]}}}}"#);
            facts(&format!(r#"{{"exception":[{stack}]{rest}}}"#)).culprit
        };
        let own = r#"{"module":"shop","function":"buy","in_app":true}"#;
        let lib = r#"{"filename":"lib.js","function":"run","in_app":false}"#;
        assert_eq!(event(&format!("{own},{lib}"), ""), "shop in buy");
        assert_eq!(event(lib, r#","transaction":"/cart""#), "/cart");
        assert_eq!(event(lib, ""), "lib.js in run");
        assert_eq!(facts("{}").culprit, "");
    }
}
