//! Addresses of machines: IPv4, IPv6, MAC, with their ports; and UUIDs in braces.

use super::word::is_inside;
use crate::grouping::v1::digits::is_uuid;

/// Finds an address that `rest` begins with, and its placeholder.
pub(super) fn find(rest: &str, first: char) -> Option<(usize, &'static str)> {
    match first {
        '[' => {
            let inside = rest.get(1..)?;
            let end = inside.find(']').filter(|end| *end < 64)?;
            let address = inside.get(..end)?;
            let behind = end.saturating_add(2);
            is_ipv6(address).then(|| (behind.saturating_add(port(rest, behind)), "<ip>"))
        }
        '{' => {
            let inside = rest.get(1..37)?;
            let is_closed = rest.get(37..)?.starts_with('}');
            (is_closed && is_uuid(inside)).then_some((38, "<uuid>"))
        }
        ':' => bare(rest),
        hex if hex.is_ascii_hexdigit() => bare(rest),
        _ => None,
    }
}

fn bare(rest: &str) -> Option<(usize, &'static str)> {
    let is_end = |c: char| !c.is_ascii_hexdigit() && !matches!(c, ':' | '.' | '-');
    let end = rest.find(is_end).unwrap_or(rest.len());
    let span = rest.get(..end)?.trim_end_matches(['.', ':', '-']);
    if rest
        .get(span.len()..)?
        .starts_with(|c| is_inside(c) && !matches!(c, '.' | '-'))
    {
        return None;
    }
    if is_mac(span) {
        return Some((span.len(), "<mac>"));
    }
    if span.contains("::") || span.matches(':').count() > 6 {
        return is_ipv6(span).then_some((span.len(), "<ip>"));
    }
    let (address, ..) = span.split_once(':').unwrap_or((span, ""));
    is_ipv4(address).then(|| {
        (
            address.len().saturating_add(port(rest, address.len())),
            "<ip>",
        )
    })
}

/// Returns the length of a port with its colon.
fn port(rest: &str, at: usize) -> usize {
    let behind = rest.get(at..).unwrap_or_default();
    let Some(digits) = behind.strip_prefix(':') else {
        return 0;
    };
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    if end == 0 { 0 } else { end.saturating_add(1) }
}

fn is_ipv4(text: &str) -> bool {
    text.split('.').count() == 4 && text.split('.').all(|part| part.parse::<u8>().is_ok())
}

/// Reports whether a text looks like an IPv6 address, with a port behind it or not.
fn is_ipv6(text: &str) -> bool {
    let colons = text.matches(':').count();
    (2..=8).contains(&colons)
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.split(':').all(|part| {
            part.len() <= 5 && part.bytes().all(|byte| byte.is_ascii_hexdigit()) || is_ipv4(part)
        })
}

fn is_mac(text: &str) -> bool {
    let is_divided_by = |separator: char| {
        text.len() == 17
            && text.split(separator).count() == 6
            && text
                .split(separator)
                .all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    is_divided_by(':') || is_divided_by('-')
}
