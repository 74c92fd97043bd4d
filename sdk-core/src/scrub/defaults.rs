//! What is taken out when nobody says otherwise.

use crate::scrub::keys::Fit;
use crate::scrub::pattern::{Charset, Pattern};

/// Denied names: the word, where it must stand, and whether numbers under it are spared.
///
/// Where a word is part of harmless ones (`auth` of `author`, `ssn` of `className`), only whole
/// words count.
pub(super) const KEYS: &[(&str, Fit, bool)] = &[
    ("password", Fit::Anywhere, false),
    ("passwd", Fit::Anywhere, false),
    ("passphrase", Fit::Anywhere, false),
    ("passcode", Fit::Anywhere, false),
    ("pwd", Fit::Whole, false),
    ("secret", Fit::Anywhere, false),
    ("token", Fit::Ending, false),
    ("tokens", Fit::Ending, true),
    ("api key", Fit::Anywhere, false),
    ("access key", Fit::Anywhere, false),
    ("private key", Fit::Anywhere, false),
    ("signing key", Fit::Anywhere, false),
    ("encryption key", Fit::Anywhere, false),
    ("authorization", Fit::Anywhere, false),
    ("auth", Fit::Whole, false),
    ("credential", Fit::Anywhere, false),
    ("creds", Fit::Whole, false),
    ("jwt", Fit::Whole, false),
    ("cookie", Fit::Anywhere, false),
    ("session id", Fit::Anywhere, false),
    ("sessid", Fit::Anywhere, false),
    ("session key", Fit::Anywhere, false),
    ("csrf", Fit::Anywhere, false),
    ("xsrf", Fit::Anywhere, false),
    ("credit card", Fit::Anywhere, false),
    ("card number", Fit::Anywhere, false),
    ("cvv", Fit::Whole, false),
    ("cvc", Fit::Whole, false),
    ("ssn", Fit::Whole, false),
    ("social security", Fit::Anywhere, false),
    ("otp", Fit::Whole, false),
];

/// Names that the words above would hit although nothing under them is secret.
pub(super) const ALLOWED_KEYS: &[&str] = &[
    "token_count",
    "token_type",
    "token_usage",
    "token_limit",
    "cookies_enabled",
    "cookie_enabled",
];

/// True for names of the protocol whose values are identifiers and addresses. No rule by name
/// takes them, and long numbers in them are no cards.
pub(super) fn is_structural(name: &[u8]) -> bool {
    matches!(
        name,
        b"addr"
            | b"breakpad_id"
            | b"build_id"
            | b"check_in_id"
            | b"checksum"
            | b"code_id"
            | b"debug_id"
            | b"event_id"
            | b"image_addr"
            | b"image_size"
            | b"image_vmaddr"
            | b"instruction_addr"
            | b"parent_span_id"
            | b"profile_id"
            | b"profiler_id"
            | b"public_key"
            | b"replay_id"
            | b"segment_id"
            | b"sentry-trace"
            | b"sid"
            | b"span_id"
            | b"start_timestamp"
            | b"symbol_addr"
            | b"timestamp"
            | b"trace_id"
            | b"traceparent"
            | b"type"
    )
}

/// Names of the built-in patterns, tokens aside, with their constructors.
pub(super) fn patterns() -> Vec<Pattern> {
    let mut patterns = vec![
        Pattern::payment_card(),
        Pattern::private_key_block(),
        Pattern::web_token(),
        Pattern::authorization_scheme(),
        Pattern::url_password(),
    ];
    let word = Charset::ALPHANUMERIC.with(b"_-");
    let code = Charset::UPPER.or(Charset::DIGITS);
    for prefix in ["AKIA", "ASIA", "ABIA", "ACCA"] {
        patterns.push(
            Pattern::new("aws access key", prefix)
                .charset(code)
                .at_least(16)
                .at_most(16),
        );
    }
    for (name, min, prefixes) in TOKENS {
        for prefix in *prefixes {
            patterns.push(Pattern::new(*name, prefix).charset(word).at_least(*min));
        }
    }
    // Base64, of which the first sixteen bytes have no sign other than letters and digits.
    for prefix in ["sntrys_", "sntryu_", "sntryi_", "sntrya_"] {
        patterns.push(
            Pattern::new("sentry token", prefix)
                .charset(word)
                .at_least(16)
                .tail(word.with(b"+/=")),
        );
    }
    for prefix in ["SG.", "ya29.", "hvs."] {
        patterns.push(
            Pattern::new("dotted token", prefix)
                .charset(word)
                .at_least(16)
                .tail(word.with(b".")),
        );
    }
    patterns
}

/// Tokens that tell their kind by how they begin: name, shortest rest, beginnings.
const TOKENS: &[(&str, usize, &[&str])] = &[
    (
        "github token",
        16,
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
    ),
    (
        "gitlab token",
        16,
        &[
            "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-",
        ],
    ),
    (
        "slack token",
        12,
        &[
            "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxc-", "xoxd-", "xapp-",
        ],
    ),
    (
        "stripe key",
        10,
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"],
    ),
    ("google key", 30, &["AIza"]),
    ("npm token", 30, &["npm_"]),
    ("pypi token", 16, &["pypi-AgE"]),
    ("hugging face token", 30, &["hf_"]),
    ("ai provider key", 20, &["sk-"]),
    ("digitalocean token", 32, &["dop_v1_", "doo_v1_", "dor_v1_"]),
    (
        "shopify token",
        32,
        &["shpat_", "shpca_", "shppa_", "shpss_"],
    ),
];

#[cfg(test)]
mod tests {
    use super::TOKENS;
    use crate::scrub::marks::TOKEN_RUN;

    #[test]
    fn every_token_is_long_enough_to_be_marked() {
        for (name, min, prefixes) in TOKENS {
            for prefix in *prefixes {
                assert!(prefix.len() + min >= TOKEN_RUN as usize, "{name}: {prefix}");
            }
        }
    }
}
