//! Release health: sessions of the program and of its requests.

use std::sync::Arc;
use std::time::Duration;

use mini_sentry::envelope::{Envelope, Payload};
use mini_sentry::protocol::{
    Event, Exception, Mechanism, SessionAggregates, SessionStatus, SessionUpdate, Timestamp, User,
};
use mini_sentry::test::{TestClock, with_captured_envelopes_options};
use mini_sentry::{
    ClientOptions, Hub, Level, SessionMode, capture_error, capture_event, capture_message,
    end_session, end_session_with_status, set_user, start_session,
};

use super::stage::{Failed, items};

const FAILED: Failed = Failed {
    text: "no",
    cause: None,
};
/// 22:13:20, so 20 seconds into a minute.
const MOMENT: Timestamp = Timestamp::from_nanos(1_700_000_000_000_000_000);

fn crash() {
    let mechanism = Mechanism {
        handled: Some(false),
        ..Mechanism::default()
    };
    let exception = Exception {
        mechanism: Some(mechanism),
        ..Exception::default()
    };
    capture_event(Event {
        exception: vec![exception].into(),
        ..Event::default()
    });
}

fn updates(sent: &[Envelope]) -> Vec<&SessionUpdate> {
    let payloads = items(sent).map(|item| &item.payload);
    payloads
        .filter_map(|payload| match payload {
            Payload::Session(update) => Some(&**update),
            _ => None,
        })
        .collect()
}

fn aggregates(sent: &[Envelope]) -> Vec<&SessionAggregates> {
    let payloads = items(sent).map(|item| &item.payload);
    payloads
        .filter_map(|payload| match payload {
            Payload::Sessions(aggregates) => Some(aggregates),
            _ => None,
        })
        .collect()
}

/// Status and errors of each update.
fn course(sent: &[Envelope]) -> Vec<(SessionStatus, u64)> {
    let updates = updates(sent).into_iter();
    updates
        .map(|update| (update.status.clone().unwrap(), update.errors.unwrap()))
        .collect()
}

fn with_release() -> ClientOptions {
    ClientOptions::new()
        .release("shop@1")
        .environment("staging")
}

fn as_user(id: &str) {
    set_user(Some(User {
        id: Some(id.to_owned()),
        ..User::default()
    }));
}

#[test]
fn a_session_tells_its_start_its_first_error_and_its_end() {
    let clock = TestClock::at(MOMENT);
    let options = with_release().clock(Arc::clone(&clock));
    let sent = with_captured_envelopes_options(options, || {
        as_user("user-42");
        start_session();
        capture_message("fine", Level::Warning);
        clock.advance(Duration::from_secs(3));
        capture_error(&FAILED);
        capture_error(&FAILED);
        capture_message("bad", Level::Error);
        clock.advance(Duration::from_millis(4_500));
        end_session();
        end_session();
    });
    let wanted = [
        (SessionStatus::Ok, 0),
        (SessionStatus::Ok, 1),
        (SessionStatus::Exited, 3),
    ];
    assert_eq!(course(&sent), wanted);
    let updates = updates(&sent);
    let id = updates[0].sid.unwrap();
    for (seq, update) in (0..).zip(&updates) {
        assert_eq!(update.sid, Some(id));
        assert_eq!(update.seq, Some(seq));
        assert_eq!(update.init, (seq == 0).then_some(true));
        assert_eq!(update.started, Some(MOMENT));
        assert_eq!(update.did.as_deref(), Some("user-42"));
        let attributes = update.attrs.as_ref().unwrap();
        assert_eq!(attributes.release.as_deref(), Some("shop@1"));
        assert_eq!(attributes.environment.as_deref(), Some("staging"));
    }
    assert_eq!(updates[2].duration, Some(7.5));
    assert_eq!(updates[0].duration, None);
}

#[test]
fn a_crash_is_told_at_once_and_the_end_does_not_hide_it() {
    let sent = with_captured_envelopes_options(with_release(), || {
        start_session();
        capture_error(&FAILED);
        crash();
        end_session();
    });
    let wanted = [
        (SessionStatus::Ok, 0),
        (SessionStatus::Ok, 1),
        (SessionStatus::Crashed, 2),
        (SessionStatus::Crashed, 2),
    ];
    assert_eq!(course(&sent), wanted);
}

#[test]
fn a_session_may_end_abnormally() {
    let sent = with_captured_envelopes_options(with_release(), || {
        start_session();
        end_session_with_status(SessionStatus::Abnormal);
    });
    assert_eq!(
        course(&sent),
        [(SessionStatus::Ok, 0), (SessionStatus::Abnormal, 0)]
    );
}

