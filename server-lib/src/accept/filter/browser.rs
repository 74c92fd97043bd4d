//! Errors that a website's visitors bring along: of extensions, and of pages on a developer's own
//! machine.

use crate::facts::{Scan, ScannedFrame};

/// Schemes of the files of extensions.
const EXTENSION_SCHEMES: &[&str] = &[
    "chrome-extension:",
    "moz-extension:",
    "safari-extension:",
    "safari-web-extension:",
    "webkit-masked-url:",
    "ms-browser-extension:",
    "edge-extension:",
    "resource://gre/",
];
/// Parts of messages that only extensions, injected scripts and in-app browsers cause.
const EXTENSION_MESSAGES: &[&str] = &[
    "chrome.runtime",
    "browser.runtime",
    "extension context invalidated",
    "could not establish connection. receiving end does not exist",
    "the message port closed before a response was received",
    "__gcrweb",
    "__firefox__",
    "instantsearchsdkjsbridgeclearhighlight",
    "_avast_submit",
    "window.webkit.messagehandlers",
    "zalojsv2",
    "__kaspersky",
    "originalcreatenotification",
    "cannot redefine property: ethereum",
    "can't find variable: _autofillcallbackhandler",
];

/// Reports whether an extension of the visitor's browser has failed, not the page.
pub(super) fn is_extension(scan: &Scan<'_>) -> bool {
    let texts = scan
        .exceptions
        .iter()
        .filter_map(|exception| exception.value.as_deref())
        .chain(scan.message.as_deref());
    for text in texts {
        let text = text.to_ascii_lowercase();
        if EXTENSION_MESSAGES.iter().any(|part| text.contains(part)) {
            return true;
        }
    }
    let of_exceptions = scan
        .exceptions
        .iter()
        .flat_map(|exception| &exception.frames);
    of_exceptions.chain(&scan.frames).any(is_extension_frame)
}

fn is_extension_frame(frame: &ScannedFrame<'_>) -> bool {
    [&frame.abs_path, &frame.filename]
        .into_iter()
        .filter_map(|path| path.as_deref())
        .any(|path| {
            EXTENSION_SCHEMES
                .iter()
                .any(|scheme| path.starts_with(scheme))
        })
}

/// Reports whether the page or request was one of the developer's own machine.
pub(super) fn is_localhost(scan: &Scan<'_>) -> bool {
    let user_is_local = scan
        .user
        .ip_address
        .as_deref()
        .and_then(|text| text.trim().parse::<std::net::IpAddr>().ok())
        .is_some_and(|address| address.to_canonical().is_loopback());
    user_is_local
        || scan
            .url
            .as_deref()
            .and_then(host)
            .is_some_and(is_local_host)
}

/// Returns the host of an address, without port.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let address = authority
        .rsplit_once('@')
        .map_or(authority, |(_, address)| address);
    match address.strip_prefix('[') {
        Some(v6) => v6.split_once(']').map(|(host, _)| host),
        None => address.split(':').next(),
    }
}

fn is_local_host(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let is_named = host.eq_ignore_ascii_case("localhost")
        || host
            .len()
            .checked_sub(".localhost".len())
            .and_then(|start| host.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(".localhost"));
    is_named
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback() || address.is_unspecified())
}
