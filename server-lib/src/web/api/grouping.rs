//! What another way of grouping would do to a project's issues, tried on its latest events.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use mini_sentry::grouping::{Comparison, GroupKey, Grouper, GroupingVersion, Trial};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::error::{Error, ErrorKind};
use crate::facts::grouping::{grouper, subject};
use crate::facts::{FrameRules, Scan};
use crate::model::catalog::Project;
use crate::model::event::EventRow;
use crate::model::ids::IssueId;
use crate::model::scope::Scope;
use crate::model::short_id;
use crate::state::AppState;
use crate::store::Bodies;
use crate::store::query::Page;
use crate::web::access::Access;
use crate::web::api0::project_settings::check_rules;
use crate::web::error::ApiError;
use crate::web::extract::{Body, Names};
use crate::web::reading;

/// Events that are looked at when the caller does not say.
const DEFAULT_EVENTS: u64 = 1000;
/// Events that are looked at, at most.
const MAX_EVENTS: u64 = 5000;
/// Bodies that are in memory at once.
const CHUNK: usize = 50;

/// Another way of grouping; what is absent is as the project has it.
#[derive(Debug, Deserialize)]
pub(super) struct Other {
    version: Option<GroupingVersion>,
    fingerprint_rules: Option<String>,
    stack_rules: Option<String>,
    events: Option<u64>,
}

pub(super) async fn attempt(
    State(state): State<AppState>,
    caller: Access,
    Names(name): Names<String>,
    Body(other): Body<Other>,
) -> Result<Json<Value>, ApiError> {
    caller.require(&[Scope::ProjectWrite])?;
    let project = Arc::clone(caller.project_by_name(&name)?);
    let mut rules = project.settings.grouping.now.clone();
    let old = grouper(&rules);
    rules.version = other.version.unwrap_or(rules.version);
    rules.fingerprint_rules = other.fingerprint_rules.unwrap_or(rules.fingerprint_rules);
    rules.stack_rules = other.stack_rules.unwrap_or(rules.stack_rules);
    check_rules(&rules)?;
    let limit = other.events.unwrap_or(DEFAULT_EVENTS).clamp(1, MAX_EVENTS);

    reading::settle_list(&state).await;
    let filter = reading::events_of([project.id]);
    let count = state.store.events.count(&filter).await?;
    let rows = state.store.events.list(&filter, Page::first(limit)).await?;
    let work = Work {
        old,
        new: grouper(&rules),
        frames: FrameRules::from_settings(&project.settings),
        bodies: Arc::clone(&state.bodies),
        runtime: Handle::current(),
    };
    // Thousands of events take a while, too long for a thread that answers others.
    let found = tokio::task::spawn_blocking(move || work.run(&rows));
    let found = found.await.map_err(|error| {
        ApiError::from(Error::new(ErrorKind::System, error).during("group events"))
    })??;
    show(&state, &project, &found, count).await.map(Json)
}

/// What it takes to group events in both ways.
struct Work {
    old: Grouper,
    new: Grouper,
    frames: FrameRules,
    bodies: Arc<dyn Bodies>,
    runtime: Handle,
}

/// What was found, and the issues that have the keys now.
struct Found {
    comparison: Comparison,
    issues: HashMap<GroupKey, IssueId>,
}

impl Work {
    fn run(&self, rows: &[EventRow]) -> Result<Found, Error> {
        let mut trial = Trial::new(&self.old, &self.new);
        let mut issues = HashMap::new();
        for chunk in rows.chunks(CHUNK) {
            let seqs: Vec<_> = chunk.iter().map(|row| row.seq).collect();
            let records = self.runtime.block_on(self.bodies.read(&seqs))?;
            for (row, record) in chunk.iter().zip(records) {
                // A body that is gone is of an event that is being removed.
                let Some(record) = record else { continue };
                let Ok(scan) = Scan::read(&record.body) else {
                    continue;
                };
                let subject = subject(&scan, &self.frames);
                trial.add(&subject);
                let key = self.old.group(&subject).key;
                issues.entry(key).or_insert(row.issue);
            }
        }
        Ok(Found {
            comparison: trial.finish(),
            issues,
        })
    }
}

async fn show(
    state: &AppState,
    project: &Project,
    found: &Found,
    stored: u64,
) -> Result<Value, ApiError> {
    let Found { comparison, issues } = found;
    let splits = comparison.split_examples.iter().map(|(key, _)| key);
    let merges = comparison.merged_examples.iter().flat_map(|(_, keys)| keys);
    let named: HashSet<_> = splits
        .chain(merges)
        .filter_map(|key| issues.get(key))
        .collect();
    let named: Vec<_> = named.into_iter().copied().collect();
    let named = state.store.issues.get(&named).await?;
    let issue = |key: &GroupKey| {
        let id = issues.get(key)?;
        let issue = named.iter().find(|issue| issue.id == *id)?;
        Some(json!({
            "id": issue.id,
            "short_id": short_id::write(&project.slug, issue.number),
            "title": issue.title,
        }))
    };
    let splits = comparison.split_examples.iter();
    let splits: Vec<_> = splits
        .map(|(key, parts)| json!({ "group": issue(key), "parts": parts }))
        .collect();
    let merges = comparison.merged_examples.iter();
    let merges: Vec<_> = merges
        .map(|(_, keys)| json!({ "groups": keys.iter().filter_map(issue).collect::<Vec<_>>() }))
        .collect();
    Ok(json!({
        "events": comparison.events,
        "events_left_out": comparison.left_out,
        "events_stored": stored,
        "groups_now": comparison.old_issues,
        "groups_then": comparison.new_issues,
        "split": comparison.split,
        "merged": comparison.merged,
        "splits": splits,
        "merges": merges,
    }))
}
