//! Authentication of ingestion requests: header form and query form, read and written.
//!
//! One set of pairs names the key in all of them: `sentry_key`, `sentry_version`,
//! `sentry_client`, and from old clients `sentry_secret` and `sentry_timestamp`. What a server
//! does with a key, or with several that disagree, is its own business.

#![warn(clippy::arithmetic_side_effects)]

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use thiserror::Error;

use crate::limits::{MAX_AUTH_BYTES, MAX_AUTH_VALUE_BYTES, MAX_KEY_CHARS, MAX_PROTOCOL_VERSION};

/// The scheme in front of the pairs, in `X-Sentry-Auth` and in `Authorization`.
const SCHEME: &str = "Sentry";
/// The scheme of HTTP that carries a user and a password.
const BASIC: &str = "Basic";

/// Who sends: the public key, and what the client says about itself.
///
/// ```
/// use mini_sentry::auth::Auth;
///
/// let auth = Auth::parse_header("Sentry sentry_key=a1b2c3, sentry_version=7, sentry_client=demo/1.0")?;
/// assert_eq!(auth.public_key(), "a1b2c3");
/// assert_eq!(auth.client(), Some("demo/1.0"));
/// assert_eq!(auth.to_query(), "sentry_key=a1b2c3&sentry_version=7&sentry_client=demo%2F1.0");
/// # Ok::<(), mini_sentry::auth::AuthError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Auth {
    public_key: String,
    version: u16,
    client: Option<String>,
    secret: Option<String>,
    timestamp: Option<String>,
}

impl Auth {
    /// Makes the authentication of protocol version 7 from a key alone, as when the key came in
    /// a path, a DSN or as the user of HTTP Basic.
    pub fn from_public_key(key: &str) -> Result<Self, AuthError> {
        check_key(key)?;
        Ok(Self::from_checked_key(key.to_owned()))
    }

    /// Makes the same of a key that [`is_key`] has accepted.
    pub(crate) fn from_checked_key(public_key: String) -> Self {
        Self {
            public_key,
            version: MAX_PROTOCOL_VERSION,
            client: None,
            secret: None,
            timestamp: None,
        }
    }

    /// Reads the value of `X-Sentry-Auth`: pairs in any order, the scheme optional.
    pub fn parse_header(value: &str) -> Result<Self, AuthError> {
        check_total(value)?;
        let value = value.trim();
        let pairs_text = strip_scheme(value, SCHEME).unwrap_or(value);
        let mut pairs = Pairs::default();
        for pair in pairs_text.split(',') {
            let pair = pair.trim();
            if pair.is_empty() {
                continue;
            }
            let (name, text) = pair.split_once('=').ok_or(AuthError::MalformedPair)?;
            pairs.insert(name.trim_end(), Cow::Borrowed(text.trim_start()))?;
        }
        pairs.into_auth()
    }

    /// Reads the value of `Authorization`: pairs after `Sentry`, or the key as the user of HTTP
    /// Basic, whose password does not count. `None` when it uses another scheme.
    pub fn parse_authorization(value: &str) -> Option<Result<Self, AuthError>> {
        let trimmed = value.trim();
        if let Some(credentials) = strip_scheme(trimmed, BASIC) {
            return Some(Self::parse_basic(credentials));
        }
        strip_scheme(trimmed, SCHEME)?;
        Some(Self::parse_header(value))
    }

    fn parse_basic(credentials: &str) -> Result<Self, AuthError> {
        check_total(credentials)?;
        let bytes = base64_decode(credentials).ok_or(AuthError::MalformedPair)?;
        let text = String::from_utf8(bytes).map_err(|_| AuthError::MalformedPair)?;
        let (user, _) = text.split_once(':').ok_or(AuthError::MalformedPair)?;
        Self::from_public_key(user)
    }

    /// Reads a query such as `sentry_key=…&sentry_version=7`, with or without its `?`.
    ///
    /// Pairs of other names are not looked at.
    pub fn parse_query(query: &str) -> Result<Self, AuthError> {
        check_total(query)?;
        let mut pairs = Pairs::default();
        for pair in query.strip_prefix('?').unwrap_or(query).split('&') {
            let Some((name, text)) = pair.split_once('=') else {
                continue;
            };
            if name.starts_with("sentry_") {
                let value = percent_decode(text).ok_or(AuthError::MalformedPair)?;
                pairs.insert(name, value)?;
            }
        }
        pairs.into_auth()
    }

