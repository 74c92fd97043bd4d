//! What delivered events cost the process: CPU, time until flushed, and memory.

use std::error::Error;
use std::fs;
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use super::capture::capture_error;
use super::{Args, Outcome, stack, tell};
use crate::sdk;

/// Events before the measurement: connection, symbol tables and caches exist then.
const WARM_UP: u32 = 100;

pub fn run(args: &mut Args) -> Outcome {
    let kind = args.text()?;
    let dsn = args.text()?;
    let depth: u32 = args.number()?;
    let events: u32 = args.number()?;
    let flush_every: u32 = args.number()?;
    let guard = sdk::start(&dsn, kind == "stack");
    let deliver = |events: u32| {
        let mut left = events;
        while left > 0 {
            let burst = left.min(flush_every);
            stack::descend(depth, &mut || (0..burst).for_each(|_| capture_error()));
            sdk::flush(&guard)?;
            left -= burst;
        }
        Ok::<(), Box<dyn Error>>(())
    };

    deliver(WARM_UP)?;
    let cpu_before = cpu_micros()?;
    let begin = Instant::now();
    deliver(events)?;
    let elapsed = begin.elapsed().as_secs_f64();
    let cpu = cpu_micros()? - cpu_before;

    tell("sent", f64::from(events + WARM_UP));
    tell("cpu_micros", cpu / f64::from(events));
    tell("events_per_second", f64::from(events) / elapsed);
    tell("rss_kb", status("VmRSS:")?);
    tell("hwm_kb", status("VmHWM:")?);
    // The guard may have something to report when it goes.
    drop(guard);
    Ok(())
}

/// User and system time of all threads of the process.
fn cpu_micros() -> Result<f64, Box<dyn Error>> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(micros as f64)
}

fn status(name: &str) -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("the kernel does not tell")?.parse()?)
}
