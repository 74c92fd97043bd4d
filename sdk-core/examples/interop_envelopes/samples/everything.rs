//! An event with everything that all readers know.

use mini_sentry::protocol::{
    Addr, AppContext, Breadcrumb, Context, DebugImage, DebugMeta, Event, Exception, Frame, Level,
    LogEntry, Map, Mechanism, Object, Pairs, Request, ResponseContext, Stacktrace, Thread,
    ThreadId, Timestamp, User,
};
use mini_sentry::{Hub, Scope};
use serde_json::{Value, json};

use super::expected::{Spelled, TraceIds, facts, with};
use super::stage::{SERVER, Stage};
use super::{Sample, Samples};

pub(super) fn samples() -> Samples {
    let stage = Stage::new(|options| options.server_name(SERVER));
    let ((id, trace), bytes) = stage.play_one(|| {
        mini_sentry::configure_scope(set_up);
        mini_sentry::add_breadcrumb(Breadcrumb {
            timestamp: Some(Timestamp::from_nanos(1_767_323_044_125_000_000)),
            ty: Some("http".into()),
            category: Some("mail".into()),
            level: Some(Level::Warning),
            message: Some("GET /mail".into()),
            data: object(json!({"status_code": 503, "tries": [1, 2], "slow": true})),
            ..Breadcrumb::default()
        });
        mini_sentry::add_breadcrumb(Breadcrumb {
            message: Some("then nothing".into()),
            ..Breadcrumb::default()
        });
        let id = Hub::with(|hub| hub.capture_event(event()));
        (id, TraceIds::current())
    })?;
    let payload = with(facts(&id, &trace.context()), expected());
    let spelled = Spelled::of_event(&id, &trace.header()).item("event", payload);
    Ok(vec![Sample::new("everything", bytes, spelled)])
}

fn set_up(scope: &mut Scope) {
    scope.set_transaction(Some("send-mails"));
    scope.set_fingerprint(Some(&["{{ default }}", "mail-server"]));
    scope.set_tag("queue", "mails");
    scope.set_tag("attempt", 3);
    scope.set_extra(
        "order",
        json!({"id": 4711, "total": 12.5, "items": ["pen", null]}),
    );
    scope.set_user(Some(User {
        id: Some("42".to_owned()),
        email: Some("a@example.com".to_owned()),
        username: Some("user-42".to_owned()),
        ip_address: Some("192.0.2.7".to_owned()),
        other: object(json!({"plan": "free"})),
        ..User::default()
    }));
    scope.set_request(Some(Request {
        url: Some("http://shop.example.com/mails".to_owned()),
        method: Some("POST".to_owned()),
        query_string: Pairs::Text("page=2&sort=%C3%BC".to_owned()),
        headers: [("Accept", "text/html"), ("X-Trip", "7")]
            .into_iter()
            .collect(),
        data: Some("a=1\r\nb=2".into()),
        env: object(json!({"SERVER_PORT": "80"})),
        ..Request::default()
    }));
    scope.set_context(
        "app",
        AppContext {
            app_start_time: Some(Timestamp::from_nanos(1_767_323_000_000_000_000)),
            app_name: Some("shop".to_owned()),
            app_version: Some("1.2.3".to_owned()),
            ..AppContext::default()
        },
    );
    scope.set_context(
        "response",
        ResponseContext {
            status_code: Some(500),
            body_size: Some(12),
            ..ResponseContext::default()
        },
    );
    scope.set_context(
        "printer",
        Context::Other(object(json!({"tray": 2, "paper": false}))),
    );
}

fn event() -> Event {
    let modules = [("serde", "1.0.229"), ("time", "0.3.55")];
    Event {
        level: Some(Level::Fatal),
        logger: Some("shop.mail".to_owned()),
        culprit: Some("mail::send".to_owned()),
        logentry: Some(LogEntry {
            message: Some("mail %s not sent".to_owned()),
            formatted: Some("mail 7 not sent".to_owned()),
            params: vec!["7".into()].into(),
            ..LogEntry::default()
        }),
        exception: vec![cause(), outermost()].into(),
        stacktrace: Some(Stacktrace {
            frames: vec![frame("main")],
            ..Stacktrace::default()
        }),
        threads: vec![
            Thread {
                id: Some(ThreadId::Number(7)),
                name: Some("mailer".to_owned()),
                crashed: Some(true),
                current: Some(true),
                ..Thread::default()
            },
            Thread {
                id: Some(ThreadId::Text("0xf00".to_owned())),
                stacktrace: Some(Stacktrace {
                    frames: vec![frame("idle")],
                    ..Stacktrace::default()
                }),
                ..Thread::default()
            },
        ]
        .into(),
        modules: modules
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .into(),
        debug_meta: Some(DebugMeta {
            images: vec![image()],
            sdk_info: object(json!({
                "sdk_name": "linux",
                "version_major": 6,
                "version_minor": 1,
                "version_patchlevel": 0,
            })),
            ..DebugMeta::default()
        }),
        ..Event::default()
    }
}

