//! What a rule asks of an event: a name, a colon, a pattern.

use super::error::{Expected, RuleError};
use super::glob::{Glob, Sense};
use super::line::Line;
use super::stack::FrameState;
use crate::grouping::subject::{ExceptionPart, FramePart, Subject};
use crate::grouping::v1::Language;

/// A question about an event.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    is_negated: bool,
    pub(super) field: Field,
    pub(super) pattern: Pattern,
}

#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Glob(Glob),
    Is(bool),
    Families(Vec<&'static str>),
}

/// What a matcher looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Kind,
    Value,
    Mechanism,
    Message,
    Logger,
    Level,
    Release,
    Environment,
    Sdk,
    Transaction,
    Platform,
    Method,
    Url,
    Tag(String),
    Path,
    Function,
    Module,
    Package,
    App,
    Family,
}

/// What a field belongs to; the matchers of one rule have to match the same exception, and the same
/// frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Event,
    Exception,
    Frame,
}

impl Field {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "error.type" | "type" => Self::Kind,
            "error.value" | "value" => Self::Value,
            "error.mechanism" | "mechanism" => Self::Mechanism,
            "message" => Self::Message,
            "logger" => Self::Logger,
            "level" => Self::Level,
            "release" => Self::Release,
            "environment" => Self::Environment,
            "sdk" | "sdk.name" => Self::Sdk,
            "transaction" => Self::Transaction,
            "platform" | "platform.name" => Self::Platform,
            "http.method" => Self::Method,
            "http.url" => Self::Url,
            "stack.abs_path" | "stack.filename" | "path" => Self::Path,
            "stack.function" | "function" => Self::Function,
            "stack.module" | "module" => Self::Module,
            "stack.package" | "package" => Self::Package,
            "app" => Self::App,
            "family" => Self::Family,
            _ => {
                let tag = name.strip_prefix("tags.").filter(|tag| !tag.is_empty())?;
                Self::Tag(tag.to_owned())
            }
        })
    }

    pub(super) fn scope(&self) -> Scope {
        match self {
            Self::Kind | Self::Value | Self::Mechanism => Scope::Exception,
            Self::Path | Self::Function | Self::Module | Self::Package | Self::App => Scope::Frame,
            Self::Message
            | Self::Logger
            | Self::Level
            | Self::Release
            | Self::Environment
            | Self::Sdk
            | Self::Transaction
            | Self::Platform
            | Self::Method
            | Self::Url
            | Self::Tag(_)
            | Self::Family => Scope::Event,
        }
    }

    fn sense(&self) -> Sense {
        match self {
            Self::Value | Self::Message | Self::Level | Self::Method => Sense::AnyCase,
            Self::Path | Self::Package => Sense::Path,
            Self::Kind
            | Self::Mechanism
            | Self::Logger
            | Self::Release
            | Self::Environment
            | Self::Sdk
            | Self::Transaction
            | Self::Platform
            | Self::Url
            | Self::Tag(_)
            | Self::Function
            | Self::Module
            | Self::App
            | Self::Family => Sense::Exact,
        }
    }
}

impl Matcher {
    /// Reads `name:pattern`.
    pub(super) fn read(line: &mut Line<'_>) -> Result<Self, RuleError> {
        let is_negated = line.take("!");
        let start = line.place();
        let name = line.take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'));
        let Some(field) = Field::of(name) else {
            return Err(line.expected_at(start, Expected::Matcher));
        };
        if !line.take(":") {
            return Err(line.expected(Expected::Colon));
        }
        let start = line.place();
        let is_quoted = line.rest().starts_with('"');
        let text = line.word()?;
        if text.is_empty() && !is_quoted {
            return Err(line.expected_at(start, Expected::Pattern));
        }
        let wrong = |expected| line.expected_at(start, expected);
        let pattern = match field {
            Field::App => Pattern::Is(match text.to_ascii_lowercase().as_str() {
                "yes" | "true" | "1" => true,
                "no" | "false" | "0" => false,
                _ => return Err(wrong(Expected::YesOrNo)),
            }),
            Field::Family => Pattern::Families(
                text.split(',')
                    .map(|name| family(name.trim()).ok_or_else(|| wrong(Expected::Family)))
                    .collect::<Result<_, _>>()?,
            ),
            _ => Pattern::Glob(Glob::new(&text, field.sense())),
        };
        Ok(Self {
            is_negated,
            field,
            pattern,
        })
    }

