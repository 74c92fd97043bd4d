//! Logging in and staying logged in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Accounts;
use crate::error::{Error, ErrorKind};
use crate::model::ids::UserId;
use crate::model::people::{Email, Login, User};
use crate::model::time::Millis;
use crate::secret::{Secret, SecretHash, random_hex};
use crate::store::people::NewLogin;

/// How long a found login is taken for granted.
const LIFE_MS: i64 = 1000;
/// How many are remembered.
const MAX_FOUND: usize = 1024;
/// The longest text of a browser about itself.
const MAX_AGENT: usize = 200;

/// An address and a password, from somewhere.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The address that names the person.
    pub email: String,
    /// The password.
    pub password: Secret,
}

/// A login that was just made, and the secret that the browser keeps of it.
#[derive(Clone, Debug)]
pub struct LoginSecret {
    /// Who.
    pub user: Arc<User>,
    /// The login.
    pub login: Login,
    /// The secret. It is nowhere else.
    pub secret: Secret,
}

/// Why somebody is not let in.
#[derive(Debug)]
pub(crate) enum NotLetIn {
    /// No such account, a wrong password, or one that may not log in.
    Wrong,
    /// There were too many attempts.
    TooMany(Duration),
    /// Something failed.
    Failed(Error),
}

impl From<Error> for NotLetIn {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Logins that were found a moment ago.
#[derive(Debug, Default)]
pub(super) struct LoginCache {
    found: Mutex<HashMap<SecretHash, (Arc<Login>, Millis)>>,
}

impl LoginCache {
    fn get(&self, hash: &SecretHash, now: Millis) -> Option<Arc<Login>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let (login, at) = found.get(hash)?;
        is_fresh(*at, now).then(|| Arc::clone(login))
    }

    fn put(&self, hash: SecretHash, login: &Arc<Login>, now: Millis) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() >= MAX_FOUND {
            found.retain(|_, (_, at)| is_fresh(*at, now));
        }
        if found.len() < MAX_FOUND {
            found.insert(hash, (Arc::clone(login), now));
        }
    }

    fn clear(&self) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.clear();
    }
}

fn is_fresh(at: Millis, now: Millis) -> bool {
    (0..LIFE_MS).contains(&now.since(at))
}

impl Accounts {
    /// Checks an address and a password. Whatever is wrong takes the same time.
    pub(crate) async fn check(
        &self,
        given: Credentials,
        from: Option<IpAddr>,
        now: Millis,
    ) -> Result<Arc<User>, NotLetIn> {
        let email = Email::parse(&given.email);
        // What is no address counts as one account that nobody has.
        let counted = email.clone().unwrap_or_else(|| Email::kept(String::new()));
        let attempt = self.throttle.attempt(&counted, from);
        self.throttle
            .enter(&attempt, now)
            .map_err(NotLetIn::TooMany)?;
        let view = self.view();
        let user = email
            .and_then(|email| view.user_by_email(&email).map(Arc::clone))
            .filter(|user| user.active);
        let kept = match &user {
            Some(user) => self.store.password(user.id).await,
            // As much is asked for nobody.
            None => self.store.password(UserId(0)).await,
        };
        let kept = match kept {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            other => other?,
        };
        if !self.passwords.verify(given.password, kept).await? {
            return Err(NotLetIn::Wrong);
        }
        let user = user.ok_or(NotLetIn::Wrong)?;
        self.throttle.succeeded(&attempt, now);
        Ok(user)
    }

    /// Logs a person in with a new secret.
    pub(crate) async fn log_in(
        &self,
        user: Arc<User>,
        from: Option<IpAddr>,
        agent: &str,
        now: Millis,
    ) -> Result<LoginSecret, Error> {
        let secret = Secret::new(random_hex::<32>()?);
        let life = i64::try_from(self.config.login_life.as_millis()).unwrap_or(i64::MAX);
        let new = NewLogin {
            user: user.id,
            hash: secret.hash(),
            at: now,
            expires: now.plus(life),
            address: from.map_or_else(String::new, |address| address.to_string()),
            agent: agent.chars().take(MAX_AGENT).collect(),
        };
        let login = self.store.create_login(new).await?;
        Ok(LoginSecret {
            user,
            login,
            secret,
        })
    }

    /// Finds the login of a secret; `None` when there is none, or it has ended.
    pub(crate) async fn login(
        &self,
        hash: &SecretHash,
        now: Millis,
    ) -> Result<Option<Arc<Login>>, Error> {
        let login = match self.logins.get(hash, now) {
            Some(login) => login,
            None => match self.store.find_login(hash).await? {
                Some(login) => {
                    let mut login = Arc::new(login);
                    if self.is_alive(&login, now) && now.since(login.seen) >= Millis::MINUTE {
                        self.store.touch_login(login.id, now).await?;
                        Arc::make_mut(&mut login).seen = now;
                    }
                    self.logins.put(*hash, &login, now);
                    login
                }
                None => return Ok(None),
            },
        };
        Ok(self.is_alive(&login, now).then_some(login))
    }

    fn is_alive(&self, login: &Login, now: Millis) -> bool {
        let idle = i64::try_from(self.config.login_idle.as_millis()).unwrap_or(i64::MAX);
        now < login.expires && now.since(login.seen) < idle
    }

    /// Forgets logins in memory, after this process has ended one.
    pub fn forget_logins(&self) {
        self.logins.clear();
    }
}
