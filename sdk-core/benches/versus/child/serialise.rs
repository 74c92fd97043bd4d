//! How long it takes to write the 25 KB event's envelope into a buffer that is there already.

use std::hint::black_box;
use std::time::Instant;

use super::{Args, Outcome, median, sample, tell};
use crate::model;

const BATCHES: usize = 60;
const WRITES: u32 = 200;

pub fn run(_: &mut Args) -> Outcome {
    let envelope = model::envelope(sample::event(&model::IMAGE_KEYS))?;
    let mut out = Vec::new();
    let mut nanos = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let begin = Instant::now();
        for _ in 0..WRITES {
            out.clear();
            model::write(black_box(&envelope), &mut out)?;
            black_box(&mut out);
        }
        nanos.push(begin.elapsed().as_nanos() as f64 / f64::from(WRITES));
    }
    tell("bytes", out.len() as f64);
    tell("nanos", median(nanos));
    Ok(())
}
