//! Scheduled jobs: what `monitor` says about them.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use mini_sentry::envelope::{Envelope, Payload};
use mini_sentry::protocol::{CheckIn, CheckInStatus, EventId, MonitorConfig, Timestamp};
use mini_sentry::test::{TestClock, with_captured_envelopes, with_captured_envelopes_options};
use mini_sentry::{ClientOptions, capture_check_in, monitor, monitor_async};

use super::stage::items;

fn check_ins(sent: &[Envelope]) -> Vec<&CheckIn> {
    let payloads = items(sent).map(|item| &item.payload);
    payloads
        .filter_map(|payload| match payload {
            Payload::CheckIn(check_in) => Some(&**check_in),
            _ => None,
        })
        .collect()
}

fn statuses(sent: &[Envelope]) -> Vec<CheckInStatus> {
    check_ins(sent)
        .iter()
        .map(|check_in| check_in.status.clone().unwrap())
        .collect()
}

#[test]
fn a_job_that_ends_well_says_so_with_its_duration_and_schedule() {
    let clock = TestClock::at(Timestamp::from_nanos(1_700_000_000_000_000_000));
    let options = ClientOptions::new()
        .release("shop@1")
        .environment("staging")
        .clock(Arc::clone(&clock));
    let config = MonitorConfig::crontab("0 3 * * *");
    let schedule = config.clone();
    let sent = with_captured_envelopes_options(options, || {
        let answer = monitor("nightly", Some(schedule), || {
            clock.advance(Duration::from_millis(2_500));
            Ok::<_, std::io::Error>(42)
        });
        assert_eq!(answer.unwrap(), 42);
    });
    assert_eq!(
        statuses(&sent),
        [CheckInStatus::InProgress, CheckInStatus::Ok]
    );
    let [first, last] = check_ins(&sent)[..] else {
        panic!("two check-ins")
    };
    assert_eq!(first.check_in_id, last.check_in_id);
    assert!(!first.check_in_id.unwrap().is_nil());
    for check_in in [first, last] {
        assert_eq!(check_in.monitor_slug.as_deref(), Some("nightly"));
        assert_eq!(check_in.release.as_deref(), Some("shop@1"));
        assert_eq!(check_in.environment.as_deref(), Some("staging"));
    }
    assert_eq!(first.monitor_config, Some(config));
    assert_eq!((first.duration, last.duration), (None, Some(2.5)));
}

#[test]
fn a_job_that_returns_an_error_has_failed() {
    let sent = with_captured_envelopes(|| {
        assert!(monitor("nightly", None, || "x".parse::<u8>()).is_err());
    });
    assert_eq!(
        statuses(&sent),
        [CheckInStatus::InProgress, CheckInStatus::Error]
    );
}

#[test]
fn a_job_that_panics_has_failed_and_the_panic_goes_on() {
    let sent = with_captured_envelopes(|| {
        let panicked = std::panic::catch_unwind(|| {
            monitor("nightly", None, || -> () { panic!("expected") });
        });
        assert!(panicked.is_err());
    });
    assert_eq!(
        statuses(&sent),
        [CheckInStatus::InProgress, CheckInStatus::Error]
    );
}

#[test]
fn an_async_job_is_followed_to_its_end() {
    let sent = with_captured_envelopes(|| {
        let mut job = pin!(monitor_async("nightly", None, async {}));
        let mut context = Context::from_waker(Waker::noop());
        assert!(job.as_mut().poll(&mut context).is_ready());
    });
    assert_eq!(
        statuses(&sent),
        [CheckInStatus::InProgress, CheckInStatus::Ok]
    );
}

#[test]
fn an_async_job_that_is_dropped_half_way_has_failed() {
    let sent = with_captured_envelopes(|| {
        let mut job = Box::pin(monitor_async("nightly", None, pending::<()>()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(job.as_mut().poll(&mut context).is_pending());
        drop(job);
    });
    assert_eq!(
        statuses(&sent),
        [CheckInStatus::InProgress, CheckInStatus::Error]
    );
}

#[test]
fn a_check_in_by_hand_gets_an_id_and_keeps_what_it_says() {
    let mut id = EventId::nil();
    let sent = with_captured_envelopes_options(ClientOptions::new().release("shop@1"), || {
        id = capture_check_in(CheckIn {
            monitor_slug: Some("by-hand".to_owned()),
            status: Some(CheckInStatus::Ok),
            release: Some("own@2".to_owned()),
            ..CheckIn::default()
        });
    });
    assert!(!id.is_nil());
    assert_eq!(check_ins(&sent)[0].check_in_id, Some(id));
    assert_eq!(check_ins(&sent)[0].release.as_deref(), Some("own@2"));
}
