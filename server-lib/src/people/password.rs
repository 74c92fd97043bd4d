//! Passwords: checked and hashed on a thread of their own, one at a time.
//!
//! A hash takes tens of milliseconds and 46 MiB on purpose. One at a time bounds what strangers can
//! make the server spend, and blocks of that size go back to the system at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::error::{Error, ErrorKind};
use crate::secret::{Secret, random};
use crate::store::people::PasswordHash;

/// The shortest password, in characters.
pub const MIN_PASSWORD: usize = 8;
/// The longest password, in bytes.
pub const MAX_PASSWORD: usize = 1024;

/// Memory of a hash in KiB, and passes over it: the first choice of OWASP for Argon2id.
const MEMORY_KIB: u32 = 46 * 1024;
const PASSES: u32 = 1;
const LANES: u32 = 1;

/// So many may wait for their turn; more are told to come again.
const MAX_WAITING: usize = 16;

/// Checks and makes hashes.
#[derive(Debug)]
pub struct Passwords {
    turn: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            waiting: AtomicUsize::new(0),
        }
    }
}

/// Reports whether a text may be a password.
#[must_use]
pub fn is_acceptable(password: &str) -> bool {
    password.chars().count() >= MIN_PASSWORD && password.len() <= MAX_PASSWORD
}

impl Passwords {
    /// Makes what is kept of a password.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for one that is too short or too long, [`ErrorKind::Unavailable`]
    /// when too many wait.
    pub async fn hash(&self, password: Secret) -> Result<PasswordHash, Error> {
        if !is_acceptable(password.reveal()) {
            return Err(Error::because(
                ErrorKind::Invalid,
                format!(
                    "a password has at least {MIN_PASSWORD} characters and at most {MAX_PASSWORD} bytes"
                ),
            ));
        }
        let salt = random::<16>()?;
        self.alone(move || {
            let made = argon2()?.hash_password_with_salt(password.reveal().as_bytes(), &salt);
            made.map(|hash: Phc| PasswordHash(hash.to_string()))
                .map_err(failed)
        })
        .await
    }

    /// Checks a password. Where nothing is kept the same work is done for nothing, so that the time
    /// does not tell who has an account.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when too many wait, [`ErrorKind::Corrupt`] when what is kept is
    /// not readable.
    pub async fn verify(
        &self,
        password: Secret,
        kept: Option<PasswordHash>,
    ) -> Result<bool, Error> {
        if password.reveal().len() > MAX_PASSWORD {
            return Ok(false);
        }
        self.alone(move || {
            let argon2 = argon2()?;
            let given = password.reveal().as_bytes();
            let Some(kept) = kept else {
                let wasted: Result<Phc, _> = argon2.hash_password_with_salt(given, &[0; 16]);
                return wasted.map(|_| false).map_err(failed);
            };
            let kept = Phc::new(&kept.0).map_err(|_| {
                Error::because(
                    ErrorKind::Corrupt,
                    "what is kept of a password is not readable",
                )
            })?;
            Ok(argon2.verify_password(given, &kept).is_ok())
        })
        .await
    }

    async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let place = Waiting::enter(&self.waiting)?;
        let turn = Arc::clone(&self.turn).acquire_owned().await;
        let turn = turn.map_err(|error| Error::new(ErrorKind::Closed, error))?;
        drop(place);
        // The turn ends with the work, also when nobody waits for the result any more.
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await
            .map_err(|error| Error::new(ErrorKind::System, error).during("check a password"))?
    }
}

/// A place among those who wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize) -> Result<Self, Error> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(Error::because(
                ErrorKind::Unavailable,
                format!("{MAX_WAITING} others wait to have their password checked"),
            ));
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| Error::because(ErrorKind::System, error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::because(ErrorKind::System, format!("hash a password: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text)
    }

    #[tokio::test]
    async fn a_password_is_kept_as_argon2id_and_only_the_same_one_is_right() {
        let passwords = Passwords::default();
        let kept = passwords.hash(secret("correct horse")).await.unwrap();
        assert!(kept.0.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"));
        assert!(!format!("{kept:?}").contains("argon2id"));
        let right = passwords.verify(secret("correct horse"), Some(kept.clone()));
        assert!(right.await.unwrap());
        let wrong = passwords.verify(secret("correct hors"), Some(kept));
        assert!(!wrong.await.unwrap());
        assert!(!passwords.verify(secret("anything"), None).await.unwrap());
    }

    #[tokio::test]
    async fn the_same_password_gives_another_hash_each_time() {
        let passwords = Passwords::default();
        let one = passwords.hash(secret("correct horse")).await.unwrap();
        let two = passwords.hash(secret("correct horse")).await.unwrap();
        assert!(one != two);
    }

    #[tokio::test]
    async fn passwords_that_are_too_short_or_too_long_are_refused() {
        let passwords = Passwords::default();
        for text in ["short", &"x".repeat(MAX_PASSWORD + 1)] {
            let refused = passwords.hash(secret(text)).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Invalid);
        }
    }

    #[tokio::test]
    async fn those_who_find_a_long_queue_are_told_to_come_again() {
        let passwords = Passwords::default();
        let _held = Arc::clone(&passwords.turn).acquire_owned().await.unwrap();
        let waiting: Vec<_> = (0..MAX_WAITING)
            .map(|_| Waiting::enter(&passwords.waiting).unwrap())
            .collect();
        let refused = passwords.verify(secret("anything"), None).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
        drop(waiting);
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), 0);
    }
}