fn cause() -> Exception {
    Exception {
        ty: Some("ConnectionReset".to_owned()),
        value: Some("peer hung up".to_owned()),
        module: Some("mail::smtp".to_owned()),
        ..Exception::default()
    }
}

fn outermost() -> Exception {
    let raw = Frame {
        instruction_addr: Some(Addr(0x5555_0000_1234)),
        ..Frame::default()
    };
    Exception {
        ty: Some("MailError".to_owned()),
        value: Some("could not send".to_owned()),
        thread_id: Some(ThreadId::Number(7)),
        mechanism: Some(Mechanism {
            ty: Some("signalhandler".to_owned()),
            description: Some("a signal came".to_owned()),
            help_link: Some("https://example.com/signals".to_owned()),
            handled: Some(false),
            synthetic: Some(true),
            data: object(json!({"relevant_address": "0x1"})),
            meta: Some(json!({
                "errno": {"number": 104, "name": "ECONNRESET"},
                "signal": {"number": 11, "code": 1, "name": "SIGSEGV", "code_name": "SEGV_MAPERR"},
            })),
            ..Mechanism::default()
        }),
        stacktrace: Some(Stacktrace {
            frames: vec![frame("main"), full_frame()],
            frames_omitted: Some(json!([1, 3])),
            registers: Map::from([("rip".to_owned(), Addr(0x5555_0000_1234))]),
            ..Stacktrace::default()
        }),
        raw_stacktrace: Some(Stacktrace {
            frames: vec![raw],
            ..Stacktrace::default()
        }),
        ..Exception::default()
    }
}

fn frame(function: &str) -> Frame {
    Frame {
        function: Some(function.to_owned()),
        ..Frame::default()
    }
}

fn full_frame() -> Frame {
    Frame {
        function: Some("mail::send".to_owned()),
        symbol: Some("_ZN4mail4send".to_owned()),
        module: Some("mail".to_owned()),
        package: Some("shop".to_owned()),
        filename: Some("mail.rs".to_owned()),
        abs_path: Some("/app/src/mail.rs".to_owned()),
        lineno: Some(17),
        colno: Some(9),
        pre_context: vec!["fn send() {".to_owned(), String::new()],
        context_line: Some("    connect()?;".to_owned()),
        post_context: vec!["}".to_owned()],
        in_app: Some(true),
        vars: object(json!({"tries": 3, "to": ["a@example.com"]})),
        image_addr: Some(Addr(0x5555_0000_0000)),
        instruction_addr: Some(Addr(0x5555_0000_1234)),
        symbol_addr: Some(Addr(0x5555_0000_1200)),
        addr_mode: Some("abs".to_owned()),
        ..Frame::default()
    }
}

fn image() -> DebugImage {
    DebugImage {
        ty: Some("symbolic".to_owned()),
        code_id: Some("888818dfdadfd952a1828294cbecf3a2".to_owned()),
        debug_file: Some("shop.debug".to_owned()),
        image_addr: Some(Addr(0x5555_0000_0000)),
        image_size: Some(8192),
        image_vmaddr: Some(Addr(0x1000)),
        arch: Some("x86_64".to_owned()),
        other: object(json!({
            "name": "/app/shop",
            "id": "df188888-dfda-52d9-a182-8294cbecf3a2",
        })),
        ..DebugImage::default()
    }
}

/// An object written as JSON.
pub(super) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

