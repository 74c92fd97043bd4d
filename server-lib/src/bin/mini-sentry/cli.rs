//! The command line: commands, flags, and their help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{backup, doctor, init, key, org, project, restore, token, user};
use crate::settings::Flag;

const EXAMPLES: &str = "\
Examples:
  mini-sentry serve                                 start on 127.0.0.1:8000 with ./data
  mini-sentry serve --listen 0.0.0.0:80 --data /var/lib/mini-sentry
  mini-sentry project create \"My shop\"              prints its DSN
  mini-sentry config                                every setting and where it came from

Settings come from flags, then the environment (MINI_SENTRY_LISTEN for listen,
MINI_SENTRY_RETENTION_DAYS for retention.days), then a TOML file, then defaults.

Exit codes: 0 done, 1 failed or something found, 2 wrong flag or setting, 3 no such thing,
4 there already, 5 not available now, 130 and 143 ended by a second signal.";

/// Error tracking in one process.
#[derive(Debug, Parser)]
#[command(name = "mini-sentry", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Settings file; default: MINI_SENTRY_CONFIG, then mini-sentry.toml in the data folder
    #[arg(long, global = true, value_name = "FILE", help_heading = "Where")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder [default: data]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Where")]
    pub(crate) data: Option<PathBuf>,
    /// Store: sqlite, sqlite:///path/to/file, postgres://user:password@host/database
    #[arg(long, global = true, value_name = "URL", help_heading = "Where")]
    pub(crate) store: Option<String>,
    /// Sets any setting by name; may be repeated. `mini-sentry config` lists them
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = pair, help_heading = "Where")]
    pub(crate) set: Vec<(String, String)>,
    /// Prints JSON, also of failures
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Settings that have a flag of their own.
#[derive(Debug, Default, Args)]
pub(crate) struct ServerFlags {
    /// Address and port [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Address that clients use, for DSNs and links [default: as each request came]
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Host names to answer, with commas [default: all]
    #[arg(long, value_name = "NAMES")]
    pub(crate) allowed_hosts: Option<String>,
    /// Proxies whose X-Forwarded-For is believed, with commas
    #[arg(long, value_name = "NETWORKS")]
    pub(crate) trusted_proxies: Option<String>,
    /// Requests a minute for each project on Mini Sentry's own ingest API, 0 for no limit [default: 120]
    #[arg(long, value_name = "COUNT")]
    pub(crate) events_per_minute: Option<String>,
    /// Days that events are kept, 0 for ever [default: 90]
    #[arg(long, value_name = "DAYS")]
    pub(crate) retention_days: Option<String>,
    /// Bytes of everything kept, such as 20GiB; 0 for no limit [default: 0]
    #[arg(long, value_name = "SIZE")]
    pub(crate) retention_max_bytes: Option<String>,
    /// Time for open requests and the queue at the end [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub(crate) shutdown_timeout: Option<String>,
    /// text, or json for one object a line [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
    /// Level, or levels by target [default: info]
    #[arg(long, value_name = "FILTER")]
    pub(crate) log_filter: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server until SIGTERM or Ctrl-C
    #[command(after_help = SERVE)]
    Serve(ServerFlags),
    /// Make the data folder, an organisation, a project, a DSN and a token, without serving
    #[command(after_help = INIT)]
    Init(init::InitArgs),
    /// Projects: list, show, create, update, delete
    #[command(subcommand)]
    Project(project::ProjectCommand),
    /// Keys of DSNs: list, create, disable, enable, limit, rotate, delete
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Tokens of the management API: list, create, revoke
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Organisations: list, update
    #[command(subcommand)]
    Org(org::OrgCommand),
    /// People: list, add, activate, deactivate, remove, reset-password, login-link
    #[command(subcommand)]
    User(user::UserCommand),
    /// Look for trouble: folder, disk space, schema, damage, settings
    #[command(after_help = DOCTOR)]
    Doctor(doctor::DoctorArgs),
    /// Write a consistent copy while the server runs
    #[command(after_help = BACKUP)]
    Backup(backup::BackupArgs),
    /// Make a data folder from a backup
    #[command(after_help = RESTORE)]
    Restore(restore::RestoreArgs),
    /// Show what takes space
    Storage,
    /// Show every setting, its value and where it came from
    #[command(after_help = CONFIG)]
    Config(ServerFlags),
}

