//! Which keys there are, what each takes, and what else it is called.

use serde::Serialize;

use super::field::Field;
use super::vocabulary::{Priority, Stage, State};

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// Issues: all keys. Those about events ask for issues that have such an event.
    Issues,
    /// Events: all keys but those about the state and history of an issue.
    Events,
}

/// How the value of a key is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A text that may stand inside of a longer one.
    Contains,
    /// A text, or a number when it is compared.
    Open,
    /// A number, with or without a unit.
    Number,
    /// A key.
    Has,
    State,
    Assigned,
    AssignedOrSuggested,
    Bookmarks,
    Subscribed,
    /// A time, or how long ago it was.
    Age,
    FirstSeen,
    LastSeen,
    Timestamp,
    Release,
    FirstRelease,
    LastRelease,
    Version,
    Stage,
    TimesSeen,
    Issue,
    IssueId,
    Category,
    Type,
    Priority,
    Level,
    EventType,
    EventId,
    Project,
    ProjectId,
    Handled,
    Unhandled,
    User,
}

/// A key that has a meaning of its own.
#[derive(Debug)]
pub(super) struct KeySpec {
    pub(super) name: &'static str,
    pub(super) aliases: &'static [&'static str],
    pub(super) kind: Kind,
    /// What of an event it is about; `has:` takes these.
    pub(super) field: Option<Field>,
    pub(super) about: &'static str,
}

/// Makes the table: name, other names, how its value is read, the field, and what it asks for.
macro_rules! keys {
    ($($name:literal [$($alias:literal)*] $kind:ident $($field:ident)? $about:literal)+) => {
        &[$(KeySpec {
            name: $name,
            aliases: &[$($alias),*],
            kind: Kind::$kind,
            field: keys!(@field $($field)?),
            about: $about,
        }),+]
    };
    (@field) => { None };
    (@field $field:ident) => { Some(Field::$field) };
}

pub(super) const LEVELS: &[&str] = &["debug", "info", "warning", "error", "fatal"];
pub(super) const BOOLEANS: &[&str] = &["true", "false"];
const AGES: &[&str] = &["-1h", "-24h", "-7d", "-30d"];

/// All of them, in the order in which they are offered.
pub(super) static KEYS: &[KeySpec] = keys! {
    "is" ["status"] State "how an issue stands"
    "has" [] Has "whether a field is there"
    "level" ["severity"] Level "how bad it is"
    "environment" ["env"] Text Environment "the environment"
    "release" [] Release Release "the release; latest is the newest"
    "assigned" ["assignee"] Assigned "who should solve it: me, none, my_teams, #team, an address"
    "assigned_or_suggested" [] AssignedOrSuggested "the same, or who is suggested"
    "bookmarks" [] Bookmarks "whose bookmark it is"
    "subscribed" [] Subscribed "who is told of changes"
    "age" [] Age "how long ago it was first seen"
    "firstSeen" ["first_seen" "firstseen"] FirstSeen "when its first event happened"
    "lastSeen" ["last_seen" "lastseen"] LastSeen "when its latest event happened"
    "timesSeen" ["times_seen" "timesseen"] TimesSeen "how many events it has"
    "firstRelease" ["first_release" "firstrelease" "first-release"] FirstRelease "the release of its first event"
    "lastRelease" ["last_release" "lastrelease" "last-release"] LastRelease "the release of its latest event"
    "timestamp" ["event.timestamp"] Timestamp "when the event happened"
    "message" [] Contains Message "text in the message"
    "title" [] Contains Title "text in the title"
    "location" ["culprit"] Contains Location "where it happened"
    "error.type" [] Text ErrorType "the type of an exception"
    "error.value" [] Contains ErrorValue "text in the value of an exception"
    "error.mechanism" [] Text ErrorMechanism "how an exception was caught"
    "error.handled" [] Handled "whether the program handled it"
    "error.unhandled" [] Unhandled "whether the program did not handle it"
    "stack.filename" [] Text StackFilename "the file of a frame"
    "stack.function" [] Text StackFunction "the function of a frame"
    "stack.module" [] Text StackModule "the module of a frame"
    "stack.abs_path" [] Text StackAbsPath "the whole path of a frame's file"
    "stack.package" [] Text StackPackage "the library of a frame"
    "user" [] User User "the user by id, address or name"
    "user.id" [] Text UserId "the user's id"
    "user.email" [] Text UserEmail "the user's e-mail address"
    "user.ip" ["user.ip_address"] Text UserIp "the user's IP address"
    "user.username" ["user.name"] Text UserUsername "the user's name"
    "http.url" [] Text HttpUrl "the address of the request"
    "http.method" [] Text HttpMethod "the method of the request"
    "http.status_code" [] Open HttpStatusCode "the status of the response"
    "transaction" [] Text Transaction "the transaction's name"
    "transaction.duration" [] Number TransactionDuration "how long the transaction took"
    "trace" ["trace_id"] Text Trace "the trace's id"
    "platform.name" ["platform"] Text Platform "the language or system"
    "dist" [] Text Dist "the distribution"
    "release.version" [] Version "the version in the release's name"
    "release.package" [] Text ReleasePackage "the package in the release's name"
    "release.build" [] Open ReleaseBuild "the build in the release's name"
    "release.stage" [] Stage "how far the release has spread"
    "project" ["project.name"] Project "the project by slug"
    "project.id" ["project_id"] ProjectId "the project by number"
    "issue" [] Issue "an issue by short id"
    "issue.id" [] IssueId "an issue by number"
    "issue.category" [] Category "what sort of problem it is"
    "issue.type" [] Type "what sort, in particular"
    "issue.priority" ["priority"] Priority "how much it matters"
    "event.type" [] EventType "what sort of event it is"
    "id" ["event.id"] EventId "an event by id"
};

