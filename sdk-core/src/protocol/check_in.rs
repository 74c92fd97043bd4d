//! Check-ins: scheduled jobs that say that they run.

use serde_json::Value;

use crate::protocol::contexts::{Contexts, ContextsForm};
use crate::protocol::ids::EventId;
use crate::protocol::interface::{interface, names};
use crate::protocol::lenient::AnyText;

names! {
    /// How a scheduled job stands.
    pub enum CheckInStatus {
        /// It ended well.
        Ok = "ok",
        /// It failed.
        Error = "error",
        /// It runs.
        InProgress = "in_progress",
        /// It did not come; said by servers.
        Missed = "missed",
        ..
        /// A status that this version does not know.
        Other,
    }
}

interface! {
    /// One word from a scheduled job.
    pub struct CheckIn {
        /// The run; all zeros mean the latest one in progress.
        pub check_in_id: Option<EventId>,
        /// The job.
        pub monitor_slug: Option<String>,
        /// How it stands.
        pub status: Option<CheckInStatus>,
        /// How long it ran, in seconds.
        pub duration: Option<f64>,
        /// Where the program runs.
        pub environment: Option<String>,
        /// Version of the program.
        pub release: Option<String> = "release" as AnyText,
        /// The schedule, so that the server can make the monitor.
        pub monitor_config: Option<MonitorConfig>,
        /// Facts about the surroundings.
        pub contexts: Contexts = "contexts" as ContextsForm,
    }
}

interface! {
    /// When a job should run, and what counts as late.
    pub struct MonitorConfig {
        /// When it should run.
        pub schedule: Option<MonitorSchedule>,
        /// Minutes that it may be late.
        pub checkin_margin: Option<u64>,
        /// Minutes that it may run.
        pub max_runtime: Option<u64>,
        /// Time zone of the schedule, by its name.
        pub timezone: Option<String>,
        /// Failures in a row that make an issue.
        pub failure_issue_threshold: Option<u64>,
        /// Successes in a row that end it.
        pub recovery_threshold: Option<u64>,
        /// Who looks after it.
        pub owner: Option<String>,
    }
}

interface! {
    /// A schedule: a crontab line, or a number of units.
    pub struct MonitorSchedule {
        /// `crontab` or `interval`.
        pub ty: Option<String> = "type",
        /// The crontab line, or the number.
        pub value: Option<Value>,
        /// `minute`, `hour`, `day`, `week`, `month` or `year`.
        pub unit: Option<String>,
    }
}

impl MonitorConfig {
    /// Runs by a crontab line.
    #[must_use]
    pub fn crontab(line: &str) -> Self {
        let schedule = MonitorSchedule {
            ty: Some("crontab".to_owned()),
            value: Some(line.into()),
            ..MonitorSchedule::default()
        };
        Self {
            schedule: Some(schedule),
            ..Self::default()
        }
    }

    /// Runs once in so many units, such as `10, "minute"`.
    #[must_use]
    pub fn interval(value: u64, unit: &str) -> Self {
        let schedule = MonitorSchedule {
            ty: Some("interval".to_owned()),
            value: Some(value.into()),
            unit: Some(unit.to_owned()),
            ..MonitorSchedule::default()
        };
        Self {
            schedule: Some(schedule),
            ..Self::default()
        }
    }
}
