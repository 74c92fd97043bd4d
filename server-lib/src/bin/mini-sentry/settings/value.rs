//! Values as people write them: sizes, times, lists, addresses.

use std::time::Duration;

use mini_sentry_server::address::BaseUrl;

const SIZE_UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];

const TIME_UNITS: &[(&str, u64)] = &[
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads a number that is not negative.
pub(crate) fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a number in range"))
}

/// Reads a number of at least 1.
pub(crate) fn positive<N: std::str::FromStr + Default + PartialEq>(
    text: &str,
) -> Result<N, String> {
    let value: N = number(text)?;
    if value == N::default() {
        return Err("must be at least 1".to_owned());
    }
    Ok(value)
}

/// Reads a number of bytes, such as `64MiB` or `1048576`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a size such as 64MiB");
    let (digits, unit) = split_unit(text, SIZE_UNITS).ok_or_else(wrong)?;
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    count
        .checked_mul(unit.unwrap_or(1))
        .filter(|bytes| i64::try_from(*bytes).is_ok())
        .ok_or_else(|| format!("{text:?} is too large"))
}

/// Reads a number of bytes that fits into memory and is at least 1.
pub(crate) fn memory_size(text: &str) -> Result<usize, String> {
    match usize::try_from(size(text)?) {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(format!("{text:?} is too large")),
    }
}

/// Reads a time of at least a millisecond, such as `500ms`, `10s`, `24h`, or seconds without a unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time such as 10s");
    let (digits, unit) = split_unit(text, TIME_UNITS).ok_or_else(wrong)?;
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    match count.checked_mul(unit.unwrap_or(1_000)) {
        Some(0) => Err("must be longer than nothing".to_owned()),
        Some(millis) if i64::try_from(millis).is_ok() => Ok(Duration::from_millis(millis)),
        _ => Err(format!("{text:?} is too long")),
    }
}

/// Reads a list with commas; empty entries are left out.
pub(crate) fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Reads an address to listen on: `127.0.0.1:8000`, `localhost:8000`, `[::1]:8000`.
pub(crate) fn listen(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is not an address such as 127.0.0.1:8000");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let _: u16 = port.parse().map_err(|_| wrong())?;
    let is_bare_v6 = host.contains(':') && !host.starts_with('[');
    if host.is_empty() || is_bare_v6 || host.contains(char::is_whitespace) {
        return Err(wrong());
    }
    Ok(text.to_owned())
}

/// Reads the address that clients use: `https://errors.example.com/prefix`.
pub(crate) fn public_url(text: &str) -> Result<String, String> {
    match BaseUrl::parse(text) {
        Ok(url) => Ok(url.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Writes a number of bytes with the largest binary unit that keeps it whole.
pub(crate) fn show_size(bytes: u64) -> String {
    let whole = SIZE_UNITS
        .iter()
        .filter(|(name, _)| name.contains('i'))
        .find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit));
    match whole {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => bytes.to_string(),
    }
}

/// Writes a time with the largest unit that keeps it whole.
pub(crate) fn show_duration(time: Duration) -> String {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let whole = TIME_UNITS
        .iter()
        .rev()
        .find(|(_, unit)| millis >= *unit && millis.is_multiple_of(*unit));
    match whole {
        Some((name, unit)) => format!("{}{name}", millis / unit),
        None => format!("{millis}ms"),
    }
}

/// Hides the password of an address.
pub(crate) fn mask(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return uri.to_owned();
    };
    let masked = match rest.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:***@{host}"),
            None => rest.to_owned(),
        },
        None => rest.to_owned(),
    };
    let masked = match masked.split_once("password=") {
        Some((before, after)) => {
            let kept = after.split_once('&').map_or("", |(_, kept)| kept);
            let and = if kept.is_empty() { "" } else { "&" };
            format!("{before}password=***{and}{kept}")
        }
        None => masked,
    };
    format!("{scheme}://{masked}")
}

fn split_unit<'a>(text: &'a str, units: &[(&str, u64)]) -> Option<(&'a str, Option<u64>)> {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let unit = unit.trim_start();
    if unit.is_empty() {
        return Some((digits, None));
    }
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    Some((digits, Some(*factor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_are_written_back_as_they_were_read() {
        for text in ["64MiB", "200MiB", "1KiB", "3GiB", "1500", "0"] {
            assert_eq!(show_size(size(text).unwrap()), text);
        }
        assert_eq!(size("2 MB"), Ok(2_000_000));
        for text in ["", "MiB", "-1", "1.5MiB", "9999999TiB", "5 parsecs"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_units_and_are_written_back_as_they_were_read() {
        for text in ["500ms", "10s", "90s", "2m", "1d", "36h"] {
            assert_eq!(show_duration(duration(text).unwrap()), text);
        }
        assert_eq!(duration("10"), Ok(Duration::from_secs(10)));
        for text in ["", "s", "-1s", "1.5h", "0s", "99999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_to_listen_on_has_a_host_and_a_port() {
        for text in ["127.0.0.1:0", "localhost:8000", "[::1]:8000", "0.0.0.0:80"] {
            assert_eq!(listen(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "8000",
            ":8000",
            "::1:8000",
            "localhost",
            "a b:1",
            "x:99999",
        ] {
            assert!(listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_public_address_is_of_the_web_and_names_nobody() {
        assert_eq!(
            public_url("https://errors.example.com/prefix/").as_deref(),
            Ok("https://errors.example.com/prefix")
        );
        for text in [
            "errors.example.com",
            "ftp://errors.example.com",
            "https://key@errors.example.com",
            "https://errors.example.com/?a=b",
            "/prefix",
        ] {
            assert!(public_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_hidden() {
        assert_eq!(
            mask("postgres://app:s3:cr@t@db/x?sslmode=disable"),
            "postgres://app:***@db/x?sslmode=disable"
        );
        assert_eq!(
            mask("postgres://db/x?password=secret&a=b"),
            "postgres://db/x?password=***&a=b"
        );
        assert_eq!(mask("sqlite"), "sqlite");
        assert_eq!(mask("postgres://app@db/x"), "postgres://app@db/x");
    }
}
