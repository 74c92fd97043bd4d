//! What is wrong with a rule, and where.

use std::fmt;

/// A rule that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: expected {expected}")]
#[non_exhaustive]
pub struct RuleError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What should have been there.
    pub expected: Expected,
}

impl RuleError {
    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "invalid_rule"
    }
}

/// What should have been in the place of a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// The name of a matcher that exists.
    Matcher,
    /// A matcher that looks at frames, or the exception of their stack.
    FrameMatcher,
    /// The colon behind a matcher's name.
    Colon,
    /// A pattern behind the colon.
    Pattern,
    /// `yes` or `no`.
    YesOrNo,
    /// `javascript`, `native` or `other`.
    Family,
    /// The quote that ends a text.
    ClosingQuote,
    /// The bracket that ends matchers of a neighbour.
    ClosingBracket,
    /// The bar between a frame and its neighbour.
    Bar,
    /// The braces that end a variable.
    ClosingBraces,
    /// The name of a variable that exists.
    Variable,
    /// A pattern with so many `*` in the rule.
    Capture,
    /// The arrow before a fingerprint.
    Arrow,
    /// A part of a fingerprint.
    FingerprintPart,
    /// An attribute: `title="…"`.
    Attribute,
    /// `+app`, `-app`, `+group` or `-group`, or `max-frames=` and a number.
    Action,
    /// A number.
    Number,
    /// The end of the line.
    EndOfLine,
    /// A line of up to 2,000 bytes.
    ShorterLine,
    /// No more than 500 rules.
    FewerRules,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Matcher => "a matcher, such as error.type or stack.function",
            Self::FrameMatcher => "a matcher of frames, such as stack.function or family",
            Self::Colon => "':' behind the matcher",
            Self::Pattern => "a pattern behind ':'",
            Self::YesOrNo => "yes or no",
            Self::Family => "javascript, native or other",
            Self::ClosingQuote => "'\"' at the end of the text",
            Self::ClosingBracket => "']' behind the neighbour's matchers",
            Self::Bar => "'|' between a frame and its neighbour",
            Self::ClosingBraces => "'}}' behind the variable",
            Self::Variable => "a variable, such as transaction or tags.name",
            Self::Capture => "a pattern of that matcher with so many '*'",
            Self::Arrow => "'->' before the fingerprint",
            Self::FingerprintPart => "a part of the fingerprint",
            Self::Attribute => "title=\"…\"",
            Self::Action => "+app, -app, +group or -group with ^ or v before it, or max-frames=n",
            Self::Number => "a number",
            Self::EndOfLine => "the end of the line",
            Self::ShorterLine => "a line of up to 2000 bytes",
            Self::FewerRules => "no more than 500 rules",
        })
    }
}
