//! The address of the database: what the driver reads of it, and what it does not.

use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::failure::failed;
use crate::error::{Error, ErrorKind};

/// The schema that holds everything of ours, so that the database may be shared.
pub(super) const SCHEMA: &str = "mini_sentry";

/// A database, and how to connect to it.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// What the driver needs.
    pub(super) config: Config,
    /// Whether the connection must be encrypted.
    pub(super) encrypted: bool,
    /// A file with the authorities that vouch for the server.
    pub(super) authorities: Option<String>,
}

impl Address {
    /// Reads an address such as `postgres://user:password@host/database?sslmode=require`.
    pub(super) fn parse(uri: &str) -> Result<Self, Error> {
        let (plain, authorities) = take_authorities(uri)?;
        let mut config: Config = plain.parse().map_err(|error| failed(&error))?;
        // Compiling a statement takes longer than any of ours runs, and cannot be cancelled.
        let options = format!(
            "{} -c search_path={SCHEMA} -c statement_timeout=30s -c lock_timeout=5s \
             -c idle_in_transaction_session_timeout=60s -c client_min_messages=warning \
             -c jit=off",
            config.get_options().unwrap_or_default()
        );
        config.options(options.trim());
        if config.get_application_name().is_none() {
            config.application_name("mini-sentry");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        config.keepalives_idle(Duration::from_secs(30));
        config.keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3);
        config.tcp_user_timeout(Duration::from_secs(40));
        Ok(Self {
            encrypted: matches!(config.get_ssl_mode(), SslMode::Require),
            config,
            authorities,
        })
    }
}

/// Takes `sslrootcert` out of the query, and turns the stricter modes into `require`, which checks
/// as much here.
fn take_authorities(uri: &str) -> Result<(String, Option<String>), Error> {
    let Some((base, query)) = uri.split_once('?') else {
        return Ok((uri.to_owned(), None));
    };
    let mut authorities = None;
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslrootcert", path)) => authorities = Some(percent_decoded(path)?),
            Some(("sslmode", "verify-full" | "verify-ca")) => {
                kept.push("sslmode=require");
            }
            _ => kept.push(pair),
        }
    }
    let joined = if kept.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", kept.join("&"))
    };
    Ok((joined, authorities))
}

fn percent_decoded(text: &str) -> Result<String, Error> {
    let unreadable = || Error::because(ErrorKind::Invalid, "sslrootcert is not readable");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next().unwrap_or_default()).to_digit(16);
        let value = digit()
            .zip(digit())
            .and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        bytes.push(value.ok_or_else(unreadable)?);
    }
    String::from_utf8(bytes).map_err(|_| unreadable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryption_is_what_the_address_asks_for() {
        let plain = Address::parse("postgres://u@localhost/db").unwrap();
        assert!(!plain.encrypted && plain.authorities.is_none());
        let strict =
            Address::parse("postgres://u@localhost/db?sslmode=verify-full&sslrootcert=%2Fca.pem")
                .unwrap();
        assert!(strict.encrypted);
        assert_eq!(strict.authorities.as_deref(), Some("/ca.pem"));
    }

    #[test]
    fn an_unreadable_address_is_invalid_and_is_not_repeated_in_the_error() {
        let error = Address::parse("postgres://u:geheim@localhost/db?nonsense=1").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!error.to_string().contains("geheim"));
    }
}
