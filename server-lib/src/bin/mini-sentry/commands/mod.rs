//! The commands, one file each, and what they share: the settings and how to print.

pub(crate) mod backup;
pub(crate) mod catalogue;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod org;
pub(crate) mod presence;
pub(crate) mod project;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod snapshot;
pub(crate) mod storage;
pub(crate) mod token;
pub(crate) mod user;

use crate::cli::Command;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::{Resolved, Settings};

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) resolved: Resolved,
    pub(crate) output: Output,
}

impl Context {
    /// Returns the settings.
    pub(crate) fn settings(&self) -> &Settings {
        &self.resolved.settings
    }
}

/// Runs a command that is not the server.
pub(crate) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        // It has a runtime of its own, and `main` starts it.
        Command::Serve(_) => Ok(()),
        Command::Init(arguments) => init::run(context, arguments).await,
        Command::Project(command) => project::run(context, command).await,
        Command::Key(command) => key::run(context, command).await,
        Command::Token(command) => token::run(context, command).await,
        Command::Org(command) => org::run(context, command).await,
        Command::User(command) => user::run(context, command).await,
        Command::Doctor(arguments) => doctor::run(context, &arguments).await,
        Command::Backup(arguments) => backup::run(context, &arguments).await,
        Command::Restore(arguments) => restore::run(context, &arguments).await,
        Command::Storage => storage::run(context).await,
        Command::Config(_) => config::run(context),
    }
}
