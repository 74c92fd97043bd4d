//! Source paths, shortened to what means the same on every machine.

/// This file, in the crate's sources.
const THIS: &str = "integrations/frames/paths.rs";

/// The package that a path lies in, where the path tells: one of a registry (`serde-json` of
/// `…/serde-json-1.0.0/…`), of the standard library, or this one.
pub(crate) fn package_of(path: &str) -> Option<&str> {
    let short = short_path(path);
    if is_of_sdk(path) {
        return Some("mini_sentry");
    }
    let mut folders = short.split(['/', '\\']);
    let first = folders.next()?;
    if is_of_toolchain(path) {
        return if first == "library" {
            folders.next()
        } else {
            None
        };
    }
    if !is_of_registry(path) {
        return None;
    }
    let version = |at: usize| {
        first
            .get(at..)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let end = first
        .match_indices('-')
        .map(|(at, _)| at)
        .find(|at| version(at.saturating_add(1)))?;
    first.get(..end)
}

/// True for sources that cargo brought from a registry or a repository.
pub(crate) fn is_of_registry(path: &str) -> bool {
    [
        "/registry/src/",
        "\\registry\\src\\",
        "/git/checkouts/",
        "\\git\\checkouts\\",
    ]
    .iter()
    .any(|part| path.contains(part))
}

/// True for sources of the standard library.
pub(crate) fn is_of_toolchain(path: &str) -> bool {
    ["/rustc/", "\\rustc\\", "/rustlib/", "\\rustlib\\"]
        .iter()
        .any(|part| path.contains(part))
}

/// True for sources of this crate, wherever it was built.
fn is_of_sdk(path: &str) -> bool {
    let root = file!().strip_suffix(THIS).unwrap_or_default();
    if root.is_empty() {
        return false;
    }
    path.match_indices(root)
        .any(|(at, _)| at == 0 || path.get(..at).is_some_and(|before| before.ends_with('/')))
}

/// The part of a path that is worth showing: `serde_json-1.0.150/src/de.rs` for a dependency,
/// `library/core/src/option.rs` for the standard library, `app/src/main.rs` for the program.
pub(crate) fn short_path(path: &str) -> &str {
    let after = |marker: &str| path.split_once(marker).map(|(_, rest)| rest);
    // Registries and checkouts have one more folder, named by a hash.
    for marker in ["/registry/src/", "\\registry\\src\\", "/git/checkouts/"] {
        if let Some((_, rest)) = after(marker).and_then(|rest| rest.split_once(['/', '\\'])) {
            return rest;
        }
    }
    for marker in ["/rustc/", "\\rustc\\"] {
        if let Some((_, rest)) = after(marker).and_then(|rest| rest.split_once(['/', '\\'])) {
            return rest;
        }
    }
    for marker in ["/library/", "\\library\\"] {
        if let Some(at) = path.rfind(marker).filter(|_| path.contains("rustlib")) {
            return path.get(at..).map_or(path, strip_separator);
        }
    }
    let is_absolute = path.starts_with(['/', '\\']) || path.get(1..2) == Some(":");
    if !is_absolute {
        return path;
    }
    let sources = [
        "/src/",
        "\\src\\",
        "/tests/",
        "\\tests\\",
        "/examples/",
        "/benches/",
    ];
    let at = sources.iter().filter_map(|folder| path.rfind(folder)).max();
    let package = at.and_then(|at| path.get(..at)).map(|before| {
        before
            .rfind(['/', '\\'])
            .map_or(0, |separator| separator.saturating_add(1))
    });
    package
        .or_else(|| {
            path.rfind(['/', '\\'])
                .map(|separator| separator.saturating_add(1))
        })
        .and_then(|from| path.get(from..))
        .unwrap_or(path)
}

fn strip_separator(path: &str) -> &str {
    path.trim_start_matches(['/', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_told_by_paths_of_registries_and_the_toolchain() {
        for (path, want) in [
            (
                "/c/registry/src/index-0/actix-http-3.0.0/src/lib.rs",
                Some("actix-http"),
            ),
            (
                "/c/registry/src/index-0/left_pad-0.1.0-rc.1/src/lib.rs",
                Some("left_pad"),
            ),
            ("/c/registry/src/index-0/strange/src/lib.rs", None),
            ("/rustc/0123/library/core/src/option.rs", Some("core")),
            ("/rustc/0123/compiler/x.rs", None),
            ("/home/user/app-1.0/src/main.rs", None),
            ("", None),
        ] {
            assert_eq!(package_of(path), want, "{path}");
        }
    }

    #[test]
    fn paths_keep_the_package_and_what_is_below_it() {
        for (path, want) in [
            ("/home/user/app/src/cart/add.rs", "app/src/cart/add.rs"),
            ("src/main.rs", "src/main.rs"),
            ("/builds/app/tests/it/main.rs", "app/tests/it/main.rs"),
            (
                "/home/user/.cargo/registry/src/index-1949cf8c6b5b557f/anyhow-1.0.104/src/lib.rs",
                "anyhow-1.0.104/src/lib.rs",
            ),
            (
                "/rustc/0123456789abcdef/library/core/src/option.rs",
                "library/core/src/option.rs",
            ),
            (
                "/home/user/.rustup/toolchains/stable/lib/rustlib/src/rust/library/std/src/rt.rs",
                "library/std/src/rt.rs",
            ),
            ("C:\\app\\src\\main.rs", "app\\src\\main.rs"),
            ("../sysdeps/nptl/start.c", "../sysdeps/nptl/start.c"),
            ("/usr/lib/start.c", "start.c"),
            ("x.c", "x.c"),
            ("", ""),
        ] {
            assert_eq!(short_path(path), want, "{path}");
        }
    }
}
