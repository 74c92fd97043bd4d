//! What does not change while the program runs: the machine, its system, the runtime.

use std::sync::OnceLock;

use crate::protocol::{Contexts, DeviceContext, Object, OsContext, RuntimeContext};

/// Facts about the machine and the program, gathered when the first event needs them.
#[derive(Debug)]
pub(crate) struct Surroundings {
    is_rust: bool,
    facts: OnceLock<Facts>,
}

#[derive(Debug)]
struct Facts {
    contexts: Contexts,
    server_name: Option<String>,
}

impl Surroundings {
    /// The surroundings of a program of this platform. A binding's host tells its own runtime.
    pub(crate) fn of(platform: &str) -> Self {
        Self {
            is_rust: matches!(platform, "native" | "rust"),
            facts: OnceLock::new(),
        }
    }

    fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| gather(self.is_rust))
    }

    pub(crate) fn contexts(&self) -> &Contexts {
        &self.facts().contexts
    }

    pub(crate) fn server_name(&self) -> Option<&str> {
        self.facts().server_name.as_deref()
    }
}

fn gather(is_rust: bool) -> Facts {
    let kernel = proc_file("osrelease");
    let os = OsContext {
        name: Some(os_name().to_owned()),
        version: kernel
            .as_deref()
            .map(|kernel| plain_version(kernel).to_owned()),
        kernel_version: kernel,
        other: distribution(&std::fs::read_to_string("/etc/os-release").unwrap_or_default()),
        ..OsContext::default()
    };
    let processors = std::thread::available_parallelism().ok();
    let device = DeviceContext {
        arch: Some(std::env::consts::ARCH.to_owned()),
        processor_count: processors.and_then(|count| u64::try_from(count.get()).ok()),
        memory_size: std::fs::read_to_string("/proc/meminfo")
            .ok()
            .and_then(|text| total_memory(&text)),
        ..DeviceContext::default()
    };
    let runtime = RuntimeContext {
        name: Some("rustc".to_owned()),
        version: option_env!("MINI_SENTRY_RUSTC_VERSION").map(str::to_owned),
        ..RuntimeContext::default()
    };
    let mut contexts = Contexts::new();
    // A browser does not say where it runs.
    if !matches!(std::env::consts::OS, "" | "unknown") {
        contexts.insert("os".to_owned(), os.into());
        contexts.insert("device".to_owned(), device.into());
    }
    if is_rust {
        contexts.insert("runtime".to_owned(), runtime.into());
    }
    let server_name = proc_file("hostname").or_else(|| std::env::var("HOSTNAME").ok());
    Facts {
        contexts,
        server_name,
    }
}

fn os_name() -> &'static str {
    match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "macOS",
        "windows" => "Windows",
        "ios" => "iOS",
        "android" => "Android",
        other => other,
    }
}

/// The numbers of a kernel's release, such as `6.1.0` of `6.1.0-18-amd64`.
fn plain_version(release: &str) -> &str {
    let end = release.find(|c: char| !c.is_ascii_digit() && c != '.');
    let version = end.and_then(|end| release.get(..end)).unwrap_or(release);
    version.trim_end_matches('.')
}

/// What `/etc/os-release` says of the distribution.
fn distribution(text: &str) -> Object {
    [
        ("distribution_name", "ID"),
        ("distribution_version", "VERSION_ID"),
        ("distribution_pretty_name", "PRETTY_NAME"),
    ]
    .into_iter()
    .filter_map(|(name, key)| Some((name.to_owned(), os_release(text, key)?.into())))
    .collect()
}

/// A value of `/etc/os-release`, without its quotes.
fn os_release(text: &str, key: &str) -> Option<String> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    let value = value.trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

/// The machine's memory in bytes, as `/proc/meminfo` tells it in KiB.
fn total_memory(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let number: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

fn proc_file(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Context;

    #[test]
    fn versions_are_the_numbers_in_front() {
        for (release, want) in [
            ("6.1.0-18-amd64", "6.1.0"),
            ("6.1.0", "6.1.0"),
            ("5.10.-x", "5.10"),
            ("", ""),
        ] {
            assert_eq!(plain_version(release), want, "{release}");
        }
    }

    #[test]
    fn the_systems_name_is_read_with_and_without_quotes() {
        let text = "PRETTY_NAME=\"Some System 12\"\nNAME=\"Some System\"\nVERSION_ID='12'\nID=some\nEMPTY=\n";
        for (key, want) in [
            ("NAME", Some("Some System")),
            ("VERSION_ID", Some("12")),
            ("ID", Some("some")),
            ("EMPTY", None),
            ("VERSION", None),
        ] {
            assert_eq!(os_release(text, key).as_deref(), want, "{key}");
        }
        assert_eq!(os_release("", "NAME"), None);
        assert_eq!(distribution(text)["distribution_name"], "some");
        assert!(distribution("").is_empty());
    }

    #[test]
    fn memory_is_told_in_bytes_or_not_at_all() {
        let text = "MemFree:  1 kB\nMemTotal:       16315532 kB\n";
        let free_first = total_memory(text);
        assert_eq!(free_first, Some(16_315_532 * 1024));
        for text in [
            "",
            "MemTotal: 7",
            "MemTotal: x kB",
            "MemTotal: 99999999999999999999 kB",
        ] {
            assert_eq!(total_memory(text), None, "{text}");
        }
    }

    #[test]
    fn this_machine_and_compiler_are_told() {
        let surroundings = Surroundings::of("native");
        let Some(Context::Device(device)) = surroundings.contexts().get("device") else {
            panic!("a device")
        };
        assert_eq!(device.arch.as_deref(), Some(std::env::consts::ARCH));
        assert!(device.processor_count.is_some_and(|count| count > 0));
        let Some(Context::Runtime(runtime)) = surroundings.contexts().get("runtime") else {
            panic!("a runtime")
        };
        let version = runtime.version.as_deref().unwrap();
        assert!(version.starts_with("1."), "{version}");
    }
}
