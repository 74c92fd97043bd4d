//! What a key's value means: raw values to conditions, one key after the other.

use mini_sentry::protocol::EventId;

use super::ast::{Assignee, Condition, Expr, IssueRef, OneOf, Person, ProjectRef, ReleaseName};
use super::cursor::Item;
use super::error::{SearchError, SearchErrorKind};
use super::field::Field;
use super::forms::{Compare, Form, Value};
use super::keys::{self, Kind, Subject};
use super::lexer::Key;
use super::numbers::{Number, Range};
use super::parser::ParseOptions;
use super::pattern::Pattern;
use super::values::{Reader, plain, word, wrong};
use super::version;
use super::vocabulary::{Priority, Stage, State};
use crate::model::event::{EventKind, Level};
use crate::model::ids::{IssueId, ProjectId};

/// Reads a word or phrase without a key.
pub(super) fn text(item: &Item) -> Result<Expr, SearchError> {
    if item
        .pattern
        .as_exact()
        .is_some_and(|text| text.trim().is_empty())
    {
        return Err(wrong(item, "a text that is not empty"));
    }
    Ok(Expr::One(Condition::Text(item.pattern.clone())))
}

/// Reads a term.
pub(super) fn read(key: &Key, value: &Value, options: &ParseOptions) -> Result<Expr, SearchError> {
    if options.subject == Subject::Events && key.kind.is_of_issues() {
        let expected = "a key of events, because this one belongs to the search of issues";
        let kind = SearchErrorKind::Subject;
        return Err(SearchError::new(kind, key.place, &key.text, expected));
    }
    let reader = Reader {
        key,
        value,
        now: options.now,
    };
    if key.kind == Kind::Has {
        return has(value);
    }
    if let Some(field) = &key.field
        && let Some(expr) = field_term(key.kind, field, &reader)?
    {
        return Ok(expr);
    }
    issue_term(key.kind, &reader)
}

/// Reads what `has:` asks for.
fn has(value: &Value) -> Result<Expr, SearchError> {
    let Form::Key(key) = &value.form else {
        let kind = SearchErrorKind::Unexpected;
        return Err(SearchError::new(kind, value.place, "", "a key"));
    };
    let condition = match (&key.field, key.kind) {
        (Some(field), _) => Condition::Has(field.clone()),
        (None, Kind::Assigned) => Condition::State(OneOf::only(State::Assigned)),
        _ => {
            let expected = "a field that an event may lack, such as release, user or a tag";
            let kind = SearchErrorKind::Value;
            return Err(SearchError::new(kind, key.place, &key.text, expected));
        }
    };
    Ok(Expr::One(condition))
}

/// Reads a term on a field whose value is a text or a number.
fn field_term(kind: Kind, field: &Field, reader: &Reader<'_>) -> Result<Option<Expr>, SearchError> {
    Ok(Some(match kind {
        Kind::Text => patterns(field, reader, |_, pattern| Ok(pattern.clone()))?,
        Kind::Contains => patterns(field, reader, |_, pattern| Ok(somewhere(pattern)))?,
        Kind::Number => match reader.single() {
            Some(item) if item.pattern.is_any() => Expr::One(Condition::Has(field.clone())),
            _ => numbers(field, reader)?,
        },
        Kind::Open if reader.is_compared() => numbers(field, reader)?,
        Kind::Open => patterns(field, reader, |_, pattern| Ok(pattern.clone()))?,
        Kind::User => users(reader)?,
        Kind::Release => releases(reader, Condition::Release)?,
        _ => return Ok(None),
    }))
}

