//! The parts of an event that are shown one below the other: message, exceptions, threads, request,
//! breadcrumbs. Keys are in camel case here, unlike in what clients send.

use mini_sentry::protocol::{
    Breadcrumb, Event, Exception, Frame, Mechanism, Pairs, Params, Request, Stacktrace, Thread,
};
use serde_json::{Value, json};

use super::headline::message;

/// Shows the entries of an event, in the order that people read them.
#[must_use]
pub fn entries(event: &Event) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut add = |kind: &str, data: Value| entries.push(json!({ "type": kind, "data": data }));
    if let Some(data) = message_entry(event) {
        add("message", data);
    }
    if !event.exception.values.is_empty() {
        let values: Vec<_> = event.exception.values.iter().map(exception).collect();
        let has_system_frames = event
            .exception
            .values
            .iter()
            .filter_map(|exception| exception.stacktrace.as_ref())
            .any(has_system_frames);
        let data = json!({
            "values": values,
            "hasSystemFrames": has_system_frames,
            "excOmitted": null,
        });
        add("exception", data);
    }
    if let Some(stack) = &event.stacktrace {
        add("stacktrace", stacktrace(stack));
    }
    if !event.threads.values.is_empty() {
        let values: Vec<_> = event.threads.values.iter().map(thread).collect();
        add("threads", json!({ "values": values }));
    }
    if let Some(spans) = event.other.get("spans") {
        add("spans", spans.clone());
    }
    for report in ["csp", "expectct", "expectstaple", "hpkp", "nel"] {
        if let Some(data) = event.other.get(report) {
            add(report, data.clone());
        }
    }
    if let Some(it) = &event.request {
        add("request", request(it));
    }
    if !event.breadcrumbs.values.is_empty() {
        let values: Vec<_> = event.breadcrumbs.values.iter().map(breadcrumb).collect();
        add("breadcrumbs", json!({ "values": values }));
    }
    if let Some(meta) = &event.debug_meta {
        add("debugmeta", json!(meta));
    }
    entries
}

fn message_entry(event: &Event) -> Option<Value> {
    let formatted = message(event).filter(|text| !text.is_empty())?;
    let entry = match (&event.logentry, &event.message) {
        (Some(entry), _) => Some(entry),
        (None, Some(mini_sentry::protocol::Message::Entry(entry))) => Some(&**entry),
        _ => None,
    };
    let template = entry.and_then(|entry| entry.message.as_deref());
    let params = entry.map(|entry| match &entry.params {
        Params::List(list) => json!(list),
        Params::Map(map) => json!(map),
    });
    Some(json!({
        "formatted": formatted,
        "message": template.unwrap_or(formatted),
        "params": params.unwrap_or_else(|| json!([])),
    }))
}

fn exception(it: &Exception) -> Value {
    json!({
        "type": it.ty,
        "value": it.value,
        "module": it.module,
        "threadId": it.thread_id,
        "mechanism": it.mechanism.as_ref().map(mechanism),
        "stacktrace": it.stacktrace.as_ref().map(stacktrace),
        "rawStacktrace": it.raw_stacktrace.as_ref().map(stacktrace),
    })
}

fn mechanism(it: &Mechanism) -> Value {
    // The protocol's own keys are what clients expect here; two of them must be there.
    let mut shown = json!(it);
    if let Value::Object(shown) = &mut shown {
        shown.entry("type").or_insert_with(|| json!("generic"));
        shown.entry("handled").or_insert(Value::Null);
    }
    shown
}

fn stacktrace(stack: &Stacktrace) -> Value {
    let frames: Vec<_> = stack.frames.iter().map(frame).collect();
    let registers = (!stack.registers.is_empty()).then_some(&stack.registers);
    json!({
        "frames": frames,
        "framesOmitted": stack.frames_omitted,
        "registers": registers,
        "hasSystemFrames": has_system_frames(stack),
    })
}

fn has_system_frames(stack: &Stacktrace) -> bool {
    let is_own = |frame: &Frame| frame.in_app == Some(true);
    stack.frames.iter().any(is_own) && !stack.frames.iter().all(is_own)
}

fn frame(it: &Frame) -> Value {
    let vars = (!it.vars.is_empty()).then_some(&it.vars);
    json!({
        "filename": it.filename,
        "absPath": it.abs_path,
        "module": it.module,
        "package": it.package,
        "platform": it.platform,
        "function": it.function,
        "rawFunction": it.raw_function,
        "symbol": it.symbol,
        "lineNo": it.lineno,
        "colNo": it.colno,
        "inApp": it.in_app.unwrap_or(false),
        "context": source(it),
        "vars": vars,
        "instructionAddr": it.instruction_addr,
        "symbolAddr": it.symbol_addr,
        "addrMode": it.addr_mode,
        "lock": it.lock,
        "trust": null,
        "errors": null,
        "sourceLink": null,
    })
}

/// Shows the source around a frame as pairs of number and line.
fn source(it: &Frame) -> Vec<Value> {
    let (Some(number), Some(line)) = (it.lineno, &it.context_line) else {
        return Vec::new();
    };
    let before = it.pre_context.len() as u64;
    let first = number.saturating_sub(before);
    let skipped = usize::try_from(before.saturating_sub(number)).unwrap_or_default();
    let lines = it
        .pre_context
        .iter()
        .skip(skipped)
        .chain([line])
        .chain(&it.post_context);
    (first..)
        .zip(lines)
        .map(|(number, line)| json!([number, line]))
        .collect()
}

