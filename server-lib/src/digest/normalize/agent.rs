//! Browser, system and device, as a `User-Agent` tells them.

use mini_sentry::protocol::{BrowserContext, DeviceContext, Event, Object, OsContext, Value};
use woothee::parser::Parser;
use woothee::woothee::VALUE_UNKNOWN;

/// Bytes of a `User-Agent` that are looked at.
const MAX_BYTES: usize = 512;
/// Characters of a device's model.
const MAX_MODEL: usize = 64;

/// Adds the contexts that the event does not have. Where the program did not run in the browser,
/// the browser's system is not the program's: it becomes `client_os`, and no device is told.
pub(super) fn fill(event: &mut Event, user_agent: &str) {
    let end = (0..=MAX_BYTES.min(user_agent.len()))
        .rev()
        .find(|end| user_agent.is_char_boundary(*end));
    let text = end
        .and_then(|end| user_agent.get(..end))
        .unwrap_or_default();
    let Some(found) = Parser::new().parse(text) else {
        return;
    };
    let (name, version) = (known(found.name), known(found.version));
    if name.is_some() && !event.contexts.contains_key("browser") {
        let browser = BrowserContext {
            name,
            version,
            ..BrowserContext::default()
        };
        event.contexts.insert("browser".to_owned(), browser.into());
    }
    let runs_in_browser =
        event.platform.as_deref() == Some("javascript") && !event.contexts.contains_key("runtime");
    let system = known(system_name(found.os));
    let system_version = known(&found.os_version);
    if !runs_in_browser {
        fill_client_system(event, system, system_version);
        return;
    }
    if system.is_some() && !event.contexts.contains_key("os") {
        let os = OsContext {
            name: system,
            version: system_version,
            ..OsContext::default()
        };
        event.contexts.insert("os".to_owned(), os.into());
    }
    if let Some(device) = device(found.os, text)
        && !event.contexts.contains_key("device")
    {
        event.contexts.insert("device".to_owned(), device.into());
    }
}

fn fill_client_system(event: &mut Event, name: Option<String>, version: Option<String>) {
    let (Some(name), false) = (name, event.contexts.contains_key("client_os")) else {
        return;
    };
    let mut system = Object::new();
    system.insert("name".to_owned(), name.into());
    if let Some(version) = version {
        system.insert("version".to_owned(), Value::from(version));
    }
    event.contexts.insert("client_os".to_owned(), system.into());
}

fn known(text: &str) -> Option<String> {
    (!text.is_empty() && text != VALUE_UNKNOWN).then(|| text.to_owned())
}

fn system_name(os: &str) -> &str {
    match os {
        "Mac OSX" => "macOS",
        "iPhone" | "iPad" | "iPod" => "iOS",
        other => other,
    }
}

fn device(os: &str, user_agent: &str) -> Option<DeviceContext> {
    let device = match os {
        "iPhone" | "iPad" | "iPod" => DeviceContext {
            family: Some(os.to_owned()),
            model: Some(os.to_owned()),
            ..DeviceContext::default()
        },
        "Android" => {
            let model = android_model(user_agent)?;
            DeviceContext {
                family: model.split(' ').next().map(str::to_owned),
                model: Some(model.to_owned()),
                ..DeviceContext::default()
            }
        }
        _ => return None,
    };
    Some(device)
}

/// The part behind the system's version, as in `(Linux; Android 14; Pixel 8 Build/X)`.
fn android_model(user_agent: &str) -> Option<&str> {
    let (_, behind) = user_agent.split_once("Android ")?;
    let (inside, _) = behind.split_once(')')?;
    let (_, model) = inside.split_once(';')?;
    let model = model.split(" Build/").next()?.split(';').next()?.trim();
    // Browsers that hide the model write one letter.
    (2..=MAX_MODEL)
        .contains(&model.chars().count())
        .then_some(model)
}
