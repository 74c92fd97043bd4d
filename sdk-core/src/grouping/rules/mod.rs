//! Rules of a project: fingerprints for events that match, and which frames count.
//!
//! One rule a line; `#` begins a comment. The syntax is Sentry's, with a few variables and patterns
//! more; `docs/grouping.md` lists both.

mod error;
mod fingerprint;
mod glob;
mod line;
mod matcher;
mod stack;
mod template;

pub use error::{Expected, RuleError};
pub use fingerprint::FingerprintRules;
pub(super) use stack::FrameState;
pub use stack::StackRules;
pub(super) use template::{Facts, Template};

/// Bytes of one line.
const MAX_LINE_BYTES: usize = 2_000;
/// Rules of one kind.
const MAX_RULES: usize = 500;

/// Splits a text into the lines that hold rules, with their numbers from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index.saturating_add(1), line))
        .filter(|(_, line)| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        })
}

/// Reads one rule of each line.
fn read_all<T>(
    text: &str,
    read: impl Fn(&mut line::Line<'_>) -> Result<T, RuleError>,
) -> (Vec<T>, Vec<RuleError>) {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for (number, text) in lines(text) {
        let mut line = line::Line::new(number, text);
        let read = if text.len() > MAX_LINE_BYTES {
            Err(line.expected(Expected::ShorterLine))
        } else if rules.len() >= MAX_RULES {
            Err(line.expected(Expected::FewerRules))
        } else {
            read(&mut line)
        };
        match read {
            Ok(rule) => rules.push(rule),
            Err(error) => errors.push(error),
        }
    }
    (rules, errors)
}
