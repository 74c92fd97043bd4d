//! The DSN: one line of text that says where to send and with which key.
//!
//! The grammar is small and fixed, so it is read by hand:
//! `{scheme}://{public_key}[:{secret}]@{host}[:{port}][/{path}]/{project_id}`.

#![warn(clippy::arithmetic_side_effects)]

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use thiserror::Error;

use crate::auth::{Auth, is_key};
use crate::limits::MAX_DSN_BYTES;

/// Where to send events, and with which key.
///
/// Reading is strict and writing gives one form: scheme and host in lower case, no default
/// port, no empty path segments, and the project as a plain number without leading zeros.
///
/// ```
/// use mini_sentry::dsn::Dsn;
///
/// let dsn = Dsn::parse("https://a1b2c3@errors.example.com:8443/base/42")?;
/// assert_eq!(dsn.public_key(), "a1b2c3");
/// assert_eq!(dsn.project_id(), 42);
/// assert_eq!(dsn.envelope_url(), "https://errors.example.com:8443/base/api/42/envelope/");
/// # Ok::<(), mini_sentry::dsn::ParseDsnError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Dsn {
    scheme: Scheme,
    public_key: String,
    secret: Option<String>,
    host: String,
    /// Only what differs from the scheme's default.
    port: Option<u16>,
    /// Empty, or with a leading and without a trailing slash.
    path: String,
    project_id: u64,
}

impl Dsn {
    /// Reads a DSN; blanks around it do not count.
    pub fn parse(text: &str) -> Result<Self, ParseDsnError> {
        let text = text.trim();
        // Whatever could smuggle a second meaning into the URL ends here.
        if text.len() > MAX_DSN_BYTES || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ParseDsnError::InvalidUrl);
        }
        let (scheme, rest) = text.split_once("://").ok_or(ParseDsnError::InvalidUrl)?;
        let scheme = Scheme::from_name(scheme)?;
        if rest.contains(['?', '#', '\\']) {
            return Err(ParseDsnError::InvalidUrl);
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, address) = authority
            .rsplit_once('@')
            .ok_or(ParseDsnError::MissingPublicKey)?;
        let (public_key, secret) = parse_user(user)?;
        let (host, port) = parse_address(address, scheme)?;
        let (path, project_id) = parse_path(path)?;
        Ok(Self {
            scheme,
            public_key,
            secret,
            host,
            port,
            path,
            project_id,
        })
    }

    /// Returns the scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the public key, which every request carries.
    pub fn public_key(&self) -> &str {
        &self.public_key
    }

    /// Returns the secret of an old DSN.
    pub fn secret(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    /// Returns the host in lower case; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port, the scheme's default when the DSN names none.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.scheme.default_port())
    }

    /// Returns the path in front of `/api`: empty, or like `/base` without a trailing slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the project's number.
    pub fn project_id(&self) -> u64 {
        self.project_id
    }

    /// Returns scheme, host and port, such as `https://errors.example.com:8443`.
    pub fn origin(&self) -> String {
        match self.port {
            Some(port) => format!("{}://{}:{port}", self.scheme, self.host),
            None => format!("{}://{}", self.scheme, self.host),
        }
    }

    /// Returns the URL that takes envelopes.
    pub fn envelope_url(&self) -> String {
        self.endpoint("envelope")
    }

    /// Returns the URL that takes single events of old SDKs.
    pub fn store_url(&self) -> String {
        self.endpoint("store")
    }

    /// Returns the authentication that a client of this name sends, such as `demo/1.0`.
    pub fn to_auth(&self, client: &str) -> Auth {
        let auth = Auth::from_checked_key(self.public_key.clone()).with_client(client);
        match &self.secret {
            Some(secret) => auth.with_secret(secret),
            None => auth,
        }
    }

    fn endpoint(&self, name: &str) -> String {
        format!(
            "{}{}/api/{}/{name}/",
            self.origin(),
            self.path,
            self.project_id
        )
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, secret: Option<&str>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.public_key)?;
        if let Some(secret) = secret {
            write!(f, ":{secret}")?;
        }
        write!(f, "@{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}/{}", self.path, self.project_id)
    }
}

impl FromStr for Dsn {
    type Err = ParseDsnError;

    fn from_str(text: &str) -> Result<Self, ParseDsnError> {
        Self::parse(text)
    }
}

/// Writes the whole DSN, secret included, so that it can be read again.
impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, self.secret())
    }
}

/// Writes the DSN with its secret hidden.
impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dsn(")?;
        self.write(f, self.secret.as_ref().map(|_| "***"))?;
        f.write_str(")")
    }
}

