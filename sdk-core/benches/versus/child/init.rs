//! How long `init` keeps the program's start.

use std::time::Instant;

use super::{Args, Outcome, tell};
use crate::sdk;

pub fn run(args: &mut Args) -> Outcome {
    let dsn = args.text()?;
    let begin = Instant::now();
    let guard = sdk::start(&dsn, false);
    tell("nanos", begin.elapsed().as_nanos() as f64);
    // The client that was made so quickly must also work.
    sdk::capture_message("started");
    sdk::flush(&guard)?;
    tell("sent", 1.0);
    Ok(())
}
