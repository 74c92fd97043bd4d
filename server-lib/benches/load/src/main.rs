//! Measures the server side by side with servers that do nothing, and kills it under load.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod bars;
mod client;
mod corpus;
mod crash;
mod phases;
mod program;
mod query;
mod retention;
mod scale;
mod sink;

#[derive(Parser)]
#[command(about, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures and prints each bar beside its target.
    Bench(Options),
    /// Kills the server under load, starts it again, and compares what it answered with what it has.
    Crash {
        #[command(flatten)]
        options: Options,
        /// How often.
        #[arg(long, default_value_t = 20)]
        kills: u32,
        /// A command that is run while the server runs, in every second round: `stop` and `start`
        /// are appended. For databases that may go away.
        #[arg(long)]
        store_command: Option<PathBuf>,
    },
    /// Lets retention remove events while others arrive, and compares the rates.
    Retention {
        #[command(flatten)]
        options: Options,
        /// Events that retention removes in each of its two ways.
        #[arg(long, default_value_t = 1_000_000)]
        events: u64,
    },
    /// Compares a server that has many events with itself when it had 100,000.
    Scale {
        #[command(flatten)]
        options: Options,
        /// Stored events at which it is measured again.
        #[arg(long, value_delimiter = ',', default_value = "5000000")]
        events: Vec<u64>,
    },
    /// Asks a server with few events and one with many, while others arrive.
    Query {
        #[command(flatten)]
        options: Options,
        /// Stored events of each server.
        #[arg(long, value_delimiter = ',', default_value = "500000,5000000")]
        events: Vec<u64>,
        /// Issues that they belong to.
        #[arg(long, default_value_t = 50_000)]
        issues: u64,
        /// Leaves the data folders, and takes up those that another run has left.
        #[arg(long)]
        keep: bool,
    },
    /// Serves as one of the two sinks; used by `bench`.
    Sink {
        /// Appends to this file and syncs before it answers.
        #[arg(long)]
        durable: Option<PathBuf>,
    },
}

/// What to measure, and how much of it.
#[derive(clap::Args, Clone)]
pub struct Options {
    /// The server's binary.
    #[arg(long)]
    pub binary: PathBuf,
    /// Events to send, one JSON document a line.
    #[arg(long)]
    pub corpus: PathBuf,
    /// Events of many shapes, for the disk bar.
    #[arg(long)]
    pub shapes: Option<PathBuf>,
    /// A folder for data; what is in it is removed.
    #[arg(long)]
    pub scratch: PathBuf,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    pub seconds: u64,
    /// Measurements of each row, of which the median is shown.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Connections of the rows that compare; the last is the one of the bars.
    #[arg(long, value_delimiter = ',', default_value = "1,8,32")]
    pub connections: Vec<usize>,
    /// Ends behind the sustained run.
    #[arg(long)]
    pub short: bool,
    /// Seconds of the sustained run.
    #[arg(long, default_value_t = 60)]
    pub sustained: u64,
    /// Stored events after which everything is measured again.
    #[arg(long, value_delimiter = ',', default_value = "1000000,5000000")]
    pub fill: Vec<u64>,
    /// A database for the rows about PostgreSQL; left out without one.
    #[arg(long)]
    pub postgres: Option<String>,
    /// Further arguments of `serve`.
    #[arg(last = true)]
    pub serve: Vec<String>,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Bench(options) => phases::run(&options).await,
        Command::Crash { options, kills, store_command } => {
            crash::run(&options, kills, store_command.as_deref()).await
        }
        Command::Retention { options, events } => retention::run(&options, events).await,
        Command::Scale { options, events } => scale::run(&options, &events).await,
        Command::Query { options, events, issues, keep } => query::run(&options, &events, issues, keep).await,
        Command::Sink { durable } => sink::run(durable).await,
    }
}
