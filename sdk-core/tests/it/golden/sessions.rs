//! Session updates and aggregates: that the types carry all that release health counts.

use std::collections::BTreeMap;

use mini_sentry::protocol::read::from_json;
use mini_sentry::protocol::{EventId, SessionAggregate, SessionStatus, SessionUpdate};
use serde_json::Value;

use super::{cases, json};

/// Reads one update or aggregate, which must leave nothing to note.
fn read<T: mini_sentry::protocol::lenient::Lenient>(value: &Value) -> T {
    let (read, notes) = from_json(value.to_string().as_bytes()).unwrap();
    assert!(notes.is_empty(), "{notes:?} of {value}");
    read
}

fn list<'a>(case: &'a Value, key: &str) -> &'a [Value] {
    case[key].as_array().map_or(&[], Vec::as_slice)
}

/// The status that counts: errors make a session that is well an errored one.
fn effective(update: &SessionUpdate) -> SessionStatus {
    let status = update.status.clone().unwrap();
    let is_well = matches!(status, SessionStatus::Ok | SessionStatus::Exited);
    if is_well && update.errors.unwrap_or(0) > 0 {
        return SessionStatus::Errored;
    }
    status
}

#[test]
fn every_update_reads_and_what_has_ended_stays_ended() {
    let table = json("sessions.json");
    for case in cases(&table, "cases", 15) {
        let mut latest: BTreeMap<EventId, SessionUpdate> = BTreeMap::new();
        for value in list(case, "updates") {
            let update: SessionUpdate = read(value);
            assert_eq!(value["status"], *update.status.as_ref().unwrap().as_str());
            let sid = update.sid.unwrap();
            let has_ended = latest
                .get(&sid)
                .and_then(|earlier| earlier.status.as_ref())
                .is_some_and(SessionStatus::is_terminal);
            if !has_ended {
                latest.insert(sid, update);
            }
        }
        let Some(statuses) = case["statuses"].as_object() else {
            continue;
        };
        assert_eq!(latest.len(), statuses.len(), "{case}");
        for (sid, status) in statuses {
            let update = &latest[&sid.parse::<EventId>().unwrap()];
            assert_eq!(effective(update).as_str(), status, "{sid} of {case}");
        }
    }
}

#[test]
fn every_aggregate_reads_with_all_of_its_counts() {
    let table = json("sessions.json");
    let mut seen = 0;
    for value in cases(&table, "cases", 15)
        .iter()
        .flat_map(|case| list(case, "aggregates"))
    {
        let one: SessionAggregate = read(value);
        for (name, count) in [
            ("exited", one.exited),
            ("errored", one.errored),
            ("abnormal", one.abnormal),
            ("crashed", one.crashed),
            ("unhandled", one.unhandled),
        ] {
            assert_eq!(count, value[name].as_u64(), "{name} of {value}");
        }
        assert_eq!(one.started.unwrap().to_string(), value["started"]);
        seen += 1;
    }
    assert!(seen >= 3, "only {seen} aggregates");
}

#[test]
fn a_status_that_nobody_knows_is_kept() {
    let read: SessionUpdate = read(&serde_json::json!({"status": "status_of_the_future"}));
    assert_eq!(read.status.unwrap().as_str(), "status_of_the_future");
}
