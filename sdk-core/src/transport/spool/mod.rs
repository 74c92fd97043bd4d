//! The offline spool: envelopes on disk that outlive the process.
//!
//! Every running process has a folder of its own in the spool's folder and holds a lock in it
//! while it lives. What a dead process left behind is moved over by the next one that starts,
//! so no two processes ever send the same file. A file appears under its name only when it is
//! whole, and its name sorts it by age.

mod file_name;
mod folder;
#[cfg_attr(unix, path = "private_unix.rs")]
#[cfg_attr(not(unix), path = "private_other.rs")]
mod private;
mod read;
mod store;

pub(crate) use self::store::Spool;
