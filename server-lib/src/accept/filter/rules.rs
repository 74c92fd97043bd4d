//! The filters of one project.

use std::net::IpAddr;

use ipnet::IpNet;
use wildmatch::WildMatch;

use super::{browser, crawler};
use crate::facts::Scan;
use crate::model::settings::InboundFilters;

/// The filters of a project.
#[derive(Debug, Default)]
pub(in crate::accept) struct Filters {
    browser_extensions: bool,
    localhost: bool,
    web_crawlers: bool,
    networks: Vec<IpNet>,
    releases: Vec<WildMatch>,
    messages: Vec<WildMatch>,
}

/// What filters look at.
#[derive(Clone, Copy, Debug)]
pub(in crate::accept) struct Subject<'a> {
    /// The event.
    pub(in crate::accept) scan: &'a Scan<'a>,
    /// The sender's address.
    pub(in crate::accept) client_ip: Option<IpAddr>,
    /// The `User-Agent` of the event or, of a browser, of the request.
    pub(in crate::accept) user_agent: Option<&'a str>,
}

impl Filters {
    /// Makes the filters ready. Networks that cannot be read match nothing.
    pub(in crate::accept) fn new(settings: &InboundFilters) -> Self {
        Self {
            browser_extensions: settings.browser_extensions,
            localhost: settings.localhost,
            web_crawlers: settings.web_crawlers,
            networks: settings
                .ip_addresses
                .iter()
                .filter_map(|text| network(text))
                .collect(),
            releases: globs(&settings.releases),
            messages: globs(&settings.messages),
        }
    }

    /// Returns the reason by which an event is turned away, by the name that outcomes have.
    pub(in crate::accept) fn judge(&self, subject: Subject<'_>) -> Option<&'static str> {
        let scan = subject.scan;
        if self.is_blocked_address(subject) {
            return Some("ip-address");
        }
        if matches_any(&self.releases, scan.release.as_deref()) {
            return Some("release-version");
        }
        if self.web_crawlers && subject.user_agent.is_some_and(crawler::is_crawler) {
            return Some("web-crawlers");
        }
        if self.localhost && browser::is_localhost(scan) {
            return Some("localhost");
        }
        if self.browser_extensions && browser::is_extension(scan) {
            return Some("browser-extensions");
        }
        if self.is_unwanted_message(scan) {
            return Some("error-message");
        }
        None
    }

    fn is_blocked_address(&self, subject: Subject<'_>) -> bool {
        if self.networks.is_empty() {
            return false;
        }
        let told = subject.scan.user.ip_address.as_deref();
        let told = told.and_then(|text| text.trim().parse::<IpAddr>().ok());
        let mut addresses = [subject.client_ip, told].into_iter().flatten();
        addresses.any(|address| {
            let address = address.to_canonical();
            self.networks
                .iter()
                .any(|network| network.contains(&address))
        })
    }

    fn is_unwanted_message(&self, scan: &Scan<'_>) -> bool {
        if self.messages.is_empty() {
            return false;
        }
        if matches_any(&self.messages, scan.message.as_deref())
            || matches_any(&self.messages, scan.message_template.as_deref())
        {
            return true;
        }
        scan.exceptions.iter().any(|exception| {
            let kind = exception.kind.as_deref().unwrap_or_default();
            let value = exception.value.as_deref().unwrap_or_default();
            let both = match (kind, value) {
                ("", value) => value.to_owned(),
                (kind, "") => kind.to_owned(),
                (kind, value) => format!("{kind}: {value}"),
            };
            matches_any(&self.messages, Some(&both)) || matches_any(&self.messages, Some(value))
        })
    }
}

fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn globs(patterns: &[String]) -> Vec<WildMatch> {
    patterns
        .iter()
        .map(|pattern| pattern.trim())
        .filter(|pattern| !pattern.is_empty())
        .map(WildMatch::new_case_insensitive)
        .collect()
}

fn matches_any(globs: &[WildMatch], text: Option<&str>) -> bool {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return false;
    };
    globs.iter().any(|glob| glob.matches(text))
}
