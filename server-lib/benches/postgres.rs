//! How fast PostgreSQL takes batches, and what that costs: `cargo bench --bench postgres -- [--events
//! N] [--batch N] [--groups N] [--corpus FILE] [--set name=value]…`.
//!
//! A corpus has one event as JSON in each line. Without `MINI_SENTRY_TEST_POSTGRES` a server with
//! stock settings is made for the run. Blocks hold 32 events, as the journal writes them under load.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program that prints its figures"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use mini_sentry::protocol::EventId;
use mini_sentry::ratelimit::DataCategory;
use mini_sentry_server::block::{BlockBuilder, Packer};
use mini_sentry_server::clock::SystemClock;
use mini_sentry_server::journal::JournalBlock;
use mini_sentry_server::model::event::{
    EventFacts, EventKind, GroupingKey, Headline, Level, NewEvent,
};
use mini_sentry_server::model::ids::{ProjectId, Seq};
use mini_sentry_server::model::outcome::{Outcome, OutcomeCount};
use mini_sentry_server::model::record::{RecordContext, RecordHead, RecordKind};
use mini_sentry_server::model::tag::Tags;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::store::open::StoreOptions;
use mini_sentry_server::store::{Batch, Store, postgres};
use mini_sentry_server::testkit::postgres::{Cluster, Server};

const START: Millis = Millis(1_790_000_000_000);
const BLOCK: u64 = 32;
const PROJECT: ProjectId = ProjectId(1);

struct Settings {
    events: u64,
    batch: u64,
    groups: u64,
    corpus: Option<String>,
    set: Vec<String>,
}

fn main() -> Result<()> {
    let settings = settings()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&settings))
}

fn settings() -> Result<Settings> {
    let mut settings = Settings {
        events: 100_000,
        batch: 640,
        groups: 200,
        corpus: None,
        set: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        // Cargo's own.
        if name == "--bench" {
            continue;
        }
        let value = arguments
            .next()
            .with_context(|| format!("{name} has no value"))?;
        match name.as_str() {
            "--events" => settings.events = value.parse()?,
            "--batch" => settings.batch = value.parse()?,
            "--groups" => settings.groups = value.parse()?,
            "--corpus" => settings.corpus = Some(value),
            "--set" => settings.set.push(format!("-c%20{value}")),
            _ => anyhow::bail!("unknown option {name}"),
        }
    }
    // Whole blocks: a batch of digest ends where a block does, when it keeps up.
    settings.batch = settings.batch.next_multiple_of(BLOCK);
    settings.events = settings.events.next_multiple_of(settings.batch);
    Ok(settings)
}

async fn run(settings: &Settings) -> Result<()> {
    let server = match std::env::var("MINI_SENTRY_TEST_POSTGRES") {
        Ok(address) => Server::Given(address),
        Err(_) => {
            let cluster = Cluster::start_new()?.context("there is no PostgreSQL here")?;
            Server::Own(Arc::new(cluster))
        }
    };
    let mut uri = server.database().await?;
    if !settings.set.is_empty() {
        uri = format!("{uri}?options={}", settings.set.join("%20"));
    }
    let options = StoreOptions {
        partition_events: 1_000_000,
        partition_age: Duration::from_secs(24 * 60 * 60),
        clock: Arc::new(SystemClock),
    };
    let folder = tempfile::tempdir()?;
    let store = postgres::open(&uri, folder.path(), options).await?;
    apply_all(settings, &store, &corpus(settings)?).await?;
    space(settings, &store).await?;
    read(settings, &store).await
}

async fn apply_all(settings: &Settings, store: &Store, corpus: &[Bytes]) -> Result<()> {
    let mut spent = Duration::ZERO;
    let mut slowest = Duration::ZERO;
    let mut own = 0.0;
    let before = database_seconds();
    let mut next = 1;
    while next <= settings.events {
        let batch = batch(settings, corpus, next)?;
        let (started, busy) = (Instant::now(), process_seconds("self"));
        store.digests.apply(batch.into()).await?;
        own += process_seconds("self") - busy;
        spent += started.elapsed();
        slowest = slowest.max(started.elapsed());
        next += settings.batch;
    }
    let events = settings.events as f64;
    println!(
        "apply: {:.0} events/s in batches of {}, slowest batch {} ms",
        events / spent.as_secs_f64(),
        settings.batch,
        slowest.as_millis()
    );
    println!(
        "CPU per event: database {:.1} us, this program {:.1} us",
        (database_seconds() - before) * 1e6 / events,
        own * 1e6 / events
    );
    Ok(())
}

