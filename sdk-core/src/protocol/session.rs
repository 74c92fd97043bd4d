//! Release health: how runs of the program and its requests ended.

use crate::protocol::ids::EventId;
use crate::protocol::interface::{interface, names};
use crate::protocol::lenient::AnyText;
use crate::protocol::timestamp::Timestamp;

names! {
    /// How a session stands or ended.
    pub enum SessionStatus {
        /// It goes on.
        Ok = "ok",
        /// It ended as it should.
        Exited = "exited",
        /// It ended by an error that nobody caught.
        Crashed = "crashed",
        /// It ended without a word.
        Abnormal = "abnormal",
        /// It had errors, in older clients' words.
        Errored = "errored",
        /// It survived an error that nobody caught.
        Unhandled = "unhandled",
        ..
        /// A status that this version does not know; counts as errored.
        Other,
    }
}

impl SessionStatus {
    /// True when no later update may change the session.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Exited | Self::Crashed | Self::Abnormal)
    }
}

interface! {
    /// One step in the life of one session.
    pub struct SessionUpdate {
        /// The session.
        pub sid: Option<EventId>,
        /// The user or device, in a form that tells distinct ones apart.
        pub did: Option<String> = "did" as AnyText,
        /// True for the first update.
        pub init: Option<bool>,
        /// Grows with each update.
        pub seq: Option<u64>,
        /// When the session began.
        pub started: Option<Timestamp>,
        /// When this update was made.
        pub timestamp: Option<Timestamp>,
        /// Its length in seconds.
        pub duration: Option<f64>,
        /// How it stands.
        pub status: Option<SessionStatus>,
        /// Errors so far.
        pub errors: Option<u64>,
        /// How an abnormal session ended, such as `anr_foreground`.
        pub abnormal_mechanism: Option<String>,
        /// What it ran.
        pub attrs: Option<SessionAttributes> = "attrs",
    }
}

interface! {
    /// What a session ran, and for whom.
    pub struct SessionAttributes {
        /// Version of the program.
        pub release: Option<String> = "release" as AnyText,
        /// Where it runs.
        pub environment: Option<String>,
        /// Internet address of the user.
        pub ip_address: Option<String>,
        /// The user's program.
        pub user_agent: Option<String>,
    }
}

interface! {
    /// Many short sessions, counted by minute.
    pub struct SessionAggregates {
        /// The counts.
        pub aggregates: Vec<SessionAggregate>,
        /// What the sessions ran.
        pub attrs: Option<SessionAttributes>,
    }
}

interface! {
    /// The sessions of one minute, and of one user where one is named.
    pub struct SessionAggregate {
        /// The minute.
        pub started: Option<Timestamp>,
        /// The user or device.
        pub did: Option<String> = "did" as AnyText,
        /// Ended as they should.
        pub exited: Option<u64>,
        /// Had errors, but did not crash.
        pub errored: Option<u64>,
        /// Ended without a word.
        pub abnormal: Option<u64>,
        /// Ended by an error that nobody caught.
        pub crashed: Option<u64>,
        /// Survived an error that nobody caught.
        pub unhandled: Option<u64>,
    }
}
