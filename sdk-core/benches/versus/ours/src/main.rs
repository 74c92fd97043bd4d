//! One sample with Mini Sentry.

#[path = "../../child/mod.rs"]
mod child;
mod model;
mod sdk;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    child::run()
}
