//! What a column of an answer shows: something of the events, or a number of them.

use serde_json::{Value, json};

use super::functions::Function;
use crate::model::tag::MAX_KEY;
use crate::store::search::{EventView, Field};
use crate::web::error::ApiError;
use crate::web::present::WholeEvent;
use crate::web::present::headline::message;

/// Columns of one answer.
const MAX_COLUMNS: usize = 50;

/// Tags that events have, or may have, without anybody having named them.
const USUAL_TAGS: &[&str] = &[
    "app",
    "app.name",
    "browser",
    "browser.name",
    "client_os",
    "client_os.name",
    "device",
    "device.family",
    "handled",
    "level",
    "logger",
    "mechanism",
    "os",
    "os.name",
    "runtime",
    "runtime.name",
    "sdk",
    "server_name",
    "url",
];

/// A column as it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    /// Its name in the answer.
    pub(super) name: String,
    /// What it shows.
    pub(super) shows: Shows,
}

/// What a column shows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shows {
    /// Something of each event.
    What(What),
    /// A number of several.
    Number(Function),
}

/// Something that an event has.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Id,
    Timestamp,
    Received,
    Message,
    Title,
    Culprit,
    Issue,
    IssueId,
    Project,
    ProjectId,
    Level,
    EventType,
    Handled,
    Unhandled,
    UserDisplay,
    Field(Field),
}

/// By what the index can put events together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Issue,
    Project,
    Tag(String),
}

impl Column {
    /// Reads a column.
    ///
    /// # Errors
    ///
    /// 400 when there is no such field or function.
    pub(super) fn read(name: &str) -> Result<Self, ApiError> {
        let trimmed = name.trim();
        let shows = match trimmed.contains('(') {
            true => Shows::Number(Function::read(trimmed)?),
            false => Shows::What(What::read(trimmed)?),
        };
        Ok(Self {
            name: name.to_owned(),
            shows,
        })
    }

    /// Reads columns; the same one twice is one.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and when there are too many.
    pub(super) fn read_all<'a>(
        names: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Self>, ApiError> {
        let mut columns: Vec<Self> = Vec::new();
        for name in names.filter(|name| !name.trim().is_empty()) {
            if columns.iter().any(|column| column.name == name) {
                continue;
            }
            if columns.len() >= MAX_COLUMNS {
                let detail = format!("an answer has at most {MAX_COLUMNS} columns");
                return Err(ApiError::invalid("too_many_fields", detail));
            }
            columns.push(Self::read(name)?);
        }
        Ok(columns)
    }

    /// Returns true when it shows a number of events.
    pub(super) fn is_function(&self) -> bool {
        matches!(self.shows, Shows::Number(_))
    }

    /// Returns the type of its values.
    pub(super) fn kind(&self) -> &'static str {
        match &self.shows {
            Shows::What(what) => what.kind(),
            Shows::Number(function) => function.kind(),
        }
    }

    /// Returns the unit of its values, where they have one.
    pub(super) fn unit(&self) -> Option<&'static str> {
        match &self.shows {
            Shows::What(_) => None,
            Shows::Number(function) => function.unit(),
        }
    }

    /// Returns the tag that only events can tell whether it is one.
    pub(super) fn doubtful_tag(&self) -> Option<&str> {
        match &self.shows {
            Shows::What(What::Field(Field::Tag(tag))) if *tag == self.name => {
                (!USUAL_TAGS.contains(&tag.as_str())).then_some(tag)
            }
            _ => None,
        }
    }
}