fn thread(it: &Thread) -> Value {
    let locks = (!it.held_locks.is_empty()).then_some(&it.held_locks);
    json!({
        "id": it.id,
        "name": it.name,
        "crashed": it.crashed.unwrap_or(false),
        "current": it.current.unwrap_or(false),
        "main": it.main,
        "state": it.state,
        "heldLocks": locks,
        "stacktrace": it.stacktrace.as_ref().map(stacktrace),
        "rawStacktrace": it.raw_stacktrace.as_ref().map(stacktrace),
    })
}

fn request(it: &Request) -> Value {
    json!({
        "method": it.method,
        "url": it.url.as_deref().unwrap_or_default(),
        "query": query(&it.query_string),
        "fragment": it.fragment,
        "headers": list(&it.headers, ':'),
        "cookies": list(&it.cookies, ';'),
        "data": it.data,
        "env": (!it.env.is_empty()).then_some(&it.env),
        "inferredContentType": it.headers.get("content-type"),
        "apiTarget": it.api_target,
    })
}

/// Shows a query as pairs, also one that came as text.
fn query(pairs: &Pairs) -> Vec<(String, String)> {
    match pairs {
        Pairs::List(list) => list.clone(),
        Pairs::Text(text) => {
            let text = text.trim_start_matches('?');
            let uri = http::Uri::builder()
                .path_and_query(format!("/?{text}"))
                .build();
            uri.ok()
                .and_then(|uri| axum::extract::Query::try_from_uri(&uri).ok())
                .map_or_else(
                    || vec![(text.to_owned(), String::new())],
                    |axum::extract::Query(pairs)| pairs,
                )
        }
    }
}

/// Shows pairs; text that was not split is cut at the separator.
fn list(pairs: &Pairs, separator: char) -> Vec<(String, String)> {
    match pairs {
        Pairs::List(list) => list.clone(),
        Pairs::Text(text) if separator == ';' => text
            .split(separator)
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        Pairs::Text(text) => text
            .lines()
            .filter_map(|line| line.split_once(separator))
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
            .collect(),
    }
}

fn breadcrumb(it: &Breadcrumb) -> Value {
    json!({
        "timestamp": it.timestamp,
        "type": it.ty.as_deref().unwrap_or("default"),
        "category": it.category,
        "level": it.level.map_or("info", mini_sentry::protocol::Level::as_str),
        "message": it.message,
        "data": (!it.data.is_empty()).then_some(&it.data),
        "event_id": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Vec<Value> {
        entries(&Event::from_json(json.as_bytes()).unwrap())
    }

    #[test]
    fn frames_are_in_camel_case_with_numbered_source() {
        let entries = of(
            r#"{"exception":{"values":[{"type":"E","value":"v","mechanism":{
            "type":"onerror","handled":false},"stacktrace":{"frames":[{"function":"f",
            "lineno":10,"colno":3,"abs_path":"/a.js","in_app":true,"pre_context":["x","y"],
            "context_line":"z","post_context":["w"],"vars":{"a":1}}]}}]}}"#,
        );
        let value = &entries[0]["data"]["values"][0];
        assert_eq!(entries[0]["type"], "exception");
        assert_eq!(value["mechanism"]["handled"], false);
        let frame = &value["stacktrace"]["frames"][0];
        assert_eq!(
            frame["context"],
            json!([[8, "x"], [9, "y"], [10, "z"], [11, "w"]])
        );
        assert_eq!(frame["lineNo"], 10);
        assert_eq!(frame["absPath"], "/a.js");
        assert_eq!(frame["inApp"], true);
        assert_eq!(frame["vars"]["a"], 1);
        assert!(frame["package"].is_null());
    }

    #[test]
    fn source_that_claims_lines_before_the_first_is_cut() {
        let frame = Frame {
            lineno: Some(1),
            pre_context: vec!["a".into(), "b".into()],
            context_line: Some("c".into()),
            ..Frame::default()
        };
        assert_eq!(source(&frame), [json!([0, "b"]), json!([1, "c"])]);
    }

    #[test]
    fn a_request_is_shown_as_pairs_however_it_came() {
        let entries = of(r#"{"request":{"url":"http://h/","method":"GET",
            "query_string":"a=1&b=x%20y","headers":{"Content-Type":"text/plain"},
            "cookies":"k=v; l=w"}}"#);
        let data = &entries[0]["data"];
        assert_eq!(data["query"], json!([["a", "1"], ["b", "x y"]]));
        assert_eq!(data["headers"], json!([["Content-Type", "text/plain"]]));
        assert_eq!(data["cookies"], json!([["k", "v"], ["l", "w"]]));
        assert_eq!(data["inferredContentType"], "text/plain");
    }

    #[test]
    fn a_message_has_its_parameters_and_an_empty_event_no_entries() {
        let entries = of(r#"{"logentry":{"message":"a %s","formatted":"a b","params":["b"]}}"#);
        assert_eq!(
            entries[0]["data"],
            json!({"formatted": "a b", "message": "a %s", "params": ["b"]})
        );
        assert_eq!(of("{}"), Vec::<Value>::new());
    }
}
