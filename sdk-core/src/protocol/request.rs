//! The HTTP request being served.

use serde_json::Value;

use crate::protocol::interface::interface;
use crate::protocol::lenient::Object;
use crate::protocol::pairs::Pairs;

interface! {
    /// An HTTP request.
    pub struct Request {
        /// The URL without its query.
        pub url: Option<String>,
        /// `GET`, `POST`, …
        pub method: Option<String>,
        /// The query, as text or pairs.
        pub query_string: Pairs,
        /// What follows `#`.
        pub fragment: Option<String>,
        /// Headers in their order.
        pub headers: Pairs,
        /// Cookies, as text or pairs.
        pub cookies: Pairs,
        /// The body.
        pub data: Option<Value>,
        /// Facts of the server's environment.
        pub env: Object,
        /// `graphql` or `rest`.
        pub api_target: Option<String>,
    }
}
