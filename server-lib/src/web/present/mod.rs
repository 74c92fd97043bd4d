//! The JSON shapes of answers. Clients decode them strictly: identifiers are text, times end in
//! `Z`, and what is absent is null.

use std::sync::Arc;

use mini_sentry::protocol::Event;

use crate::model::catalog::Project;
use crate::model::event::EventRow;
use crate::model::record::Record;
use crate::model::tag::Tags;

pub mod activity;
pub mod attachment;
pub mod entries;
pub mod event;
pub mod grouping;
pub mod headline;
pub mod issue;
pub mod key;
pub mod organisation;
pub mod own;
pub mod own_group;
pub mod own_release;
pub mod person;
pub mod project;
pub mod release;
pub mod series;
pub mod tag_values;
pub mod tags;
pub mod token;
pub mod user_report;

/// An event with all that it is shown from.
#[derive(Clone, Debug)]
pub struct WholeEvent {
    /// What the index knows.
    pub row: EventRow,
    /// Whose it is.
    pub project: Arc<Project>,
    /// The record that holds its body.
    pub record: Record,
    /// The event that the body makes.
    pub event: Event,
    /// The line that names it.
    pub title: String,
    /// Where it happened; may be empty.
    pub culprit: String,
    /// What it can be found by.
    pub indexed: Tags,
}
