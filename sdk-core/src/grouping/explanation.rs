//! Why an event belongs to its issue.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::GroupKey;
use super::version::GroupingVersion;

/// What decided about an event's key, made by the same walk that makes the key.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The way of grouping.
    pub version: GroupingVersion,
    /// The key.
    pub key: GroupKey,
    /// What decided.
    pub variant: Variant,
    /// The rule that decided, as it is written; only with [`Variant::Rule`].
    pub rule: Option<String>,
    /// The title that the rule gives.
    pub title: Option<String>,
    /// What was looked at, in the order in which it counts.
    pub parts: Vec<Part>,
}

/// What decided about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variant {
    /// A fingerprint rule of the project.
    Rule,
    /// The fingerprint that the client sent.
    ClientFingerprint,
    /// Exceptions, by their stacks.
    ExceptionStack,
    /// Exceptions, by their texts.
    ExceptionText,
    /// The message.
    Message,
    /// A stack without an exception.
    Stack,
    /// The transaction, as there is nothing else.
    Transaction,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Part {
    /// What it is: `type`, `frame`, `value`, `message`, `fingerprint`, …
    pub name: &'static str,
    /// What of it counts, after what varies was removed; of something that does not count, how it
    /// came.
    pub value: String,
    /// The exception that it belongs to, counted from the oldest cause.
    pub exception: Option<usize>,
    /// The frame, counted from the outermost.
    pub frame: Option<usize>,
    /// Whether it counts.
    pub counts: bool,
    /// Why it does not, or why it does although it usually would not.
    pub reason: Option<Reason>,
}

impl Part {
    pub(super) fn new(name: &'static str, value: &str) -> Self {
        Self {
            name,
            value: readable(value),
            exception: None,
            frame: None,
            counts: true,
            reason: None,
        }
    }

    pub(super) fn dismissed(name: &'static str, value: &str, reason: Reason) -> Self {
        Self {
            counts: false,
            reason: Some(reason),
            ..Self::new(name, value)
        }
    }
}

/// Separators of the hashed text are for no reader.
fn readable(value: &str) -> String {
    value.trim_matches('\u{1f}').replace('\u{1f}', " ")
}

/// Why something counts, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The frame is not the program's own.
    NotInApp,
    /// The frame was made by a compiler, a proxy or the engine.
    Generated,
    /// A stack rule takes the frame out.
    Rule,
    /// Behind the number of frames that a rule allows.
    MaxFrames,
    /// A loop led back to a frame that counts already.
    Recursion,
    /// The exception before says the same.
    Repeated,
    /// Another member of the group says the same.
    SameInGroup,
    /// Its members say all.
    OnlyHoldsGroup,
    /// The SDK made it up.
    Synthetic,
    /// The stack decides.
    StackDecides,
    /// The stack says too little alone.
    WeakStack,
    /// No frame is the program's own, so all count.
    NoneInApp,
}

impl Reason {
    /// Returns the stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotInApp => "not-in-app",
            Self::Generated => "generated",
            Self::Rule => "stack-rule",
            Self::MaxFrames => "max-frames",
            Self::Recursion => "recursion",
            Self::Repeated => "repeated",
            Self::SameInGroup => "same-in-group",
            Self::OnlyHoldsGroup => "only-holds-group",
            Self::Synthetic => "synthetic",
            Self::StackDecides => "stack-decides",
            Self::WeakStack => "weak-stack",
            Self::NoneInApp => "none-in-app",
        }
    }
}

impl Variant {
    /// Returns the stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::ClientFingerprint => "client-fingerprint",
            Self::ExceptionStack => "exception-stack",
            Self::ExceptionText => "exception-text",
            Self::Message => "message",
            Self::Stack => "stack",
            Self::Transaction => "transaction",
        }
    }
}

impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &self.version)?;
        map.serialize_entry("key", &self.key)?;
        map.serialize_entry("variant", self.variant.as_str())?;
        map.serialize_entry("rule", &self.rule)?;
        map.serialize_entry("title", &self.title)?;
        map.serialize_entry("parts", &self.parts)?;
        map.end()
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.name)?;
        map.serialize_entry("value", &self.value)?;
        if let Some(exception) = self.exception {
            map.serialize_entry("exception", &exception)?;
        }
        if let Some(frame) = self.frame {
            map.serialize_entry("frame", &frame)?;
        }
        map.serialize_entry("counts", &self.counts)?;
        if let Some(reason) = self.reason {
            map.serialize_entry("reason", reason.as_str())?;
        }
        map.end()
    }
}