/// Reads a term that is not about a field.
fn issue_term(kind: Kind, reader: &Reader<'_>) -> Result<Expr, SearchError> {
    let one = Expr::One;
    Ok(match kind {
        Kind::State => one(Condition::State(
            reader.words(State::from_name, State::NAMES)?,
        )),
        Kind::Level => one(Condition::Level(levels(reader)?)),
        Kind::Assigned => assigned(reader, false)?,
        Kind::AssignedOrSuggested => assigned(reader, true)?,
        Kind::Bookmarks => one(Condition::Bookmarked(people(reader)?)),
        Kind::Subscribed => one(Condition::Subscribed(people(reader)?)),
        Kind::Age => one(Condition::FirstSeen(reader.age()?)),
        Kind::FirstSeen => one(Condition::FirstSeen(reader.times()?)),
        Kind::LastSeen => one(Condition::LastSeen(reader.times()?)),
        Kind::Timestamp => one(Condition::Happened(reader.times()?)),
        Kind::FirstRelease => releases(reader, Condition::FirstRelease)?,
        Kind::LastRelease => releases(reader, Condition::LastRelease)?,
        Kind::Version => versions(reader)?,
        Kind::Stage => one(Condition::Stage(
            reader.words(Stage::from_name, Stage::NAMES)?,
        )),
        Kind::TimesSeen => {
            let ranges =
                reader.ranges(super::numbers::parse_count, "a count, such as 100 or 5k")?;
            any_of(ranges.into_iter().map(Condition::TimesSeen), reader)?
        }
        Kind::Issue => one(Condition::Issue(reader.all(issue)?)),
        Kind::IssueId => one(Condition::Issue(reader.all(issue_id)?)),
        Kind::Category => one(Condition::Category(
            reader.all(|item| Ok(item.pattern.clone()))?,
        )),
        Kind::Type => one(Condition::Type(
            reader.all(|item| Ok(item.pattern.clone()))?,
        )),
        Kind::Priority => {
            let words = reader.words(Priority::from_name, Priority::NAMES)?;
            one(Condition::Priority(words))
        }
        Kind::EventType => {
            let kinds = reader.words(EventKind::from_name, keys::EVENT_TYPES)?;
            one(Condition::Kind(kinds))
        }
        Kind::EventId => one(Condition::Event(reader.all(event_id)?)),
        Kind::Project => one(Condition::Project(reader.all(project)?)),
        Kind::ProjectId => one(Condition::Project(reader.all(project_id)?)),
        Kind::Handled => one(Condition::Handled(reader.boolean()?)),
        Kind::Unhandled => one(Condition::Handled(!reader.boolean()?)),
        Kind::Text
        | Kind::Contains
        | Kind::Open
        | Kind::Number
        | Kind::Has
        | Kind::Release
        | Kind::User => return Err(reader.wrong_form("a value")),
    })
}

/// Makes a pattern match anywhere in the text, unless it says itself where.
fn somewhere(pattern: &Pattern) -> Pattern {
    match pattern.as_exact() {
        Some(text) if !text.is_empty() => Pattern::containing(text),
        _ => pattern.clone(),
    }
}

fn patterns(
    field: &Field,
    reader: &Reader<'_>,
    read: impl Fn(&Item, &Pattern) -> Result<Pattern, SearchError>,
) -> Result<Expr, SearchError> {
    if let Some(item) = reader.single() {
        let has = Expr::One(Condition::Has(field.clone()));
        if item.pattern.is_any() {
            return Ok(has);
        }
        if item.pattern.as_exact() == Some("") {
            return Ok(has.not());
        }
    }
    let all = reader.all(|item| read(item, &item.pattern))?;
    Ok(Expr::One(Condition::Field(field.clone(), all)))
}

fn numbers(field: &Field, reader: &Reader<'_>) -> Result<Expr, SearchError> {
    let ranges = reader.ranges(Number::parse, "a number, such as 5000, 1.5k, 5s or 10kb")?;
    let conditions = ranges
        .into_iter()
        .map(|range| Condition::Number(field.clone(), range));
    any_of(conditions, reader)
}

fn any_of(
    conditions: impl IntoIterator<Item = Condition>,
    reader: &Reader<'_>,
) -> Result<Expr, SearchError> {
    Expr::any(conditions.into_iter().map(Expr::One)).ok_or_else(|| reader.wrong_form("a value"))
}

/// Reads `user:`, whose values may say which part of the user they are.
fn users(reader: &Reader<'_>) -> Result<Expr, SearchError> {
    let part_of = |item: &Item| -> Option<(Field, Pattern)> {
        let (first, rest) = item.pattern.pieces().split_first()?;
        let (part, value) = first.split_once(':')?;
        let field = match part {
            "id" => Field::UserId,
            "email" => Field::UserEmail,
            "ip" => Field::UserIp,
            "username" => Field::UserUsername,
            _ => return None,
        };
        let mut pieces = vec![value.to_owned()];
        pieces.extend_from_slice(rest);
        Some((field, Pattern::from_pieces(pieces)))
    };
    let items = reader.items()?;
    if !items.iter().any(|item| part_of(item).is_some()) {
        return patterns(&Field::User, reader, |_, pattern| Ok(pattern.clone()));
    }
    let mut parts = Vec::new();
    for item in items {
        let (field, pattern) = match part_of(item) {
            Some((_, pattern)) if pattern.as_exact() == Some("") => {
                return Err(wrong(item, "a value behind the colon"));
            }
            Some(part) => part,
            None => (Field::User, item.pattern.clone()),
        };
        parts.push(if pattern.is_any() {
            Condition::Has(field)
        } else {
            Condition::Field(field, OneOf::only(pattern))
        });
    }
    any_of(parts, reader)
}

fn releases(
    reader: &Reader<'_>,
    condition: impl Fn(OneOf<ReleaseName>) -> Condition,
) -> Result<Expr, SearchError> {
    if let (Some(item), Some(field)) = (reader.single(), &reader.key.field) {
        let has = Expr::One(Condition::Has(field.clone()));
        if item.pattern.is_any() {
            return Ok(has);
        }
        if item.pattern.as_exact() == Some("") {
            return Ok(has.not());
        }
    }
    let names = reader.all(|item| {
        Ok(match item.pattern.as_exact() {
            Some("latest") => ReleaseName::Latest,
            _ => ReleaseName::Named(item.pattern.clone()),
        })
    })?;
    Ok(Expr::One(condition(names)))
}

