use super::*;

fn read(report: &Value) -> Vec<Value> {
    events(report.to_string().as_bytes(), &Site::default()).unwrap_or_default()
}

fn classic(directive: &str, blocked: &str) -> String {
    let events = read(&json!({"csp-report": {
        "document-uri": "https://shop.example.com/cart",
        "effective-directive": directive,
        "blocked-uri": blocked,
    }}));
    events[0]["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_violation_says_what_was_blocked_and_from_where() {
    assert_eq!(
        classic("script-src-elem", "https://evil.example/x.js?a=1"),
        "Blocked 'script' from 'evil.example'"
    );
    assert_eq!(
        classic("img-src", "data:image/png"),
        "Blocked 'image' from 'data'"
    );
    assert_eq!(classic("img-src", "data"), "Blocked 'image' from 'data'");
    assert_eq!(classic("style-src", "inline"), "Blocked inline 'style'");
    assert_eq!(classic("script-src", ""), "Blocked inline 'script'");
    assert_eq!(classic("script-src", "eval"), "Blocked eval() in 'script'");
    assert_eq!(
        classic("font-src", "https://shop.example.com/f.woff"),
        "Blocked 'font' from 'self'"
    );
}

#[test]
fn an_old_browser_tells_the_whole_directive_only() {
    let events = read(&json!({"csp-report": {
        "document-uri": "https://example.com/", "referrer": "https://a.example/",
        "violated-directive": "script-src 'self' https://cdn.example", "blocked-uri": "https://evil.example",
    }}));
    let event = &events[0];
    assert_eq!(event["type"], "csp");
    assert_eq!(event["logger"], "csp");
    assert_eq!(event["culprit"], "script-src 'self' https://cdn.example");
    assert_eq!(event["tags"]["effective-directive"], "script-src");
    assert_eq!(event["request"]["url"], "https://example.com/");
    assert_eq!(event["request"]["headers"]["Referer"], "https://a.example/");
}

#[test]
fn each_report_of_an_array_is_an_event() {
    let events = read(&json!([
        {"type": "csp-violation", "url": "https://example.com/", "user_agent": "Browser/1",
         "body": {"effectiveDirective": "connect-src", "blockedURL": "https://api.evil.example/v1", "disposition": "report"}},
        {"type": "deprecation", "url": "https://example.com/", "body": {"id": "old-api", "message": "is old"}},
        {"type": "crash", "body": {"reason": "oom"}},
        "no report",
    ]));
    assert_eq!(events.len(), 3);
    assert_eq!(
        events[0]["message"],
        "Blocked 'connect' from 'api.evil.example'"
    );
    assert_eq!(events[0]["level"], "info");
    assert_eq!(events[0]["request"]["headers"]["User-Agent"], "Browser/1");
    assert_eq!(events[1]["message"], "deprecation: is old");
    assert_eq!(events[2]["level"], "fatal");
}

#[test]
fn a_broken_certificate_is_an_event_of_its_host() {
    let events = read(&json!({"expect-ct-report": {"hostname": "example.com", "port": 443}}));
    assert_eq!(events[0]["message"], "Expect-CT failed for 'example.com'");
    let events = read(&json!({"expect-staple-report": {"hostname": "example.com"}}));
    assert_eq!(events[0]["type"], "expectstaple");
    let events = read(&json!({"hostname": "example.com", "known-pins": []}));
    assert_eq!(events[0]["type"], "hpkp");
}

#[test]
fn the_address_tells_release_and_environment() {
    let site = Site {
        release: Some("1.0".to_owned()),
        environment: Some("staging".to_owned()),
    };
    let events = events(br#"{"csp-report":{}}"#, &site).unwrap();
    assert_eq!(events[0]["release"], "1.0");
    assert_eq!(events[0]["environment"], "staging");
}

#[test]
fn what_is_no_report_is_not_taken() {
    for body in [
        "",
        "[]",
        "{}",
        "7",
        r#"{"csp-report":7}"#,
        r#"[{"type":"x"}]"#,
    ] {
        assert!(
            events(body.as_bytes(), &Site::default()).is_none(),
            "{body}"
        );
    }
}
