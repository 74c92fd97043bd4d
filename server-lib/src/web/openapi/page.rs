//! The page that shows the document to people: one file without scripts, images or fonts from
//! elsewhere.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Access, Gives, Operation, Takes, operations, schemas};

const STYLE: &str = include_str!("page.css");

/// Returns the policy that lets a browser use the page's own style and nothing else.
pub(super) fn policy() -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// Writes the page for a server at this address.
pub(super) fn write(base: &str) -> String {
    let mut page = String::new();
    // Writing into a `String` cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Mini Sentry: interfaces</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>Mini Sentry {}</h1>\n<p>Server: <code>{}</code>. For generators of clients: \
         <a href=\"{base}/docs/openapi.json\">JSON</a>, \
         <a href=\"{base}/docs/openapi.yaml\">YAML</a>; for Postman: \
         <a href=\"{base}/docs/postman.json\">a collection</a>.</p>\n",
        env!("CARGO_PKG_VERSION"),
        escape(base),
        base = escape(base),
    );
    for (tag, title) in [
        ("mini-sentry", "Mini Sentry's own interface"),
        ("sentry", "Sentry's interface"),
        ("ingest", "Ingest"),
    ] {
        let _ = writeln!(page, "<h2 id=\"{tag}\">{title}</h2>");
        for operation in operations().filter(|operation| operation.tag() == tag) {
            section(operation, &mut page);
        }
    }
    page.push_str("<h2 id=\"schemas\">Schemas</h2>\n");
    if let Value::Object(all) = schemas::all() {
        for (name, schema) in &all {
            let schema = serde_json::to_string_pretty(schema).unwrap_or_default();
            let _ = writeln!(
                page,
                "<details id=\"schema-{name}\"><summary><code>{name}</code></summary>\
                 <pre>{}</pre></details>",
                escape(&schema),
                name = escape(name),
            );
        }
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn section(operation: &Operation, page: &mut String) {
    let _ = writeln!(
        page,
        "<details id=\"{}\"><summary><b class=\"{method}\">{method}</b> <code>{}</code> \
         <span>{}</span></summary>\n<dl>",
        operation.id(),
        escape(operation.path),
        escape(operation.summary),
        method = operation.method,
    );
    let access = match operation.access {
        Access::Open => "nothing".to_owned(),
        Access::Token([]) => "any token".to_owned(),
        Access::Token(scopes) => format!("a token with {}", scopes.join(" or ")),
        Access::Key => "the public key of a DSN".to_owned(),
        Access::InPath => "a token in the address".to_owned(),
    };
    term("Needs", &escape(&access), page);
    for (name, about) in operation.query {
        let about = format!("<code>{}</code>: {}", escape(name), escape(about));
        term("Query", &about, page);
    }
    match operation.takes {
        Takes::Nothing => {}
        Takes::Json(schema) => term("Takes", &link(schema), page),
        Takes::Bytes(media_type) => term("Takes", &escape(media_type), page),
    }
    let gives = match operation.gives {
        Gives::Status(status) => status.to_string(),
        Gives::Json(status, schema) => format!("{status}, {}", link(schema)),
        Gives::List(schema) => format!("200, a list of {}", link(schema)),
        Gives::Bytes(status, media_type) => format!("{status}, {}", escape(media_type)),
    };
    term("Gives", &gives, page);
    page.push_str("</dl></details>\n");
}

fn term(name: &str, html: &str, page: &mut String) {
    let _ = writeln!(page, "<dt>{name}</dt><dd>{html}</dd>");
}

fn link(schema: &str) -> String {
    let schema = escape(schema);
    format!("<a href=\"#schema-{schema}\">{schema}</a>")
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
    fn the_page_names_every_operation_and_loads_nothing() {
        let page = write("https://errors.example.com/<x>");
        for operation in operations() {
            assert!(page.contains(&escape(operation.path)), "{operation:?}");
        }
        assert!(!page.contains("<x>"));
        for loading in ["<script", "<img", "<link", "src=", "@import", "url("] {
            assert!(!page.contains(loading), "{loading}");
        }
    }
}