const SERVE: &str = "\
The first start on an empty data folder makes an organisation and a project, and prints the DSN,
an ingest token, an API token and a login link (kept as hashes only: they are shown once), and a
curl line.
SIGTERM or Ctrl-C stops after open requests and the queue are done; a second one stops at once.

Examples:
  mini-sentry serve
  mini-sentry serve --data /var/lib/mini-sentry --public-url https://errors.example.com
  mini-sentry serve --store postgres://app@db/errors --log-format json
  mini-sentry serve --set journal.min_free_bytes=1GiB";

const INIT: &str = "\
The API token has every scope, is shown once and kept as a hash only.

Examples:
  mini-sentry init --data /var/lib/mini-sentry
  dsn=$(mini-sentry init --data data --json | jq -r .dsn)";

const DOCTOR: &str = "\
Works beside a running server. Exit code 1 when something needs attention.

Examples:
  mini-sentry doctor --data /var/lib/mini-sentry
  mini-sentry doctor --json --quick";

const BACKUP: &str = "\
Works beside a running server: what was answered before the command began is in the copy. A folder
on the same disk shares the closed segments with the data folder instead of copying them; a name
that ends in .tar or .tar.zst makes one file.

Examples:
  mini-sentry backup --data /var/lib/mini-sentry /backup/today
  mini-sentry backup --data /var/lib/mini-sentry /backup/today.tar.zst";

const RESTORE: &str = "\
The data folder must be empty or absent. The copy is checked by opening it.

Example:
  mini-sentry restore /backup/today.tar.zst --data /var/lib/mini-sentry";

const CONFIG: &str = "\
Takes the flags of serve, to show what they would change. Passwords are hidden.

Examples:
  mini-sentry config
  mini-sentry config --json --retention-days 30";

impl Cli {
    /// Returns the settings given as flags.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        let mut flags = Vec::new();
        let mut add = |key: &str, flag, value: Option<&str>| {
            if let Some(value) = value {
                flags.push(Flag {
                    key: key.to_owned(),
                    flag,
                    value: value.to_owned(),
                });
            }
        };
        for (key, value) in &self.global.set {
            add(key, "--set", Some(value));
        }
        let data = self.global.data.as_ref().map(|data| data.to_string_lossy());
        add("data", "--data", data.as_deref());
        add("store", "--store", self.global.store.as_deref());
        match &self.command {
            Command::Serve(server) | Command::Config(server) => server.add_to(&mut add),
            Command::Init(init) => {
                add("listen", "--listen", init.listen.as_deref());
                add(
                    "http.public_url",
                    "--public-url",
                    init.public_url.as_deref(),
                );
            }
            _ => {}
        }
        flags
    }
}

impl ServerFlags {
    fn add_to(&self, add: &mut impl FnMut(&str, &'static str, Option<&str>)) {
        let all: [(&str, &'static str, &Option<String>); 10] = [
            ("listen", "--listen", &self.listen),
            ("http.public_url", "--public-url", &self.public_url),
            ("http.allowed_hosts", "--allowed-hosts", &self.allowed_hosts),
            (
                "http.trusted_proxies",
                "--trusted-proxies",
                &self.trusted_proxies,
            ),
            (
                "ingest.events_per_minute",
                "--events-per-minute",
                &self.events_per_minute,
            ),
            ("retention.days", "--retention-days", &self.retention_days),
            (
                "retention.max_bytes",
                "--retention-max-bytes",
                &self.retention_max_bytes,
            ),
            (
                "shutdown_timeout",
                "--shutdown-timeout",
                &self.shutdown_timeout,
            ),
            ("log.format", "--log-format", &self.log_format),
            ("log.filter", "--log-filter", &self.log_filter),
        ];
        for (key, flag, value) in all {
            add(key, flag, value.as_deref());
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is not of the form NAME=VALUE".to_owned()),
    }
}