impl Serialize for Dsn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Dsn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// How to reach the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// Returns the name as it stands in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Returns the port that is used when none is named.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    fn from_name(name: &str) -> Result<Self, ParseDsnError> {
        [Self::Http, Self::Https]
            .into_iter()
            .find(|scheme| name.eq_ignore_ascii_case(scheme.as_str()))
            .ok_or(ParseDsnError::InvalidScheme)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a DSN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ParseDsnError {
    /// The text is too long, is not shaped like a URL or holds illegal characters.
    #[error("dsn is not a url of the form scheme://key@host/project")]
    InvalidUrl,
    /// The scheme is neither `http` nor `https`.
    #[error("dsn has another scheme than http or https")]
    InvalidScheme,
    /// Nothing stands where the public key belongs.
    #[error("dsn has no public key")]
    MissingPublicKey,
    /// Nothing stands where the host belongs.
    #[error("dsn has no host")]
    MissingHost,
    /// The port is not a number from 1 to 65535.
    #[error("dsn has a port that is not a number from 1 to 65535")]
    InvalidPort,
    /// The path is empty.
    #[error("dsn has no project id")]
    MissingProjectId,
    /// The last part of the path is not a number of 64 bits.
    #[error("dsn has a project id that is not a number")]
    InvalidProjectId,
}

impl ParseDsnError {
    /// Returns the stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidUrl => "invalid_url",
            Self::InvalidScheme => "invalid_scheme",
            Self::MissingPublicKey => "missing_public_key",
            Self::MissingHost => "missing_host",
            Self::InvalidPort => "invalid_port",
            Self::MissingProjectId => "missing_project_id",
            Self::InvalidProjectId => "invalid_project_id",
        }
    }
}

fn parse_user(user: &str) -> Result<(String, Option<String>), ParseDsnError> {
    let (key, secret) = user.split_once(':').unwrap_or((user, ""));
    if key.is_empty() {
        return Err(ParseDsnError::MissingPublicKey);
    }
    if !is_key(key) || !secret.is_empty() && !is_key(secret) {
        return Err(ParseDsnError::InvalidUrl);
    }
    Ok((
        key.to_owned(),
        (!secret.is_empty()).then(|| secret.to_owned()),
    ))
}

fn parse_address(address: &str, scheme: Scheme) -> Result<(String, Option<u16>), ParseDsnError> {
    let (host, port) = split_port(address)?;
    let bracketed = host
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'));
    if bracketed.unwrap_or(host).is_empty() {
        return Err(ParseDsnError::MissingHost);
    }
    let is_legal = match bracketed {
        Some(inner) => {
            inner.contains(':')
                && inner
                    .bytes()
                    .all(|b| b.is_ascii_hexdigit() || b":.".contains(&b))
        }
        None => host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
    };
    if !is_legal {
        return Err(ParseDsnError::InvalidUrl);
    }
    let port = match port {
        Some(text) => Some(parse_port(text)?).filter(|port| *port != scheme.default_port()),
        None => None,
    };
    Ok((host.to_ascii_lowercase(), port))
}

/// Splits at the colon before the port, which is not one of those inside brackets.
fn split_port(address: &str) -> Result<(&str, Option<&str>), ParseDsnError> {
    if !address.starts_with('[') {
        return Ok(match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        });
    }
    let end = address.find(']').ok_or(ParseDsnError::InvalidUrl)?;
    let (host, rest) = address
        .split_at_checked(end.saturating_add(1))
        .ok_or(ParseDsnError::InvalidUrl)?;
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(ParseDsnError::InvalidUrl),
    }
}

fn parse_port(text: &str) -> Result<u16, ParseDsnError> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ParseDsnError::InvalidPort);
    }
    text.parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or(ParseDsnError::InvalidPort)
}

fn parse_path(text: &str) -> Result<(String, u64), ParseDsnError> {
    let mut segments: Vec<&str> = text
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let project = segments.pop().ok_or(ParseDsnError::MissingProjectId)?;
    if !project.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ParseDsnError::InvalidProjectId);
    }
    let project_id = project
        .parse()
        .map_err(|_| ParseDsnError::InvalidProjectId)?;
    let mut path = String::new();
    for segment in segments {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@".contains(&b);
        if segment == "." || segment == ".." || !segment.bytes().all(legal) {
            return Err(ParseDsnError::InvalidUrl);
        }
        path.push('/');
        path.push_str(segment);
    }
    Ok((path, project_id))
}
