//! Fills a SQLite store with events of many issues and measures questions: `cargo bench --bench
//! search -- [events] [issues]`. Prints what an event costs and how long questions take.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program that prints its figures"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use mini_sentry::protocol::EventId;
use mini_sentry_server::clock::SystemClock;
use mini_sentry_server::model::event::{
    EventFacts, EventKind, GroupingKey, Headline, Level, NewEvent,
};
use mini_sentry_server::model::ids::{ProjectId, Seq};
use mini_sentry_server::model::issue::IssueStatus;
use mini_sentry_server::model::settings::ProjectSettings;
use mini_sentry_server::model::tag::Tags;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::store::index::{CountBy, IndexedEvent, Pending, TagScope};
use mini_sentry_server::store::open::{StoreOptions, open};
use mini_sentry_server::store::query::{
    EventPredicate, EventQuery, Expr, IssueOrder, IssuePredicate, IssueQuery, TagTest, TextPattern,
};
use mini_sentry_server::store::{Batch, NewProject, Store};

const START: Millis = Millis(1_790_000_000_000);
/// Events of one transaction of digest.
const BATCH: u64 = 750;
/// Events that the indexer gathers.
const GATHERED: u64 = 16 * 1024;
const ROUNDS: usize = 60;

fn main() -> anyhow::Result<()> {
    let numbers: Vec<u64> = std::env::args()
        .filter_map(|text| text.parse().ok())
        .collect();
    let events = numbers.first().copied().unwrap_or(200_000);
    let issues = numbers.get(1).copied().unwrap_or(5_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(events, issues))
}

async fn run(events: u64, issues: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let options = StoreOptions {
        partition_events: 1_000_000,
        partition_age: Duration::from_secs(24 * 60 * 60),
        clock: Arc::new(SystemClock),
    };
    let store = open("sqlite", folder.path(), options).await?;
    let project = project(&store).await?;
    fill(&store, project, events, issues).await?;
    for (name, bytes) in store.upkeep.space().await? {
        println!(
            "{name:>24} {:>8.1} bytes an event",
            bytes as f64 / events as f64
        );
    }
    ask(&store, project, events, issues).await
}

async fn project(store: &Store) -> anyhow::Result<ProjectId> {
    let organisation = store
        .catalog
        .create_organisation("acme", "Acme", START)
        .await?;
    let new = NewProject {
        organisation: organisation.id,
        slug: "shop".to_owned(),
        name: "Shop".to_owned(),
        platform: None,
        ingest_token: "token".to_owned(),
        settings: ProjectSettings::default(),
        at: START,
    };
    Ok(store.catalog.create_project(new).await?.id)
}

