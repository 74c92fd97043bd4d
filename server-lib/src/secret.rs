//! Secrets: made at random, shown once, kept as hashes, never printed by accident.

use std::fmt;

use sha2::{Digest, Sha256};

/// Text that must not get into logs: it has no `Display`, and `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns what is stored instead of the secret. Secrets here are random and long, so one
    /// round of SHA-256 is enough; passwords need more and are not hashed by this.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// Returns the last four characters, to tell secrets apart in lists.
    #[must_use]
    pub fn hint(&self) -> String {
        let skip = self.0.chars().count().saturating_sub(4);
        self.0.chars().skip(skip).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The hash of a secret; equal when the secrets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

/// Returns random bytes from the system.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn random<const N: usize>() -> Result<[u8; N], crate::error::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| crate::error::Error::new(crate::error::ErrorKind::System, error))?;
    Ok(bytes)
}

/// Returns `N` random bytes as hexadecimal digits.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn random_hex<const N: usize>() -> Result<String, crate::error::Error> {
    Ok(to_hex(&random::<N>()?))
}

/// Writes bytes as lower-case hexadecimal digits.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::new("sntryu_0123");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.hint(), "0123");
    }
}
