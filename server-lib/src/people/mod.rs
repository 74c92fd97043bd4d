//! People as the server knows them while it runs: who is what, who is logged in, whose password is
//! right. What a request may do with it is decided in [`web::access`](crate::web::access).

mod authenticator;
mod logins;
mod password;
mod throttle;
mod view;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

pub use authenticator::{Authenticator, HostUser};
pub(crate) use logins::NotLetIn;
pub use logins::{Credentials, LoginSecret};
pub use password::{MAX_PASSWORD, MIN_PASSWORD, Passwords, is_acceptable};
pub use view::PeopleView;

use crate::config::PeopleConfig;
use crate::error::{Error, ErrorKind};
use crate::model::ids::{OrganisationId, UserId};
use crate::model::people::{Email, Role, User};
use crate::model::time::Millis;
use crate::secret::{Secret, random_hex};
use crate::store::people::{EndedPeople, NewLink, NewUser, People};
use logins::LoginCache;
use throttle::Throttle;

/// Everything about people that requests ask for.
pub struct Accounts {
    store: Arc<dyn People>,
    config: PeopleConfig,
    view: RwLock<Arc<PeopleView>>,
    passwords: Passwords,
    throttle: Throttle,
    logins: LoginCache,
    host: Option<Arc<dyn Authenticator>>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("version", &self.view().version())
            .finish_non_exhaustive()
    }
}

impl Accounts {
    /// Reads who there is. With `host`, the program around the server says who asks.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn open(
        store: Arc<dyn People>,
        config: PeopleConfig,
        host: Option<Arc<dyn Authenticator>>,
    ) -> Result<Self, Error> {
        let view = Arc::new(PeopleView::new(store.snapshot().await?));
        Ok(Self {
            store,
            config,
            view: RwLock::new(view),
            passwords: Passwords::default(),
            throttle: Throttle::new()?,
            logins: LoginCache::default(),
            host,
        })
    }

    /// Returns who there is.
    #[must_use]
    pub fn view(&self) -> Arc<PeopleView> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns what is kept of people.
    #[must_use]
    pub fn store(&self) -> &dyn People {
        &*self.store
    }

    /// Returns the host's own authentication.
    #[must_use]
    pub fn host(&self) -> Option<&Arc<dyn Authenticator>> {
        self.host.as_ref()
    }

    /// Returns what checks and makes hashes of passwords.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Looks whether anything has changed, by this process or another, and reads it again if so.
    /// Called after every change, and once a second.
    ///
    /// # Errors
    ///
    /// When the store cannot be read; the old view stays.
    pub async fn refresh(&self) -> Result<(), Error> {
        if self.store.version().await? == self.view().version() {
            return Ok(());
        }
        let view = Arc::new(PeopleView::new(self.store.snapshot().await?));
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        Ok(())
    }

    /// Finds the person that the host names, and notes one who is new, or who is something else
    /// now.
    ///
    /// # Errors
    ///
    /// `Invalid` when the host names nobody, `Conflict` when an organisation would lose its last
    /// owner, and when the store cannot be written.
    pub async fn of_host(
        &self,
        organisation: OrganisationId,
        named: &HostUser,
        now: Millis,
    ) -> Result<Arc<User>, Error> {
        let email = Email::parse(&named.email).ok_or_else(|| {
            Error::because(
                ErrorKind::Invalid,
                "the host named a person without an address",
            )
        })?;
        let view = self.view();
        let known = view.user_by_email(&email);
        if let Some(user) = known
            && view.role(organisation, user.id) == Some(named.role)
        {
            return Ok(Arc::clone(user));
        }
        let id = match known {
            Some(user) => user.id,
            None => self.note_host_user(email.clone(), named, now).await?,
        };
        self.store
            .set_member(organisation, id, named.role, now)
            .await?;
        self.refresh().await?;
        self.view().user(id).map(Arc::clone).ok_or_else(|| {
            Error::because(ErrorKind::NotFound, "a person of the host is gone again")
        })
    }

    async fn note_host_user(
        &self,
        email: Email,
        named: &HostUser,
        at: Millis,
    ) -> Result<UserId, Error> {
        let new = NewUser {
            email: email.clone(),
            name: named.name.clone(),
            password: None,
            at,
        };
        match self.store.create_user(new).await {
            Ok(user) => Ok(user.id),
            // Another request of the same person was faster.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                self.refresh().await?;
                let view = self.view();
                view.user_by_email(&email).map(|user| user.id).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Forgets logins and links that have ended, and what the audit log has too much.
    ///
    /// # Errors
    ///
    /// When the store cannot be written.
    pub async fn forget_ended(&self, now: Millis) -> Result<u64, Error> {
        let ago = |time: std::time::Duration| {
            now.plus(i64::try_from(time.as_millis()).map_or(i64::MIN, i64::saturating_neg))
        };
        let days = i64::from(self.config.audit_days);
        let ended = EndedPeople {
            now,
            idle: ago(self.config.login_idle),
            noted: match days {
                0 => Millis(i64::MIN),
                days => now.plus(days.saturating_mul(Millis::DAY).saturating_neg()),
            },
            entries: self.config.audit_entries,
        };
        self.store.forget(ended).await
    }
}

/// Makes a link with which a person logs in once, and returns the secret in it.
///
/// # Errors
///
/// When there is no such person, or the store cannot be written.
pub async fn new_link(store: &dyn People, user: UserId, expires: Millis) -> Result<Secret, Error> {
    let secret = Secret::new(random_hex::<32>()?);
    let link = NewLink {
        user,
        hash: secret.hash(),
        expires,
    };
    store.create_link(link).await?;
    Ok(secret)
}

/// Returns the path of a link, to be put behind the server's address.
#[must_use]
pub fn link_path(secret: &Secret) -> String {
    format!("/auth/link/{}/", secret.reveal())
}

/// Reports whether somebody of one role may give or take another: nobody touches what is above
/// them.
#[must_use]
pub fn may_manage(own: Role, other: Role) -> bool {
    own >= Role::Admin && own >= other
}