    pub(super) fn scope(&self) -> Scope {
        self.field.scope()
    }

    /// Asks about the event itself.
    pub(super) fn matches_event(&self, subject: &Subject<'_>) -> bool {
        let found = match &self.field {
            Field::Message => {
                let values = subject.exceptions.iter().filter_map(|e| e.value);
                values
                    .chain(subject.message)
                    .any(|text| self.matches_text(Some(text)))
            }
            Field::Family => self.matches_family(subject.platform),
            Field::Logger => self.matches_text(subject.logger),
            Field::Level => self.matches_text(subject.level),
            Field::Release => self.matches_text(subject.release),
            Field::Environment => self.matches_text(subject.environment),
            Field::Sdk => self.matches_text(subject.sdk),
            Field::Transaction => self.matches_text(subject.transaction),
            Field::Platform => self.matches_text(subject.platform),
            Field::Method => self.matches_text(subject.method),
            Field::Url => self.matches_text(subject.url),
            Field::Tag(name) => {
                let mut tags = subject.tags.iter().filter(|(key, _)| key == name);
                tags.any(|(_, value)| self.matches_text(Some(value)))
            }
            Field::Kind
            | Field::Value
            | Field::Mechanism
            | Field::Path
            | Field::Function
            | Field::Module
            | Field::Package
            | Field::App => false,
        };
        found != self.is_negated
    }

    /// Asks about an exception.
    pub(super) fn matches_exception(&self, exception: &ExceptionPart<'_>) -> bool {
        let text = match self.field {
            Field::Kind => exception.kind,
            Field::Value => exception.value,
            _ => exception.mechanism,
        };
        self.matches_text(text) != self.is_negated
    }

    /// Asks about a frame.
    pub(super) fn matches_frame(&self, frame: &FramePart<'_>, state: &FrameState) -> bool {
        let found = match self.field {
            Field::Path => {
                let paths = [frame.abs_path, frame.filename];
                paths
                    .into_iter()
                    .flatten()
                    .any(|path| self.matches_path(path))
            }
            Field::Function => self.matches_text(frame.function),
            Field::Module => self.matches_text(frame.module),
            Field::Package => self.matches_text(frame.package),
            _ => matches!(self.pattern, Pattern::Is(own) if own == state.in_app),
        };
        found != self.is_negated
    }

    pub(super) fn matches_family(&self, platform: Option<&str>) -> bool {
        let family = Language::of(platform).family();
        matches!(&self.pattern, Pattern::Families(all) if all.contains(&family))
    }

    /// Asks about the family, and turns the answer where the rule wants that.
    pub(super) fn allows_family(&self, platform: Option<&str>) -> bool {
        self.matches_family(platform) != self.is_negated
    }

    /// Reports whether what a capture is asked of has so many stars.
    pub(super) fn captures(&self, field: &Field, star: usize) -> bool {
        let has_stars = matches!(&self.pattern, Pattern::Glob(glob) if glob.stars() >= star);
        self.field == *field && has_stars && !self.is_negated && star > 0
    }

    fn matches_text(&self, text: Option<&str>) -> bool {
        matches!((&self.pattern, text), (Pattern::Glob(glob), Some(text)) if glob.matches(text))
    }

    /// A relative path lies below every folder.
    fn matches_path(&self, path: &str) -> bool {
        let Pattern::Glob(glob) = &self.pattern else {
            return false;
        };
        glob.matches(path)
            || (!path.starts_with(['/', '\\'])
                && glob.begins_below()
                && glob.matches(&format!("/{path}")))
    }
}

fn family(name: &str) -> Option<&'static str> {
    ["javascript", "native", "other"]
        .into_iter()
        .find(|family| *family == name)
}
