//! The address of this server as clients see it, and what is made of it: DSNs and links.

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::model::ids::ProjectId;

/// Scheme, host, port and path prefix, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    is_secure: bool,
    authority: String,
    prefix: String,
}

impl BaseUrl {
    /// Reads an address such as `https://errors.example.com/prefix`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when it has no `http` or `https`, no host, a user, a query or a
    /// fragment.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = || {
            Error::because(
                ErrorKind::Invalid,
                format!(
                    "the address {text:?} is not of the form https://errors.example.com/prefix"
                ),
            )
        };
        let uri: http::Uri = text.trim().parse().map_err(|_| invalid())?;
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(invalid()),
        };
        let authority = uri.authority().ok_or_else(invalid)?.as_str();
        let has_query = uri.query().is_some() || text.contains('#');
        if authority.contains('@') || has_query {
            return Err(invalid());
        }
        Ok(Self::new(is_secure, authority, uri.path()))
    }

    /// Puts an address together from parts of a request.
    #[must_use]
    pub fn new(is_secure: bool, authority: &str, prefix: &str) -> Self {
        Self {
            is_secure,
            authority: authority.to_ascii_lowercase(),
            prefix: prefix.trim_end_matches('/').to_owned(),
        }
    }

    /// Returns the address of a path that begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Returns the DSN of a key.
    #[must_use]
    pub fn dsn(&self, public_key: &str, project: ProjectId) -> String {
        let (scheme, authority, prefix) = (self.scheme(), &self.authority, &self.prefix);
        format!("{scheme}://{public_key}@{authority}{prefix}/{project}")
    }

    /// Returns the path prefix; empty, or beginning with a slash.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the host with its port.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Reports whether it is reached by TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    fn scheme(&self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, authority, prefix) = (self.scheme(), &self.authority, &self.prefix);
        write!(f, "{scheme}://{authority}{prefix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_dsns_and_links_with_its_prefix() {
        let base = BaseUrl::parse("https://Errors.example.com:8443/sub/").unwrap();
        assert_eq!(base.to_string(), "https://errors.example.com:8443/sub");
        assert_eq!(
            base.dsn("0123", ProjectId(7)),
            "https://0123@errors.example.com:8443/sub/7"
        );
        assert_eq!(
            base.join("/api/0/"),
            "https://errors.example.com:8443/sub/api/0/"
        );
        let plain = BaseUrl::parse("http://[::1]:8000").unwrap();
        assert_eq!(plain.dsn("k", ProjectId(1)), "http://k@[::1]:8000/1");
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        for text in [
            "",
            "errors.example.com",
            "/prefix",
            "ftp://errors.example.com",
            "https://user@errors.example.com",
            "https://errors.example.com/?a=1",
            "https://errors.example.com/#a",
        ] {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
    }
}
