//! What does not change while the program runs: the machine, its system, the runtime.

use std::sync::OnceLock;

use crate::protocol::{Contexts, DeviceContext, OsContext, RuntimeContext};

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
    let os = OsContext {
        name: Some(os_name().to_owned()),
        kernel_version: proc_file("osrelease"),
        ..OsContext::default()
    };
    let device = DeviceContext {
        arch: Some(std::env::consts::ARCH.to_owned()),
        ..DeviceContext::default()
    };
    let runtime = RuntimeContext {
        name: Some("rustc".to_owned()),
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

fn proc_file(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
