//! Taking what was erased out of the search index and of what else may hold copies of it. Groups that
//! lost events and have others are read again from those, so that nothing is known of them that only
//! the erased told.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::compaction::is_behind;
use super::runner::{JobReport, rest};
use crate::digest::rules::RuleBook;
use crate::error::Error;
use crate::facts::{FactsInput, Scan, derive};
use crate::model::event::EventFacts;
use crate::model::ids::Seq;
use crate::model::record::Record;
use crate::state::AppState;
use crate::store::index::{GroupText, Renewal, StaleGroup, key};

/// Bodies that are read at once.
const BODIES: usize = 32;
/// Texts of one group that are looked for.
const TEXTS: usize = 8;
/// The rest behind reading a group, in lengths of the reading.
const REST_FACTOR: u32 = 3;
/// The shortest rest.
const MIN_REST: Duration = Duration::from_millis(1);
/// The longest rest.
const MAX_REST: Duration = Duration::from_secs(1);

pub(super) async fn run(state: &AppState, stop: &CancellationToken) -> Result<JobReport, Error> {
    let mut report = JobReport::default();
    let mut rules = RuleBook::new(std::sync::Arc::clone(&state.catalog));
    while !is_behind(state) {
        let started = Instant::now();
        let Some(stale) = state.store.index.stale_group().await? else {
            break;
        };
        let renewal = read(state, &mut rules, stale).await?;
        if !state.store.index.renew(renewal).await? {
            // Its issue gets events just now: another time.
            break;
        }
        state.feed.changed();
        report.groups = report.groups.saturating_add(1);
        let pause = started.elapsed().saturating_mul(REST_FACTOR);
        if !rest(pause.clamp(MIN_REST, MAX_REST), stop).await {
            return Ok(report);
        }
    }
    while !is_behind(state) && state.store.index.purge().await? {
        report.units = report.units.saturating_add(1);
        if !rest(MIN_REST, stop).await {
            break;
        }
    }
    Ok(report)
}

/// Reads what is known of a group again, from its events.
async fn read(state: &AppState, rules: &mut RuleBook, stale: StaleGroup) -> Result<Renewal, Error> {
    let mut renewal = Renewal {
        latest: match stale.latest {
            Some(seq) => facts_of(state, rules, &[seq]).await?.pop(),
            None => None,
        },
        kept: Vec::new(),
        texts: Vec::new(),
        of: stale,
    };
    for seqs in renewal.of.places.chunks(BODIES) {
        for facts in facts_of(state, rules, seqs).await? {
            let hash = key::text(&facts.text);
            let is_known = renewal.kept.contains(&hash);
            if facts.text.is_empty() || is_known || renewal.kept.len() >= TEXTS {
                continue;
            }
            renewal.kept.push(hash);
            renewal.texts.push(GroupText {
                group: renewal.of.group,
                project: renewal.of.project,
                hash,
                text: facts.text,
            });
        }
        let is_missing = |hash: &i64| !renewal.kept.contains(hash);
        if !renewal.of.texts.iter().any(is_missing) || renewal.kept.len() >= TEXTS {
            break;
        }
    }
    Ok(renewal)
}

async fn facts_of(
    state: &AppState,
    rules: &mut RuleBook,
    seqs: &[Seq],
) -> Result<Vec<EventFacts>, Error> {
    let records = state.bodies.read(seqs).await?;
    let facts = |record: Record| {
        let scan = Scan::read(&record.body).ok()?;
        let input = FactsInput::of_head(&record.head, rules.of(record.head.project));
        Some(derive(&scan, &input))
    };
    Ok(records.into_iter().flatten().filter_map(facts).collect())
}
