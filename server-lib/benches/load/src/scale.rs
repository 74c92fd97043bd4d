//! Whether a server that has many events is as fast as it was when it had few.

use std::sync::Arc;

use anyhow::Result;

use crate::Options;
use crate::bars::{heading, row};
use crate::corpus::Corpus;
use crate::phases::{Ids, fill, filled, fresh, visible_rate};

/// Stored events of the first measurement.
const FEW: u64 = 100_000;

/// Fills the server to each of the targets and measures there.
pub async fn run(options: &Options, targets: &[u64]) -> Result<()> {
    let corpus = Arc::new(Corpus::read(&options.corpus)?);
    println!("{} events of {} bytes on average", corpus.len(), corpus.average_bytes);
    std::fs::create_dir_all(&options.scratch)?;
    let mut ids = Ids::new();
    let ours = fresh(options, "scale", options.postgres.as_deref())?;

    let few = targets.iter().fold(FEW, |few, target| few.min(*target));
    heading(&format!("At {few} stored events"));
    fill(&ours, &corpus, &mut ids, few).await?;
    let server = ours.start().await?;
    row("ready, milliseconds", &format!("{:.0}", server.ready.as_secs_f64() * 1000.0));
    let rates = visible_rate(&server, &corpus, ids.take(), options.seconds * 4).await?;
    rates.show();
    server.stop()?;
    for target in targets {
        filled(options, &ours, &corpus, &mut ids, *target, rates.visible).await?;
    }
    Ok(())
}
