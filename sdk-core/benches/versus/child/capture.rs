//! How long a capture keeps its caller while the pipeline runs. Events come in bursts that fit
//! every queue; what waits is delivered between the timed parts.

use std::hint::black_box;
use std::num::ParseIntError;
use std::time::Instant;

use super::{Args, Outcome, median, stack, tell};
use crate::sdk;

pub fn run(args: &mut Args) -> Outcome {
    let kind = args.text()?;
    let dsn = args.text()?;
    let depth = args.number()?;
    let burst: u32 = args.number()?;
    let batches: u32 = args.number()?;
    let capture: fn() = match kind.as_str() {
        "error" | "stack" => capture_error,
        "message" => || sdk::capture_message(black_box("the cache is cold")),
        other => return Err(format!("nothing is captured as {other}").into()),
    };
    let guard = sdk::start(&dsn, kind == "stack");
    let mut nanos = Vec::new();
    for _ in 0..batches {
        stack::descend(depth, &mut || {
            let begin = Instant::now();
            for _ in 0..burst {
                capture();
            }
            nanos.push(begin.elapsed().as_nanos() as f64 / f64::from(burst));
        });
        sdk::flush(&guard)?;
    }
    tell("sent", f64::from(batches) * f64::from(burst));
    tell("nanos", median(nanos));
    Ok(())
}

/// Captures a small error of the standard library.
pub fn capture_error() {
    let error: Result<u8, ParseIntError> = black_box("x").parse();
    if let Err(error) = error {
        sdk::capture_error(&error);
    }
}
