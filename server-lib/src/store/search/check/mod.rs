//! Decides a query on one event by its body, where the index cannot.

use std::borrow::Cow;

use mini_sentry::protocol::{Context, Event, Frame, Timestamp, User, Value};

use super::ast::{Condition, Expr, IssueRef, ProjectRef, ReleaseName};
use super::field::Field;
use super::pattern::Pattern;
use super::resolve::{build_of, package_of};
use crate::model::event::EventRow;
use crate::model::tag::Tags;

/// All that is known of an event.
#[derive(Clone, Copy, Debug)]
pub struct EventView<'a> {
    /// Its row of the index.
    pub row: &'a EventRow,
    /// Its body, normalised.
    pub event: &'a Event,
    /// Its title.
    pub title: &'a str,
    /// Where it happened.
    pub culprit: &'a str,
    /// What it can be found by: the tags of its facts, by which the index found it too.
    pub tags: &'a Tags,
}

type Texts<'a> = Vec<Cow<'a, str>>;

impl EventView<'_> {
    /// Decides a [resolved](super::Query::resolve) query. Conditions on the state of issues, which
    /// no query for events has, do not hold.
    #[must_use]
    pub fn holds(&self, expr: &Expr) -> bool {
        match expr {
            Expr::All(parts) => parts.iter().all(|part| self.holds(part)),
            Expr::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Expr::Not(inner) => !self.holds(inner),
            Expr::One(condition) => self.meets(condition),
        }
    }

    /// Returns the texts of a field; of a number its digits.
    #[must_use]
    pub fn texts(&self, field: &Field) -> Vec<String> {
        let values = self.values(field).into_iter();
        values.map(Cow::into_owned).collect()
    }

    fn meets(&self, condition: &Condition) -> bool {
        let row = self.row;
        match condition {
            Condition::Text(pattern) => self.has_text(pattern),
            Condition::Has(field) => self.values(field).iter().any(|value| !value.is_empty()),
            Condition::Field(field, patterns) => {
                let values = self.values(field);
                let is_met = |pattern: &Pattern| values.iter().any(|value| pattern.matches(value));
                patterns.iter().any(is_met)
            }
            Condition::Number(field, range) => {
                let values = self.values(field);
                values.iter().any(|value| range.matches(value))
            }
            Condition::Level(levels) => levels.iter().any(|level| *level == row.level),
            Condition::Kind(kinds) => kinds.iter().any(|kind| *kind == row.kind),
            Condition::Handled(handled) => {
                let told = if *handled { "yes" } else { "no" };
                self.tags.get("handled") == Some(told)
            }
            Condition::Event(ids) => ids.iter().any(|id| *id == row.event_id),
            Condition::Happened(times) => times.contains(row.timestamp),
            Condition::Project(projects) => projects
                .iter()
                .any(|project| *project == ProjectRef::Id(row.project)),
            Condition::Issue(issues) => {
                issues.iter().any(|issue| *issue == IssueRef::Id(row.issue))
            }
            Condition::Release(names) => names.iter().any(|name| match name {
                ReleaseName::Named(pattern) => pattern.matches(&row.release),
                ReleaseName::Latest => false,
            }),
            Condition::Category(patterns) | Condition::Type(patterns) => {
                patterns.iter().any(|pattern| pattern.matches("error"))
            }
            Condition::Version(_)
            | Condition::VersionPrefix(_)
            | Condition::Stage(_)
            | Condition::State(_)
            | Condition::Assigned { .. }
            | Condition::Bookmarked(_)
            | Condition::Subscribed(_)
            | Condition::FirstSeen(_)
            | Condition::LastSeen(_)
            | Condition::FirstRelease(_)
            | Condition::LastRelease(_)
            | Condition::TimesSeen(_)
            | Condition::Priority(_) => false,
        }
    }

    /// Looks where the full text comes from: message, exceptions, frames, the transaction.
    fn has_text(&self, pattern: &Pattern) -> bool {
        let anywhere = pattern.anywhere();
        let is_met = |text: &str| anywhere.matches(text);
        let event = self.event;
        let is_of_frame = |frame: &Frame| {
            let texts = [&frame.function, &frame.module, &frame.filename];
            texts.into_iter().flatten().any(|text| is_met(text))
        };
        is_met(self.title)
            || self.message().is_some_and(is_met)
            || event.transaction.as_deref().is_some_and(is_met)
            || event.exception.values.iter().any(|exception| {
                let texts = [&exception.ty, &exception.value];
                texts.into_iter().flatten().any(|text| is_met(text))
            })
            || self.frames().any(is_of_frame)
    }

    /// Returns the texts of a field; of a number its digits.
    fn values(&self, field: &Field) -> Texts<'_> {
        let event = self.event;
        let row = self.row;
        match field {
            Field::Message => self.messages(),
            Field::Title => texts([self.title]),
            Field::Location => texts([self.culprit]),
            Field::Environment => texts([row.environment.as_str()]),
            Field::Release => texts([row.release.as_str()]),
            Field::ReleasePackage => texts(package_of(&row.release)),
            Field::ReleaseBuild => texts(build_of(&row.release)),
            Field::Dist => texts(event.dist.as_deref()),
            Field::Platform => texts(event.platform.as_deref()),
            Field::Transaction => texts(event.transaction.as_deref()),
            Field::TransactionDuration => self.duration().into_iter().collect(),
            Field::Trace => self.context("trace.trace_id"),
            Field::ErrorType => self.exceptions(|exception| exception.ty.as_deref()),
            Field::ErrorValue => self.exceptions(|exception| exception.value.as_deref()),
            Field::ErrorMechanism => {
                self.exceptions(|exception| exception.mechanism.as_ref()?.ty.as_deref())
            }
            Field::StackFilename => self.of_frames(|frame| frame.filename.as_deref()),
            Field::StackFunction => self.of_frames(|frame| frame.function.as_deref()),
            Field::StackModule => self.of_frames(|frame| frame.module.as_deref()),
            Field::StackAbsPath => self.of_frames(|frame| frame.abs_path.as_deref()),
            Field::StackPackage => self.of_frames(|frame| frame.package.as_deref()),
            Field::HttpUrl => texts(event.request.as_ref().and_then(|it| it.url.as_deref())),
            Field::HttpMethod => texts(event.request.as_ref().and_then(|it| it.method.as_deref())),
            Field::HttpStatusCode => self.context("response.status_code"),
            Field::User => self.of_user(|user| {
                let parts = [&user.id, &user.email, &user.username, &user.ip_address];
                parts.into_iter().filter_map(Option::as_deref).collect()
            }),
            Field::UserId => self.of_user(|user| user.id.as_deref().into_iter().collect()),
            Field::UserEmail => self.of_user(|user| user.email.as_deref().into_iter().collect()),
            Field::UserIp => self.of_user(|user| user.ip_address.as_deref().into_iter().collect()),
            Field::UserUsername => {
                self.of_user(|user| user.username.as_deref().into_iter().collect())
            }
            Field::Context(name) => self.named_context(name),
            Field::Measurement(name) => self.measurement(name).into_iter().collect(),
            Field::Tag(key) => self.tagged(key),
            Field::Flag(name) => self.flag(name).into_iter().collect(),
        }
    }

    fn tagged(&self, key: &str) -> Texts<'_> {
        let tags = self.tags.iter().filter(|(name, _)| *name == key);
        texts(tags.map(|(_, value)| value))
    }

    fn message(&self) -> Option<&str> {
        let entry = self.event.logentry.as_ref();
        entry
            .and_then(|entry| entry.formatted.as_deref().or(entry.message.as_deref()))
            .or_else(|| self.event.message.as_ref().map(|message| message.text()))
    }

    fn messages(&self) -> Texts<'_> {
        let mut all = self.exceptions(|exception| exception.value.as_deref());
        all.extend(self.message().map(Cow::Borrowed));
        all.push(Cow::Borrowed(self.title));
        all
    }

    fn exceptions<'a>(
        &'a self,
        text: impl Fn(&'a mini_sentry::protocol::Exception) -> Option<&'a str>,
    ) -> Texts<'a> {
        texts(self.event.exception.values.iter().filter_map(text))
    }

    fn frames(&self) -> impl Iterator<Item = &Frame> {
        let event = self.event;
        let of_exceptions = event.exception.values.iter();
        let of_threads = event.threads.values.iter();
        of_exceptions
            .filter_map(|exception| exception.stacktrace.as_ref())
            .chain(of_threads.filter_map(|thread| thread.stacktrace.as_ref()))
            .chain(&event.stacktrace)
            .flat_map(|stack| &stack.frames)
    }

    fn of_frames<'a>(&'a self, text: impl Fn(&'a Frame) -> Option<&'a str>) -> Texts<'a> {
        texts(self.frames().filter_map(text))
    }

    fn of_user<'a>(&'a self, parts: impl Fn(&'a User) -> Vec<&'a str>) -> Texts<'a> {
        texts(self.event.user.as_ref().map(parts).unwrap_or_default())
    }

    /// Returns a value of the contexts, the user's place or the SDK; else the tag of that name.
    fn named_context(&self, name: &str) -> Texts<'_> {
        let event = self.event;
        let (family, rest) = name.split_once('.').unwrap_or((name, ""));
        let found = match (family, rest) {
            ("sdk", _) => {
                let sdk = event.sdk.as_ref();
                sdk.and_then(|sdk| match rest {
                    "name" => sdk.name.clone(),
                    "version" => sdk.version.clone(),
                    _ => None,
                })
            }
            ("geo", _) => {
                let geo = event.user.as_ref().and_then(|user| user.geo.as_ref());
                geo.and_then(|geo| at_path(&serde_json::to_value(geo).ok()?, rest))
            }
            _ => None,
        };
        let mut values: Texts<'_> = found.map(Cow::Owned).into_iter().collect();
        if values.is_empty() {
            values = self.context(name);
        }
        if values.is_empty() {
            values = self.tagged(name);
        }
        values
    }

    fn context(&self, path: &str) -> Texts<'_> {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        let context = self.event.contexts.get(name);
        let text = context.and_then(|context| at_path(&serde_json::to_value(context).ok()?, rest));
        text.map(Cow::Owned).into_iter().collect()
    }

    fn measurement(&self, name: &str) -> Option<Cow<'_, str>> {
        let measurements = self.event.other.get("measurements")?;
        let value = measurements.get(name)?;
        scalar(value.get("value").unwrap_or(value)).map(Cow::Owned)
    }

    fn duration(&self) -> Option<Cow<'_, str>> {
        let start = self.event.other.get("start_timestamp")?.clone();
        let start: Timestamp = serde_json::from_value(start).ok()?;
        let nanos = self.event.timestamp?.since(start).as_nanos();
        Some(Cow::Owned(format!("{}ns", u64::try_from(nanos).ok()?)))
    }

    fn flag(&self, name: &str) -> Option<Cow<'_, str>> {
        let Context::Other(flags) = self.event.contexts.get("flags")? else {
            return None;
        };
        let values = flags.get("values")?.as_array()?;
        // The one that was looked at last counts.
        let is_it = |flag: &&Value| flag.get("flag").and_then(Value::as_str) == Some(name);
        scalar(values.iter().rev().find(is_it)?.get("result")?).map(Cow::Owned)
    }
}

fn texts<'a>(all: impl IntoIterator<Item = &'a str>) -> Texts<'a> {
    all.into_iter().map(Cow::Borrowed).collect()
}

/// Follows a path through objects; the end must be no object or list.
fn at_path(value: &Value, path: &str) -> Option<String> {
    if let Some(found) = value.get(path) {
        return scalar(found);
    }
    let (first, rest) = path.split_once('.')?;
    at_path(value.get(first)?, rest)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
