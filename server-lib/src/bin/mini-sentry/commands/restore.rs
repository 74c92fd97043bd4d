//! `mini-sentry restore`.
use super::Context;
use crate::failure::Failure;
use clap::Args;
/// Flags.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {}
/// Runs.
pub(crate) async fn run(_: &Context, _: &RestoreArgs) -> Result<(), Failure> {
    Err(Failure::unavailable("not yet"))
}
