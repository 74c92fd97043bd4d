//! Sessions: one run of a program, or one visit.

use super::ids::ProjectId;
use super::outcome::named;
use super::time::Millis;

named! {
    /// How a session stands or ended.
    SessionState {
        /// Runs, or was never heard of again.
        Ok = "ok" / 0,
        /// Ended well.
        Exited = "exited" / 1,
        /// Had errors that it survived.
        Errored = "errored" / 2,
        /// Ended in a way that is neither.
        Abnormal = "abnormal" / 3,
        /// Ended by a crash.
        Crashed = "crashed" / 4,
    }
}

impl SessionState {
    /// Reports whether no later update changes the state.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Exited | Self::Abnormal | Self::Crashed)
    }
}

/// Where a session hung that ended because it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hang {
    /// Before the eyes of its user.
    InFront,
    /// Out of sight.
    Behind,
}

/// An update of one session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionChange {
    /// Whose it is.
    pub project: ProjectId,
    /// Its id, or a hash of one that is longer.
    pub sid: [u8; 16],
    /// A hash of who it was; `None` when nobody is named.
    pub user: Option<i64>,
    /// Whether it tells that the session began. A session is in the total when one of its updates
    /// did, whichever comes first; how it ended counts in any case.
    pub begins: bool,
    /// Its order among the updates of the session.
    pub sequence: u64,
    /// How it stands.
    pub state: SessionState,
    /// Errors so far.
    pub errors: u64,
    /// When it began.
    pub started: Millis,
    /// When the server read the update.
    pub received: Millis,
    /// How long it took, when it told.
    pub duration_ms: Option<u64>,
    /// That it hung, when it told.
    pub hang: Option<Hang>,
    /// The release.
    pub release: String,
    /// The environment; may be empty.
    pub environment: String,
}

/// Sessions that an SDK has added up already.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionTally {
    /// Whose they are.
    pub project: ProjectId,
    /// The minute in which they began.
    pub started: Millis,
    /// A hash of who it was; `None` when nobody is named.
    pub user: Option<i64>,
    /// The release.
    pub release: String,
    /// The environment; may be empty.
    pub environment: String,
    /// How many ended well.
    pub exited: u64,
    /// How many had errors and survived.
    pub errored: u64,
    /// How many ended otherwise.
    pub abnormal: u64,
    /// How many crashed.
    pub crashed: u64,
}
