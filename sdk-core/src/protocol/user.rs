//! Who was affected.

use crate::protocol::interface::interface;
use crate::protocol::lenient::{AnyText, Object};

interface! {
    /// The user of the program.
    pub struct User {
        /// The program's own identifier.
        pub id: Option<String> = "id" as AnyText,
        /// E-mail address.
        pub email: Option<String>,
        /// Login name.
        pub username: Option<String> = "username" as AnyText,
        /// Name for people.
        pub name: Option<String>,
        /// Internet address; `{{auto}}` takes the sender's.
        pub ip_address: Option<String>,
        /// Kind of user, such as a plan.
        pub segment: Option<String>,
        /// Where on earth.
        pub geo: Option<Geo>,
        /// Free-form facts.
        pub data: Object,
    }
}

interface! {
    /// A place on earth.
    pub struct Geo {
        /// Two-letter country code.
        pub country_code: Option<String>,
        /// Country, region or province.
        pub region: Option<String>,
        /// Town.
        pub city: Option<String>,
    }
}
