//! Inbound filters: events that a project does not want to have, by its settings.

mod browser;
mod crawler;
mod rules;

pub(super) use rules::{Filters, Subject};

#[cfg(test)]
mod tests;
