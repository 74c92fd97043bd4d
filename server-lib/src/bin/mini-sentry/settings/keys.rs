//! The table of all settings: name, environment names, meaning, how each is read and shown.

use super::value::{
    duration, list, listen, mask, memory_size, number, positive, public_url, show_duration,
    show_size, size,
};
use super::{LogFormat, Settings};

/// One setting.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name in the file, `section.name`.
    pub(crate) name: &'static str,
    /// Names in the environment that other programs use for the same.
    pub(crate) aliases: &'static [&'static str],
    /// What it means.
    pub(crate) about: &'static str,
    /// Reads a value.
    pub(crate) set: fn(&mut Settings, &str) -> Result<(), String>,
    /// Writes the value, secrets hidden.
    pub(crate) show: fn(&Settings) -> String,
}

impl Key {
    /// Returns the name in the environment: `MINI_SENTRY_` and the name in capitals.
    pub(crate) fn environment(&self) -> String {
        format!("MINI_SENTRY_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// Finds a setting by name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }
}

/// Names in the environment that are known from other programs and set nothing here, and why.
pub(crate) const UNUSED: &[(&str, &str)] = &[
    (
        "SECRET_KEY",
        "nothing is signed or encrypted with it yet: tokens are random and kept as hashes",
    ),
    ("DJANGO_DEBUG", "there is no debug mode; see log.filter"),
    ("REDIS_URL", "the server needs no Redis"),
    ("CELERY_BROKER_URL", "the server needs no broker"),
    ("CELERY_RESULT_BACKEND", "the server needs no broker"),
    (
        "KAFKA_BOOTSTRAP_SERVERS",
        "Kafka is not supported yet; the journal is local",
    ),
    (
        "KAFKA_TOPIC",
        "Kafka is not supported yet; the journal is local",
    ),
    (
        "KAFKA_SESSIONS_TOPIC",
        "Kafka is not supported yet; the journal is local",
    ),
    (
        "KAFKA_TOPICS",
        "Kafka is not supported yet; the journal is local",
    ),
    ("CLICKHOUSE_URL", "ClickHouse is not supported yet"),
    ("CLICKHOUSE_DATABASE", "ClickHouse is not supported yet"),
];

/// The same for all names that begin so.
pub(crate) const UNUSED_FAMILIES: &[(&str, &str)] = &[("EMAIL_", "the server sends no mail yet")];

/// Names that begin with `MINI_SENTRY_` and are not settings of the server.
pub(crate) const FOREIGN: &[&str] = &[
    "MINI_SENTRY_CONFIG",
    "MINI_SENTRY_DSN",
    "MINI_SENTRY_ENVIRONMENT",
    "MINI_SENTRY_RELEASE",
    "MINI_SENTRY_TOKEN",
    "MINI_SENTRY_URL",
];

/// All settings, in the order in which they are shown.
pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "data",
        aliases: &[],
        about: "folder of the journal, the blobs and, with SQLite, the database",
        set: |settings, text| {
            settings.config.data_dir = text.into();
            Ok(())
        },
        show: |settings| settings.config.data_dir.display().to_string(),
    },
    Key {
        name: "listen",
        aliases: &["PORT"],
        about: "address and port of the server",
        set: |settings, text| set(&mut settings.listen, listen(text)),
        show: |settings| settings.listen.clone(),
    },
    Key {
        name: "store",
        aliases: &["DATABASE_URL"],
        about: "sqlite, sqlite:///path/to/file or postgres://user:password@host/database",
        set: |settings, text| {
            text.clone_into(&mut settings.config.store);
            Ok(())
        },
        show: |settings| mask(&settings.config.store),
    },
    Key {
        name: "shutdown_timeout",
        aliases: &[],
        about: "time for open requests and the queue when the server is asked to stop",
        set: |settings, text| set(&mut settings.shutdown_timeout, duration(text)),
        show: |settings| show_duration(settings.shutdown_timeout),
    },
    Key {
        name: "http.public_url",
        aliases: &["BASE_URL"],
        about: "address that clients use, for DSNs and links; empty takes it from each request",
        set: |settings, text| {
            set(
                &mut settings.config.http.public_url,
                public_url(text).map(Some),
            )
        },
        show: |settings| settings.config.http.public_url.clone().unwrap_or_default(),
    },
    Key {
        name: "http.allowed_hosts",
        aliases: &["ALLOWED_HOSTS"],
        about: "host names that are answered, with commas; empty or * means all",
        set: |settings, text| {
            let hosts = list(text);
            let is_open = hosts.iter().any(|host| host == "*");
            settings.config.http.allowed_hosts = if is_open { Vec::new() } else { hosts };
            Ok(())
        },
        show: |settings| settings.config.http.allowed_hosts.join(","),
    },
    Key {
        name: "http.trusted_proxies",
        aliases: &[],
        about: "addresses or networks of proxies whose X-Forwarded-For is believed, with commas",
        set: |settings, text| set(&mut settings.config.http.trusted_proxies, networks(text)),
        show: |settings| {
            let networks = settings.config.http.trusted_proxies.iter();
            networks
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(",")
        },
    },
    Key {
        name: "http.tunnel_path",
        aliases: &[],
        about: "where envelopes are taken that name their key in their own header only; off for none",
        set: |settings, text| {
            settings.config.http.tunnel_path = match text {
                "off" => None,
                path if path.starts_with('/') => Some(path.to_owned()),
                _ => {
                    return Err(format!(
                        "{text:?} is neither a path such as /tunnel/ nor off"
                    ));
                }
            };
            Ok(())
        },
        show: |settings| {
            let path = settings.config.http.tunnel_path.as_deref();
            path.unwrap_or("off").to_owned()
        },
    },
    Key {
        name: "http.max_connections",
        aliases: &[],
        about: "connections at a time",
        set: |settings, text| set(&mut settings.config.http.max_connections, positive(text)),
        show: |settings| settings.config.http.max_connections.to_string(),
    },
    Key {
        name: "http.header_timeout",
        aliases: &[],
        about: "time for the head of a request",
        set: |settings, text| set(&mut settings.config.http.header_timeout, duration(text)),
        show: |settings| show_duration(settings.config.http.header_timeout),
    },
    Key {
        name: "http.body_timeout",
        aliases: &[],
        about: "time for the body of a request",
        set: |settings, text| set(&mut settings.config.http.body_timeout, duration(text)),
        show: |settings| show_duration(settings.config.http.body_timeout),
    },
    Key {
        name: "http.request_timeout",
        aliases: &[],
        about: "time for the answer to a request that is not ingest",
        set: |settings, text| set(&mut settings.config.http.request_timeout, duration(text)),
        show: |settings| show_duration(settings.config.http.request_timeout),
    },
    Key {
        name: "http.read_patience",
        aliases: &[],
        about: "how long a list or a search waits for what was accepted before it",
        set: |settings, text| set(&mut settings.config.http.read_patience, duration(text)),
        show: |settings| show_duration(settings.config.http.read_patience),
    },
    Key {
        name: "http.max_management_bytes",
        aliases: &[],
        about: "largest body of a request that is not ingest",
        set: |settings, text| {
            set(
                &mut settings.config.http.max_management_bytes,
                memory_size(text),
            )
        },
        show: |settings| show_bytes(settings.config.http.max_management_bytes),
    },
    Key {
        name: "ingest.max_compressed_bytes",
        aliases: &[],
        about: "largest body as it comes",
        set: |settings, text| {
            set(
                &mut settings.config.ingest.max_compressed_bytes,
                memory_size(text),
            )
        },
        show: |settings| show_bytes(settings.config.ingest.max_compressed_bytes),
    },
    Key {
        name: "ingest.max_body_bytes",
        aliases: &[],
        about: "largest body unpacked",
        set: |settings, text| {
            set(
                &mut settings.config.ingest.max_body_bytes,
                memory_size(text),
            )
        },
        show: |settings| show_bytes(settings.config.ingest.max_body_bytes),
    },
    Key {
        name: "ingest.max_inline_bytes",
        aliases: &[],
        about: "larger attachments go to files of their own while they arrive",
        set: |settings, text| {
            set(
                &mut settings.config.ingest.max_inline_bytes,
                memory_size(text),
            )
        },
        show: |settings| show_bytes(settings.config.ingest.max_inline_bytes),
    },
    Key {
        name: "ingest.max_in_flight_bytes",
        aliases: &[],
        about: "bytes of all requests in memory at a time",
        set: |settings, text| {
            set(
                &mut settings.config.ingest.max_in_flight_bytes,
                memory_size(text),
            )
        },
        show: |settings| show_bytes(settings.config.ingest.max_in_flight_bytes),
    },
    Key {
        name: "ingest.events_per_minute",
        aliases: &["RATE_LIMIT_EVENTS_PER_MINUTE"],
        about: "requests a minute for each project on Mini Sentry's own ingest API; 0 means no limit",
        set: |settings, text| set(&mut settings.config.ingest.events_per_minute, number(text)),
        show: |settings| settings.config.ingest.events_per_minute.to_string(),
    },
    Key {
        name: "ingest.sentry_events_per_minute",
        aliases: &[],
        about: "events a minute for each project on Sentry's endpoints; 0 means no limit",
        set: |settings, text| {
            set(
                &mut settings.config.ingest.sentry_events_per_minute,
                number(text),
            )
        },
        show: |settings| settings.config.ingest.sentry_events_per_minute.to_string(),
    },
    Key {
        name: "journal.segment_bytes",
        aliases: &[],
        about: "a segment is closed at this size",
        set: |settings, text| {
            let at_least_1 = size(text).and_then(|bytes| positive(&bytes.to_string()));
            set(&mut settings.config.journal.segment_bytes, at_least_1)
        },
        show: |settings| show_size(settings.config.journal.segment_bytes),
    },
    Key {
        name: "journal.max_queue_records",
        aliases: &[],
        about: "records that may wait for digest; beyond, ingest is answered 503",
        set: |settings, text| {
            set(
                &mut settings.config.journal.max_queue_records,
                positive(text),
            )
        },
        show: |settings| settings.config.journal.max_queue_records.to_string(),
    },
    Key {
        name: "journal.min_free_bytes",
        aliases: &[],
        about: "free disk space that is left alone; below, ingest is answered 503",
        set: |settings, text| set(&mut settings.config.journal.min_free_bytes, size(text)),
        show: |settings| show_size(settings.config.journal.min_free_bytes),
    },
    Key {
        name: "retention.days",
        aliases: &["RETENTION_DAYS"],
        about: "days that events are kept; 0 means for ever",
        set: |settings, text| set(&mut settings.config.retention.days, number(text)),
        show: |settings| settings.config.retention.days.to_string(),
    },
    Key {
        name: "retention.max_bytes",
        aliases: &[],
        about: "bytes of everything kept; 0 means no limit",
        set: |settings, text| set(&mut settings.config.retention.max_bytes, size(text)),
        show: |settings| show_size(settings.config.retention.max_bytes),
    },
    Key {
        name: "retention.partition_events",
        aliases: &[],
        about: "events of one partition, the unit in which old events are dropped",
        set: |settings, text| {
            set(
                &mut settings.config.retention.partition_events,
                positive(text),
            )
        },
        show: |settings| settings.config.retention.partition_events.to_string(),
    },
    Key {
        name: "retention.partition_age",
        aliases: &[],
        about: "time that one partition covers at most",
        set: |settings, text| set(&mut settings.config.retention.partition_age, duration(text)),
        show: |settings| show_duration(settings.config.retention.partition_age),
    },
    Key {
        name: "retention.interval",
        aliases: &[],
        about: "how often retention and compaction look for work",
        set: |settings, text| set(&mut settings.config.retention.interval, duration(text)),
        show: |settings| show_duration(settings.config.retention.interval),
    },
    Key {
        name: "people.login_idle",
        aliases: &[],
        about: "a login that nobody uses ends after this time",
        set: |settings, text| set(&mut settings.config.people.login_idle, duration(text)),
        show: |settings| show_duration(settings.config.people.login_idle),
    },
    Key {
        name: "people.login_life",
        aliases: &[],
        about: "every login ends after this time",
        set: |settings, text| set(&mut settings.config.people.login_life, duration(text)),
        show: |settings| show_duration(settings.config.people.login_life),
    },
    Key {
        name: "people.audit_days",
        aliases: &[],
        about: "days that entries of the audit log are kept; 0 means for ever",
        set: |settings, text| set(&mut settings.config.people.audit_days, number(text)),
        show: |settings| settings.config.people.audit_days.to_string(),
    },
    Key {
        name: "people.audit_entries",
        aliases: &[],
        about: "entries that the audit log has at most; older ones go first",
        set: |settings, text| set(&mut settings.config.people.audit_entries, number(text)),
        show: |settings| settings.config.people.audit_entries.to_string(),
    },
    Key {
        name: "log.format",
        aliases: &[],
        about: "text, or json for one object a line",
        set: |settings, text| set(&mut settings.log_format, LogFormat::parse(text)),
        show: |settings| settings.log_format.as_str().to_owned(),
    },
    Key {
        name: "log.filter",
        aliases: &[],
        about: "level, or levels by target: info,mini_sentry_server::digest=debug",
        set: |settings, text| set(&mut settings.log_filter, super::log_filter(text)),
        show: |settings| settings.log_filter.clone(),
    },
];

fn set<T>(place: &mut T, value: Result<T, String>) -> Result<(), String> {
    *place = value?;
    Ok(())
}

fn show_bytes(bytes: usize) -> String {
    show_size(u64::try_from(bytes).unwrap_or(u64::MAX))
}

fn networks(text: &str) -> Result<Vec<ipnet::IpNet>, String> {
    list(text)
        .iter()
        .map(|entry| {
            let address = || entry.parse::<std::net::IpAddr>().map(ipnet::IpNet::from);
            entry
                .parse()
                .or_else(|_| address())
                .map_err(|_| format!("{entry:?} is not an address or network such as 10.0.0.0/8"))
        })
        .collect()
}
