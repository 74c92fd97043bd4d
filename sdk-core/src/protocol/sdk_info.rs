//! The client that made an event.

use crate::protocol::interface::interface;

interface! {
    /// Name, version and parts of a client.
    pub struct SdkInfo {
        /// Such as `mini-sentry.rust`.
        pub name: Option<String>,
        /// Its version.
        pub version: Option<String>,
        /// Integrations that are on.
        pub integrations: Vec<String>,
        /// Packages that it was installed from.
        pub packages: Vec<SdkPackage>,
    }
}

interface! {
    /// A package that a client was installed from.
    pub struct SdkPackage {
        /// Such as `cargo:mini-sentry`.
        pub name: Option<String>,
        /// Its version.
        pub version: Option<String>,
    }
}
