//! Log shippers: what Logstash, Fluent Bit, Vector and the JSON loggers of many languages write,
//! turned into events.
//!
//! None of them sends Sentry's fields. Times, levels, messages, errors and loggers go by many
//! names; [`event`] knows them and keeps all the rest as extra data.

mod entry;
mod failure;
mod field;
mod level;
mod own;
mod shape;
mod split;
pub mod stack;

pub use entry::event;
pub(crate) use field::cut;
pub use level::{from_name as level_from_name, from_severity_number};
pub use own::own_event;
pub use shape::is_log;
pub use split::{Split, split};
