//! The command line.

use std::{error, fmt};

pub(crate) const HELP: &str = "\
Accepts envelopes from Sentry-compatible SDKs and prints what they hold.

usage: envelope-sink [options]

  --listen ADDRESS  where to listen; port 0 takes a free one (default 127.0.0.1:8765)
  --quiet           print one line for each envelope
  --count N         stop after N envelopes
  --help            print this text
";

const DEFAULT_LISTEN: &str = "127.0.0.1:8765";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Serve(Args),
}

/// How to serve.
#[derive(Debug, PartialEq)]
pub(crate) struct Args {
    pub(crate) listen: String,
    pub(crate) quiet: bool,
    pub(crate) count: Option<u64>,
}

/// Why the command line was not understood.
#[derive(Debug, PartialEq)]
pub(crate) enum ArgsError {
    Unknown(String),
    MissingValue(&'static str),
    NotACount(String),
}

impl fmt::Display for ArgsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(given) => write!(f, "unknown option '{given}'; see --help"),
            Self::MissingValue(option) => write!(f, "{option} needs a value; see --help"),
            Self::NotACount(given) => write!(f, "--count needs a positive number, not '{given}'"),
        }
    }
}

impl error::Error for ArgsError {}

/// Reads `--option value` and `--option=value`.
pub(crate) fn parse(given: impl IntoIterator<Item = String>) -> Result<Command, ArgsError> {
    let mut args = Args {
        listen: DEFAULT_LISTEN.to_owned(),
        quiet: false,
        count: None,
    };
    let mut given = given.into_iter();
    while let Some(word) = given.next() {
        let (option, attached) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        match option {
            "--help" | "-h" => return Ok(Command::Help),
            "--quiet" if attached.is_none() => args.quiet = true,
            "--listen" => {
                args.listen = attached
                    .or_else(|| given.next())
                    .ok_or(ArgsError::MissingValue("--listen"))?;
            }
            "--count" => {
                let value = attached
                    .or_else(|| given.next())
                    .ok_or(ArgsError::MissingValue("--count"))?;
                let count = value.parse().ok().filter(|count| *count > 0);
                args.count = Some(count.ok_or(ArgsError::NotACount(value))?);
            }
            _ => return Err(ArgsError::Unknown(word)),
        }
    }
    Ok(Command::Serve(args))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Command, ArgsError> {
        parse(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn options_take_their_value_attached_or_as_the_next_word() {
        let expected = Command::Serve(Args {
            listen: "127.0.0.1:0".to_owned(),
            quiet: true,
            count: Some(3),
        });
        let apart = parse_words(&["--listen", "127.0.0.1:0", "--quiet", "--count", "3"]);
        let attached = parse_words(&["--count=3", "--quiet", "--listen=127.0.0.1:0"]);
        assert_eq!(apart.as_ref(), Ok(&expected));
        assert_eq!(attached.as_ref(), Ok(&expected));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(
            parse_words(&["--loud"]),
            Err(ArgsError::Unknown("--loud".to_owned()))
        );
        assert_eq!(
            parse_words(&["--count"]),
            Err(ArgsError::MissingValue("--count"))
        );
        assert_eq!(
            parse_words(&["--count", "0"]),
            Err(ArgsError::NotACount("0".to_owned()))
        );
        assert_eq!(parse_words(&["--quiet", "--help"]), Ok(Command::Help));
    }
}
