//! Compares Mini Sentry's Rust SDK with the `sentry` crate: same machine, same run, same calls.
//!
//! Every sample is a process of its own, so that neither side's globals, allocator or panic hook
//! meet the other's; samples alternate between the sides, and a row compares medians. The `sentry`
//! crate takes part twice, with its default transport and with ureq and rustls; a row is measured
//! against the better of the two. Events go to a local sink, another process, that answers at once
//! and counts later.
//!
//! `cargo run --release -- [--builds] [--only <part of a group's name>] [--samples <n>]`
//!
//! Prints one Markdown table of ratios ours/theirs and names every bar that was missed. A missed
//! bar is no failure: figures of a busy machine are no test.

mod builds;
mod lab;
mod program;
mod rows;
mod sink;
mod table;

use std::env;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use lab::Lab;
use table::{Row, Table};

type Group = (
    &'static str,
    fn(&mut Lab) -> Result<Vec<Row>, Box<dyn Error>>,
);

const GROUPS: [Group; 6] = [
    ("init", rows::init),
    ("capture", rows::capture),
    ("breadcrumbs", rows::breadcrumbs),
    ("deliver", rows::deliver),
    ("burst", rows::burst),
    ("serialise", rows::serialise),
];

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read(env::args().skip(1))?;
    let begin = Instant::now();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut lab = Lab::open(root, options.samples)?;
    let mut table = Table::default();
    for (name, measure) in GROUPS {
        if options.wants(name) {
            note(&format!(
                "{} s: measuring {name}",
                begin.elapsed().as_secs()
            ));
            table.extend(name, measure(&mut lab));
        }
    }
    if options.builds && options.wants("builds") {
        table.extend("builds", builds::measure(root));
    }
    println!("{table}");
    note(&format!("took {} s", begin.elapsed().as_secs()));
    Ok(())
}

/// Tells on standard error what is going on, so that standard output holds the table alone.
fn note(text: &str) {
    eprintln!("versus: {text}");
}

struct Options {
    builds: bool,
    only: Option<String>,
    samples: usize,
}

impl Options {
    fn read(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            builds: false,
            only: None,
            samples: 5,
        };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--builds" => options.builds = true,
                "--only" => options.only = Some(args.next().ok_or("--only takes a name")?),
                "--samples" => {
                    options.samples = args.next().ok_or("--samples takes a number")?.parse()?;
                }
                other => return Err(format!("unknown argument {other}").into()),
            }
        }
        Ok(options)
    }

    fn wants(&self, group: &str) -> bool {
        self.only.as_ref().is_none_or(|only| group.contains(only))
    }
}
