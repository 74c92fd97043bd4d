//! The texts of tokens and keys: how they are made, and which texts could be one.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::error::{Error, ErrorKind};
use crate::model::time::Millis;
use crate::secret::{Secret, random, random_hex};

/// Begins the tokens that stand for a person or a script.
pub const USER_PREFIX: &str = "sntryu_";
/// Begins the tokens that tell a client which organisation and server they are for.
pub const ORGANISATION_PREFIX: &str = "sntrys_";

/// A longer text is no token of ours.
const MAX_TOKEN: usize = 2048;

/// What a token tells by its looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenForm {
    /// `sntryu_` and 64 hexadecimal digits, or the digits alone as older clients have them.
    User,
    /// `sntrys_`, a readable part, and a random one.
    Organisation,
}

/// Makes a token that tells nothing.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn new_user_token() -> Result<Secret, Error> {
    Ok(Secret::new(format!("{USER_PREFIX}{}", random_hex::<32>()?)))
}

/// Makes a token that tells clients the server's address and the organisation, so that they need
/// no further settings.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn new_organisation_token(
    base_url: &str,
    organisation: &str,
    at: Millis,
) -> Result<Secret, Error> {
    let base_url = base_url.trim_end_matches('/');
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of this age fit a double"
    )]
    let seconds = at.0 as f64 / 1000.0;
    let facts = serde_json::json!({
        "iat": seconds,
        "url": base_url,
        "region_url": base_url,
        "org": organisation,
    });
    let facts =
        serde_json::to_vec(&facts).map_err(|error| Error::new(ErrorKind::Invalid, error))?;
    Ok(Secret::new(format!(
        "{ORGANISATION_PREFIX}{}_{}",
        STANDARD.encode(facts),
        STANDARD_NO_PAD.encode(random::<32>()?)
    )))
}

/// Makes the public key of a DSN.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn new_public_key() -> Result<String, Error> {
    random_hex::<16>()
}

/// Makes an ingest token of a project.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn new_ingest_token() -> Result<String, Error> {
    random_hex::<16>()
}

/// Tells which form the text has; `None` when it cannot be a token, so that nobody needs to look
/// for it. Keys of DSNs and ingest tokens are none.
#[must_use]
pub fn form(text: &str) -> Option<TokenForm> {
    if text.len() > MAX_TOKEN {
        return None;
    }
    if let Some(rest) = text.strip_prefix(ORGANISATION_PREFIX) {
        let (facts, random) = rest.rsplit_once('_')?;
        let facts = STANDARD.decode(facts).ok()?;
        let is_object = serde_json::from_slice::<serde_json::Map<_, _>>(&facts).is_ok();
        let is_random = STANDARD_NO_PAD
            .decode(random)
            .is_ok_and(|bytes| bytes.len() == 32);
        return (is_object && is_random).then_some(TokenForm::Organisation);
    }
    let digits = text.strip_prefix(USER_PREFIX).unwrap_or(text);
    let is_hex = digits
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (digits.len() == 64 && is_hex).then_some(TokenForm::User)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_form_that_clients_know() {
        let user = new_user_token().unwrap();
        assert_eq!(form(user.reveal()), Some(TokenForm::User));
        let bare = user.reveal().strip_prefix(USER_PREFIX).unwrap();
        assert_eq!(form(bare), Some(TokenForm::User));

        let at = Millis(1_767_323_045_678);
        let token = new_organisation_token("https://errors.example.com/", "acme", at).unwrap();
        assert_eq!(form(token.reveal()), Some(TokenForm::Organisation));
        let middle = token.reveal().split('_').nth(1).unwrap();
        let facts: serde_json::Value =
            serde_json::from_slice(&STANDARD.decode(middle).unwrap()).unwrap();
        assert_eq!(facts["org"], "acme");
        assert_eq!(facts["url"], "https://errors.example.com");
        assert_eq!(facts["region_url"], facts["url"]);
        assert_eq!(facts["iat"], 1_767_323_045.678);
    }

    #[test]
    fn keys_and_other_texts_are_no_tokens() {
        let key = new_public_key().unwrap();
        let upper = "A".repeat(64);
        let long = format!("sntrys_{}", "a".repeat(MAX_TOKEN));
        for text in [
            "",
            "sntryu_",
            "sntrys_",
            "sntrys_e30=_",
            "sntrys_e30=_AAAA",
            &key,
            &upper,
            &long,
        ] {
            assert_eq!(form(text), None, "{text}");
        }
    }

    #[test]
    fn two_tokens_differ() {
        assert!(new_user_token().unwrap() != new_user_token().unwrap());
        assert_ne!(new_ingest_token().unwrap(), new_ingest_token().unwrap());
    }
}
