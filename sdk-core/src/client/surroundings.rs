//! What does not change while the program runs: the machine, its system, the runtime.

use std::sync::OnceLock;

use crate::protocol::{Contexts, DeviceContext, OsContext, RuntimeContext};

/// Facts about the machine and the program, gathered when the first event needs them.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    facts: OnceLock<Facts>,
}

#[derive(Debug)]
struct Facts {
    contexts: Contexts,
    server_name: Option<String>,
}

impl Surroundings {
    pub(crate) fn contexts(&self) -> &Contexts {
        &self.facts.get_or_init(gather).contexts
    }

    pub(crate) fn server_name(&self) -> Option<&str> {
        self.facts.get_or_init(gather).server_name.as_deref()
    }
}

fn gather() -> Facts {
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
    let contexts = [
        ("os".to_owned(), os.into()),
        ("device".to_owned(), device.into()),
        ("runtime".to_owned(), runtime.into()),
    ];
    let server_name = proc_file("hostname").or_else(|| std::env::var("HOSTNAME").ok());
    Facts {
        contexts: contexts.into_iter().collect(),
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
