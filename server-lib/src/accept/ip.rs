//! Whose address and browser an event may borrow from its request.
//!
//! An event of a server says nothing about its users when it arrives: the request comes from the
//! server. Only a browser's request is the user's own.

use std::net::IpAddr;

use super::RequestFacts;
use crate::facts::Scan;
use crate::facts::user::AUTO_ADDRESS;

/// Characters of a `User-Agent` that are kept.
const MAX_USER_AGENT: usize = 512;

/// What an event takes over from its request.
#[derive(Debug, Default)]
pub(super) struct Borrowed {
    /// The sender's address.
    pub(super) client_ip: Option<IpAddr>,
    /// The sender's `User-Agent`.
    pub(super) user_agent: Option<String>,
}

impl Borrowed {
    /// Decides by what the event says, and by whether its project keeps addresses.
    pub(super) fn of(scan: &Scan<'_>, facts: &RequestFacts, keeps_addresses: bool) -> Self {
        let is_script = scan.platform.as_deref() == Some("javascript");
        let is_report = matches!(
            scan.kind.as_deref(),
            Some("csp" | "hpkp" | "expectct" | "expectstaple")
        );
        let asks = match scan.user.ip_address.as_deref().map(str::trim) {
            Some(AUTO_ADDRESS) => true,
            Some(told) if !told.is_empty() => false,
            Some(_) | None => match scan.infer_ip.as_deref() {
                Some("auto") => true,
                Some("never") => false,
                Some(_) | None => is_script,
            },
        };
        let lends_agent = (is_script || is_report) && scan.user_agent.is_none();
        let agent = facts.user_agent.as_deref().filter(|_| lends_agent);
        Self {
            client_ip: facts.client_ip.filter(|_| asks && keeps_addresses),
            user_agent: agent.map(|agent| agent.chars().take(MAX_USER_AGENT).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn borrowed(json: &str, keeps_addresses: bool) -> (bool, bool) {
        let facts = RequestFacts {
            client_ip: Some(IpAddr::from([192, 0, 2, 1])),
            user_agent: Some("Mozilla/5.0".to_owned()),
            ..RequestFacts::default()
        };
        let scan = Scan::read(json.as_bytes()).unwrap();
        let borrowed = Borrowed::of(&scan, &facts, keeps_addresses);
        (borrowed.client_ip.is_some(), borrowed.user_agent.is_some())
    }

    #[test]
    fn only_events_that_ask_and_those_of_browsers_take_the_sender_for_the_user() {
        for (json, address, agent) in [
            (r#"{"platform":"python"}"#, false, false),
            (
                r#"{"platform":"python","user":{"ip_address":"{{auto}}"}}"#,
                true,
                false,
            ),
            (
                r#"{"platform":"python","user":{"ip_address":"192.0.2.9"}}"#,
                false,
                false,
            ),
            (
                r#"{"platform":"node","sdk":{"settings":{"infer_ip":"auto"}}}"#,
                true,
                false,
            ),
            (r#"{"platform":"javascript"}"#, true, true),
            (
                r#"{"platform":"javascript","sdk":{"settings":{"infer_ip":"never"}}}"#,
                false,
                true,
            ),
            (
                r#"{"platform":"javascript","request":{"headers":{"User-Agent":"x"}}}"#,
                true,
                false,
            ),
            (r#"{"type":"csp","platform":"other"}"#, false, true),
        ] {
            assert_eq!(borrowed(json, true), (address, agent), "{json}");
            assert_eq!(borrowed(json, false), (false, agent), "{json}");
        }
    }
}
