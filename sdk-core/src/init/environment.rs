//! Options from the environment, for what the program left open.

use std::time::Duration;

use crate::client::{ClientOptions, Rate};
use crate::transport::SpoolOptions;

/// Where variables come from; tests give their own.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Fills in what is open: `MINI_SENTRY_*` first, then `SENTRY_*`.
pub(super) fn complete(options: &mut ClientOptions, lookup: Lookup<'_>) {
    let find = |name: &str| {
        let found =
            lookup(&format!("MINI_SENTRY_{name}")).or_else(|| lookup(&format!("SENTRY_{name}")));
        found
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    };
    if options.dsn.is_none()
        && options.dsn_error.is_none()
        && let Some(dsn) = find("DSN")
    {
        *options = std::mem::take(options).dsn(dsn);
    }
    if options.release.is_none() {
        options.release = find("RELEASE").map(Into::into);
    }
    if options.environment.is_none() {
        options.environment = find("ENVIRONMENT").map(Into::into);
    }
    if options.server_name.is_none() {
        options.server_name = find("SERVER_NAME").map(Into::into);
    }
    if options.dist.is_none() {
        options.dist = find("DIST").map(Into::into);
    }
    if options.sample_rate == Rate::ALL
        && let Some(rate) = find("SAMPLE_RATE").and_then(|text| text.parse().ok())
    {
        options.sample_rate = Rate::new(rate);
    }
    if options.traces_sample_rate == Rate::NONE
        && let Some(rate) = find("TRACES_SAMPLE_RATE").and_then(|text| text.parse().ok())
    {
        options.traces_sample_rate = Rate::new(rate);
    }
    if options.spool.is_none() {
        options.spool = find("SPOOL").map(SpoolOptions::new);
    }
    if options.shutdown_timeout == ClientOptions::default().shutdown_timeout
        && let Some(seconds) = find("SHUTDOWN_TIMEOUT").and_then(|text| text.parse().ok())
    {
        options.shutdown_timeout = Duration::from_secs(seconds);
    }
    options.debug |= find("DEBUG").is_some_and(|text| is_on(&text));
    let proxy = |upper: &str| lookup(upper).or_else(|| lookup(&upper.to_ascii_lowercase()));
    if options.https_proxy.is_none() {
        options.https_proxy = proxy("HTTPS_PROXY");
    }
    // CGI servers put request headers into the environment, so upper case is not trusted there.
    if options.http_proxy.is_none() && lookup("REQUEST_METHOD").is_none() {
        options.http_proxy = proxy("HTTP_PROXY");
    }
    let excluded = options
        .dsn
        .as_ref()
        .zip(proxy("NO_PROXY"))
        .is_some_and(|(dsn, list)| is_excluded(dsn.host(), &list));
    if excluded {
        options.http_proxy = None;
        options.https_proxy = None;
    }
}

fn is_on(text: &str) -> bool {
    !matches!(
        text.to_ascii_lowercase().as_str(),
        "0" | "false" | "no" | "off"
    )
}

/// True when a host stands in a `NO_PROXY` list, itself or by a domain that it is in.
fn is_excluded(host: &str, list: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let entry = entry.trim_start_matches('.');
            entry == "*" || host.eq_ignore_ascii_case(entry) || {
                let at = host
                    .len()
                    .checked_sub(entry.len())
                    .and_then(|at| at.checked_sub(1));
                at.and_then(|at| host.get(at..)).is_some_and(|tail| {
                    tail.strip_prefix('.')
                        .is_some_and(|tail| tail.eq_ignore_ascii_case(entry))
                })
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(options: ClientOptions, variables: &[(&str, &str)]) -> ClientOptions {
        let mut options = options;
        complete(&mut options, &|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        });
        options
    }

    #[test]
    fn our_own_variables_win_over_sentrys_and_options_over_both() {
        let variables = [
            ("MINI_SENTRY_RELEASE", "ours"),
            ("SENTRY_RELEASE", "theirs"),
            ("SENTRY_ENVIRONMENT", "staging"),
            ("SENTRY_DSN", "http://key@localhost/1"),
            ("SENTRY_TRACES_SAMPLE_RATE", "0.5"),
        ];
        let options = completed(ClientOptions::new().environment("chosen"), &variables);
        assert_eq!(options.release.as_deref(), Some("ours"));
        assert_eq!(options.environment.as_deref(), Some("chosen"));
        assert!(options.dsn.is_some());
        assert_eq!(options.traces_sample_rate, Rate::new(0.5));
    }

    #[test]
    fn what_cannot_be_read_changes_nothing() {
        let variables = [
            ("SENTRY_SAMPLE_RATE", "many"),
            ("SENTRY_DEBUG", "0"),
            ("SENTRY_RELEASE", "  "),
        ];
        let options = completed(ClientOptions::new(), &variables);
        assert_eq!(options.sample_rate, Rate::ALL);
        assert!(!options.debug);
        assert_eq!(options.release, None);
    }

    #[test]
    fn hosts_in_the_no_proxy_list_are_reached_directly() {
        for (host, list, excluded) in [
            ("localhost", "localhost,x", true),
            ("a.example.com", ".example.com", true),
            ("a.example.com", "example.com", true),
            ("notexample.com", "example.com", false),
            ("example.com", "*", true),
            ("example.com", "", false),
        ] {
            assert_eq!(is_excluded(host, list), excluded, "{host} {list}");
        }
    }
}
