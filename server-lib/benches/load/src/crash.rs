//! Kills the server under load and looks whether everything that it had answered is there, once.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::Options;
use crate::client::{self, Live, Plan};
use crate::corpus::Corpus;
use crate::program::{Ours, Program};

const PAGE: usize = 1000;
/// A round goes on until so many events are answered …
const EACH: u64 = 10_000;
/// … or the machine is too slow for that.
const LONGEST: Duration = Duration::from_secs(55);

/// Runs the rounds; fails when an accepted event is missing or an event is there twice.
pub async fn run(options: &Options, rounds: u32, store_command: Option<&Path>) -> Result<()> {
    let corpus = Arc::new(Corpus::read(&options.corpus)?);
    let data = options.scratch.join("crash");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    std::fs::create_dir_all(&options.scratch)?;
    let mut ours = Ours {
        binary: options.binary.clone(),
        data,
        store: options.postgres.clone(),
        arguments: options.serve.clone(),
        environment: Vec::new(),
        set_up: None,
    };
    ours.init()?;

    let (mut answered, mut unanswered) = (HashSet::new(), HashSet::new());
    for round in 0..rounds {
        let server = ours.start().await?;
        let plan = Plan { connections: 32, time: Duration::from_secs(120), requests: u64::MAX, rate: None };
        let live = Arc::new(Live::default());
        let (target, events, halt) = (server.target.clone(), Arc::clone(&corpus), Arc::clone(&live));
        let first = u128::from(round + 1) << 64;
        let load = tokio::spawn(async move { client::send(&target, &events, &plan, first, true, halt).await });
        // Each round dies at another moment.
        let life = Duration::from_millis(u64::from(round * 337 % 1500) + options.seconds * 200);
        if let Some(command) = store_command
            && round % 2 == 1
        {
            tokio::time::sleep(life / 2).await;
            store(command, "stop").await?;
            tokio::time::sleep(life / 2).await;
            store(command, "start").await?;
            tokio::time::sleep(life / 2).await;
        } else {
            tokio::time::sleep(life).await;
        }
        let begin = Instant::now();
        while live.accepted.load(Ordering::Relaxed) < EACH && begin.elapsed() < LONGEST {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.kill()?;
        live.stop.store(true, Ordering::Relaxed);
        let answers = load.await??;
        println!("round {:>2}: {} answered, {} open", round + 1, answers.ids.len(), answers.unanswered.len());
        answered.extend(answers.ids);
        unanswered.extend(answers.unanswered);
    }

    let server = ours.start().await?;
    let stored = stored(&server, answered.len()).await?;
    let unique: HashSet<u128> = stored.iter().copied().collect();
    let lost = answered.difference(&unique).count();
    let doubled = stored.len() - unique.len();
    let strange = unique.iter().filter(|id| !answered.contains(id) && !unanswered.contains(id)).count();
    println!(
        "{} answered, {} stored: {lost} lost, {doubled} doubled, {strange} that nobody sent",
        answered.len(),
        stored.len()
    );
    server.stop()?;
    ensure!(lost == 0 && doubled == 0 && strange == 0, "the promise is broken");
    Ok(())
}

async fn store(command: &Path, what: &str) -> Result<()> {
    let status = tokio::process::Command::new(command).arg(what).status().await?;
    ensure!(status.success(), "the store did not {what}");
    Ok(())
}

/// Reads the ids of all events through the API, in windows of time so that pages stay cheap.
async fn stored(server: &Program, at_least: usize) -> Result<Vec<u128>> {
    server.await_visible(at_least as u64, Duration::from_secs(300)).await?;
    let mut ids = Vec::new();
    loop {
        let path = format!("/api/events/?limit={PAGE}&offset={}", ids.len());
        let (mut status, mut page) = client::get(server.target.address, &path, &server.token).await?;
        // A server that has much to do says so, and means later.
        for _ in 0..10 {
            if status == 503 {
                tokio::time::sleep(Duration::from_secs(2)).await;
                (status, page) = client::get(server.target.address, &path, &server.token).await?;
            }
        }
        ensure!(status == 200, "the list answers {status}");
        let results = page["results"].as_array().context("no results")?;
        for event in results {
            let id = event["event_id"].as_str().context("no id")?;
            ids.push(u128::from_str_radix(&id.replace('-', ""), 16)?);
        }
        if results.len() < PAGE {
            return Ok(ids);
        }
    }
}
