//! What is said of a request.

use http::{Extensions, HeaderMap, HeaderName, Method, Uri, header};

use crate::client::ClientOptions;
use crate::protocol::{Pairs, Request};

/// Headers that tell who a user is, or let somebody pass for one.
const PERSONAL: &[HeaderName] = &[
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
    header::SET_COOKIE,
    header::FORWARDED,
];

/// The same, where no constant names them.
const PERSONAL_NAMES: &[&str] = &[
    "cf-connecting-ip",
    "remote-addr",
    "true-client-ip",
    "x-api-key",
    "x-auth-token",
    "x-client-ip",
    "x-csrf-token",
    "x-csrftoken",
    "x-forwarded-for",
    "x-real-ip",
    "x-xsrf-token",
];

/// A request without its body.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The address, as a rule without its host.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What layers and servers added, such as axum's `ConnectInfo`.
    pub extensions: &'a Extensions,
}

impl<'a> RequestHead<'a> {
    pub(super) fn of<B>(request: &'a http::Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }

    /// The headers whose values are text.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let headers = self.headers.iter();
        headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// The request, as events carry it.
    pub(super) fn describe(&self, options: &ClientOptions) -> Request {
        let may_tell = options.send_default_pii;
        let headers = self
            .headers
            .iter()
            .filter(|(name, _)| may_tell || !is_personal(name));
        let headers: Pairs = headers
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let cookies = self
            .headers
            .get(header::COOKIE)
            .filter(|_| may_tell)
            .and_then(|value| value.to_str().ok())
            .map(|text| Pairs::Text(text.to_owned()));
        Request {
            method: Some(self.method.to_string()),
            url: Some(self.url()),
            query_string: self
                .uri
                .query()
                .map(|query| Pairs::Text(query.to_owned()))
                .unwrap_or_default(),
            headers,
            cookies: cookies.unwrap_or_default(),
            ..Request::default()
        }
    }

    /// The address without its query.
    fn url(&self) -> String {
        let text = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        let scheme = self
            .uri
            .scheme_str()
            .or_else(|| text(HeaderName::from_static("x-forwarded-proto")))
            .unwrap_or("http");
        // An authority may begin with a user's name and password.
        let host = self.uri.host().or_else(|| text(header::HOST));
        let port = self.uri.port().map(|port| format!(":{port}"));
        format!(
            "{scheme}://{}{}{}",
            host.unwrap_or("localhost"),
            port.unwrap_or_default(),
            self.uri.path()
        )
    }
}

fn is_personal(name: &HeaderName) -> bool {
    PERSONAL.contains(name) || PERSONAL_NAMES.binary_search(&name.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(request: &http::Request<()>, pii: bool) -> Request {
        let options = ClientOptions::new().send_default_pii(pii);
        RequestHead::of(request).describe(&options)
    }

    #[test]
    fn the_names_of_personal_headers_are_in_order() {
        assert!(PERSONAL_NAMES.is_sorted());
    }

    #[test]
    fn a_request_is_described_without_what_is_personal() {
        let request = http::Request::get("/cart?step=2")
            .header("host", "shop.example.com")
            .header("accept", "text/html")
            .header("cookie", "session=1")
            .header("authorization", "Bearer x")
            .header("x-forwarded-for", "192.0.2.1")
            .body(())
            .unwrap();
        let described = described(&request, false);
        assert_eq!(
            described.url.as_deref(),
            Some("http://shop.example.com/cart")
        );
        assert_eq!(described.query_string, Pairs::Text("step=2".to_owned()));
        assert_eq!(described.method.as_deref(), Some("GET"));
        let names: Pairs = [("host", "shop.example.com"), ("accept", "text/html")]
            .into_iter()
            .collect();
        assert_eq!(described.headers, names);
        assert_eq!(described.cookies, Pairs::default());
    }

    #[test]
    fn what_is_personal_is_there_when_it_may_be() {
        let request = http::Request::get("https://user:secret@shop.example.com:8443/")
            .header("cookie", "session=1")
            .body(())
            .unwrap();
        let described = described(&request, true);
        assert_eq!(
            described.url.as_deref(),
            Some("https://shop.example.com:8443/")
        );
        assert_eq!(described.cookies, Pairs::Text("session=1".to_owned()));
        assert_eq!(described.headers.get("Cookie"), Some("session=1"));
    }
}
