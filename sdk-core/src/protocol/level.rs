//! How bad it is.

use crate::protocol::interface::names;

names! {
    /// Severity of an event, a breadcrumb or a message, least first.
    #[derive(Default)]
    pub enum Level {
        /// For developers.
        Debug = "debug" | "sample" | "trace",
        /// For the record.
        Info = "info" | "log" | "notice",
        /// Odd, but handled.
        Warning = "warning" | "warn",
        /// Something failed.
        #[default]
        Error = "error" | "err",
        /// The program or the request ended.
        Fatal = "fatal" | "critical",
    }
}
