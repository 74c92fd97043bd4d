//! Tokens that were found, for a moment: so that a client's many requests ask the store once, and
//! a token that was taken away ends within a second or two, also when another process took it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::model::catalog::ApiToken;
use crate::model::ids::TokenId;
use crate::model::time::Millis;
use crate::secret::SecretHash;
use crate::store::Catalog;

/// How long a found token is taken for granted.
const LIFE_MS: i64 = 1000;
/// How many are remembered.
const MAX_FOUND: usize = 1024;
/// How many uses are gathered at most before they are written.
const MAX_USED: usize = 1024;

/// Tokens in memory, and when they were used.
#[derive(Debug, Default)]
pub struct TokenCache {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    found: HashMap<SecretHash, (Arc<ApiToken>, Millis)>,
    used: HashMap<TokenId, Millis>,
    written: Millis,
}

impl TokenCache {
    /// Finds a token that has not ended, and notes that it is used now.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn find(
        &self,
        store: &dyn Catalog,
        hash: &SecretHash,
        now: Millis,
    ) -> Result<Option<Arc<ApiToken>>, Error> {
        let remembered = self.lock().found.get(hash).cloned();
        let token = match remembered {
            Some((token, at)) if is_fresh(at, now) => token,
            _ => match store.find_token(hash).await? {
                Some(token) => self.remember(*hash, token, now),
                None => {
                    self.lock().found.remove(hash);
                    return Ok(None);
                }
            },
        };
        if token.expires.is_some_and(|end| end <= now) {
            return Ok(None);
        }
        self.lock().used.insert(token.id, now);
        Ok(Some(token))
    }

    /// Forgets what was found. For this process's own changes of tokens.
    pub fn forget(&self) {
        self.lock().found.clear();
    }

    /// Writes down when tokens were used, at most once a minute; with `now` too early, or nothing
    /// used, does nothing.
    ///
    /// # Errors
    ///
    /// When the store cannot be written.
    pub async fn write_uses(&self, store: &dyn Catalog, now: Millis) -> Result<(), Error> {
        let used: Vec<_> = {
            let mut inner = self.lock();
            let is_due = now.since(inner.written) >= Millis::MINUTE || now < inner.written;
            let is_many = inner.used.len() >= MAX_USED;
            if inner.used.is_empty() || !(is_due || is_many) {
                return Ok(());
            }
            inner.written = now;
            inner.used.drain().collect()
        };
        store.touch_tokens(&used).await
    }

    fn remember(&self, hash: SecretHash, token: ApiToken, now: Millis) -> Arc<ApiToken> {
        let token = Arc::new(token);
        let mut inner = self.lock();
        if inner.found.len() >= MAX_FOUND {
            inner.found.retain(|_, (_, at)| is_fresh(*at, now));
        }
        if inner.found.len() < MAX_FOUND {
            inner.found.insert(hash, (Arc::clone(&token), now));
        }
        token
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fresh(at: Millis, now: Millis) -> bool {
    (0..LIFE_MS).contains(&now.since(at))
}
