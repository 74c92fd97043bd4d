//! The search language: the text that people and clients write, and the typed question it means.
//!
//! One language for issues and events, in both interfaces. [`parse`] reads every value once: what
//! comes out holds levels, times and numbers and no text that could still be wrong. `now` is
//! given, so the same text at the same moment is the same question. Writing a [`Query`] gives its
//! canonical form, which reads back to an equal one. `docs/search.md` tells the language to people.
//!
//! ```
//! use mini_sentry_server::model::time::Millis;
//! use mini_sentry_server::store::search::{ParseOptions, Subject, parse};
//!
//! let options = ParseOptions::new(Subject::Issues, Millis(1_767_323_045_678));
//! let query = parse("status:open env:production timeout", &options)?;
//! assert_eq!(query.to_string(), "is:unresolved environment:production timeout");
//! let error = parse("is:resolvd", &options).unwrap_err();
//! assert_eq!(error.suggestion(), Some("resolved"));
//! # Ok::<(), mini_sentry_server::store::search::SearchError>(())
//! ```

mod ast;
mod check;
mod completion;
mod cursor;
mod dates;
mod display;
mod error;
mod field;
mod forms;
mod keys;
mod lexer;
mod lower;
mod numbers;
mod parser;
mod pattern;
mod resolve;
mod terms;
mod values;
mod version;
mod vocabulary;

pub use ast::{
    Assignee, Condition, Expr, IssueRef, OneOf, Person, ProjectRef, Query, ReleaseName, TimeRange,
};
pub use check::EventView;
pub use completion::{
    Completion, FamilyDescription, KeyDescription, Language, Limits, completions, language,
};
pub use error::{Place, SearchError, SearchErrorKind};
pub use field::Field;
pub use keys::Subject;
pub use lower::{EventPlan, IssuePlan, NotSearchable};
pub use numbers::{Number, Range};
pub use parser::{BareWords, MAX_CHARS, MAX_DEPTH, MAX_TERMS, MAX_VALUES, ParseOptions, parse};
pub use pattern::Pattern;
pub use resolve::{Known, KnownRelease, Unknown};
pub use version::Version;
pub use vocabulary::{Priority, Stage, State};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
