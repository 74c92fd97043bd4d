//! The program with Mini Sentry, its transport and one capture.

use mini_sentry::{ClientOptions, Level};

fn main() {
    let dsn = std::env::args().nth(1).unwrap_or_default();
    let _guard = mini_sentry::init(ClientOptions::new().dsn(&dsn));
    mini_sentry::capture_message("hello", Level::Info);
    println!("hello");
}
