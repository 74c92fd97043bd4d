//! The address of a proxy.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, Uri};

/// A proxy, and how to log in to it.
pub(super) struct Proxy {
    pub(super) is_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// Reads `[http[s]://][user[:password]@]host[:port]`; `None` when it is none of that.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let uri: Uri = with_scheme.parse().ok()?;
        let is_tls = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = uri.authority()?;
        let (login, address) = match authority.as_str().rsplit_once('@') {
            Some((login, address)) => (Some(login), address),
            None => (None, authority.as_str()),
        };
        let host = authority.host();
        let port = match address.strip_prefix(host)?.strip_prefix(':') {
            Some(port) if !port.is_empty() => port.parse().ok()?,
            _ if is_tls => 443,
            _ => 80,
        };
        Some(Self {
            is_tls,
            host: host.to_owned(),
            port,
            authorization: login.and_then(basic),
        })
    }

    /// The value of `Proxy-Authorization`.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

// The password must not be shown.
impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

fn basic(login: &str) -> Option<HeaderValue> {
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let mut pair = percent_decode(user);
    pair.push(b':');
    pair.extend(percent_decode(password));
    let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
    let mut header = HeaderValue::from_str(&value).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Decodes `%40` and the like; a percent sign that begins no such thing stays.
fn percent_decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = after
            .split_first_chunk::<2>()
            .filter(|_| byte == b'%')
            .and_then(|(digits, after)| Some((hex(digits)?, after)));
        let (decoded, next) = escape.unwrap_or((byte, after));
        out.push(decoded);
        rest = next;
    }
    out
}

fn hex(digits: &[u8; 2]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    u8::from_str_radix(text, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_may_have_a_scheme_a_login_and_a_port() {
        let proxy = Proxy::parse("http://user-42:p%40ss@proxy.example.com:3128").unwrap();
        assert_eq!(
            (proxy.host.as_str(), proxy.port),
            ("proxy.example.com", 3128)
        );
        assert!(!proxy.is_tls);
        // user-42:p@ss
        let login = proxy.authorization().unwrap();
        assert_eq!(login.to_str().unwrap(), "Basic dXNlci00MjpwQHNz");
        assert!(!format!("{proxy:?}").contains("p@ss"));

        let proxy = Proxy::parse("proxy.example.com").unwrap();
        assert_eq!((proxy.port, proxy.authorization()), (80, None));
        assert!(Proxy::parse("https://[::1]").unwrap().is_tls);
    }

    #[test]
    fn other_schemes_and_stray_texts_are_no_proxies() {
        for text in ["", "socks5://a:1", "http://", "a b", "http://a:99999"] {
            assert!(Proxy::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn stray_percent_signs_stay() {
        assert_eq!(percent_decode("100%"), b"100%");
        assert_eq!(percent_decode("%+1%41%4"), b"%+1A%4");
    }
}
