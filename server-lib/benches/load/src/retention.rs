//! What retention costs those who send meanwhile. Both of its ways: partitions that go whole, as by
//! age and by size, and rows of one project, which go one by one.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::Options;
use crate::bars::{at_least, heading, row};
use crate::client::{self, Live, Plan};
use crate::corpus::Corpus;
use crate::phases::{Ids, fill, fresh};
use crate::program::Ours;

/// The pass covers this many partitions.
const PARTITIONS: u64 = 8;
/// Events that the project keeps in the pass by rows.
const KEPT: u64 = 1000;
/// How often the accepted events are looked at.
const LOOK: Duration = Duration::from_millis(10);
/// How long a pass may take.
const PATIENCE: Duration = Duration::from_secs(1800);
/// The rate behind the pass is taken for so long.
const AFTER: Duration = Duration::from_secs(5);

/// A way of retention.
#[derive(Clone, Copy)]
enum Way {
    Partitions,
    Rows,
}

impl Way {
    fn title(self) -> &'static str {
        match self {
            Self::Partitions => "whole partitions",
            Self::Rows => "row by row",
        }
    }

    /// The job whose end is the end of the pass.
    fn last_job(self) -> &'static str {
        match self {
            Self::Partitions => "retention",
            Self::Rows => "sweep",
        }
    }
}

/// Accepted events at moments.
#[derive(Default)]
struct Samples(Vec<(Instant, u64)>);

impl Samples {
    fn take(&mut self, live: &Live) {
        self.0.push((Instant::now(), live.accepted.load(Ordering::Relaxed)));
    }

    /// Events a second between two moments.
    fn rate(&self, from: Instant, to: Instant) -> f64 {
        let place = |moment| self.0.partition_point(|(at, _)| *at < moment).min(self.0.len().saturating_sub(1));
        let (Some(first), Some(last)) = (self.0.get(place(from)), self.0.get(place(to))) else { return f64::NAN };
        (last.1 - first.1) as f64 / (last.0 - first.0).as_secs_f64()
    }
}

/// What a job said when it had done its work.
struct Done {
    job: String,
    seen: Instant,
    elapsed: Duration,
}

/// Reads the lines that the server writes from now on.
struct Log {
    file: File,
    rest: Vec<u8>,
}

impl Log {
    fn at_end(path: &Path) -> Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { file, rest: Vec::new() })
    }

    /// Returns the jobs that ended since the last look.
    fn done(&mut self) -> Result<Vec<Done>> {
        self.file.read_to_end(&mut self.rest)?;
        let mut done = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let Ok(told) = serde_json::from_slice::<Value>(&line) else { continue };
            let Some(job) = told["job"].as_str() else { continue };
            if told["level"] == "WARN" {
                bail!("{job} failed: {told}");
            }
            if let Some(elapsed) = told["elapsed_ms"].as_u64() {
                let elapsed = Duration::from_millis(elapsed);
                done.push(Done { job: job.to_owned(), seen: Instant::now(), elapsed });
            }
        }
        Ok(done)
    }
}

/// Runs both ways and prints how they compare.
pub async fn run(options: &Options, events: u64) -> Result<()> {
    let corpus = Arc::new(Corpus::read(&options.corpus)?);
    println!("{} events of {} bytes on average", corpus.len(), corpus.average_bytes);
    std::fs::create_dir_all(&options.scratch)?;
    let mut ids = Ids::new();
    let mut ours = fresh(options, "retention", options.postgres.as_deref())?;
    let partition = (events / PARTITIONS).max(1);
    let steady = [
        ("RETENTION_PARTITION_EVENTS", partition.to_string()),
        // Few events must fill some segments too.
        ("JOURNAL_SEGMENT_BYTES", (events * 100).clamp(1 << 20, 64 << 20).to_string()),
        ("LOG_FORMAT", "json".to_owned()),
    ];
    for way in [Way::Partitions, Way::Rows] {
        heading(&format!("Retention of {events} events, {}", way.title()));
        ours.environment = variables(&steady, &[("RETENTION_INTERVAL", "24h".to_owned())]);
        // The last partition stays, so there is one more.
        fill(&ours, &corpus, &mut ids, events + partition).await?;

        let lead = Duration::from_secs(options.seconds * 8);
        let mut changes = vec![("RETENTION_INTERVAL", format!("{}s", lead.as_secs()))];
        match way {
            Way::Partitions => changes.push(("RETENTION_MAX_BYTES", "1".to_owned())),
            Way::Rows => ours.set_project(&format!("max_events={KEPT}"))?,
        }
        ours.environment = variables(&steady, &changes);
        pass(&ours, &corpus, &mut ids, way, events, lead).await?;
    }
    Ok(())
}

fn variables(steady: &[(&str, String)], changes: &[(&str, String)]) -> Vec<(String, String)> {
    let all = steady.iter().chain(changes);
    all.map(|(name, value)| (format!("MINI_SENTRY_{name}"), value.clone())).collect()
}

/// Sends from before a pass until some seconds behind it.
async fn pass(ours: &Ours, corpus: &Arc<Corpus>, ids: &mut Ids, way: Way, events: u64, lead: Duration) -> Result<()> {
    let server = ours.start().await?;
    let stored = server.visible().await?;
    let mut log = Log::at_end(&ours.log())?;
    let live = Arc::new(Live::default());
    let plan = Plan { connections: 32, time: PATIENCE * 2, requests: u64::MAX, rate: None };
    let (target, bodies, first, shared) = (server.target.clone(), Arc::clone(corpus), ids.take(), Arc::clone(&live));
    let load = tokio::spawn(async move { client::send(&target, &bodies, &plan, first, false, shared).await });

    let sending = Instant::now();
    let mut samples = Samples::default();
    let mut begin = None;
    let end = loop {
        tokio::time::sleep(LOOK).await;
        samples.take(&live);
        let mut end = None;
        for done in log.done()? {
            if done.job == "retention" {
                begin = done.seen.checked_sub(done.elapsed);
            }
            if done.job == way.last_job() {
                end = Some(done.seen);
            }
        }
        if let Some(end) = end {
            break end;
        }
        if sending.elapsed() > lead + PATIENCE {
            bail!("retention did not come to an end");
        }
        if load.is_finished() {
            bail!("the load ended early");
        }
    };
    let begin = begin.context("the pass has no beginning")?;
    let left = server.visible().await?;
    let gone = (stored + live.accepted.load(Ordering::Relaxed)).saturating_sub(left);
    while end.elapsed() < AFTER {
        tokio::time::sleep(LOOK).await;
        samples.take(&live);
    }
    live.stop.store(true, Ordering::Relaxed);
    let answers = load.await??;
    server.stop()?;

    // The first seconds of a process are slower.
    let before = samples.rate(sending + lead / 4, begin);
    let during = samples.rate(begin, end);
    row("refused", &answers.refused.to_string());
    row("the pass took, seconds", &format!("{:.2}", (end - begin).as_secs_f64()));
    row("accepted/s before, during, after", &format!("{before:.0}  {during:.0}  {:.0}", samples.rate(end, end + AFTER)));
    at_least("events that went, of those that had to", gone as f64 / events as f64, 1.0);
    at_least("accepted events a second during the pass, of before", during / before, 0.9);
    Ok(())
}
