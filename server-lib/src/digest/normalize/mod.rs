//! From a stored body to the event that people see: defaults, the client's clock corrected, limits,
//! addresses, browser and system, in-app marks. The same record and rules always give the same
//! event, so it is done when an event is read and nothing of it is stored.

mod agent;
mod clock;
mod trim;

use mini_sentry::protocol::{Event, EventError, Frame, Level, User, Value};

use crate::facts::user::AUTO_ADDRESS;
use crate::facts::{FramePlace, FrameRules};
use crate::model::record::{Record, RecordKind};

/// The key under which browsers' programs name their user's program.
const USER_AGENT: &str = "User-Agent";

/// Builds the event of a record. Whatever cannot be read becomes an entry in `errors`.
#[must_use]
pub fn event(record: &Record, rules: &FrameRules) -> Event {
    let mut event = match Event::from_json(&record.body) {
        Ok(event) => event,
        Err(error) => Event {
            errors: vec![fault(error.code(), None, None)],
            ..Event::default()
        },
    };
    let head = &record.head;
    if !head.event_id.is_nil() {
        event.event_id = Some(head.event_id);
    }
    event.ty = Some(kind_of(&event, head.kind));
    event.level = Some(event.level.unwrap_or(match head.kind {
        RecordKind::Transaction | RecordKind::Feedback => Level::Info,
        _ => Level::Error,
    }));
    if event
        .platform
        .as_deref()
        .is_none_or(|name| name.trim().is_empty())
    {
        event.platform = Some("other".to_owned());
    }
    clock::correct(&mut event, head);
    fill_address(&mut event, record);
    fill_agent(&mut event, record);
    each_frame(&mut event, &mut |frame| mark(frame, rules));
    trim::event(&mut event);
    event
}

/// Makes an entry of `errors`.
fn fault(kind: &str, name: Option<&str>, value: Option<Value>) -> EventError {
    EventError {
        ty: Some(kind.to_owned()),
        name: name.map(str::to_owned),
        value,
        ..EventError::default()
    }
}

fn kind_of(event: &Event, record: RecordKind) -> String {
    let told = event.ty.as_deref().map(str::trim);
    let kind = match (record, told) {
        (RecordKind::Transaction, _) => "transaction",
        (RecordKind::Feedback, _) => "feedback",
        (_, Some(told @ ("csp" | "hpkp" | "expectct" | "expectstaple" | "nel"))) => told,
        _ if !event.exception.is_empty() => "error",
        _ => "default",
    };
    kind.to_owned()
}

/// Puts the sender's address where the event asks for it, and takes the question away where there
/// is no answer.
fn fill_address(event: &mut Event, record: &Record) {
    let sender = record.head.context.client_ip.map(|ip| ip.to_string());
    let is_asked = |address: &Option<String>| {
        address
            .as_deref()
            .is_none_or(|address| matches!(address.trim(), "" | AUTO_ADDRESS))
    };
    match (&mut event.user, &sender) {
        (Some(user), _) if is_asked(&user.ip_address) => user.ip_address.clone_from(&sender),
        (user @ None, Some(_)) => {
            *user = Some(User {
                ip_address: sender.clone(),
                ..User::default()
            });
        }
        _ => {}
    }
    let env = event.request.as_mut().map(|request| &mut request.env);
    let Some(env) = env else {
        return;
    };
    if env.get("REMOTE_ADDR").and_then(Value::as_str) == Some(AUTO_ADDRESS) {
        match sender {
            Some(sender) => {
                env.insert("REMOTE_ADDR".to_owned(), sender.into());
            }
            None => {
                env.remove("REMOTE_ADDR");
            }
        }
    }
}

fn fill_agent(event: &mut Event, record: &Record) {
    let told = event
        .request
        .as_ref()
        .and_then(|request| request.headers.get(USER_AGENT));
    let text = told.or(record.head.context.user_agent.as_deref());
    if let Some(text) = text.map(str::to_owned) {
        agent::fill(event, &text);
    }
}

fn mark(frame: &mut Frame, rules: &FrameRules) {
    let place = FramePlace {
        module: frame.module.as_deref(),
        filename: frame.filename.as_deref(),
        abs_path: frame.abs_path.as_deref(),
    };
    frame.in_app = Some(rules.is_in_app(place, frame.in_app));
}

/// Visits every frame of the event.
fn each_frame(event: &mut Event, visit: &mut dyn FnMut(&mut Frame)) {
    let exceptions = event.exception.values.iter_mut();
    let exceptions = exceptions.flat_map(|e| [&mut e.stacktrace, &mut e.raw_stacktrace]);
    let threads = event.threads.values.iter_mut();
    let threads = threads.flat_map(|t| [&mut t.stacktrace, &mut t.raw_stacktrace]);
    let stacks = exceptions.chain(threads).chain([&mut event.stacktrace]);
    for stack in stacks.flatten() {
        stack.frames.iter_mut().for_each(&mut *visit);
    }
}

#[cfg(test)]
mod tests;
