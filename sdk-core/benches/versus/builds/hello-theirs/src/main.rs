//! The program with the `sentry` crate, its transport and one capture.

use sentry::{ClientOptions, Level};

fn main() {
    let dsn = std::env::args().nth(1).unwrap_or_default();
    let _guard = sentry::init(ClientOptions::new().dsn(&dsn));
    sentry::capture_message("hello", Level::Info);
    println!("hello");
}
