//! Captures one of everything through the client, and writes what it would send.
//!
//!     interop_envelopes DIR
//!
//! For each sample there is a `NAME.envelope` with the bytes that a transport sends, and a
//! `NAME.expected.json` with what they should say, in the parsed form that `testdata/README.md`
//! describes. The expected part is written by hand beside each capture; the checkers in
//! `tests/interop` compare the two with the parsers of other SDKs.

mod samples;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("usage: interop_envelopes DIR")?;
    fs::create_dir_all(&folder)?;
    // One sample is a panic; it is meant, so nobody needs to read about it.
    std::panic::set_hook(Box::new(|_| {}));
    for sample in samples::all()? {
        let file = |suffix: &str| folder.join(format!("{}.{suffix}", sample.name));
        fs::write(file("envelope"), &sample.bytes)?;
        fs::write(file("expected.json"), sample.expected.to_string())?;
    }
    Ok(())
}
