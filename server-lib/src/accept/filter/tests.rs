use std::borrow::Cow;

use super::*;
use crate::facts::{Scan, ScannedException, ScannedFrame};
use crate::model::settings::InboundFilters;

fn text(text: &'static str) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(text))
}

fn error(kind: &'static str, value: &'static str, path: &'static str) -> Scan<'static> {
    let frame = ScannedFrame {
        abs_path: text(path),
        ..ScannedFrame::default()
    };
    let exception = ScannedException {
        kind: text(kind),
        value: text(value),
        frames: vec![frame],
        ..ScannedException::default()
    };
    Scan {
        exceptions: vec![exception],
        ..Scan::default()
    }
}

fn message(value: &'static str) -> Scan<'static> {
    Scan {
        message: text(value),
        ..Scan::default()
    }
}

fn judge(settings: &InboundFilters, scan: &Scan<'_>) -> Option<&'static str> {
    Filters::new(settings).judge(Subject {
        scan,
        client_ip: Some("203.0.113.7".parse().unwrap()),
        user_agent: None,
    })
}

#[test]
fn errors_of_extensions_are_told_from_those_of_pages() {
    let settings = InboundFilters {
        browser_extensions: true,
        ..InboundFilters::default()
    };
    let own = error(
        "TypeError",
        "x is not a function",
        "https://example.com/app.js",
    );
    assert_eq!(judge(&settings, &own), None);
    let foreign = error("TypeError", "x is not a function", "moz-extension://1/a.js");
    assert_eq!(judge(&settings, &foreign), Some("browser-extensions"));
    assert_eq!(judge(&InboundFilters::default(), &foreign), None);
    let message = error("Error", "Extension context invalidated.", "");
    assert_eq!(judge(&settings, &message), Some("browser-extensions"));
    let near = error("Error", "extension of the context is invalid", "");
    assert_eq!(judge(&settings, &near), None);
}

#[test]
fn pages_on_the_own_machine_are_told_by_their_host() {
    let settings = InboundFilters {
        localhost: true,
        ..InboundFilters::default()
    };
    for (url, is_local) in [
        ("http://localhost:3000/a", true),
        ("https://app.localhost/", true),
        ("http://user@127.0.0.1/", true),
        ("http://[::1]:8080/x", true),
        ("https://localhost.example.com/", false),
        ("https://example.com/?next=http://localhost/", false),
        ("https://notlocalhost/", false),
        ("http://127.example.com/", false),
        ("/localhost", false),
    ] {
        let scan = Scan {
            url: text(url),
            ..Scan::default()
        };
        assert_eq!(
            judge(&settings, &scan),
            is_local.then_some("localhost"),
            "{url}"
        );
    }
    let mut scan = Scan::default();
    scan.user.ip_address = text("127.0.0.1");
    assert_eq!(judge(&settings, &scan), Some("localhost"));
}

#[test]
fn crawlers_are_told_from_browsers() {
    for (agent, is_crawler) in [
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            true,
        ),
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0)",
            true,
        ),
        ("facebookexternalhit/1.1", true),
        ("Sogou web spider/4.0", true),
        ("Mozilla/5.0 (X11) HeadlessChrome/120.0 Safari/537.36", true),
        (
            "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) Chrome/120.0 Mobile",
            false,
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/121.0",
            false,
        ),
        ("Botanica/1.0", false),
    ] {
        assert_eq!(crawler::is_crawler(agent), is_crawler, "{agent}");
    }
}

#[test]
fn senders_are_blocked_by_address_and_by_network() {
    for (pattern, is_blocked) in [
        ("203.0.113.7", true),
        ("203.0.113.0/24", true),
        ("203.0.113.8", false),
        ("198.51.100.0/24", false),
        ("nonsense", false),
    ] {
        let settings = InboundFilters {
            ip_addresses: vec![pattern.to_owned()],
            ..InboundFilters::default()
        };
        let reason = is_blocked.then_some("ip-address");
        assert_eq!(judge(&settings, &Scan::default()), reason, "{pattern}");
    }
    let settings = InboundFilters {
        ip_addresses: vec!["192.0.2.0/24".to_owned()],
        ..InboundFilters::default()
    };
    let mut scan = Scan::default();
    scan.user.ip_address = text("::ffff:192.0.2.5");
    assert_eq!(judge(&settings, &scan), Some("ip-address"));
}

#[test]
fn releases_and_messages_match_by_glob() {
    let settings = InboundFilters {
        releases: vec!["shop@1.*".to_owned()],
        messages: vec![
            "ConnectionError: *refused*".to_owned(),
            "*deadlock*".to_owned(),
        ],
        ..InboundFilters::default()
    };
    for (release, reason) in [("shop@1.9.2", Some("release-version")), ("shop@2.0", None)] {
        let scan = Scan {
            release: text(release),
            ..Scan::default()
        };
        assert_eq!(judge(&settings, &scan), reason);
    }
    let refused = error("ConnectionError", "was refused by peer", "");
    assert_eq!(judge(&settings, &refused), Some("error-message"));
    let other_kind = error("TypeError", "was refused by peer", "");
    assert_eq!(judge(&settings, &other_kind), None);
    let value_alone = error("OperationalError", "Deadlock found", "");
    assert_eq!(judge(&settings, &value_alone), Some("error-message"));
    assert_eq!(
        judge(&settings, &message("no deadlock here")),
        Some("error-message")
    );
    assert_eq!(judge(&settings, &message("no dead lock here")), None);
}