fn versions(reader: &Reader<'_>) -> Result<Expr, SearchError> {
    const EXPECTED: &str = "a version, such as 1.2.3 or 1.2.*";
    if reader.is_compared() {
        let ranges = reader.ranges(version::Version::parse, EXPECTED)?;
        return any_of(ranges.into_iter().map(Condition::Version), reader);
    }
    let mut parts = Vec::new();
    for item in reader.items()? {
        let prefix = item.pattern.as_prefix().and_then(version::parse_prefix);
        let exact = plain(item).and_then(version::Version::parse);
        parts.push(match (prefix, exact) {
            (Some(numbers), _) => Condition::VersionPrefix(numbers),
            (None, Some(version)) => Condition::Version(Range::only(version)),
            (None, None) => return Err(wrong(item, EXPECTED)),
        });
    }
    any_of(parts, reader)
}

fn levels(reader: &Reader<'_>) -> Result<OneOf<Level>, SearchError> {
    let Some((compare, item)) = reader.compared() else {
        return reader.words(Level::from_name, keys::LEVELS);
    };
    let end = word(item, Level::from_name, keys::LEVELS)?;
    let all = keys::LEVELS
        .iter()
        .filter_map(|name| Level::from_name(name));
    let held = all.filter(|level| match compare {
        Compare::Above => *level > end,
        Compare::AtLeast => *level >= end,
        Compare::Below => *level < end,
        Compare::AtMost => *level <= end,
        Compare::Equal => *level == end,
    });
    let expected = "a level that others lie beyond";
    OneOf::new(held.collect()).ok_or_else(|| wrong(item, expected))
}

fn assigned(reader: &Reader<'_>, or_suggested: bool) -> Result<Expr, SearchError> {
    const EXPECTED: &str = "me, none, my_teams, #team or an e-mail address";
    let who = reader.all(|item| {
        let text = plain(item).ok_or_else(|| wrong(item, EXPECTED))?;
        Ok(match text {
            "me" => Assignee::Me,
            "my_teams" => Assignee::MyTeams,
            "none" | "nobody" => Assignee::Nobody,
            _ => match text.strip_prefix('#') {
                Some("") => return Err(wrong(item, EXPECTED)),
                Some(team) => Assignee::Team(team.to_owned()),
                None => Assignee::Person(text.to_owned()),
            },
        })
    })?;
    Ok(Expr::One(Condition::Assigned { who, or_suggested }))
}

fn people(reader: &Reader<'_>) -> Result<OneOf<Person>, SearchError> {
    reader.all(|item| match plain(item) {
        Some("me") => Ok(Person::Me),
        Some(name) => Ok(Person::Named(name.to_owned())),
        None => Err(wrong(item, "me or an e-mail address")),
    })
}

fn issue(item: &Item) -> Result<IssueRef, SearchError> {
    if let Ok(id) = issue_id(item) {
        return Ok(id);
    }
    let is_short = |text: &&str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        text.chars().all(allowed)
            && text
                .rsplit_once('-')
                .is_some_and(|(project, number)| !project.is_empty() && !number.is_empty())
    };
    plain(item)
        .filter(is_short)
        .map(|text| IssueRef::Short(text.to_ascii_uppercase()))
        .ok_or_else(|| wrong(item, "a short id, such as MY-APP-1F, or a number"))
}

fn issue_id(item: &Item) -> Result<IssueRef, SearchError> {
    digits(item)
        .and_then(|text| text.parse::<IssueId>().ok())
        .filter(|id| i64::try_from(id.0).is_ok())
        .map(IssueRef::Id)
        .ok_or_else(|| wrong(item, "the number of an issue"))
}

fn project(item: &Item) -> Result<ProjectRef, SearchError> {
    if let Ok(id) = project_id(item) {
        return Ok(id);
    }
    plain(item)
        .map(|slug| ProjectRef::Slug(slug.to_owned()))
        .ok_or_else(|| wrong(item, "the slug or number of a project"))
}

fn project_id(item: &Item) -> Result<ProjectRef, SearchError> {
    digits(item)
        .and_then(|text| text.parse::<ProjectId>().ok())
        .map(ProjectRef::Id)
        .ok_or_else(|| wrong(item, "the number of a project"))
}

fn digits(item: &Item) -> Option<&str> {
    plain(item).filter(|text| text.bytes().all(|digit| digit.is_ascii_digit()))
}

fn event_id(item: &Item) -> Result<EventId, SearchError> {
    plain(item)
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| wrong(item, "an event id of 32 hexadecimal digits"))
}
