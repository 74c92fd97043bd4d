//! `mini-sentry storage`.
use super::Context;
use crate::failure::Failure;
/// Runs.
pub(crate) async fn run(_: &Context) -> Result<(), Failure> {
    Err(Failure::unavailable("not yet"))
}
