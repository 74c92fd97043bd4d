//! How a program around the server says who asks.

use async_trait::async_trait;
use http::request::Parts;

use crate::error::Error;
use crate::model::people::Role;

/// A person, as the program around the server knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostUser {
    /// The address that names the person. An account is made for it when there is none yet.
    pub email: String,
    /// The name for people.
    pub name: String,
    /// The organisation's slug; `None` for the first one.
    pub organisation: Option<String>,
    /// What the person is there. It is noted, so that lists of members are right.
    pub role: Role,
}

impl HostUser {
    /// Names a person of the first organisation.
    pub fn new(email: impl Into<String>, name: impl Into<String>, role: Role) -> Self {
        Self {
            email: email.into(),
            name: name.into(),
            organisation: None,
            role,
        }
    }
}

/// Authentication of a program that embeds the server.
///
/// It is asked for every request without a bearer token; API tokens work beside it, and logins by
/// password and link are switched off. `Ok(None)` means that the request names nobody, and is
/// answered 401. What it looks at must not be something that browsers send along from other
/// websites; changes that a browser says come from another website are refused in any case.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use http::request::Parts;
/// use mini_sentry_server::error::Error;
/// use mini_sentry_server::model::people::Role;
/// use mini_sentry_server::people::{Authenticator, HostUser};
///
/// /// The host's proxy has checked who it is, and says so in a header that it takes off first.
/// #[derive(Debug)]
/// struct ByProxy;
///
/// #[async_trait]
/// impl Authenticator for ByProxy {
///     async fn authenticate(&self, request: &Parts) -> Result<Option<HostUser>, Error> {
///         let header = request.headers.get("x-forwarded-email");
///         let email = header.and_then(|value| value.to_str().ok());
///         Ok(email.map(|email| HostUser::new(email, email, Role::Member)))
///     }
/// }
///
/// let builder = mini_sentry_server::Server::builder().authenticator(Arc::new(ByProxy));
/// # let _ = builder;
/// ```
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Says who sends the request.
    ///
    /// # Errors
    ///
    /// When that cannot be told now; the request is answered 503 or 500, by the error's kind.
    async fn authenticate(&self, request: &Parts) -> Result<Option<HostUser>, Error>;
}
