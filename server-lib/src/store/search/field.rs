//! What of an event a condition can be about.

use std::borrow::Cow;
use std::fmt;

use super::keys::{self, Subject};
use super::lower::tag_of;

/// A field of an event. Its `Display` is the key that names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Field {
    /// The message, or the exception's value.
    Message,
    /// The title of the issue.
    Title,
    /// Where it happened: the culprit.
    Location,
    /// The environment.
    Environment,
    /// The release.
    Release,
    /// The package in the release's name.
    ReleasePackage,
    /// The build in the release's name.
    ReleaseBuild,
    /// The distribution.
    Dist,
    /// The language or system.
    Platform,
    /// The transaction's name.
    Transaction,
    /// How long the transaction took, in milliseconds.
    TransactionDuration,
    /// The trace's id.
    Trace,
    /// The type of an exception.
    ErrorType,
    /// The value of an exception.
    ErrorValue,
    /// How an exception was caught.
    ErrorMechanism,
    /// The file of a frame.
    StackFilename,
    /// The function of a frame.
    StackFunction,
    /// The module of a frame.
    StackModule,
    /// The whole path of a frame's file.
    StackAbsPath,
    /// The library of a frame.
    StackPackage,
    /// The address of the request.
    HttpUrl,
    /// The method of the request.
    HttpMethod,
    /// The status of the response.
    HttpStatusCode,
    /// The user, by any of the four below.
    User,
    /// The user's id.
    UserId,
    /// The user's e-mail address.
    UserEmail,
    /// The user's IP address.
    UserIp,
    /// The user's name.
    UserUsername,
    /// A value of the contexts `os`, `device`, `geo` and `sdk`, such as `os.name`.
    Context(String),
    /// A measurement, such as `lcp`.
    Measurement(String),
    /// A tag.
    Tag(String),
    /// A feature flag.
    Flag(String),
}

/// The contexts whose values are fields.
pub(super) const CONTEXTS: &[&str] = &["os.", "device.", "geo.", "sdk."];
pub(super) const MEASUREMENTS: &str = "measurements.";
pub(super) const TAGS: &str = "tags.";

impl Field {
    /// Finds the field of a name that begins like those of a family; any other is a tag.
    pub(super) fn of_family(name: &str) -> Self {
        let is_context = |family: &&&str| name.starts_with(**family) && name.len() > family.len();
        if CONTEXTS.iter().any(|family| is_context(&family)) {
            return Self::Context(name.to_owned());
        }
        let rest = |family| name.strip_prefix(family).filter(|rest| !rest.is_empty());
        if let Some(measurement) = rest(MEASUREMENTS) {
            return Self::Measurement(measurement.to_owned());
        }
        Self::Tag(rest(TAGS).unwrap_or(name).to_owned())
    }

    /// Finds the field of a name as searches for events have it: a key's, one of a family, or else
    /// the tag of that name. `None` when the key is about no field of events.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match keys::find(name, Subject::Events) {
            Some(spec) => spec.field.clone(),
            None => Some(Self::of_family(name)),
        }
    }

    /// Returns the tag under which the index keeps the field's whole value; `None` when only events
    /// themselves have it.
    #[must_use]
    pub fn tag(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::User => Some(Cow::Borrowed("user")),
            Self::HttpUrl => Some(Cow::Borrowed("url")),
            other => tag_of(other),
        }
    }

    /// Returns true when the field is a number and never a text.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Measurement(_) | Self::TransactionDuration)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "message",
            Self::Title => "title",
            Self::Location => "location",
            Self::Environment => "environment",
            Self::Release => "release",
            Self::ReleasePackage => "release.package",
            Self::ReleaseBuild => "release.build",
            Self::Dist => "dist",
            Self::Platform => "platform.name",
            Self::Transaction => "transaction",
            Self::TransactionDuration => "transaction.duration",
            Self::Trace => "trace",
            Self::ErrorType => "error.type",
            Self::ErrorValue => "error.value",
            Self::ErrorMechanism => "error.mechanism",
            Self::StackFilename => "stack.filename",
            Self::StackFunction => "stack.function",
            Self::StackModule => "stack.module",
            Self::StackAbsPath => "stack.abs_path",
            Self::StackPackage => "stack.package",
            Self::HttpUrl => "http.url",
            Self::HttpMethod => "http.method",
            Self::HttpStatusCode => "http.status_code",
            Self::User => "user",
            Self::UserId => "user.id",
            Self::UserEmail => "user.email",
            Self::UserIp => "user.ip",
            Self::UserUsername => "user.username",
            Self::Context(name) => name,
            Self::Measurement(name) => return write!(f, "{MEASUREMENTS}{name}"),
            Self::Tag(key) => return subscript(f, "tags", key),
            Self::Flag(name) => return write!(f, "flags[{}]", Quoted(name)),
        })
    }
}

fn subscript(f: &mut fmt::Formatter<'_>, map: &str, key: &str) -> fmt::Result {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ':');
    if !key.is_empty() && key.chars().all(is_plain) {
        return write!(f, "{map}[{key}]");
    }
    write!(f, "{map}[{}]", Quoted(key))
}

/// A text in quotes, without wildcards.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Escaped(self.0))
    }
}

/// A text as it stands within quotes.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if matches!(c, '"' | '\\' | '*') {
                write!(f, "\\{c}")?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}
