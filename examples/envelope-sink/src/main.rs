//! A local HTTP server that accepts envelopes and prints what they hold, for looking at what
//! an SDK sends before there is a server to send it to.

mod args;
mod envelope;
mod fields;
mod http;
mod print;
mod server;

use std::{
    env,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use args::Command;
use print::Style;

fn main() -> ExitCode {
    let given = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    match run(given) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let written = writeln!(io::stderr(), "envelope-sink: {problem}");
            // Nothing is left to tell when standard error is closed.
            drop(written);
            ExitCode::FAILURE
        }
    }
}

fn run(given: impl Iterator<Item = String>) -> Result<(), Box<dyn std::error::Error>> {
    match args::parse(given)? {
        Command::Help => io::stdout().write_all(args::HELP.as_bytes())?,
        Command::Serve(args) => {
            let in_colour = io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none();
            let style = if in_colour {
                Style::Colour
            } else {
                Style::Plain
            };
            server::serve(&args, style)?;
        }
    }
    Ok(())
}
