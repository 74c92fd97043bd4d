//! How long a breadcrumb keeps its caller: with the ring full, while it fills, and right after a
//! capture, when the event may still share the ring.

use std::time::Instant;

use super::{Args, Outcome, median, tell};
use crate::sdk;

const RING: u32 = 100;

pub fn run(args: &mut Args) -> Outcome {
    let kind = args.text()?;
    let dsn = args.text()?;
    let guard = sdk::start(&dsn, false);
    add(RING);
    let mut sent = 0;
    let nanos: Vec<f64> = match kind.as_str() {
        "full" => (0..200).map(|_| timed(1000)).collect(),
        "made" => (0..200).map(|_| timed_made(1000)).collect(),
        "filling" => {
            let fill = |_| {
                sdk::clear_breadcrumbs();
                timed(RING)
            };
            (0..1000).map(fill).collect()
        }
        "captures" => {
            let mut nanos = Vec::new();
            for _ in 0..50 {
                for _ in 0..10 {
                    sdk::capture_message("the cache is cold");
                    nanos.push(timed(10));
                    sent += 1;
                }
                sdk::flush(&guard)?;
            }
            nanos
        }
        other => return Err(format!("no breadcrumbs are added as {other}").into()),
    };
    tell("sent", f64::from(sent));
    tell("nanos", median(nanos));
    Ok(())
}

/// Nanoseconds per breadcrumb.
fn timed(count: u32) -> f64 {
    let begin = Instant::now();
    add(count);
    begin.elapsed().as_nanos() as f64 / f64::from(count)
}

/// The same with messages that are made at run time, which has a cost of its own.
fn timed_made(count: u32) -> f64 {
    let begin = Instant::now();
    for user in 0..count {
        sdk::add_breadcrumb("cache", format!("looked for user-{user} and found nothing"));
    }
    begin.elapsed().as_nanos() as f64 / f64::from(count)
}

fn add(count: u32) {
    for _ in 0..count {
        sdk::add_breadcrumb("cache", "looked for user-42 and found nothing");
    }
}