/// The families of fields, as they are offered.
pub(super) const FAMILIES: &[(&str, &str)] = &[
    ("tags[", "a tag; its bare name does too"),
    ("flags[\"", "a feature flag"),
    ("measurements.", "a measurement; durations in milliseconds"),
    ("os.", "the operating system"),
    ("device.", "the device"),
    ("geo.", "where the user is"),
    ("sdk.", "the SDK"),
];

impl Kind {
    /// Returns true when the key tells of an issue's state or history and says nothing of events.
    pub(super) fn is_of_issues(self) -> bool {
        matches!(
            self,
            Self::State
                | Self::Assigned
                | Self::AssignedOrSuggested
                | Self::Bookmarks
                | Self::Subscribed
                | Self::Age
                | Self::FirstSeen
                | Self::LastSeen
                | Self::FirstRelease
                | Self::LastRelease
                | Self::TimesSeen
                | Self::Priority
        )
    }

    /// Returns the values that are all, or that are worth offering.
    pub(super) fn values(self) -> &'static [&'static str] {
        match self {
            Self::State => State::NAMES,
            Self::Level => LEVELS,
            Self::Assigned | Self::AssignedOrSuggested => &["me", "my_teams", "none"],
            Self::Bookmarks | Self::Subscribed => &["me"],
            Self::Age | Self::FirstSeen | Self::LastSeen | Self::Timestamp => AGES,
            Self::Release | Self::FirstRelease | Self::LastRelease => &["latest"],
            Self::Stage => Stage::NAMES,
            Self::Priority => Priority::NAMES,
            Self::EventType => EVENT_TYPES,
            Self::Handled | Self::Unhandled => BOOLEANS,
            _ => &[],
        }
    }
}

pub(super) const EVENT_TYPES: &[&str] = &["default", "error", "csp", "transaction"];

/// Finds the key of a name. Words that a tag may well be called are keys only where they can be.
pub(super) fn find(name: &str, subject: Subject) -> Option<&'static KeySpec> {
    let spec = KEYS
        .iter()
        .find(|spec| spec.name == name || spec.aliases.contains(&name))?;
    let is_everyday_word = matches!(name, "status" | "assignee" | "priority" | "age");
    let is_tag = is_everyday_word && spec.kind.is_of_issues() && subject == Subject::Events;
    (!is_tag).then_some(spec)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::event::EventKind;

    #[test]
    fn no_name_has_two_meanings() {
        let mut seen = BTreeSet::new();
        for spec in KEYS {
            for name in spec.aliases.iter().chain([&spec.name]) {
                assert!(seen.insert(*name), "{name}");
            }
        }
    }

    #[test]
    fn the_key_of_a_field_is_the_fields_own_name() {
        for spec in KEYS {
            if let Some(field) = &spec.field {
                assert_eq!(field.to_string(), spec.name);
            }
        }
    }

    #[test]
    fn every_sort_of_event_can_be_named() {
        let names: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names, EVENT_TYPES);
    }

    #[test]
    fn everyday_words_are_tags_of_events() {
        assert!(find("status", Subject::Issues).is_some());
        assert!(find("status", Subject::Events).is_none());
        assert!(find("is", Subject::Events).is_some());
    }
}
