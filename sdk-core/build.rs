//! Notes which compiler built the crate, for the `runtime` context of events.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC");
    let Some(compiler) = std::env::var_os("RUSTC") else {
        return;
    };
    let told = Command::new(compiler).arg("--version").output();
    // Such as `rustc 1.90.0 (1159e78c4 2025-09-14)`.
    let text = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    if let Some(version) = text
        .as_deref()
        .ok()
        .and_then(|text| text.split_whitespace().nth(1))
    {
        println!("cargo::rustc-env=MINI_SENTRY_RUSTC_VERSION={version}");
    }
}
