//! Whether a browser says that a request comes from another website.

use http::request::Parts;
use http::{HeaderName, StatusCode, header};

use super::error::ApiError;
use super::extract::base_url;
use crate::config::HttpConfig;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a request that another website made a browser send. Programs say nothing, and pass.
pub(super) fn check(parts: &Parts, config: &HttpConfig) -> Result<(), ApiError> {
    let said = |name: HeaderName| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let is_ours = match (said(SEC_FETCH_SITE), said(header::ORIGIN)) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let own = base_url(parts, config);
            // Only the host is compared: a proxy may have ended TLS without saying so.
            origin
                .split_once("://")
                .is_some_and(|(_, host)| host.eq_ignore_ascii_case(own.authority()))
        }
        (None, None) => true,
    };
    match is_ours {
        true => Ok(()),
        false => Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "other_website",
            "The request comes from another website.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(headers: &[(&str, &str)]) -> bool {
        let mut request = http::Request::builder().uri("/api/0/auth/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        check(&parts, &HttpConfig::default()).is_ok()
    }

    #[test]
    fn what_a_browser_sends_for_another_website_is_refused() {
        let host = ("host", "errors.example.com");
        assert!(passes(&[host]));
        assert!(passes(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(passes(&[host, ("origin", "https://errors.example.com")]));
        for other in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://example.com"),
            ("origin", "null"),
        ] {
            assert!(!passes(&[host, other]), "{other:?}");
        }
    }
}
