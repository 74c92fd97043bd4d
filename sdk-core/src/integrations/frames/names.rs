//! Reading demangled Rust names.
//!
//! Programs with line tables only tell the bare names of functions; what crate one belongs to is
//! then seen by its path.

use std::borrow::Cow;

use super::paths::package_of;

/// What can stand in front of a path in a name: `<&mut dyn crate::Trait as …>`.
const DECORATIONS: &[&str] = &[
    "<", "&", "*", "(", "[", "const ", "mut ", "dyn ", "impl ", "unsafe ", "extern ",
];

/// A name without what stands in front of its first path.
fn path_of(name: &str) -> &str {
    let mut name = name;
    while let Some(rest) = DECORATIONS
        .iter()
        .find_map(|decoration| name.strip_prefix(decoration))
    {
        name = rest;
    }
    name
}

/// The first part of a path, when it is followed by another one.
fn root_of(path: &str) -> Option<&str> {
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    let (root, rest) = path.split_at_checked(end)?;
    (rest.starts_with("::") && !root.is_empty()).then_some(root)
}

/// The crate that a function belongs to, by its name or else by its path; `None` for functions
/// of C, and for bare names in the program's own sources.
pub(crate) fn crate_of<'a>(name: Option<&'a str>, path: Option<&'a str>) -> Option<Cow<'a, str>> {
    if let Some(root) = name.and_then(crate_in) {
        return Some(root.into());
    }
    let package = path.and_then(package_of)?;
    Some(if package.contains('-') {
        package.replace('-', "_").into()
    } else {
        package.into()
    })
}

/// The crate that a name begins with. Where a trait is implemented for a type parameter, it is
/// the trait's crate.
fn crate_in(name: &str) -> Option<&str> {
    let path = path_of(name);
    root_of(path).or_else(|| {
        let is_parameter = name.starts_with('<') && root_of(path).is_none();
        let (_, of_trait) = path.split_once(" as ").filter(|_| is_parameter)?;
        root_of(path_of(of_trait))
    })
}

/// True when a function's path begins with a prefix.
pub(super) fn starts_with(name: &str, prefix: &str) -> bool {
    !prefix.is_empty() && (path_of(name).starts_with(prefix) || name.starts_with(prefix))
}

/// The path of a function without its own name, closures and generic arguments.
pub(crate) fn module_of(name: &str) -> Option<&str> {
    let path = path_of(name);
    let end = path
        .find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
        .unwrap_or(path.len());
    let plain = path.get(..end)?.trim_end_matches(':');
    let is_whole = end == path.len() || path.get(end..).is_some_and(|rest| rest.starts_with("{{"));
    // Of `a::b::{{closure}}`, `b` is the function.
    let module = if is_whole || !name.starts_with('<') {
        plain.rsplit_once("::")?.0
    } else {
        plain
    };
    (!module.is_empty()).then_some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_found_behind_whatever_stands_in_front() {
        for (name, want) in [
            ("app::main", Some("app")),
            (
                "<alloc::vec::Vec<T> as core::ops::Index<I>>::index",
                Some("alloc"),
            ),
            ("<&mut dyn app::Reader as std::io::Read>::read", Some("app")),
            ("<T as core::convert::Into<U>>::into", Some("core")),
            ("__libc_start_main", None),
            ("main", None),
            ("", None),
            ("<", None),
            ("::x", None),
        ] {
            assert_eq!(crate_in(name), want, "{name}");
        }
    }

    #[test]
    fn bare_names_belong_to_the_crate_that_their_path_tells() {
        let registry = "/home/user/.cargo/registry/src/index-0/futures-util-0.3.31/src/lib.rs";
        assert_eq!(
            crate_of(Some("poll<T>"), Some(registry)).unwrap(),
            "futures_util"
        );
        assert_eq!(
            crate_of(Some("poll"), Some("/home/user/app/src/lib.rs")),
            None
        );
        assert_eq!(crate_of(Some("app::poll"), Some(registry)).unwrap(), "app");
        assert_eq!(crate_of(None, Some(file!())).unwrap(), "mini_sentry");
    }

    #[test]
    fn modules_end_before_the_function() {
        for (name, want) in [
            ("app::cart::add", Some("app::cart")),
            ("app::cart::add::{{closure}}", Some("app::cart")),
            ("app::cart::add::<u32>", Some("app::cart")),
            (
                "<app::cart::Cart as app::Store>::put",
                Some("app::cart::Cart"),
            ),
            ("<app::Cart>::put", Some("app::Cart")),
            ("main", None),
            ("", None),
        ] {
            assert_eq!(module_of(name), want, "{name}");
        }
    }
}
