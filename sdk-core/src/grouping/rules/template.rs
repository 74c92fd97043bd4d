//! Texts with variables: parts of fingerprints, and titles.

use super::error::{Expected, RuleError};
use super::line::Line;
use super::matcher::{Field, Matcher, Pattern};
use crate::grouping::subject::{FramePart, Subject};
use crate::grouping::v1::{crashing_frame, write_endpoint};

/// A text with variables in it.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Variable(Variable),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Variable {
    Default,
    Field(Field),
    Filename,
    /// The request's path with `{id}` for what varies in it.
    Endpoint,
    /// What the n-th `*` of the rule's pattern for a field stands for.
    Capture(Field, usize),
}

/// What variables are filled from.
#[derive(Clone, Copy)]
pub(in super::super) struct Facts<'s, 'a> {
    pub(in super::super) subject: &'s Subject<'a>,
    matchers: &'s [Matcher],
}

impl<'s, 'a> Facts<'s, 'a> {
    pub(in super::super) fn of(subject: &'s Subject<'a>) -> Self {
        Self {
            subject,
            matchers: &[],
        }
    }

    pub(super) fn of_rule(subject: &'s Subject<'a>, matchers: &'s [Matcher]) -> Self {
        Self { subject, matchers }
    }
}

impl Template {
    /// Reads a text as a client sends it: braces around anything unknown stay as they are.
    pub(in super::super) fn of_client(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let Some((name, after)) = behind.split_once("}}") else {
                break;
            };
            push_text(&mut pieces, before);
            match Variable::of(name.trim()) {
                Some(variable) => pieces.push(Piece::Variable(variable)),
                None => push_text(&mut pieces, &format!("{{{{{name}}}}}")),
            }
            rest = after;
        }
        push_text(&mut pieces, rest);
        Self { pieces }
    }

    /// Reads a part of a fingerprint: up to a comma or blank outside of braces and quotes.
    pub(super) fn read(line: &mut Line<'_>, matchers: &[Matcher]) -> Result<Self, RuleError> {
        let mut pieces = Vec::new();
        loop {
            if line.rest().starts_with("{{") {
                pieces.push(Piece::Variable(read_variable(line, matchers)?));
            } else if line.take("\"") {
                let start = line.place();
                let text = line.quoted()?;
                pieces.extend(Self::quoted(&text, line, start, matchers)?.pieces);
            } else {
                let rest = line.rest();
                let end = rest.find("{{").unwrap_or(rest.len());
                let is_end = |c: char| c.is_whitespace() || matches!(c, ',' | '"');
                let end = rest.find(is_end).map_or(end, |found| found.min(end));
                let text = rest.get(..end).unwrap_or_default();
                if text.is_empty() {
                    break;
                }
                push_text(&mut pieces, text);
                line.take(text);
            }
        }
        if pieces.is_empty() {
            return Err(line.expected(Expected::FingerprintPart));
        }
        Ok(Self { pieces })
    }

    /// Reads what stood in quotes.
    pub(super) fn quoted(
        text: &str,
        line: &Line<'_>,
        start: usize,
        matchers: &[Matcher],
    ) -> Result<Self, RuleError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            push_text(&mut pieces, before);
            let (name, after) = behind
                .split_once("}}")
                .ok_or_else(|| line.expected_at(start, Expected::ClosingBraces))?;
            let variable = known(name.trim(), matchers).map_err(|e| line.expected_at(start, e))?;
            pieces.push(Piece::Variable(variable));
            rest = after;
        }
        push_text(&mut pieces, rest);
        Ok(Self { pieces })
    }

    /// Reports whether the text is the default and nothing else.
    pub(in super::super) fn is_default(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Variable(Variable::Default)])
    }

    /// Fills the variables in; what is not known is told as `<no-transaction>`.
    pub(in super::super) fn fill(&self, facts: &Facts<'_, '_>) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable(variable) => variable.write(facts, &mut out),
            }
        }
        out
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

fn read_variable(line: &mut Line<'_>, matchers: &[Matcher]) -> Result<Variable, RuleError> {
    let start = line.place();
    line.take("{{");
    line.blanks();
    let at = line.place();
    let name = line.take_while(|c| !c.is_whitespace() && c != '}');
    line.blanks();
    if !line.take("}}") {
        return Err(line.expected_at(start, Expected::ClosingBraces));
    }
    known(name, matchers).map_err(|expected| line.expected_at(at, expected))
}

fn known(name: &str, matchers: &[Matcher]) -> Result<Variable, Expected> {
    let variable = Variable::of(name).ok_or(Expected::Variable)?;
    if let Variable::Capture(field, star) = &variable
        && !matchers
            .iter()
            .any(|matcher| matcher.captures(field, *star))
    {
        return Err(Expected::Capture);
    }
    Ok(variable)
}

impl Variable {
    fn of(name: &str) -> Option<Self> {
        let field = |name| Self::field(name).map(Self::Field);
        match name {
            "default" => return Some(Self::Default),
            "stack.filename" | "filename" => return Some(Self::Filename),
            "http.path" => return Some(Self::Endpoint),
            _ => {}
        }
        field(name).or_else(|| {
            let (name, star) = name.rsplit_once('.')?;
            let star = star.parse().ok()?;
            Self::field(name).map(|field| Self::Capture(field, star))
        })
    }