    /// Sets the client's name and version, such as `mini-sentry/0.1.0`.
    ///
    /// Commas and whatever is not printable ASCII cannot stand in a header and are left out; so
    /// is what exceeds 256 bytes.
    #[must_use]
    pub fn with_client(mut self, client: &str) -> Self {
        let text: String = client
            .chars()
            .filter(|c| is_writable(*c))
            .take(MAX_AUTH_VALUE_BYTES)
            .collect();
        self.client = trimmed(&text);
        self
    }

    /// Sets the secret half of an old DSN; a secret with illegal characters is left out.
    #[must_use]
    pub fn with_secret(mut self, secret: &str) -> Self {
        self.secret = is_key(secret).then(|| secret.to_owned());
        self
    }

    /// Returns the public key.
    pub fn public_key(&self) -> &str {
        &self.public_key
    }

    /// Returns the protocol version, at most 7.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// Returns the client's name and version.
    pub fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// Returns the secret, which old clients still send and nobody needs.
    pub fn secret(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    /// Returns the time that the client claims, as it wrote it.
    pub fn timestamp(&self) -> Option<&str> {
        self.timestamp.as_deref()
    }

    /// Writes the value of `X-Sentry-Auth`.
    pub fn to_header(&self) -> String {
        let mut text = format!("{SCHEME} ");
        self.write_pairs(&mut text, ", ", |value| Cow::Borrowed(value));
        text
    }

    /// Writes the query form, without a `?`.
    pub fn to_query(&self) -> String {
        let mut text = String::new();
        self.write_pairs(&mut text, "&", |value| Cow::Owned(percent_encode(value)));
        text
    }

    fn write_pairs(&self, out: &mut String, separator: &str, encode: fn(&str) -> Cow<'_, str>) {
        let version = self.version.to_string();
        let pairs = [
            ("sentry_key", Some(self.public_key.as_str())),
            ("sentry_version", Some(version.as_str())),
            ("sentry_client", self.client()),
            ("sentry_secret", self.secret()),
            ("sentry_timestamp", self.timestamp()),
        ];
        let mut between = "";
        for (name, value) in pairs {
            if let Some(value) = value {
                out.push_str(between);
                out.push_str(name);
                out.push('=');
                out.push_str(&encode(value));
                between = separator;
            }
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("public_key", &self.public_key)
            .field("version", &self.version)
            .field("client", &self.client)
            .field("secret", &self.secret.as_ref().map(|_| "***"))
            .field("timestamp", &self.timestamp)
            .finish()
    }
}

impl FromStr for Auth {
    type Err = AuthError;

    fn from_str(value: &str) -> Result<Self, AuthError> {
        Self::parse_header(value)
    }
}

/// Why a header or query names no usable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum AuthError {
    /// There is no `sentry_key`, or it is empty.
    #[error("sentry_key is missing")]
    MissingKey,
    /// A pair has no `=`, stands there twice with two values, or holds an illegal character.
    #[error("authentication holds a malformed pair")]
    MalformedPair,
    /// The version is newer than the newest known one.
    #[error("sentry_version is newer than {MAX_PROTOCOL_VERSION}")]
    UnsupportedVersion,
    /// The whole, the key or another value is longer than allowed.
    #[error(
        "authentication is longer than {MAX_AUTH_BYTES} bytes or one of its values is too long"
    )]
    TooLong,
}

impl AuthError {
    /// Returns the stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingKey => "missing_key",
            Self::MalformedPair => "malformed_pair",
            Self::UnsupportedVersion => "unsupported_version",
            Self::TooLong => "too_long",
        }
    }
}

/// The known pairs while a header or query is read.
#[derive(Default)]
struct Pairs<'a> {
    key: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    client: Option<Cow<'a, str>>,
    secret: Option<Cow<'a, str>>,
    timestamp: Option<Cow<'a, str>>,
}

impl<'a> Pairs<'a> {
    fn insert(&mut self, name: &str, value: Cow<'a, str>) -> Result<(), AuthError> {
        let slot = match name {
            "sentry_key" => &mut self.key,
            "sentry_version" => &mut self.version,
            "sentry_client" => &mut self.client,
            "sentry_secret" => &mut self.secret,
            "sentry_timestamp" => &mut self.timestamp,
            _ => return Ok(()),
        };
        if value.len() > MAX_AUTH_VALUE_BYTES {
            return Err(AuthError::TooLong);
        }
        // A client's odd name is cleaned later; anything else must fit into a header as it is.
        if name != "sentry_client" && !value.chars().all(is_writable) {
            return Err(AuthError::MalformedPair);
        }
        if slot.as_ref().is_some_and(|earlier| *earlier != value) {
            return Err(AuthError::MalformedPair);
        }
        *slot = Some(value);
        Ok(())
    }

