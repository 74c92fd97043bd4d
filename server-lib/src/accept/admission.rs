//! Who may send: key, project and origin against the catalogue.

use std::sync::Arc;

use mini_sentry::dsn::Dsn;

use super::{Claim, Refusal, Sender};
use crate::catalog::CatalogView;
use crate::model::ids::ProjectId;

/// Checks a claim. An origin that is not allowed is refused with the sender that it used, so that
/// the refusal can be counted where it belongs.
pub(super) fn admit(
    view: &CatalogView,
    claim: &Claim,
) -> Result<Sender, (Refusal, Option<Sender>)> {
    let text = claim
        .public_key
        .as_deref()
        .ok_or((Refusal::MissingKey, None))?;
    let key = view.key(text).ok_or((Refusal::UnknownKey, None))?;
    if !key.active {
        return Err((Refusal::DisabledKey, None));
    }
    if claim.project.is_some_and(|project| project != key.project) {
        return Err((Refusal::WrongProject, None));
    }
    let project = view
        .project(key.project)
        .ok_or((Refusal::UnknownKey, None))?;
    let sender = Sender {
        project: Arc::clone(project),
        key: Some(Arc::clone(key)),
    };
    let allowed = &project.settings.allowed_domains;
    match claim.origin.as_deref() {
        Some(origin) if !is_allowed(origin, allowed) => {
            Err((Refusal::OriginNotAllowed, Some(sender)))
        }
        Some(_) | None => Ok(sender),
    }
}

/// Adds what the envelope's own `dsn` says to a claim.
pub(super) fn with_dsn(mut claim: Claim, dsn: Option<&str>) -> Result<Claim, Refusal> {
    let Some(text) = dsn else {
        return Ok(claim);
    };
    let dsn = match (Dsn::parse(text), &claim.public_key) {
        (Ok(dsn), _) => dsn,
        // The request names a key itself, so that nothing depends on the other.
        (Err(_), Some(_)) => return Ok(claim),
        (Err(error), None) => {
            return Err(Refusal::MalformedAuth(format!(
                "the envelope's dsn: {error}"
            )));
        }
    };
    if let Some(key) = &claim.public_key
        && key != dsn.public_key()
    {
        return Err(Refusal::KeysDisagree);
    }
    let project = u32::try_from(dsn.project_id()).map(ProjectId);
    let project = project.map_err(|_| Refusal::WrongProject)?;
    if claim.project.is_some_and(|claimed| claimed != project) {
        return Err(Refusal::WrongProject);
    }
    claim.project = Some(project);
    claim.public_key = Some(dsn.public_key().to_owned());
    Ok(claim)
}

/// Reports whether a website may send, by the patterns of a project; none means all.
fn is_allowed(origin: &str, patterns: &[String]) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, origin))
}

/// Reports whether an origin matches `*`, `https://example.com`, `example.com:8080` or
/// `*.example.com`. What a pattern leaves out may be anything.
fn matches(pattern: &str, origin: &str) -> bool {
    let pattern = pattern.trim().trim_end_matches('/');
    if pattern == "*" {
        return true;
    }
    let Some(origin) = Place::of(origin) else {
        return false;
    };
    let Some(pattern) = Place::of(pattern) else {
        return false;
    };
    let is_host = match pattern.host.strip_prefix("*.") {
        Some(domain) => {
            let start = origin.host.len().saturating_sub(domain.len());
            let ends = origin
                .host
                .get(start..)
                .is_some_and(|end| end.eq_ignore_ascii_case(domain));
            let before = origin.host.get(..start).unwrap_or_default();
            ends && (before.is_empty() || before.ends_with('.'))
        }
        None => pattern.host.eq_ignore_ascii_case(origin.host),
    };
    is_host
        && pattern.port.is_none_or(|port| origin.port() == Some(port))
        && pattern.scheme.is_none_or(|scheme| {
            origin
                .scheme
                .is_some_and(|other| other.eq_ignore_ascii_case(scheme))
        })
}

/// The parts of an origin, or of a pattern of them.
struct Place<'a> {
    scheme: Option<&'a str>,
    host: &'a str,
    port: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            Some(_) | None => (authority, None),
        };
        (!host.is_empty()).then_some(Self { scheme, host, port })
    }

    /// Returns the port, that of the scheme when none is named.
    fn port(&self) -> Option<&'a str> {
        self.port.or(match self.scheme {
            Some("http") => Some("80"),
            Some("https") => Some("443"),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_match_by_host_and_by_what_else_the_pattern_names() {
        for (pattern, origin, allowed) in [
            ("*", "null", true),
            ("https://example.com", "https://example.com", true),
            ("https://example.com/", "https://EXAMPLE.com:8443", true),
            ("https://example.com", "http://example.com", false),
            ("example.com", "http://example.com:3000", true),
            ("example.com", "http://badexample.com", false),
            ("example.com", "http://example.com.evil.test", false),
            ("example.com:443", "https://example.com", true),
            ("example.com:8080", "https://example.com", false),
            ("*.example.com", "https://shop.example.com", true),
            ("*.example.com", "https://example.com", true),
            ("*.example.com", "https://badexample.com", false),
            ("example.com", "null", false),
            ("[::1]:3000", "http://[::1]:3000", true),
            ("", "https://example.com", false),
        ] {
            assert_eq!(matches(pattern, origin), allowed, "{pattern} {origin}");
        }
        assert!(is_allowed("https://any.test", &[]));
    }

    #[test]
    fn the_envelope_s_dsn_gives_the_key_unless_it_disagrees() {
        let dsn = Some("https://abc@errors.example.com/7");
        let claim = with_dsn(Claim::default(), dsn).unwrap();
        assert_eq!(claim.public_key.as_deref(), Some("abc"));
        assert_eq!(claim.project, Some(ProjectId(7)));
        let of = |key: &str, project| Claim {
            public_key: Some(key.to_owned()),
            project,
            origin: None,
        };
        assert!(with_dsn(of("abc", Some(ProjectId(7))), dsn).is_ok());
        assert_eq!(
            with_dsn(of("abd", None), dsn).unwrap_err(),
            Refusal::KeysDisagree
        );
        let other = with_dsn(of("abc", Some(ProjectId(8))), dsn);
        assert_eq!(other.unwrap_err(), Refusal::WrongProject);
        assert!(with_dsn(of("abc", None), Some("nonsense")).is_ok());
        let broken = with_dsn(Claim::default(), Some("nonsense")).unwrap_err();
        assert_eq!(broken.code(), "malformed_auth");
    }
}