impl What {
    fn read(name: &str) -> Result<Self, ApiError> {
        Ok(match name {
            "id" | "event_id" | "eventID" => Self::Id,
            "timestamp" | "event.timestamp" => Self::Timestamp,
            "timestamp.received" | "received" => Self::Received,
            "message" => Self::Message,
            "title" => Self::Title,
            "culprit" | "location" => Self::Culprit,
            "issue" => Self::Issue,
            "issue.id" | "group_id" => Self::IssueId,
            "project" | "project.name" | "project.slug" => Self::Project,
            "project.id" | "project_id" => Self::ProjectId,
            "level" => Self::Level,
            "event.type" | "type" => Self::EventType,
            "error.handled" => Self::Handled,
            "error.unhandled" => Self::Unhandled,
            "user.display" => Self::UserDisplay,
            _ => Self::Field(field(name)?),
        })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Timestamp | Self::Received => "date",
            Self::IssueId | Self::ProjectId => "integer",
            Self::Handled | Self::Unhandled => "boolean",
            Self::Field(field) if is_list(field) => "array",
            Self::Field(field) if field.is_number() => "number",
            _ => "string",
        }
    }

    /// Returns by what the index puts together events that are equal in this; `None` when only
    /// the events themselves tell.
    pub(super) fn dimension(&self) -> Option<Dimension> {
        let tag = |name: &str| Some(Dimension::Tag(name.to_owned()));
        match self {
            Self::Issue | Self::IssueId | Self::Title | Self::Culprit => Some(Dimension::Issue),
            Self::Project | Self::ProjectId => Some(Dimension::Project),
            Self::Level => tag("level"),
            Self::EventType => tag("event.type"),
            Self::Handled | Self::Unhandled => tag("handled"),
            Self::UserDisplay => tag("user"),
            Self::Field(field) => field.tag().map(|name| Dimension::Tag(name.into_owned())),
            Self::Id | Self::Timestamp | Self::Received | Self::Message => None,
        }
    }

    /// Shows the value of a tag by which events were put together.
    pub(super) fn of_tag(&self, value: Option<&str>) -> Value {
        match self {
            Self::Handled => json!(value.map(|value| value == "yes")),
            Self::Unhandled => json!(value.map(|value| value == "no")),
            Self::UserDisplay => {
                let parts = value.map(|value| value.split_once(':').unwrap_or(("", value)));
                json!(parts.map(|(_, name)| name))
            }
            Self::Field(field) if is_list(field) => {
                json!(value.into_iter().collect::<Vec<_>>())
            }
            _ => json!(value),
        }
    }

    /// Shows what an event has. The short id of its issue is not known here.
    pub(super) fn of_event(&self, whole: &WholeEvent) -> Value {
        let row = &whole.row;
        let told = |text: &str| json!((!text.is_empty()).then_some(text));
        match self {
            Self::Id => json!(row.event_id.to_string()),
            Self::Timestamp => json!(row.timestamp.to_rfc3339()),
            Self::Received => json!(row.received.to_rfc3339()),
            Self::Message => json!(message(&whole.event).unwrap_or(&whole.title)),
            Self::Title => json!(whole.title),
            Self::Culprit => json!(whole.culprit),
            Self::Issue => Value::Null,
            Self::IssueId => json!(row.issue.0),
            Self::Project => json!(whole.project.slug),
            Self::ProjectId => json!(row.project.0),
            Self::Level => json!(row.level.as_str()),
            Self::EventType => json!(row.kind.as_str()),
            Self::Handled | Self::Unhandled => self.of_tag(whole.indexed.get("handled")),
            Self::UserDisplay => self.of_tag(whole.indexed.get("user")),
            Self::Field(Field::Environment) => told(&row.environment),
            Self::Field(Field::Release) => told(&row.release),
            Self::Field(field) => {
                if let Some(tag) = field.tag().filter(|_| !is_list(field)) {
                    return self.of_tag(whole.indexed.get(&tag));
                }
                let view = EventView {
                    row,
                    event: &whole.event,
                    title: &whole.title,
                    culprit: &whole.culprit,
                    tags: &whole.indexed,
                };
                let texts = view.texts(field);
                match is_list(field) {
                    true => json!(texts),
                    false if field.is_number() => {
                        let number = texts.first().and_then(|text| text.parse::<f64>().ok());
                        json!(number)
                    }
                    false => json!(texts.first()),
                }
            }
        }
    }
}

/// Reads the name of a field or tag.
fn field(name: &str) -> Result<Field, ApiError> {
    let unknown = || {
        let detail = format!("`{}` is no field", shown(name));
        ApiError::invalid("unknown_field", detail)
    };
    if let Some(key) = name
        .strip_prefix("tags[")
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let key = key.split(',').next().unwrap_or_default().trim_matches('"');
        let is_fit = !key.trim().is_empty() && key.chars().count() <= MAX_KEY;
        return match is_fit {
            true => Ok(Field::Tag(key.trim().to_owned())),
            false => Err(unknown()),
        };
    }
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ':');
    let is_name = !name.is_empty() && name.len() <= MAX_KEY && name.chars().all(is_plain);
    Field::of_name(name).filter(|_| is_name).ok_or_else(unknown)
}

/// What an event may have several of.
fn is_list(field: &Field) -> bool {
    matches!(
        field,
        Field::ErrorType
            | Field::ErrorValue
            | Field::ErrorMechanism
            | Field::StackFilename
            | Field::StackFunction
            | Field::StackModule
            | Field::StackAbsPath
            | Field::StackPackage
    )
}

/// Cuts what the caller wrote so that an answer can repeat it.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> &'static str {
        Column::read(name).unwrap().kind()
    }

    #[test]
    fn every_name_that_clients_ask_for_is_a_column() {
        for (name, expected) in [
            ("id", "string"),
            ("timestamp", "date"),
            ("issue.id", "integer"),
            ("project.id", "integer"),
            ("error.handled", "boolean"),
            ("error.type", "array"),
            ("measurements.lcp", "number"),
            ("tags[customer tier]", "string"),
            ("customer_tier", "string"),
            ("count()", "integer"),
            ("last_seen()", "date"),
            ("epm()", "rate"),
            ("failure_rate()", "percentage"),
            ("p95(transaction.duration)", "duration"),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
        for name in ["a b", "", "tags[]", "count(", "nonsense()", "is", "a\"b"] {
            assert!(Column::read(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_index_puts_events_together_by_issue_project_and_tags() {
        let of = |name: &str| match Column::read(name).unwrap().shows {
            Shows::What(what) => what.dimension(),
            Shows::Number(_) => None,
        };
        let tag = |name: &str| Some(Dimension::Tag(name.to_owned()));
        assert_eq!(of("title"), Some(Dimension::Issue));
        assert_eq!(of("project.name"), Some(Dimension::Project));
        assert_eq!(of("sdk.name"), tag("sdk"));
        assert_eq!(of("http.url"), tag("url"));
        assert_eq!(of("tags[a]"), tag("a"));
        assert_eq!(of("id"), None);
        assert_eq!(of("stack.function"), None);
    }

    #[test]
    fn only_a_bare_tag_that_nobody_knows_is_in_doubt() {
        let of = |name: &str| {
            let column = Column::read(name).unwrap();
            column.doubtful_tag().map(str::to_owned)
        };
        assert_eq!(of("customer_tier").as_deref(), Some("customer_tier"));
        for name in ["tags[customer_tier]", "url", "release", "count()", "title"] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
