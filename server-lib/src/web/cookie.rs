//! The cookie of a login, and the proof that a change comes from a page of ours.
//!
//! The cookie holds the secret; scripts cannot read it, and browsers do not send it along with
//! changes from other websites. The proof is made from the secret, so that there is nothing to keep,
//! and is told to pages by the interface; a change must repeat it in a header.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::error::ApiError;
use crate::address::BaseUrl;
use crate::secret::{Secret, to_hex};

/// The cookie's name.
const NAME: &str = "mini_sentry_login";

/// The header that repeats the proof.
const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// Length of a secret, in hexadecimal digits.
const SECRET_DIGITS: usize = 64;

/// Returns the secret of the cookie.
pub(super) fn secret(headers: &HeaderMap) -> Option<Secret> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == NAME)
        .map(|(_, value)| value)
        .find(|value| {
            value.len() == SECRET_DIGITS && value.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
        .map(Secret::new)
}

/// Makes the cookie of a login.
pub(super) fn set(base: &BaseUrl, secret: &Secret, seconds: u64) -> Option<HeaderValue> {
    made(base, secret.reveal(), seconds)
}

/// Takes the cookie away.
pub(super) fn remove(base: &BaseUrl) -> Option<HeaderValue> {
    made(base, "", 0)
}

fn made(base: &BaseUrl, value: &str, seconds: u64) -> Option<HeaderValue> {
    let secure = if base.is_secure() { "; Secure" } else { "" };
    let path = base.prefix();
    let text =
        format!("{NAME}={value}; Path={path}/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Returns the proof that goes with the secret of a login.
pub(super) fn csrf_token(secret: &Secret) -> String {
    let bound = Secret::new(format!("csrf:{}", secret.reveal()));
    to_hex(&bound.hash().0)
}

/// Checks the proof in the header.
pub(super) fn check_csrf(headers: &HeaderMap, secret: &Secret) -> Result<(), ApiError> {
    let given = headers.get(X_CSRF_TOKEN);
    let given = given.and_then(|value| value.to_str().ok());
    check_proof(given.unwrap_or_default(), secret)
}

/// Checks a proof, from wherever it comes.
pub(super) fn check_proof(given: &str, secret: &Secret) -> Result<(), ApiError> {
    // Hashes are compared, so that the time tells nothing.
    if Secret::new(given).hash() == Secret::new(csrf_token(secret)).hash() {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "csrf",
        "A change with a login needs the header X-CSRF-Token; GET /api/0/auth/ tells its value.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(text: &'static str) -> Option<String> {
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(text))]);
        secret(&headers).map(|secret| secret.reveal().to_owned())
    }

    #[test]
    fn the_secret_is_found_among_other_cookies() {
        const TEXT: &str = "a=b; mini_sentry_login=\
            0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef; c=d";
        assert_eq!(cookies(TEXT).unwrap().len(), SECRET_DIGITS);
        for other in ["", "mini_sentry_login=", "mini_sentry_login=abc", "x=y"] {
            assert_eq!(cookies(other), None, "{other}");
        }
    }

    #[test]
    fn the_cookie_is_for_this_server_and_hidden_from_scripts() {
        let secret = Secret::new("ab");
        let base = BaseUrl::parse("https://h.example.com/errors").unwrap();
        assert_eq!(
            set(&base, &secret, 60).unwrap(),
            "mini_sentry_login=ab; Path=/errors/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
        let base = BaseUrl::parse("http://h.example.com").unwrap();
        assert_eq!(
            remove(&base).unwrap(),
            "mini_sentry_login=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn a_proof_goes_with_its_secret_only() {
        let (one, two) = (Secret::new("one"), Secret::new("two"));
        check_proof(&csrf_token(&one), &one).unwrap();
        check_proof(&csrf_token(&one), &two).unwrap_err();
        check_proof("", &one).unwrap_err();
    }
}