    fn into_auth(self) -> Result<Auth, AuthError> {
        let key = self.key.as_deref().map_or("", str::trim);
        let mut auth = Auth::from_public_key(key)?;
        if let Some(version) = self.version.as_deref().and_then(trimmed) {
            auth.version = parse_version(&version)?;
        }
        auth.secret = self.secret.as_deref().and_then(trimmed);
        auth.timestamp = self.timestamp.as_deref().and_then(trimmed);
        Ok(auth.with_client(self.client.as_deref().unwrap_or_default()))
    }
}

/// Tells whether a text may be a public or secret key.
pub(crate) fn is_key(text: &str) -> bool {
    check_key(text).is_ok()
}

fn check_key(key: &str) -> Result<(), AuthError> {
    if key.is_empty() {
        return Err(AuthError::MissingKey);
    }
    if key.len() > MAX_KEY_CHARS {
        return Err(AuthError::TooLong);
    }
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if key.bytes().all(legal) {
        Ok(())
    } else {
        Err(AuthError::MalformedPair)
    }
}

fn check_total(text: &str) -> Result<(), AuthError> {
    if text.len() > MAX_AUTH_BYTES {
        Err(AuthError::TooLong)
    } else {
        Ok(())
    }
}

/// Returns what follows the scheme, or `None` when the text does not start with it.
fn strip_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = value.split_at_checked(scheme.len())?;
    let ends_there = rest.is_empty() || rest.starts_with([' ', '\t']);
    (start.eq_ignore_ascii_case(scheme) && ends_there).then(|| rest.trim_start())
}

fn parse_version(text: &str) -> Result<u16, AuthError> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(AuthError::MalformedPair);
    }
    // Digits that overflow are a version far too new.
    let version = text
        .parse::<u16>()
        .map_err(|_| AuthError::UnsupportedVersion)?;
    if version > MAX_PROTOCOL_VERSION {
        Err(AuthError::UnsupportedVersion)
    } else {
        Ok(version)
    }
}

/// Trims a value; an empty one counts as absent.
fn trimmed(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// Tells whether a character can stand in a header's value without ending or splitting it.
fn is_writable(c: char) -> bool {
    c.is_ascii_graphic() && c != ',' || c == ' '
}

/// Reads base64 of the standard alphabet, with or without the filler at its end.
fn base64_decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(digits.len());
    let (mut group, mut bits) = (0_u32, 0_u32);
    for byte in digits.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        group = group.wrapping_shl(6) | u32::from(digit);
        bits = bits.wrapping_add(6);
        if let Some(left) = bits.checked_sub(8) {
            bits = left;
            out.push(u8::try_from(group.wrapping_shr(left) & 0xff).ok()?);
        }
    }
    // Six bits left over are a digit that belongs to no byte.
    (bits < 6).then_some(out)
}

fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = hex_digit(rest.next()?)?;
                let low = hex_digit(rest.next()?)?;
                high.wrapping_shl(4) | low
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_cut_only_when_it_ends_there() {
        for (text, rest) in [
            ("sEnTrY  a=b", Some("a=b")),
            ("Sentry", Some("")),
            ("Sentry_key=x", None),
            ("sentry_key=x", None),
            ("Bearer x", None),
        ] {
            assert_eq!(strip_scheme(text, SCHEME), rest, "{text}");
        }
    }

    #[test]
    fn base64_is_read_with_and_without_filler_and_refused_when_cut() {
        for (text, bytes) in [
            ("", Some(&b""[..])),
            ("Zg==", Some(b"f")),
            ("Zm8", Some(b"fo")),
            ("Zm9vYg==", Some(b"foob")),
            ("+//+", Some(b"\xfb\xff\xfe")),
            ("Z", None),
            ("Zm9vY", None),
            ("Zm 8", None),
            ("Z=m8", None),
            ("Zm8\u{e4}", None),
        ] {
            assert_eq!(base64_decode(text).as_deref(), bytes, "{text}");
        }
    }

    #[test]
    fn percent_decoding_refuses_cut_and_foreign_digits() {
        assert_eq!(percent_decode("a%2Fb+c").as_deref(), Some("a/b c"));
        assert_eq!(percent_decode("%2"), None);
        assert_eq!(percent_decode("%zz"), None);
        assert_eq!(percent_decode("%ff"), None);
    }

    #[test]
    fn debug_text_hides_the_secret() {
        let auth = Auth::from_public_key("abc").unwrap().with_secret("hush");
        assert!(!format!("{auth:?}").contains("hush"));
        assert_eq!(auth.secret(), Some("hush"));
    }
}