async fn space(settings: &Settings, store: &Store) -> Result<()> {
    let bodies = store.bodies.as_ref().context("no bodies")?;
    let events = settings.events as f64;
    let sizes = async || -> Result<(u64, u64)> {
        let all = store.upkeep.space().await?;
        let all = all.iter().map(|(_, bytes)| *bytes).sum();
        Ok((bodies.bytes().await?, all))
    };
    let (blocks, all) = sizes().await?;
    println!(
        "disk per event: {:.0} bytes, {:.0} of them bodies",
        all as f64 / events,
        blocks as f64 / events
    );
    let (started, mut units) = (Instant::now(), 0);
    while bodies.compact(store.upkeep.as_ref()).await? {
        units += 1;
    }
    let (blocks, all) = sizes().await?;
    println!(
        "after {units} units of compaction, {:.1} s: {:.0} bytes, {:.0} of them bodies",
        started.elapsed().as_secs_f64(),
        all as f64 / events,
        blocks as f64 / events
    );
    Ok(())
}

async fn read(settings: &Settings, store: &Store) -> Result<()> {
    let bodies = store.bodies.as_ref().context("no bodies")?;
    let rounds = 200;
    let started = Instant::now();
    for round in 0..rounds {
        let seq = Seq(1 + round * 7919 % settings.events);
        anyhow::ensure!(bodies.read(&[seq]).await?.iter().all(Option::is_some));
    }
    println!(
        "a body from anywhere: {:.2} ms",
        started.elapsed().as_secs_f64() * 1e3 / rounds as f64
    );
    Ok(())
}

fn corpus(settings: &Settings) -> Result<Vec<Bytes>> {
    let Some(path) = &settings.corpus else {
        let filler = r#"{"filename":"app/views.py","lineno":42,"vars":{"a":"b"}},"#;
        let frames = filler.repeat(300);
        return Ok((0..8)
            .map(|kind| format!(r#"{{"kind":{kind},"frames":[{frames}]}}"#).into())
            .collect());
    };
    let text = std::fs::read_to_string(path).context("read the corpus")?;
    Ok(text.lines().map(|line| line.to_owned().into()).collect())
}

fn batch(settings: &Settings, corpus: &[Bytes], first: u64) -> Result<Batch> {
    let last = first + settings.batch - 1;
    let mut batch = Batch {
        first: Seq(first),
        last: Seq(last),
        received: received(last),
        ..Batch::default()
    };
    let mut packer = Packer::new(1)?;
    let mut builder = BlockBuilder::new();
    for seq in first..=last {
        let group = seq * 31 % settings.groups;
        let event = event(seq, group);
        let head = RecordHead {
            project: PROJECT,
            kind: RecordKind::Event,
            event_id: event.event_id,
            received: event.received,
            context: RecordContext::default(),
        };
        let place = usize::try_from(seq)? % corpus.len();
        // As different from each other as events of one group are.
        let mut body = corpus[place].to_vec();
        body.splice(
            1..1,
            format!(r#""event_id":"{}","#, event.event_id).into_bytes(),
        );
        builder.push(Seq(seq), &head, &body)?;
        batch.events.push(event);
        if seq % BLOCK == 0 {
            let mut bytes = Vec::new();
            let header = builder.finish(&mut packer, 0, false, &mut bytes)?;
            batch.blocks.push(JournalBlock {
                first: header.first,
                last: header.last,
                bytes: bytes.into(),
            });
        }
    }
    batch.outcomes.push(OutcomeCount {
        project: PROJECT,
        key: None,
        at: batch.received,
        category: DataCategory::Error,
        outcome: Outcome::Accepted,
        reason: String::new(),
        quantity: settings.batch,
    });
    Ok(batch)
}

fn received(seq: u64) -> Millis {
    // 6,000 a second.
    START.plus(i64::try_from(seq / 6).unwrap_or(0))
}

fn event(seq: u64, group: u64) -> NewEvent {
    // As random as the ids that clients make.
    let id = u128::from(seq).wrapping_mul(0x9d3c_7b16_e45a_20f3_c96b_34d1_57e2_8af5);
    NewEvent {
        seq: Seq(seq),
        project: PROJECT,
        event_id: EventId::from_bytes(id.to_be_bytes()),
        received: received(seq),
        facts: EventFacts {
            kind: EventKind::Error,
            timestamp: received(seq).plus(-20),
            level: Level::Error,
            platform: "python".to_owned(),
            environment: "production".to_owned(),
            release: "shop@2.14.0".to_owned(),
            dist: String::new(),
            title: format!("ValueError: cannot parse order {group}"),
            culprit: "shop.orders in parse".to_owned(),
            grouping: GroupingKey(u128::from(group).to_be_bytes()),
            headline: Headline::default(),
            handled: None,
            former_grouping: None,
            tags: Tags::default(),
            text: String::new(),
            user: Some(i64::try_from(seq % 1000).unwrap_or(0)),
        },
    }
}

/// Adds up the processor time of all processes of PostgreSQL on this machine that are ours.
fn database_seconds() -> f64 {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return 0.0;
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|name| {
            let comm = std::fs::read_to_string(format!("/proc/{name}/comm"));
            comm.is_ok_and(|comm| comm.trim() == "postgres")
        })
        .map(|name| process_seconds(&name))
        .sum()
}

fn process_seconds(process: &str) -> f64 {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else {
        return 0.0;
    };
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let ticks: f64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    // The kernel counts a hundred to the second on every machine that we know.
    ticks / 100.0
}
