use serde_json::json;

use super::*;

const NOW: Millis = Millis(1_767_323_045_678);

/// Maps an entry, and writes the event as it is stored.
fn map(entry: Value) -> Value {
    let Value::Object(fields) = entry else {
        panic!("an entry is an object")
    };
    serde_json::to_value(event(fields, NOW)).unwrap()
}

fn functions(event: &Value) -> Vec<&str> {
    let stacks = event["exception"]["values"].as_array().unwrap();
    stacks
        .iter()
        .flat_map(|exception| exception["stacktrace"]["frames"].as_array())
        .flatten()
        .map(|frame| frame["function"].as_str().unwrap())
        .collect()
}

#[test]
fn a_raw_logstash_event_keeps_everything_it_has() {
    let event = map(json!({
        "@timestamp": "2026-01-02T03:04:05.678Z", "@version": "1",
        "message": "slow query", "level": "WARN", "host": {"name": "db-1"},
        "path": "/var/log/db.log", "tags": ["redis", "_grokparsefailure"], "took": 7,
    }));
    assert_eq!(event["timestamp"], "2026-01-02T03:04:05.678Z");
    assert_eq!(event["message"], "slow query");
    assert_eq!(event["level"], "warning");
    assert_eq!(event["server_name"], "db-1");
    assert_eq!(
        event["tags"],
        json!({"logstash": "redis,_grokparsefailure"})
    );
    assert_eq!(
        event["extra"],
        json!({"@version": "1", "path": "/var/log/db.log", "took": 7})
    );
}

#[test]
fn an_error_of_pino_becomes_an_exception_with_frames() {
    let event = map(json!({
        "level": 50, "time": 1_767_323_045_678_i64, "pid": 9, "hostname": "web-1", "name": "shop",
        "msg": "checkout failed",
        "err": {"type": "PaymentError", "message": "card refused", "code": 402,
            "stack": "PaymentError: card refused\n    at pay (/app/pay.js:3:9)\n    at run (/app/a.js:1:1)"},
    }));
    assert_eq!(event["level"], "error");
    assert_eq!(event["logger"], "shop");
    assert_eq!(event["server_name"], "web-1");
    assert_eq!(event["platform"], "node");
    assert_eq!(event["message"], "checkout failed");
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["type"], "PaymentError");
    assert_eq!(exception["value"], "card refused");
    assert_eq!(
        exception["mechanism"],
        json!({"type": "logging", "handled": true})
    );
    assert_eq!(functions(&event), ["run", "pay"]);
    assert_eq!(event["extra"], json!({"pid": 9, "err": {"code": 402}}));
}

#[test]
fn a_cause_that_is_an_object_comes_before_its_effect() {
    let event = map(json!({"msg": "m", "err": {
        "message": "outer", "name": "A", "cause": {"message": "inner", "name": "B"}
    }}));
    let values = &event["exception"]["values"];
    assert_eq!(values[0]["type"], "B");
    assert_eq!(values[1]["type"], "A");
    assert!(event.get("extra").is_none());
}

#[test]
fn the_stack_of_winston_and_logback_stands_beside_the_message() {
    let winston = map(json!({
        "level": "error", "message": "boom",
        "stack": "Error: boom\n    at f (/app/a.js:1:1)",
    }));
    assert_eq!(winston["exception"]["values"][0]["value"], "boom");
    assert!(winston.get("message").is_none(), "it is the exception's");
    let logback = map(json!({
        "@timestamp": "2026-01-02T03:04:05+01:00", "@version": "1", "level": "ERROR",
        "message": "no cart", "logger_name": "com.example.Shop", "thread_name": "main",
        "stack_trace": "java.lang.IllegalStateException: empty\n\tat com.example.Shop.buy(Shop.java:12)\n",
    }));
    assert_eq!(logback["platform"], "java");
    assert_eq!(logback["logger"], "com.example.Shop");
    assert_eq!(logback["message"], "no cart");
    assert_eq!(functions(&logback), ["buy"]);
    assert_eq!(logback["timestamp"], "2026-01-02T02:04:05Z");
}

#[test]
fn go_and_python_loggers_are_read() {
    let zap = map(json!({
        "level": "error", "ts": 1_767_323_045.678, "msg": "m", "error": "refused",
        "caller": "app/main.go:12", "stacktrace": "main.run\n\t/app/main.go:12",
    }));
    let exception = &zap["exception"]["values"][0];
    assert_eq!(exception["value"], "refused");
    assert_eq!(zap["extra"], json!({"caller": "app/main.go:12"}));
    let slog = map(json!({"time": "2026-01-02T03:04:05.6+01:00", "level": "WARN", "msg": "m"}));
    assert_eq!(slog["level"], "warning");
    let structlog = map(json!({
        "event": "failed", "level": "error", "timestamp": "2026-01-02T03:04:05Z",
        "exception": "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'x'",
    }));
    assert_eq!(structlog["message"], "failed");
    assert_eq!(structlog["exception"]["values"][0]["type"], "KeyError");
    let dicts = map(json!({"event": "failed", "exception": [
        {"exc_type": "B", "exc_value": "b", "frames": [{"filename": "b.py", "lineno": 1, "name": "g"}]},
        {"exc_type": "A", "exc_value": "a", "frames": []},
    ]}));
    assert_eq!(dicts["exception"]["values"][0]["type"], "A");
    assert_eq!(functions(&dicts), ["g"]);
}

#[test]
fn json_inside_a_containers_line_is_unwrapped() {
    let event = map(json!({
        "date": 1_767_323_045.5, "stream": "stderr", "kubernetes": {"pod_name": "p"},
        "log": "{\"level\":\"fatal\",\"msg\":\"down\",\"user\":7}\n",
    }));
    assert_eq!(event["level"], "fatal");
    assert_eq!(event["message"], "down");
    assert_eq!(
        event["extra"],
        json!({"stream": "stderr", "kubernetes": {"pod_name": "p"}, "user": 7})
    );
}

#[test]
fn an_entry_without_anything_known_is_still_an_event() {
    let event = map(json!({"a": 1}));
    assert_eq!(event["level"], "info");
    assert_eq!(event["timestamp"], "2026-01-02T03:04:05.678Z");
    assert_eq!(event["extra"], json!({"a": 1}));
}

#[test]
fn a_line_that_belongs_to_a_trace_says_so() {
    let event = map(json!({
        "message": "m", "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331",
        "trace.id": "no id",
    }));
    assert_eq!(
        event["contexts"]["trace"],
        json!({"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"})
    );
    assert_eq!(event["extra"], json!({"trace.id": "no id"}));
}
