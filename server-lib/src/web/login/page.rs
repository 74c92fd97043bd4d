//! What the pages look like: plain forms that work without scripts, under a policy that allows
//! nothing but their own style.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::model::people::User;
use crate::people::MIN_PASSWORD;
use crate::web::error::ApiError;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f6f8;color:#1d1d24}\
main{max-width:22rem;margin:12vh auto;padding:2rem;background:#fff;border:1px solid #dcdce4;border-radius:8px}\
h1{font-size:1.25rem;margin:0 0 1rem}label{display:block;margin:.75rem 0}\
input{display:block;box-sizing:border-box;width:100%;margin-top:.25rem;padding:.5rem;font:inherit;border:1px solid #8a8a99;border-radius:4px}\
button{margin-top:1rem;padding:.5rem 1rem;font:inherit;color:#fff;background:#4338ca;border:0;border-radius:4px}\
.wrong{padding:.5rem .75rem;background:#fdecec;border:1px solid #d33;border-radius:4px}\
@media(prefers-color-scheme:dark){body{background:#16161c;color:#ececf1}main{background:#1f1f28;border-color:#3a3a48}\
input{background:#16161c;color:inherit}.wrong{background:#3b1618}}";

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
});

/// The form for address and password.
pub(super) fn login(
    prefix: &str,
    next: &str,
    wrong: Option<&ApiError>,
    status: StatusCode,
) -> Response {
    let body = format!(
        "<h1>Log in</h1>{wrong}\
         <form method=\"post\" action=\"{prefix}/auth/login/\">\
         <label>Email<input name=\"email\" type=\"email\" autocomplete=\"username\" required autofocus></label>\
         <label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\
         <input type=\"hidden\" name=\"next\" value=\"{next}\">\
         <button>Log in</button></form>",
        wrong = wrong.map_or_else(String::new, complaint),
        prefix = escape(prefix),
        next = escape(next),
    );
    page("Log in", &body, status)
}

/// Who is logged in, with a way out.
pub(super) fn logged_in(prefix: &str, email: &str, csrf: &str) -> Response {
    let body = format!(
        "<h1>Logged in</h1><p>You are logged in as {email}.</p>\
         <form method=\"post\" action=\"{prefix}/auth/logout/\">\
         <input type=\"hidden\" name=\"csrf\" value=\"{csrf}\"><button>Log out</button></form>",
        email = escape(email),
        prefix = escape(prefix),
        csrf = escape(csrf),
    );
    page("Logged in", &body, StatusCode::OK)
}

/// Whom a link logs in, with the choice of a password.
pub(super) fn link(
    prefix: &str,
    link: &str,
    user: &User,
    wrong: Option<&ApiError>,
    status: StatusCode,
) -> Response {
    let hint = match user.has_password {
        true => "New password, if you want another",
        false => "Choose a password",
    };
    let body = format!(
        "<h1>Log in as {email}</h1>{wrong}<p>This link works once.</p>\
         <form method=\"post\" action=\"{prefix}/auth/link/{link}/\">\
         <input type=\"hidden\" name=\"username\" autocomplete=\"username\" value=\"{email}\">\
         <label>{hint}<input name=\"password\" type=\"password\" minlength=\"{MIN_PASSWORD}\" \
         autocomplete=\"new-password\"></label><button>Log in</button></form>",
        wrong = wrong.map_or_else(String::new, complaint),
        email = escape(user.email.as_str()),
        prefix = escape(prefix),
        link = escape(link),
    );
    page("Log in", &body, status)
}

/// A link that nobody can use any more.
pub(super) fn ended_link(prefix: &str) -> Response {
    let body = format!(
        "<h1>This link has ended</h1><p>It was used, or it is too old. \
         <a href=\"{prefix}/auth/login/\">Log in</a> with your password, or ask for another link.</p>",
        prefix = escape(prefix),
    );
    page("Log in", &body, StatusCode::NOT_FOUND)
}

fn complaint(error: &ApiError) -> String {
    format!(
        "<p class=\"wrong\" role=\"alert\">{}</p>",
        escape(error.detail())
    )
}

fn page(title: &str, body: &str, status: StatusCode) -> Response {
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} · Mini Sentry</title>\
         <style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    );
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // The address of a link is a secret.
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_cannot_break_out_of_its_place() {
        assert_eq!(escape("<a b=\"'&\">"), "&lt;a b=&quot;&#39;&amp;&quot;&gt;");
    }

    #[test]
    fn the_policy_allows_the_style_of_the_page_and_no_script() {
        let shown = login("", "", None, StatusCode::OK);
        let policy = shown.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("style-src 'sha256-"));
        assert!(!policy.contains("script") && !policy.contains("unsafe"));
    }
}
