//! `mini-sentry doctor`.
use super::Context;
use crate::failure::Failure;
use clap::Args;
/// Flags.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {}
/// Runs.
pub(crate) async fn run(_: &Context, _: &DoctorArgs) -> Result<(), Failure> {
    Err(Failure::unavailable("not yet"))
}
