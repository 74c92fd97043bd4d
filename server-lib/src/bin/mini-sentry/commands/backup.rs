//! `mini-sentry backup`.
use super::Context;
use crate::failure::Failure;
use clap::Args;
/// Flags.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {}
/// Runs.
pub(crate) async fn run(_: &Context, _: &BackupArgs) -> Result<(), Failure> {
    Err(Failure::unavailable("not yet"))
}
