//! The measurements, in the order of a server's life: empty, under load, filled, restarted.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::Options;
use crate::bars::{at_least, at_most, heading, median, row};
use crate::client::{self, Answers, Live, Plan};
use crate::corpus::Corpus;
use crate::program::{Ours, Program, disk};

const MIB: f64 = 1024.0 * 1024.0;

/// One measurement of one server.
struct Sample {
    rate: f64,
    cpu_micros: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Ids never repeat within a run of this program.
pub struct Ids(u128);

impl Ids {
    /// Begins where no run of another process does.
    pub fn new() -> Self {
        Self(u128::from(std::process::id()) << 64)
    }

    /// Returns the first of a range that nobody else has.
    pub fn take(&mut self) -> u128 {
        self.0 += 1 << 32;
        self.0
    }
}

/// Runs everything and prints the table.
pub async fn run(options: &Options) -> Result<()> {
    let corpus = Arc::new(Corpus::read(&options.corpus)?);
    println!("{} events of {} bytes on average", corpus.len(), corpus.average_bytes);
    let mut ids = Ids::new();
    std::fs::create_dir_all(&options.scratch)?;

    let ours = fresh(options, "bench", None)?;
    let server = ours.start().await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    heading("Empty");
    row("ready, milliseconds", &format!("{:.0}", server.ready.as_secs_f64() * 1000.0));
    at_most("resident memory idle, MiB", server.memory()?.0 as f64 / MIB, 20.0);
    server.stop()?;

    let (raw_rate, raw_cpu) = side_by_side(options, &ours, &corpus, &mut ids).await?;
    let early = sustained(options, &ours, &corpus, &mut ids, raw_rate, raw_cpu).await?;
    if options.short {
        return Ok(());
    }
    half_load(options, &ours, &corpus, &mut ids, early).await?;
    for target in &options.fill {
        filled(options, &ours, &corpus, &mut ids, *target, early).await?;
    }
    space(options, &ours, &corpus, "events of 200 groups", 1.2).await?;
    if let Some(shapes) = &options.shapes {
        let corpus = Arc::new(Corpus::read(shapes)?);
        let mixed = fresh(options, "shapes", None)?;
        let server = mixed.start().await?;
        measure(&server, &corpus, ids.take(), 32, Duration::from_secs(600), 200_000).await?;
        server.stop()?;
        space(options, &mixed, &corpus, "a mix of ten shapes", 1.5).await?;
    }
    if let Some(url) = &options.postgres {
        heading("PostgreSQL, 32 connections");
        let ours = fresh(options, "postgres", Some(url))?;
        let server = ours.start().await?;
        let rates = visible_rate(&server, &corpus, ids.take(), options.sustained).await?;
        row("visible events a second", &format!("{:.0}", rates.visible));
        row("server CPU an event without PostgreSQL's own, microseconds", &format!("{:.0}", rates.cpu_micros));
        at_least("visible events a second, of ours on SQLite", rates.visible / early, 0.4);
        server.stop()?;
    }
    Ok(())
}

/// Sets an empty server up.
pub fn fresh(options: &Options, name: &str, store: Option<&str>) -> Result<Ours> {
    let mut ours = named(options, name, store);
    if ours.data.exists() {
        std::fs::remove_dir_all(&ours.data)?;
    }
    ours.init()?;
    Ok(ours)
}

/// Takes up the server of a name that another run has left, or sets an empty one up.
pub fn kept(options: &Options, name: &str, store: Option<&str>) -> Result<Ours> {
    let mut ours = named(options, name, store);
    if ours.recall()? {
        return Ok(ours);
    }
    let ours = fresh(options, name, store)?;
    ours.remember()?;
    Ok(ours)
}

fn named(options: &Options, name: &str, store: Option<&str>) -> Ours {
    Ours {
        binary: options.binary.clone(),
        data: options.scratch.join(name),
        store: store.map(str::to_owned),
        arguments: options.serve.clone(),
        environment: Vec::new(),
        set_up: None,
    }
}

/// Sends as fast as answers come; returns what came back and the processor time of the server.
pub async fn measure(
    server: &Program,
    corpus: &Arc<Corpus>,
    first_id: u128,
    connections: usize,
    time: Duration,
    requests: u64,
) -> Result<(Answers, Duration)> {
    let plan = Plan { connections, time, requests, rate: None };
    let before = server.cpu()?;
    let answers = client::send(&server.target, corpus, &plan, first_id, false, Arc::new(Live::default())).await?;
    Ok((answers, server.cpu()? - before))
}

async fn side_by_side(options: &Options, ours: &Ours, corpus: &Arc<Corpus>, ids: &mut Ids) -> Result<(f64, f64)> {
    let mut figures = (f64::NAN, f64::NAN);
    let file = options.scratch.join("durable");
    for connections in options.connections.iter().copied() {
        heading(&format!("Accepting, {connections} connections"));
        let mut samples: [Vec<Sample>; 3] = Default::default();
        for _ in 0..options.rounds {
            for (place, list) in samples.iter_mut().enumerate() {
                let server = match place {
                    0 => Program::sink(&["sink"])?,
                    1 => Program::sink(&["sink", "--durable", &file.to_string_lossy()])?,
                    _ => ours.start().await?,
                };
                // The first requests of a process pay for what it sets up once.
                measure(&server, corpus, ids.take(), connections, Duration::from_secs(1), u64::MAX).await?;
                let time = Duration::from_secs(options.seconds);
                let (answers, cpu) = measure(&server, corpus, ids.take(), connections, time, u64::MAX).await?;
                if answers.refused > 0 {
                    row("refused", &answers.refused.to_string());
                }
                list.push(Sample {
                    rate: answers.rate(),
                    cpu_micros: cpu.as_micros() as f64 / answers.accepted as f64,
                    p50_ms: answers.quantile_ms(0.5),
                    p99_ms: answers.quantile_ms(0.99),
                });
                if place == 2 {
                    server.stop()?;
                }
            }
        }
        let [raw, durable, own] = samples.map(|list| Sample {
            rate: median(list.iter().map(|sample| sample.rate).collect()),
            cpu_micros: median(list.iter().map(|sample| sample.cpu_micros).collect()),
            p50_ms: median(list.iter().map(|sample| sample.p50_ms).collect()),
            p99_ms: median(list.iter().map(|sample| sample.p99_ms).collect()),
        });
        for (name, sample) in [("raw", &raw), ("durable", &durable), ("ours", &own)] {
            row(
                &format!("{name}: accepted/s, CPU µs, p50 ms, p99 ms"),
                &format!("{:.0}  {:.0}  {:.2}  {:.2}", sample.rate, sample.cpu_micros, sample.p50_ms, sample.p99_ms),
            );
        }
        if Some(&connections) == options.connections.last() {
            at_most("p99, of durable", own.p99_ms / durable.p99_ms, 2.0);
            figures = (raw.rate, raw.cpu_micros);
        }
    }
    Ok(figures)
}

/// What 32 connections get done.
pub struct Rates {
    /// Events a second that were answered 2xx.
    pub accepted: f64,
    /// Events a second that a query counts, the wait for the last of them included.
    pub visible: f64,
    /// Processor time of the server for a visible event, in microseconds.
    pub cpu_micros: f64,
}

impl Rates {
    /// Prints them in one row.
    pub fn show(&self) {
        let figures = format!("{:.0}  {:.0}  {:.0}", self.accepted, self.visible, self.cpu_micros);
        row("accepted/s, visible/s, CPU µs an event", &figures);
    }
}

/// Measures how many events a second are accepted and become visible.
pub async fn visible_rate(server: &Program, corpus: &Arc<Corpus>, first_id: u128, seconds: u64) -> Result<Rates> {
    let seen = server.visible().await?;
    let begin = Instant::now();
    let before = server.cpu()?;
    let plan = Plan { connections: 32, time: Duration::from_secs(seconds), requests: u64::MAX, rate: None };
    let answers = client::send(&server.target, corpus, &plan, first_id, false, Arc::new(Live::default())).await?;
    server.await_visible(seen + answers.accepted, Duration::from_secs(120)).await?;
    let visible = answers.accepted as f64 / begin.elapsed().as_secs_f64();
    let cpu_micros = (server.cpu()? - before).as_micros() as f64 / answers.accepted as f64;
    Ok(Rates { accepted: answers.rate(), visible, cpu_micros })
}

async fn sustained(
    options: &Options,
    ours: &Ours,
    corpus: &Arc<Corpus>,
    ids: &mut Ids,
    raw_rate: f64,
    raw_cpu: f64,
) -> Result<f64> {
    heading(&format!("Sustained for {} seconds, 32 connections", options.sustained));
    let server = ours.start().await?;
    let rates = visible_rate(&server, corpus, ids.take(), options.sustained).await?;
    let (visible, cpu) = (rates.visible, rates.cpu_micros);
    row("visible events a second", &format!("{visible:.0}"));
    row("server CPU a visible event, microseconds", &format!("{cpu:.0}"));
    at_least("visible events a second, of raw", visible / raw_rate, 0.33);
    at_most("server CPU a visible event, of raw", cpu / raw_cpu, 3.3);
    at_most("resident memory under load, MiB", server.memory()?.1 as f64 / MIB, 128.0);
    server.stop()?;
    Ok(visible)
}

async fn half_load(options: &Options, ours: &Ours, corpus: &Arc<Corpus>, ids: &mut Ids, full: f64) -> Result<()> {
    heading("Half load");
    let server = ours.start().await?;
    let plan = Plan {
        connections: 32,
        time: Duration::from_secs(options.seconds * 2),
        requests: u64::MAX,
        rate: Some(full / 2.0),
    };
    let live = Arc::new(Live::default());
    let (target, events, first) = (server.target.clone(), Arc::clone(corpus), ids.take());
    let load = tokio::spawn(async move { client::send(&target, &events, &plan, first, false, live).await });
    let mut lags = Vec::new();
    while !load.is_finished() {
        lags.push(server.metric("mini_sentry_digest_lag_seconds").await?);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answers = load.await??;
    row("p50 ms, p99 ms", &format!("{:.2}  {:.2}", answers.quantile_ms(0.5), answers.quantile_ms(0.99)));
    at_most("digest lag at worst, seconds", lags.into_iter().fold(0.0, f64::max), 1.0);
    server.stop()
}

/// Fills the server up to so many stored events.
pub async fn fill(ours: &Ours, corpus: &Arc<Corpus>, ids: &mut Ids, events: u64) -> Result<()> {
    let server = ours.start().await?;
    let missing = events.saturating_sub(server.visible().await?);
    measure(&server, corpus, ids.take(), 32, Duration::from_secs(3600), missing).await?;
    server.await_visible(events, Duration::from_secs(600)).await?;
    server.stop()
}

/// Measures a server that has many events already, `early` being what it did when it had few.
pub async fn filled(
    options: &Options,
    ours: &Ours,
    corpus: &Arc<Corpus>,
    ids: &mut Ids,
    events: u64,
    early: f64,
) -> Result<()> {
    heading(&format!("At {events} stored events"));
    fill(ours, corpus, ids, events).await?;
    let server = ours.start().await?;
    at_most("ready, milliseconds", server.ready.as_secs_f64() * 1000.0, 200.0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    row("resident memory idle, MiB", &format!("{:.1}", server.memory()?.0 as f64 / MIB));
    let mut pages = Vec::new();
    for _ in 0..20 {
        let begin = Instant::now();
        client::get(server.target.address, "/api/events/?limit=50&level=error", &server.token).await?;
        pages.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    row("first page of events, milliseconds", &format!("{:.1}", median(pages)));
    let rates = visible_rate(&server, corpus, ids.take(), options.seconds * 4).await?;
    rates.show();
    at_least("visible events a second, of those at the start", rates.visible / early, 0.8);
    row("resident memory at most, MiB", &format!("{:.1}", server.memory()?.1 as f64 / MIB));
    server.stop()
}

/// Lets the server finish its idle work and looks at what is left on disk.
async fn space(options: &Options, ours: &Ours, corpus: &Corpus, name: &str, target: f64) -> Result<()> {
    heading(&format!("Disk, {name} of {} bytes", corpus.average_bytes));
    let server = ours.start().await?;
    let events = server.visible().await? as f64;
    let first = disk(&ours.data)?;
    let (mut last, mut calm) = (first, 0);
    let begin = Instant::now();
    // Idle work begins within a minute.
    while calm < 45 && begin.elapsed() < Duration::from_secs(1800) {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = disk(&ours.data)?;
        calm = if now == last { calm + 1 } else { 0 };
        last = now;
    }
    row("as written, KiB an event", &format!("{:.3}", first as f64 / events / 1024.0));
    at_most("after idle work, KiB an event", last as f64 / events / 1024.0, target);
    row("idle work took at most, seconds", &format!("{:.0}", begin.elapsed().as_secs_f64()));
    for entry in std::fs::read_dir(&ours.data)?.flatten() {
        row(&format!("  {}", name_of(&entry.path())), &format!("{:.1} MiB", size_of(&entry.path()) / MIB));
    }
    let _ = options;
    server.stop()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn size_of(path: &Path) -> f64 {
    if path.is_dir() {
        disk(path).unwrap_or(0) as f64
    } else {
        path.metadata().map_or(0, |about| about.len()) as f64
    }
}
