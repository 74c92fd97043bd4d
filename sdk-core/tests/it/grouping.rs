//! The grouping set: how many pairs of its events are put together, or apart, as people would.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions that tests share fail by panicking too"
)]

use std::collections::{BTreeMap, BTreeSet};

use mini_sentry::grouping::{GroupKey, Grouper, Subject};
use mini_sentry::protocol::Event;
use mini_sentry::protocol::read::from_json;
use serde_json::Value;

use crate::golden::{bytes, names};

/// An event of the set.
struct Sample {
    name: String,
    issue: String,
    event: Value,
}

/// All events of the set.
fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for file in names("grouping", ".json", 10) {
        let set: Value = serde_json::from_slice(&bytes(&format!("grouping/{file}.json"))).unwrap();
        for sample in set["events"].as_array().expect("a list of events") {
            samples.push(Sample {
                name: format!("{file}/{}", sample["name"].as_str().unwrap()),
                issue: sample["issue"].as_str().unwrap().to_owned(),
                event: sample["event"].clone(),
            });
        }
    }
    assert!(samples.len() >= 230, "only {} events", samples.len());
    samples
}

fn read(event: &Value) -> Event {
    let (event, _) = from_json(event.to_string().as_bytes()).expect("an event");
    event
}

fn key(event: &Value) -> GroupKey {
    Grouper::default()
        .group(&Subject::of_event(&read(event)))
        .key
}

#[test]
fn every_pair_of_the_set_is_together_or_apart_as_expected() {
    let samples = samples();
    let keys: Vec<_> = samples.iter().map(|sample| key(&sample.event)).collect();
    let (mut right, mut all) = (0_u32, 0_u32);
    let mut wrong = Vec::new();
    for (i, one) in samples.iter().enumerate() {
        for (j, other) in samples.iter().enumerate().skip(i + 1) {
            all += 1;
            let expected = one.issue == other.issue;
            if expected == (keys[i] == keys[j]) {
                right += 1;
            } else {
                let verb = if expected { "apart" } else { "together" };
                wrong.push(format!("{} and {} are {verb}", one.name, other.name));
            }
        }
    }
    let mut by_issue: BTreeMap<&str, BTreeSet<GroupKey>> = BTreeMap::new();
    for (sample, key) in samples.iter().zip(&keys) {
        by_issue.entry(&sample.issue).or_default().insert(*key);
    }
    println!(
        "grouping set: {right} of {all} pairs right, {} events, {} issues",
        samples.len(),
        by_issue.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
