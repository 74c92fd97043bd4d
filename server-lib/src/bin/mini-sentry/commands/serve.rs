//! `mini-sentry serve`.
use super::Context;
use crate::failure::Failure;
/// Runs.
pub(crate) fn run(context: &Context) -> Result<(), Failure> {
    crate::logs::start(context.settings())
}
