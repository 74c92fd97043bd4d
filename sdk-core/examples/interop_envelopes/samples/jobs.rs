//! Check-ins of scheduled jobs, by hand and around a function.

use mini_sentry::protocol::{CheckIn, CheckInStatus, MonitorConfig};
use serde_json::json;

use super::expected::{Spelled, first_id};
use super::stage::{ENVIRONMENT, RELEASE, Stage};
use super::{Sample, Samples};

pub(super) fn samples() -> Samples {
    let mut samples = Vec::from(by_hand()?);
    samples.extend(around_a_function()?);
    Ok(samples)
}

fn by_hand() -> Result<[Sample; 2], String> {
    let stage = Stage::new(|options| options);
    let (id, started) = stage.play_one(|| {
        mini_sentry::capture_check_in(CheckIn {
            monitor_slug: Some("nightly".to_owned()),
            status: Some(CheckInStatus::InProgress),
            monitor_config: Some(MonitorConfig {
                checkin_margin: Some(5),
                max_runtime: Some(30),
                timezone: Some("Europe/Berlin".to_owned()),
                failure_issue_threshold: Some(2),
                recovery_threshold: Some(3),
                ..MonitorConfig::crontab("5 4 * * *")
            }),
            ..CheckIn::default()
        })
    })?;
    let (_, done) = stage.play_one(|| {
        mini_sentry::capture_check_in(CheckIn {
            check_in_id: Some(id),
            monitor_slug: Some("nightly".to_owned()),
            status: Some(CheckInStatus::Ok),
            duration: Some(12.5),
            environment: Some("berlin".to_owned()),
            ..CheckIn::default()
        })
    })?;
    let spelled_start = Spelled::new().item(
        "check_in",
        json!({
            "check_in_id": id.to_string(),
            "monitor_slug": "nightly",
            "status": "in_progress",
            "release": RELEASE,
            "environment": ENVIRONMENT,
            "monitor_config": {
                "schedule": {"type": "crontab", "value": "5 4 * * *"},
                "checkin_margin": 5,
                "max_runtime": 30,
                "timezone": "Europe/Berlin",
                "failure_issue_threshold": 2,
                "recovery_threshold": 3,
            },
        }),
    );
    let spelled_done = Spelled::new().item(
        "check_in",
        json!({
            "check_in_id": id.to_string(),
            "monitor_slug": "nightly",
            "status": "ok",
            "duration": 12.5,
            "release": RELEASE,
            "environment": "berlin",
        }),
    );
    Ok([
        Sample::new("check-in-started", started, spelled_start),
        Sample::new("check-in-done", done, spelled_done),
    ])
}

fn around_a_function() -> Result<[Sample; 2], String> {
    let stage = Stage::new(|options| options);
    let (_, sent) = stage.play(|| {
        let config = MonitorConfig::interval(10, "minute");
        let failed: Result<(), std::fmt::Error> =
            mini_sentry::monitor("every-ten-minutes", Some(config), || {
                stage.client().flush(None);
                stage.wait(250);
                Err(std::fmt::Error)
            });
        failed.is_err()
    })?;
    let [started, failed] = <[Vec<u8>; 2]>::try_from(sent)
        .map_err(|sent| format!("expected two check-ins, got {}", sent.len()))?;
    let id = first_id(&started, "check_in_id")?;
    let spelled_start = Spelled::new().item(
        "check_in",
        json!({
            "check_in_id": id,
            "monitor_slug": "every-ten-minutes",
            "status": "in_progress",
            "release": RELEASE,
            "environment": ENVIRONMENT,
            "monitor_config": {"schedule": {"type": "interval", "value": 10, "unit": "minute"}},
        }),
    );
    let spelled_failed = Spelled::new().sent_at("2026-01-02T03:04:05.500Z").item(
        "check_in",
        json!({
            "check_in_id": id,
            "monitor_slug": "every-ten-minutes",
            "status": "error",
            "duration": 0.25,
            "release": RELEASE,
            "environment": ENVIRONMENT,
        }),
    );
    Ok([
        Sample::new("job-started", started, spelled_start),
        Sample::new("job-failed", failed, spelled_failed),
    ])
}