fn expected() -> Value {
    json!({
        "level": "fatal",
        "logger": "shop.mail",
        "culprit": "mail::send",
        "transaction": "send-mails",
        "fingerprint": ["{{ default }}", "mail-server"],
        "logentry": {
            "message": "mail %s not sent",
            "formatted": "mail 7 not sent",
            "params": ["7"],
        },
        "tags": {"queue": "mails", "attempt": "3"},
        "extra": {"order": {"id": 4711, "total": 12.5, "items": ["pen", null]}},
        "user": {
            "id": "42",
            "email": "a@example.com",
            "username": "user-42",
            "ip_address": "192.0.2.7",
            "plan": "free",
        },
        "request": {
            "url": "http://shop.example.com/mails",
            "method": "POST",
            "query_string": "page=2&sort=%C3%BC",
            "headers": {"Accept": "text/html", "X-Trip": "7"},
            "data": "a=1\r\nb=2",
            "env": {"SERVER_PORT": "80"},
        },
        "contexts": {
            "app": {
                "app_start_time": "2026-01-02T03:03:20Z",
                "app_name": "shop",
                "app_version": "1.2.3",
            },
            "response": {"status_code": 500, "body_size": 12},
            "printer": {"tray": 2, "paper": false},
        },
        "breadcrumbs": expected_breadcrumbs(),
        "exception": expected_exception(),
        "stacktrace": {"frames": [{"function": "main"}]},
        "threads": {"values": [
            {"id": 7, "name": "mailer", "crashed": true, "current": true},
            {"id": "0xf00", "stacktrace": {"frames": [{"function": "idle"}]}},
        ]},
        "modules": {"serde": "1.0.229", "time": "0.3.55"},
        "debug_meta": expected_debug_meta(),
    })
}

fn expected_breadcrumbs() -> Value {
    json!({"values": [
        {
            "timestamp": "2026-01-02T03:04:04.125Z",
            "type": "http",
            "category": "mail",
            "level": "warning",
            "message": "GET /mail",
            "data": {"status_code": 503, "tries": [1, 2], "slow": true},
        },
        {"timestamp": "2026-01-02T03:04:05.250Z", "message": "then nothing"},
    ]})
}

fn expected_exception() -> Value {
    json!({"values": [
        {"type": "ConnectionReset", "value": "peer hung up", "module": "mail::smtp"},
        {
            "type": "MailError",
            "value": "could not send",
            "thread_id": 7,
            "mechanism": {
                "type": "signalhandler",
                "description": "a signal came",
                "help_link": "https://example.com/signals",
                "handled": false,
                "synthetic": true,
                "data": {"relevant_address": "0x1"},
                "meta": {
                    "errno": {"number": 104, "name": "ECONNRESET"},
                    "signal": {
                        "number": 11,
                        "code": 1,
                        "name": "SIGSEGV",
                        "code_name": "SEGV_MAPERR",
                    },
                },
            },
            "stacktrace": {
                "frames": [
                    {"function": "main"},
                    {
                        "function": "mail::send",
                        "symbol": "_ZN4mail4send",
                        "module": "mail",
                        "package": "shop",
                        "filename": "mail.rs",
                        "abs_path": "/app/src/mail.rs",
                        "lineno": 17,
                        "colno": 9,
                        "pre_context": ["fn send() {", ""],
                        "context_line": "    connect()?;",
                        "post_context": ["}"],
                        "in_app": true,
                        "vars": {"tries": 3, "to": ["a@example.com"]},
                        "image_addr": "0x555500000000",
                        "instruction_addr": "0x555500001234",
                        "symbol_addr": "0x555500001200",
                        "addr_mode": "abs",
                    },
                ],
                "frames_omitted": [1, 3],
                "registers": {"rip": "0x555500001234"},
            },
            "raw_stacktrace": {"frames": [{"instruction_addr": "0x555500001234"}]},
        },
    ]})
}

fn expected_debug_meta() -> Value {
    json!({
        "images": [{
            "type": "symbolic",
            "name": "/app/shop",
            "id": "df188888-dfda-52d9-a182-8294cbecf3a2",
            "code_id": "888818dfdadfd952a1828294cbecf3a2",
            "debug_file": "shop.debug",
            "image_addr": "0x555500000000",
            "image_size": 8192,
            "image_vmaddr": "0x1000",
            "arch": "x86_64",
        }],
        "sdk_info": {
            "sdk_name": "linux",
            "version_major": 6,
            "version_minor": 1,
            "version_patchlevel": 0,
        },
    })
}
