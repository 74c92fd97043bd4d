//! Sessions: from what SDKs say to what is counted.

use mini_sentry::limits::MAX_SESSIONS;
use mini_sentry::protocol::{
    Note, SessionAggregate, SessionAggregates, SessionAttributes, SessionStatus, SessionUpdate,
    Timestamp, read,
};
use mini_sentry::ratelimit::DataCategory;
use twox_hash::XxHash3_128;

use super::tally::Tally;
use crate::facts::user::Identity;
use crate::facts::{MAX_AHEAD_MS, MAX_NAME, MAX_RELEASE, tidy};
use crate::model::ids::Seq;
use crate::model::outcome::Outcome;
use crate::model::record::RecordHead;
use crate::model::session::{Hang, SessionChange, SessionState, SessionTally};
use crate::model::time::Millis;
use crate::store::Batch;

/// Older sessions are not counted: what they would change has been looked at already.
const MAX_AGE_MS: i64 = 5 * Millis::DAY;
/// More sessions of one minute and one user are no count but a mistake.
const MAX_COUNT: u64 = 1_000_000_000;
/// Longest time in milliseconds that a session is believed to take: a year.
const MAX_DURATION_MS: f64 = 365.0 * 24.0 * 3600.0 * 1000.0;

/// A member of a session that says that the session has begun, without being its first update as
/// `init` does: for senders that do not know which one is the first.
pub const BEGINS: &str = "begins";

/// Takes one update.
pub(super) fn take_update(
    (seq, head): (Seq, &RecordHead),
    body: &[u8],
    batch: &mut Batch,
    tally: &mut Tally,
) {
    let change = match read::from_json::<SessionUpdate>(body) {
        Ok((update, notes)) => read_update(seq, head, &update, &notes.into_vec()),
        Err(_) => Err("invalid_json"),
    };
    match change {
        Ok(change) => {
            batch.sessions.push(change);
            tally.add(head, DataCategory::Session, Outcome::Accepted, "", 1);
        }
        Err(reason) => tally.add(head, DataCategory::Session, Outcome::Invalid, reason, 1),
    }
}

/// Takes sessions that were added up by their SDK.
pub(super) fn take_aggregates(
    head: &RecordHead,
    body: &[u8],
    batch: &mut Batch,
    tally: &mut Tally,
) {
    let Ok((aggregates, _)) = read::from_json::<SessionAggregates>(body) else {
        tally.add(
            head,
            DataCategory::Session,
            Outcome::Invalid,
            "invalid_json",
            1,
        );
        return;
    };
    let attributes = aggregates.attrs.unwrap_or_default();
    for (place, aggregate) in aggregates.aggregates.iter().enumerate() {
        let row = if place < MAX_SESSIONS {
            read_aggregate(head, aggregate, &attributes)
        } else {
            Err("too_many_sessions")
        };
        match row {
            Ok(row) => {
                tally.add(
                    head,
                    DataCategory::Session,
                    Outcome::Accepted,
                    "",
                    total(&row),
                );
                batch.tallies.push(row);
            }
            Err(reason) => tally.add(head, DataCategory::Session, Outcome::Invalid, reason, 1),
        }
    }
}

fn read_update(
    seq: Seq,
    head: &RecordHead,
    update: &SessionUpdate,
    notes: &[Note],
) -> Result<SessionChange, &'static str> {
    let attributes = update.attrs.clone().unwrap_or_default();
    let sid = update.sid.map(|sid| *sid.as_bytes());
    let sid = sid
        .or_else(|| hashed_sid(notes))
        .ok_or("missing_session_id")?;
    let (release, environment) = surroundings(&attributes)?;
    let started = started(head, update.started.or(update.timestamp))?;
    let begins = update.init == Some(true) || update.other.get(BEGINS) == Some(&true.into());
    let sequence = match (update.init, update.seq) {
        (Some(true), _) => 0,
        (_, Some(sequence)) => sequence,
        _ => by_time(update.timestamp.map_or(head.received, Millis::from), seq),
    };
    let (state, least_errors) = match &update.status {
        None | Some(SessionStatus::Ok) => (SessionState::Ok, 0),
        Some(SessionStatus::Exited) => (SessionState::Exited, 0),
        Some(SessionStatus::Crashed) => (SessionState::Crashed, 0),
        Some(SessionStatus::Abnormal) => (SessionState::Abnormal, 0),
        Some(SessionStatus::Errored | SessionStatus::Unhandled | SessionStatus::Other(_)) => {
            (SessionState::Errored, 1)
        }
    };
    Ok(SessionChange {
        project: head.project,
        sid,
        user: user(update.did.as_deref()),
        begins,
        sequence,
        state,
        errors: update.errors.unwrap_or(0).max(least_errors),
        started,
        received: head.received,
        duration_ms: update.duration.and_then(milliseconds),
        hang: update.abnormal_mechanism.as_deref().and_then(hang),
        release,
        environment,
    })
}

