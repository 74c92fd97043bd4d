//! How long questions take with few events and with many, while others arrive.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::Options;
use crate::bars::{at_most, heading, row};
use crate::client::{self, Live, Plan};
use crate::corpus::{Corpus, Spread, dice};
use crate::phases::{Ids, fill, fresh, kept, visible_rate};
use crate::program::Program;

const DAY: f64 = 24.0 * 60.0 * 60.0;
/// The bars of every question.
const MOST_MS: f64 = 50.0;
const MOST_GROWTH: f64 = 1.5;
/// Questions of one kind are asked with different words in turn.
const ROUNDS: u64 = 200;

/// One kind of question: its name, and the paths that one of its pages asks for.
type Question = (&'static str, fn(&Subjects, u64) -> Vec<String>);

/// What questions are about.
struct Subjects {
    issues: Vec<String>,
    project: String,
}

const QUESTIONS: [Question; 10] = [
    ("issue list", |_, _| vec![issues("is:unresolved", "date")]),
    ("issue list by number of events", |_, _| vec![issues("is:unresolved", "freq")]),
    ("issues by a tag", |_, round| vec![issues(&format!("feature:f{}", dice(round, 7) % 50), "date")]),
    ("issues by a rare tag", |_, round| vec![issues(&format!("customer:c{}", dice(round, 8) % 100_000), "date")]),
    ("issues by full text", |_, round| vec![issues(&format!("basket b{}", dice(round, 9) % 500), "date")]),
    ("events by tag and level", |_, round| {
        vec![format!("/api/events/?limit=50&q=level:error%20feature:f{}", dice(round, 10) % 50)]
    }),
    ("issue page: issue, latest event, tags", |subjects, round| {
        let issue = subjects.issue(round);
        let base = format!("/api/0/organizations/my-organisation/issues/{issue}");
        vec![format!("{base}/"), format!("{base}/events/latest/"), format!("{base}/tags/")]
    }),
    ("events of an issue", |subjects, round| {
        vec![format!("/api/0/organizations/my-organisation/issues/{}/events/", subjects.issue(round))]
    }),
    ("series over 24 hours", |subjects, _| vec![series(&subjects.project, "24h", "15m")]),
    ("series over 30 days", |subjects, _| vec![series(&subjects.project, "30d", "1d")]),
];

impl Subjects {
    fn issue(&self, round: u64) -> &str {
        let place = dice(round, 11) % (self.issues.len().max(1) as u64);
        self.issues.get(place as usize).map_or("1", String::as_str)
    }
}

fn issues(query: &str, sort: &str) -> String {
    let query = query.replace(' ', "%20");
    format!("/api/0/organizations/my-organisation/issues/?query={query}&sort={sort}&limit=25")
}

fn series(project: &str, range: &str, interval: &str) -> String {
    format!("/api/dashboard/series/?project={project}&range={range}&interval={interval}")
}

/// Fills a server for each number of events and asks it all questions.
pub async fn run(options: &Options, numbers: &[u64], issues: u64, keep: bool) -> Result<()> {
    std::fs::create_dir_all(&options.scratch)?;
    let mut ids = Ids::new();
    let mut first: Vec<f64> = Vec::new();
    for events in numbers.iter().copied() {
        heading(&format!("Questions at {events} events of {issues} issues, half of full load arriving"));
        let times = measured(options, &mut ids, events, issues, keep).await?;
        for (place, (name, p50, p99)) in times.iter().enumerate() {
            row(&format!("{name}: p50, milliseconds"), &format!("{p50:.1}"));
            at_most(&format!("{name}: p99, milliseconds"), *p99, MOST_MS);
            if let Some(before) = first.get(place) {
                at_most(&format!("{name}: p99, of that at {}", numbers[0]), p99 / before, MOST_GROWTH);
            }
        }
        if first.is_empty() {
            first = times.into_iter().map(|(_, _, p99)| p99).collect();
        }
    }
    Ok(())
}

async fn measured(options: &Options, ids: &mut Ids, events: u64, issues: u64, keep: bool) -> Result<Vec<(&'static str, f64, f64)>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
    // Half an hour is left for what arrives while questions are asked.
    let spread = Spread { issues, begin: now - 29.5 * DAY, seconds: 29.5 * DAY, events };
    let corpus = Arc::new(Corpus::read_spread(&options.corpus, spread.clone())?);
    let name = format!("query-{events}");
    let set_up = if keep { kept } else { fresh };
    let ours = set_up(options, &name, options.postgres.as_deref())?;
    let begin = Instant::now();
    fill(&ours, &corpus, ids, events).await?;
    row("filled in, seconds", &format!("{:.0}", begin.elapsed().as_secs_f64()));

    let server = ours.start().await?;
    let late = Spread { begin: now, seconds: 1800.0, events: 10_000_000, ..spread };
    let arriving = Arc::new(Corpus::read_spread(&options.corpus, late)?);
    let full = visible_rate(&server, &arriving, ids.take(), options.seconds * 2).await?.visible;
    row("full load, visible events a second", &format!("{full:.0}"));
    let live = Arc::new(Live::default());
    let plan = Plan { connections: 32, time: Duration::from_secs(3600), requests: u64::MAX, rate: Some(full / 2.0) };
    let (target, first, stop) = (server.target.clone(), ids.take(), Arc::clone(&live));
    let load = tokio::spawn(async move { client::send(&target, &arriving, &plan, first, false, stop).await });
    let times = ask(&server).await;
    live.stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let answers = load.await??;
    row("arrived meanwhile, events a second", &format!("{:.0}", answers.rate()));
    row("accept p99 meanwhile, milliseconds", &format!("{:.1}", answers.quantile_ms(0.99)));
    row("resident memory at most, MiB", &format!("{:.1}", server.memory()?.1 as f64 / (1024.0 * 1024.0)));
    server.stop()?;
    if !keep {
        std::fs::remove_dir_all(&ours.data)?;
    }
    times
}

async fn ask(server: &Program) -> Result<Vec<(&'static str, f64, f64)>> {
    let list = read(server, &issues("is:unresolved", "freq").replace("limit=25", "limit=100")).await?;
    let subjects = Subjects {
        issues: list
            .as_array()
            .context("no list of issues")?
            .iter()
            .filter_map(|issue| issue["id"].as_str().map(str::to_owned))
            .collect(),
        project: "1".to_owned(),
    };
    ensure!(!subjects.issues.is_empty(), "no issues are listed");
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); QUESTIONS.len()];
    let mut empty = vec![0_u64; QUESTIONS.len()];
    for round in 0..ROUNDS {
        for (place, (_, question)) in QUESTIONS.iter().enumerate() {
            let paths = question(&subjects, round);
            let begin = Instant::now();
            let mut found = true;
            for path in paths {
                let answer = read(server, &path).await?;
                found &= answer.as_array().is_none_or(|list| !list.is_empty()) && answer["count"] != 0;
            }
            times[place].push(begin.elapsed().as_secs_f64() * 1000.0);
            empty[place] += u64::from(!found);
        }
    }
    let mut rows = Vec::new();
    for (((name, _), mut millis), empty) in QUESTIONS.iter().zip(times).zip(empty) {
        millis.sort_by(f64::total_cmp);
        let at = |quantile: f64| millis.get((millis.len() as f64 * quantile) as usize).copied().unwrap_or(f64::NAN);
        if empty > 0 {
            row(&format!("{name}: answers that found nothing"), &format!("{empty} of {ROUNDS}"));
        }
        rows.push((*name, at(0.5), at(0.99)));
    }
    Ok(rows)
}

async fn read(server: &Program, path: &str) -> Result<Value> {
    let (status, answer) = client::get(server.target.address, path, &server.token).await?;
    ensure!(status == 200, "{path} was answered {status}: {answer}");
    Ok(answer)
}
