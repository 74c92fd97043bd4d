//! Whose code a frame is.

use super::names::{crate_of, starts_with};
use super::paths::{is_of_registry, is_of_toolchain};
use crate::client::ClientOptions;

/// Crates that are never the program's own, sorted.
const OTHERS: &[&str] = &[
    "actix_http",
    "actix_rt",
    "actix_server",
    "actix_service",
    "actix_web",
    "alloc",
    "anyhow",
    "async_std",
    "axum",
    "axum_core",
    "backtrace",
    "core",
    "crossbeam",
    "futures",
    "futures_channel",
    "futures_core",
    "futures_executor",
    "futures_util",
    "h2",
    "http",
    "hyper",
    "hyper_util",
    "log",
    "mini_sentry",
    "mio",
    "panic_unwind",
    "proc_macro",
    "rayon",
    "rayon_core",
    "reqwest",
    "serde",
    "serde_json",
    "std",
    "test",
    "tokio",
    "tonic",
    "tower",
    "tower_http",
    "tower_layer",
    "tower_service",
    "tracing",
    "tracing_core",
    "tracing_subscriber",
    "ureq",
];

/// True for what is the program's own as far as names and paths tell: Rust code that neither
/// comes from a registry nor from the toolchain.
pub(crate) fn is_own(function: Option<&str>, path: Option<&str>) -> bool {
    if path.is_some_and(|path| is_of_registry(path) || is_of_toolchain(path)) {
        return false;
    }
    match crate_of(function, path) {
        Some(name) => OTHERS.binary_search(&&*name).is_err(),
        None => path.is_some_and(|path| path.ends_with(".rs")),
    }
}

/// The in-app mark of a frame: the longest prefix of the options that fits decides, else what
/// [`is_own`] said.
pub(crate) fn in_app(function: Option<&str>, is_own: bool, options: &ClientOptions) -> bool {
    if options.in_app_include.is_empty() && options.in_app_exclude.is_empty() {
        return is_own;
    }
    let Some(function) = function else {
        return is_own;
    };
    let longest = |prefixes: &[std::borrow::Cow<'static, str>]| {
        let fitting = prefixes
            .iter()
            .filter(|prefix| starts_with(function, prefix));
        fitting.map(|prefix| prefix.len()).max()
    };
    match (
        longest(&options.in_app_include),
        longest(&options.in_app_exclude),
    ) {
        (None, None) => is_own,
        (include, exclude) => include > exclude,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crates_that_are_not_the_programs_are_in_order() {
        assert!(OTHERS.is_sorted());
    }

    #[test]
    fn code_of_registries_toolchains_and_c_is_not_the_programs() {
        for (function, path, want) in [
            (Some("app::main"), Some("/home/user/app/src/main.rs"), true),
            (Some("app::main"), None, true),
            (
                Some("left_pad::pad"),
                Some("/c/registry/src/x/left_pad-1.0.0/src/lib.rs"),
                false,
            ),
            (Some("core::option::unwrap_failed"), None, false),
            (Some("<T as core::convert::Into<U>>::into"), None, false),
            (Some("write"), None, false),
            (Some("write"), Some("/build/glibc/io/write.c"), false),
            (Some("add<u8>"), Some("/home/user/app/src/main.rs"), true),
            (
                Some("add<u8>"),
                Some("/rustc/0123/library/core/src/ops.rs"),
                false,
            ),
            (None, None, false),
        ] {
            assert_eq!(is_own(function, path), want, "{function:?} {path:?}");
        }
    }

    #[test]
    fn the_longest_prefix_of_the_options_decides() {
        let mut options = ClientOptions::new();
        options.in_app_include = vec!["left_pad".into(), "app::generated::mine".into()];
        options.in_app_exclude = vec!["app::generated".into()];
        for (function, is_own, want) in [
            ("left_pad::pad", false, true),
            ("<left_pad::Pad as core::fmt::Display>::fmt", false, true),
            ("app::generated::parse", true, false),
            ("app::generated::mine::parse", true, true),
            ("app::main", true, true),
            ("core::fmt::write", false, false),
        ] {
            assert_eq!(in_app(Some(function), is_own, &options), want, "{function}");
        }
    }
}
