//! Many captures at once, with default options and no waiting.

use std::time::Instant;

use super::{Args, Outcome, tell};
use crate::sdk;

pub fn run(args: &mut Args) -> Outcome {
    let dsn = args.text()?;
    let captures: u32 = args.number()?;
    let guard = sdk::start(&dsn, false);
    let begin = Instant::now();
    for _ in 0..captures {
        sdk::capture_message("the cache is cold");
    }
    tell(
        "nanos",
        begin.elapsed().as_nanos() as f64 / f64::from(captures),
    );
    sdk::flush(&guard)?;
    // What was lost is reported with what is sent next, or at the end.
    drop(guard);
    Ok(())
}
