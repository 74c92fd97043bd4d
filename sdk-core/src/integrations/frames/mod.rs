//! What can be said of a frame by its name and file: whose code it is, and whether it shows
//! anything at all.

mod in_app;
mod names;
mod paths;
mod trim;

pub(crate) use in_app::{in_app, is_own};
pub(crate) use names::{crate_of, module_of};
pub(crate) use paths::short_path;
#[cfg(feature = "backtrace")]
pub(crate) use trim::is_begin;
pub(crate) use trim::trim;
