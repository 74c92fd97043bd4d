//! Where a request comes from: the peer, or what proxies tell that are trusted.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};

use crate::config::HttpConfig;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Addresses of one request that are looked at; more proxies in a row are not believed.
const MAX_HOPS: usize = 16;

/// Returns the sender's address; `None` when the host's listener does not tell the peer's.
pub(crate) fn of(parts: &Parts, config: &HttpConfig) -> Option<IpAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(behind_proxies(
        peer.ip().to_canonical(),
        &parts.headers,
        config,
    ))
}

/// Follows the chain of proxies backwards, from the peer to the first address that is not a
/// trusted proxy's. Whatever stands before it may be made up.
fn behind_proxies(peer: IpAddr, headers: &HeaderMap, config: &HttpConfig) -> IpAddr {
    let mut address = peer;
    if !config.is_trusted(peer) {
        return address;
    }
    let chain = match list(headers, &header::FORWARDED) {
        told if told.is_empty() => list(headers, &X_FORWARDED_FOR)
            .iter()
            .map(|hop| parse(hop))
            .collect::<Vec<_>>(),
        told => told.iter().map(|hop| parse(forwarded_for(hop)?)).collect(),
    };
    for hop in chain.into_iter().rev().take(MAX_HOPS) {
        let Some(hop) = hop else { break };
        address = hop;
        if !config.is_trusted(hop) {
            break;
        }
    }
    address
}

fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|hop| !hop.is_empty())
        .collect()
}

/// Returns the `for` of one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("for")
            .then(|| value.trim().trim_matches('"'))
    })
}

/// Reads an address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`,
/// `[2001:db8::1]:80`.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(bare)
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn config() -> HttpConfig {
        HttpConfig {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..HttpConfig::default()
        }
    }

    fn address(peer: &str, name: HeaderName, value: &'static str) -> String {
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        behind_proxies(peer.parse().unwrap(), &headers, &config()).to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        assert_eq!(
            address("192.0.2.9", X_FORWARDED_FOR, "198.51.100.1"),
            "192.0.2.9"
        );
    }

    #[test]
    fn the_chain_ends_at_the_first_address_that_is_no_trusted_proxy() {
        let chain = "203.0.113.66, 198.51.100.1, 10.0.0.7";
        assert_eq!(address("10.0.0.1", X_FORWARDED_FOR, chain), "198.51.100.1");
        assert_eq!(
            address("10.0.0.1", X_FORWARDED_FOR, "10.9.9.9"),
            "10.9.9.9",
            "a proxy may be the sender"
        );
        assert_eq!(
            address("10.0.0.1", X_FORWARDED_FOR, "198.51.100.1, unknown"),
            "10.0.0.1",
            "nothing is believed beyond what cannot be read"
        );
    }

    #[test]
    fn the_standard_header_wins_and_may_hold_ports_and_brackets() {
        let told = "for=192.0.2.1;proto=https, For=\"[2001:db8::1]:4711\"";
        assert_eq!(address("10.0.0.1", header::FORWARDED, told), "2001:db8::1");
        assert_eq!(
            address("10.0.0.1", header::FORWARDED, "for=192.0.2.1:99"),
            "192.0.2.1"
        );
    }
}