    fn field(name: &str) -> Option<Field> {
        let field = Field::of(name)?;
        (!matches!(field, Field::App | Field::Family)).then_some(field)
    }

    fn write(&self, facts: &Facts<'_, '_>, out: &mut String) {
        let subject = facts.subject;
        match self {
            // Stands for the rest only where it stands alone.
            Self::Default => out.push_str("{{ default }}"),
            Self::Filename => {
                let file = crashing_frame(subject).and_then(|frame| frame.filename);
                out.push_str(file.unwrap_or("<no-filename>"));
            }
            Self::Endpoint => match subject.url {
                Some(url) => write_endpoint(url, out),
                None => out.push_str("<no-http.path>"),
            },
            Self::Field(field) => match value(field, subject) {
                Some(value) => out.push_str(value),
                None => write_absent(field, out),
            },
            Self::Capture(field, star) => match captured(facts, field, *star) {
                Some(text) => out.push_str(&text),
                None => write_absent(field, out),
            },
        }
    }
}

fn captured(facts: &Facts<'_, '_>, field: &Field, star: usize) -> Option<String> {
    let subject = facts.subject;
    let globs = facts
        .matchers
        .iter()
        .filter(|matcher| matcher.captures(field, star))
        .filter_map(|matcher| match &matcher.pattern {
            Pattern::Glob(glob) => Some(glob),
            Pattern::Is(_) | Pattern::Families(_) => None,
        });
    let exceptions = || subject.exceptions.iter().rev();
    for glob in globs {
        let found = match field {
            Field::Kind => exceptions().find_map(|e| glob.capture(e.kind?, star)),
            Field::Value => exceptions().find_map(|e| glob.capture(e.value?, star)),
            Field::Message => subject
                .message
                .and_then(|text| glob.capture(text, star))
                .or_else(|| exceptions().find_map(|e| glob.capture(e.value?, star))),
            Field::Tag(name) => {
                let mut tags = subject.tags.iter().filter(|(key, _)| key == name);
                tags.find_map(|(_, value)| glob.capture(value, star))
            }
            Field::Function | Field::Module | Field::Path | Field::Package => {
                frames(subject).find_map(|frame| glob.capture(of_frame(field, frame)?, star))
            }
            _ => value(field, subject).and_then(|text| glob.capture(text, star)),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// All frames, the innermost of the last exception first.
fn frames<'s, 'a>(subject: &'s Subject<'a>) -> impl Iterator<Item = &'s FramePart<'a>> {
    let stacks = subject.exceptions.iter().rev().map(|e| e.frames.as_slice());
    stacks
        .chain([subject.frames.as_slice()])
        .flat_map(|frames| frames.iter().rev())
}

fn value<'a>(field: &Field, subject: &Subject<'a>) -> Option<&'a str> {
    let thrown = subject.main_exception();
    match field {
        Field::Kind => thrown.and_then(|exception| exception.kind),
        Field::Value => thrown.and_then(|exception| exception.value),
        Field::Mechanism => thrown.and_then(|exception| exception.mechanism),
        Field::Message => subject.message.or(thrown.and_then(|e| e.value)),
        Field::Logger => subject.logger,
        Field::Level => subject.level,
        Field::Release => subject.release,
        Field::Environment => subject.environment,
        Field::Sdk => subject.sdk,
        Field::Transaction => subject.transaction,
        Field::Platform => subject.platform,
        Field::Method => subject.method,
        Field::Url => subject.url,
        Field::Tag(name) => {
            let mut tags = subject.tags.iter();
            tags.find(|(key, _)| key == name).map(|(_, value)| *value)
        }
        Field::Path | Field::Function | Field::Module | Field::Package => {
            crashing_frame(subject).and_then(|frame| of_frame(field, frame))
        }
        Field::App | Field::Family => None,
    }
}

fn of_frame<'a>(field: &Field, frame: &FramePart<'a>) -> Option<&'a str> {
    match field {
        Field::Function => frame.function,
        Field::Module => frame.module,
        Field::Package => frame.package,
        _ => frame.abs_path.or(frame.filename),
    }
}

fn write_absent(field: &Field, out: &mut String) {
    let name = match field {
        Field::Kind => "type",
        Field::Value => "value",
        Field::Mechanism => "mechanism",
        Field::Message => "message",
        Field::Logger => "logger",
        Field::Level => "level",
        Field::Release => "release",
        Field::Environment => "environment",
        Field::Sdk => "sdk",
        Field::Transaction => "transaction",
        Field::Platform => "platform",
        Field::Method => "http.method",
        Field::Url => "http.url",
        Field::Path => "path",
        Field::Function => "function",
        Field::Module => "module",
        Field::Package => "package",
        Field::App | Field::Family => "value",
        Field::Tag(name) => {
            out.push_str("<no-tag-");
            out.push_str(name);
            out.push('>');
            return;
        }
    };
    out.push_str("<no-");
    out.push_str(name);
    out.push('>');
}