/// Numbers that look random; few are frequent.
fn dice(seed: u64, salt: u64) -> u64 {
    let mut mixed = (seed ^ (salt << 56)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    mixed ^ (mixed >> 32)
}

fn event(project: ProjectId, seq: u64, issues: u64) -> NewEvent {
    let (one, two) = (dice(seq, 1) % issues, dice(seq, 2) % issues);
    // Half of all events belong to a hundredth of the issues.
    let key = if dice(seq, 3).is_multiple_of(2) {
        one / 100
    } else {
        two
    };
    let at = START.plus(i64::try_from(seq).unwrap_or(0) * 500);
    let release = format!("shop@1.{}.0", seq / 400_000);
    let mut tags = Tags::default();
    for (name, value) in [
        ("level", "error".to_owned()),
        (
            "environment",
            ["production", "staging"][usize::from(seq.is_multiple_of(9))].to_owned(),
        ),
        ("release", release.clone()),
        ("platform", "python".to_owned()),
        ("event.type", "error".to_owned()),
        ("user", format!("id:{}", dice(seq, 4) % 100_000)),
        ("user.id", (dice(seq, 4) % 100_000).to_string()),
        ("user.ip", format!("192.0.2.{}", dice(seq, 4) % 250)),
        ("error.type", format!("Error{}", key % 300)),
        ("mechanism", "logging".to_owned()),
        ("handled", "yes".to_owned()),
        ("transaction", format!("/page/{}", key % 500)),
        (
            "url",
            format!("https://example.com/page/{}", dice(seq, 5) % 2_000),
        ),
        ("server_name", format!("web-{}", seq % 20)),
        ("logger", "app".to_owned()),
        ("sdk", "sentry.python".to_owned()),
        ("os.name", "Linux".to_owned()),
        ("os", "Linux 6.1".to_owned()),
        ("runtime", "CPython 3.11".to_owned()),
        (
            "browser.name",
            ["Chrome", "Firefox", "Safari"][(seq % 3) as usize].to_owned(),
        ),
        ("feature", format!("f{}", dice(seq, 6) % 50)),
    ] {
        tags.push(name, &value);
    }
    NewEvent {
        seq: Seq(seq),
        project,
        event_id: EventId::from_bytes(
            u128::from(seq)
                .wrapping_mul(0xda94_2042_e4dd_58b5_9e37_79b9_7f4a_7c15)
                .to_be_bytes(),
        ),
        received: at,
        facts: EventFacts {
            kind: EventKind::Error,
            timestamp: at,
            level: Level::Error,
            platform: "python".to_owned(),
            environment: tags.get("environment").unwrap_or_default().to_owned(),
            release,
            dist: String::new(),
            title: format!("Error{}: cannot load page {key}", key % 300),
            culprit: format!("shop.views in page_{}", key % 500),
            headline: Headline {
                error_type: format!("Error{}", key % 300),
                value: format!("cannot load page {key}"),
                filename: "shop/views.py".to_owned(),
                function: format!("page_{}", key % 500),
            },
            handled: Some(true),
            grouping: GroupingKey(u128::from(key).to_be_bytes()),
            former_grouping: None,
            user: i64::try_from(dice(seq, 4) % 100_000).ok(),
            tags,
            text: format!(
                "Error{} cannot load page {key}\npage_{}",
                key % 300,
                key % 500
            ),
        },
    }
}

async fn fill(store: &Store, project: ProjectId, events: u64, issues: u64) -> anyhow::Result<()> {
    let (mut digesting, mut gathering, mut writing, mut merging) = (
        Duration::ZERO,
        Duration::ZERO,
        Duration::ZERO,
        Duration::ZERO,
    );
    let mut pending: Option<(_, Pending)> = None;
    let mut indexed = Seq(0);
    let mut next = 1;
    while next <= events {
        let last = (next + BATCH - 1).min(events);
        let batch = Arc::new(Batch {
            first: Seq(next),
            last: Seq(last),
            received: START.plus(i64::try_from(last).unwrap_or(0) * 500),
            events: (next..=last)
                .map(|seq| event(project, seq, issues))
                .collect(),
            ..Batch::default()
        });
        let started = Instant::now();
        let applied = store.digests.apply(Arc::clone(&batch)).await?;
        digesting += started.elapsed();
        let (partition, base) = applied.partition.unwrap_or_default();
        let is_other = pending.as_ref().is_some_and(|(held, _)| *held != partition);
        let is_full = pending
            .as_ref()
            .is_some_and(|(_, held)| held.events() >= GATHERED);
        if is_other || is_full {
            let (held, gathered) = pending.take().unwrap_or_default();
            let started = Instant::now();
            let run = gathered.finish(held, indexed.next(), Seq(next - 1))?;
            gathering += started.elapsed();
            let started = Instant::now();
            store.index.add(run).await?;
            writing += started.elapsed();
            let started = Instant::now();
            while store.index.merge().await? {}
            merging += started.elapsed();
            indexed = Seq(next - 1);
        }
        let started = Instant::now();
        let (_, gathered) = pending.get_or_insert_with(|| (partition, Pending::new(base)));
        for (event, stored) in batch.events.iter().zip(&applied.stored) {
            gathered.add(&IndexedEvent {
                seq: event.seq,
                project,
                group: stored.group,
                timestamp: event.facts.timestamp,
                user: event.facts.user,
                is_user_known: false,
                tags: &event.facts.tags,
                text: stored.is_new.then_some((7, event.facts.text.as_str())),
            });
        }
        gathering += started.elapsed();
        next = last + 1;
    }
    let (held, gathered) = pending.take().unwrap_or_default();
    store
        .index
        .add(gathered.finish(held, indexed.next(), Seq(events))?)
        .await?;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / events as f64;
    println!(
        "{events} events, {issues} issues: digest {:.1} µs, gather {:.1} µs, write {:.1} µs, \
         merge {:.1} µs an event",
        each(digesting),
        each(gathering),
        each(writing),
        each(merging)
    );
    Ok(())
}

fn tag(name: &str, value: &str) -> (String, TagTest) {
    (
        name.to_owned(),
        TagTest::Value(TextPattern::Equals(value.to_owned())),
    )
}

async fn ask(store: &Store, project: ProjectId, events: u64, issues: u64) -> anyhow::Result<()> {
    let has = |name: &str, value: &str| {
        let (name, test) = tag(name, value);
        Expr::Is(EventPredicate::Tag(name, test))
    };
    let end = START.plus(i64::try_from(events).unwrap_or(0) * 500);
    let day = end.plus(-Millis::DAY)..=end;
    let of = |filter, times| EventQuery {
        projects: vec![project],
        filter,
        times,
        after: None,
        limit: 100,
    };
    let of_issues = |filter, order| IssueQuery {
        projects: vec![project],
        filter,
        order,
        after: None,
        limit: 100,
    };
    let unresolved = || Expr::Is(IssuePredicate::Status(IssueStatus::Unresolved));
    let issue_tag = |name: &str, value: &str| {
        let (name, test) = tag(name, value);
        Expr::Is(IssuePredicate::Tag(name, test))
    };
    let mut table = Vec::new();
    for round in 0..ROUNDS as u64 {
        let user = (dice(round, 4) % 100_000).to_string();
        let feature = format!("f{}", round % 50);
        let listed = store
            .issues
            .search(&of_issues(unresolved(), IssueOrder::LastSeen))
            .await?;
        let some = listed
            .issues
            .get((round as usize) % listed.issues.len().max(1));
        let some = some.map(|issue| issue.id).unwrap_or_default();
        let questions = [
            ("issues, latest first", 0_u8),
            ("issues with a tag", 1),
            ("issues with words", 2),
            ("events with a frequent tag", 3),
            ("events with two tags, a day", 4),
            ("events of a user", 5),
            ("events of an issue with a tag", 6),
            ("tags of an issue", 7),
            ("hours of an issue", 8),
            ("numbers by hour with a tag, a day", 9),
            ("issues by events", 10),
        ];
        for (name, question) in questions {
            let started = Instant::now();
            match question {
                0 => {
                    let query = of_issues(unresolved(), IssueOrder::LastSeen);
                    store.issues.search(&query).await.map(drop)?;
                }
                1 => {
                    let filter = unresolved().and(issue_tag("feature", &feature));
                    let query = of_issues(filter, IssueOrder::LastSeen);
                    store.issues.search(&query).await.map(drop)?;
                }
                2 => {
                    let words = format!("page {}", dice(round, 9) % issues);
                    let filter = Expr::Is(IssuePredicate::Text(words));
                    let query = of_issues(filter, IssueOrder::Events);
                    store.issues.search(&query).await.map(drop)?;
                }
                3 => {
                    let query = of(has("environment", "production"), None);
                    store.index.find(&query).await.map(drop)?;
                }
                4 => {
                    let filter = has("feature", &feature).and(has("browser.name", "Safari"));
                    let query = of(filter, Some(day.clone()));
                    store.index.find(&query).await.map(drop)?;
                }
                5 => store
                    .index
                    .find(&of(has("user.id", &user), None))
                    .await
                    .map(drop)?,
                6 => {
                    let filter = Expr::Is(EventPredicate::Issue(vec![some]));
                    let query = of(filter.and(has("browser.name", "Safari")), None);
                    store.index.find(&query).await.map(drop)?;
                }
                7 => store
                    .index
                    .tags(&TagScope::Issue(some), None, 10)
                    .await
                    .map(drop)?,
                8 => store.index.hours(&[some], day.clone()).await.map(drop)?,
                9 => {
                    let query = of(has("environment", "staging"), Some(day.clone()));
                    store.index.count(&query, CountBy::Hour).await.map(drop)?;
                }
                _ => {
                    let query = of_issues(Expr::everything(), IssueOrder::Events);
                    store.issues.search(&query).await.map(drop)?;
                }
            }
            table.push((name, started.elapsed()));
        }
    }
    table.sort();
    for same in table.chunk_by(|(one, _), (two, _)| one == two) {
        let at = |share: usize| {
            same.get((same.len() - 1) * share / 100)
                .map(|(_, time)| *time)
        };
        let ms = |share| at(share).unwrap_or_default().as_secs_f64() * 1e3;
        let name = same.first().map_or("", |(name, _)| name);
        println!("{name:>36}  p50 {:>7.2} ms  p99 {:>7.2} ms", ms(50), ms(99));
    }
    Ok(())
}
