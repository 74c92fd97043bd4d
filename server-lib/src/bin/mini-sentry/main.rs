//! The program `mini-sentry`: the server, and the commands that look after it.
//!
//! Only here are environment, signals and the terminal touched; the library gets values.

mod cli;
mod commands;
mod failure;
mod logs;
mod notify;
mod output;
mod settings;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};
use commands::Context;
use failure::{During as _, Failure};
use output::Output;
use settings::{FileText, Resolved, Wanted, resolve, wanted_file};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let output = Output::new(cli.global.json);
    match run(cli, output) {
        Ok(code) => code,
        Err(failure) => {
            output.fail(&failure);
            ExitCode::from(failure.exit())
        }
    }
}

fn run(cli: Cli, output: Output) -> Result<ExitCode, Failure> {
    let resolved = read_settings(&cli)?;
    let context = Context { resolved, output };
    if let Command::Serve(_) = cli.command {
        return commands::serve::run(&context);
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .during("start the runtime")?
        .block_on(commands::run(&context, cli.command))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints help and version to stdout, and what is wrong with the command line to stderr.
fn refuse(error: &clap::Error) -> ExitCode {
    let is_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && is_json {
        let text = error.render().to_string();
        let first = text.split("\n\n").next().unwrap_or_default().trim();
        let detail = first.strip_prefix("error: ").unwrap_or(first);
        Output::new(true).fail(&Failure::usage(detail));
    } else {
        // Nobody may be listening.
        let _ = error.print();
    }
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

fn read_settings(cli: &Cli) -> Result<Resolved, Failure> {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let flags = cli.flags();
    let file = match wanted_file(cli.global.config.as_deref(), &flags, &environment) {
        Wanted::Named(path) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Failure::usage(format!("read {}: {error}", path.display())))?;
            Some(FileText {
                path,
                text,
                is_in_data: false,
            })
        }
        Wanted::InData(path) => match std::fs::read_to_string(&path) {
            Ok(text) => Some(FileText {
                path,
                text,
                is_in_data: true,
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(Failure::usage(format!("read {}: {error}", path.display())));
            }
        },
    };
    resolve(&flags, &environment, file.as_ref()).map_err(Failure::usage)
}