#[test]
fn a_new_session_ends_the_one_before() {
    let sent = with_captured_envelopes_options(with_release(), || {
        start_session();
        start_session();
        end_session();
    });
    let ids: Vec<_> = updates(&sent)
        .iter()
        .map(|update| update.sid.unwrap())
        .collect();
    assert_eq!(ids.len(), 4);
    assert_eq!((ids[0], ids[2]), (ids[1], ids[3]));
    assert_ne!(ids[0], ids[2]);
}

#[test]
fn without_a_release_there_are_no_sessions() {
    for mode in [SessionMode::Application, SessionMode::Request] {
        let options = ClientOptions::new().session_mode(mode);
        let sent = with_captured_envelopes_options(options, || {
            start_session();
            end_session();
        });
        assert!(sent.is_empty(), "{sent:?}");
    }
}

#[test]
fn an_error_that_sampling_drops_counts_for_the_session_all_the_same() {
    let sent = with_captured_envelopes_options(with_release().sample_rate(0.0), || {
        start_session();
        capture_error(&FAILED);
        end_session();
    });
    assert_eq!(course(&sent).last(), Some(&(SessionStatus::Exited, 1)));
}

#[test]
fn errors_of_scopes_and_hubs_below_count_for_the_session() {
    let sent = with_captured_envelopes_options(with_release(), || {
        start_session();
        mini_sentry::with_scope(|_| {}, || capture_error(&FAILED));
        let hub = Arc::new(Hub::new_from_top(Hub::current()));
        std::thread::spawn(move || Hub::run(hub, || capture_error(&FAILED)))
            .join()
            .unwrap();
        end_session();
    });
    assert_eq!(course(&sent).last(), Some(&(SessionStatus::Exited, 2)));
}

#[test]
fn requests_are_counted_by_minute_and_user() {
    let clock = TestClock::at(MOMENT);
    let options = with_release()
        .session_mode(SessionMode::Request)
        .clock(Arc::clone(&clock));
    let sent = with_captured_envelopes_options(options, || {
        let request = |user: &str, work: fn()| {
            mini_sentry::with_scope(
                |_| {},
                || {
                    as_user(user);
                    start_session();
                    work();
                    end_session();
                },
            );
        };
        request("user-1", || {});
        request("user-1", || {});
        request("user-1", || {
            capture_error(&FAILED);
            capture_error(&FAILED);
        });
        clock.advance(Duration::from_secs(39));
        request("user-1", crash);
        request("user-2", || {});
        clock.advance(Duration::from_secs(1));
        request("user-1", || {});
        assert!(mini_sentry::flush(Duration::from_secs(30)));
        request("user-1", || {});
    });
    assert!(updates(&sent).is_empty());
    let batches = aggregates(&sent);
    assert_eq!(batches.len(), 2);
    let attributes = batches[0].attrs.as_ref().unwrap();
    assert_eq!(attributes.release.as_deref(), Some("shop@1"));
    let minute = MOMENT.minus(Duration::from_secs(20));
    let next = MOMENT.plus(Duration::from_secs(40));
    let rows: Vec<_> = batches[0]
        .aggregates
        .iter()
        .map(|a| {
            (
                a.started.unwrap(),
                a.did.as_deref().unwrap(),
                a.exited,
                a.errored,
                a.crashed,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (minute, "user-1", Some(2), Some(1), Some(1)),
            (minute, "user-2", Some(1), None, None),
            (next, "user-1", Some(1), None, None),
        ]
    );
    assert_eq!(batches[1].aggregates.len(), 1);
    assert_eq!(batches[1].aggregates[0].exited, Some(1));
}

#[test]
fn counting_requests_takes_bounded_memory_and_loses_no_count() {
    let options = with_release().session_mode(SessionMode::Request);
    let sent = with_captured_envelopes_options(options, || {
        for n in 0..3_000 {
            as_user(&format!("user-{n}"));
            start_session();
            end_session();
        }
    });
    let rows: Vec<_> = aggregates(&sent)
        .iter()
        .flat_map(|batch| &batch.aggregates)
        .collect();
    // One more for each minute that the test ran over.
    assert!(rows.len() < 1_010, "{}", rows.len());
    assert_eq!(
        rows.iter().map(|row| row.exited.unwrap()).sum::<u64>(),
        3_000
    );
}