fn read_aggregate(
    head: &RecordHead,
    aggregate: &SessionAggregate,
    attributes: &SessionAttributes,
) -> Result<SessionTally, &'static str> {
    let (release, environment) = surroundings(attributes)?;
    let started = started(head, aggregate.started)?;
    let count = |number: Option<u64>| number.unwrap_or(0).min(MAX_COUNT);
    let row = SessionTally {
        project: head.project,
        started: Millis(started.minute().saturating_mul(Millis::MINUTE)),
        user: user(aggregate.did.as_deref()),
        release,
        environment,
        exited: count(aggregate.exited),
        // An unhandled error that the process survived is no crash.
        errored: count(aggregate.errored).saturating_add(count(aggregate.unhandled)),
        abnormal: count(aggregate.abnormal),
        crashed: count(aggregate.crashed),
    };
    if total(&row) == 0 {
        return Err("no_sessions");
    }
    Ok(row)
}

fn total(row: &SessionTally) -> u64 {
    [row.exited, row.errored, row.abnormal, row.crashed]
        .into_iter()
        .fold(0, u64::saturating_add)
}

fn surroundings(attributes: &SessionAttributes) -> Result<(String, String), &'static str> {
    let short = |text: &Option<String>, max| tidy(text.as_deref().unwrap_or_default(), max);
    let release = short(&attributes.release, MAX_RELEASE);
    if release.is_empty() {
        return Err("missing_release");
    }
    Ok((release, short(&attributes.environment, MAX_NAME)))
}

/// Puts the beginning of a session on our clock.
fn started(head: &RecordHead, client: Option<Timestamp>) -> Result<Millis, &'static str> {
    let client = client.ok_or("missing_start")?;
    let started = Millis::from(client).plus(head.context.drift_ms);
    match head.received.since(started) {
        age if age > MAX_AGE_MS => Err("too_old"),
        age if age < -MAX_AHEAD_MS => Err("in_the_future"),
        _ => Ok(started),
    }
}

/// Orders updates that do not count themselves: by time, within a millisecond by arrival.
fn by_time(time: Millis, seq: Seq) -> u64 {
    const ARRIVAL_BITS: u32 = 20;
    let millis = u64::try_from(time.0)
        .unwrap_or(0)
        .min(u64::MAX >> (ARRIVAL_BITS + 1));
    (millis << ARRIVAL_BITS) | (seq.0 & ((1 << ARRIVAL_BITS) - 1))
}

/// Makes an id of one that is no UUID, as programs of their own make them.
fn hashed_sid(notes: &[Note]) -> Option<[u8; 16]> {
    let note = notes.iter().find(|note| note.path == "sid")?;
    let text = note.value.as_ref()?.as_str()?.trim();
    (!text.is_empty()).then(|| XxHash3_128::oneshot(text.as_bytes()).to_be_bytes())
}

/// Reads how a session ended that ended neither well nor by a crash.
fn hang(mechanism: &str) -> Option<Hang> {
    match mechanism {
        "anr_foreground" => Some(Hang::InFront),
        "anr_background" => Some(Hang::Behind),
        _ => None,
    }
}

fn user(did: Option<&str>) -> Option<i64> {
    let did = did?.trim();
    (!did.is_empty()).then(|| Identity::Session(did).hash())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range was checked"
)]
fn milliseconds(seconds: f64) -> Option<u64> {
    let millis = (seconds * 1000.0).round();
    (0.0..=MAX_DURATION_MS)
        .contains(&millis)
        .then_some(millis as u64)
}
