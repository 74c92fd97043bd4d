//! Check-ins around scheduled jobs.

use std::future::Future;

use crate::client::hub::Hub;
use crate::client::instance::Client;
use crate::client::random;
use crate::protocol::{CheckIn, CheckInStatus, EventId, MonitorConfig, Timestamp};

/// What a job returns, as far as a monitor cares.
pub trait JobResult {
    /// True when the job did its work.
    fn is_success(&self) -> bool;
}

impl JobResult for () {
    fn is_success(&self) -> bool {
        true
    }
}

impl<T, E> JobResult for Result<T, E> {
    fn is_success(&self) -> bool {
        self.is_ok()
    }
}

/// Runs a scheduled job and tells the server how it went: that it runs, that it ended well, or
/// that it failed, by an error or a panic.
///
/// ```
/// use mini_sentry::protocol::MonitorConfig;
/// fn clean_up() -> Result<(), std::io::Error> { Ok(()) }
/// let result = mini_sentry::monitor("nightly-clean-up", Some(MonitorConfig::crontab("0 3 * * *")), clean_up);
/// assert!(result.is_ok());
/// ```
pub fn monitor<R: JobResult>(
    slug: &str,
    config: Option<MonitorConfig>,
    job: impl FnOnce() -> R,
) -> R {
    let run = Run::start(slug, config);
    let result = job();
    run.end(result.is_success());
    result
}

/// The same as [`monitor`] for a job that is a future. One that is dropped half way has failed.
pub async fn monitor_async<R: JobResult>(
    slug: &str,
    config: Option<MonitorConfig>,
    job: impl Future<Output = R>,
) -> R {
    let run = Run::start(slug, config);
    let result = job.await;
    run.end(result.is_success());
    result
}

/// A job that runs; one that never ends has failed.
struct Run {
    slug: String,
    id: EventId,
    started: Option<Timestamp>,
    done: bool,
}

impl Run {
    fn start(slug: &str, config: Option<MonitorConfig>) -> Self {
        let mut run = Self {
            slug: slug.to_owned(),
            id: random::event_id(),
            started: None,
            done: false,
        };
        Hub::with_active(|hub| {
            if let Some(client) = hub.client() {
                run.started = Some(client.now());
                let mut check_in = run.check_in(CheckInStatus::InProgress);
                check_in.monitor_config = config;
                send(&client, check_in);
            }
        });
        run
    }

    fn check_in(&self, status: CheckInStatus) -> CheckIn {
        CheckIn {
            check_in_id: Some(self.id),
            monitor_slug: Some(self.slug.clone()),
            status: Some(status),
            ..CheckIn::default()
        }
    }

    fn end(mut self, success: bool) {
        self.report(if success {
            CheckInStatus::Ok
        } else {
            CheckInStatus::Error
        });
    }

    fn report(&mut self, status: CheckInStatus) {
        let (Some(started), false) = (self.started, std::mem::replace(&mut self.done, true)) else {
            return;
        };
        Hub::with_active(|hub| {
            if let Some(client) = hub.client() {
                let mut check_in = self.check_in(status);
                check_in.duration = Some(client.now().since(started).as_secs_f64());
                send(&client, check_in);
            }
        });
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.report(CheckInStatus::Error);
    }
}

/// Sends a check-in with what the options know.
pub(crate) fn send(client: &Client, mut check_in: CheckIn) -> EventId {
    let options = client.options();
    let id = *check_in.check_in_id.get_or_insert_with(random::event_id);
    if check_in.release.is_none() {
        check_in.release = options.release.as_ref().map(ToString::to_string);
    }
    if check_in.environment.is_none() {
        check_in.environment = options.environment.as_ref().map(ToString::to_string);
    }
    client.send_envelope(check_in);
    id
}
