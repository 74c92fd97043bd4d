//! An event with everything.

use std::borrow::Cow;

use sentry_types::protocol::v7::debugid::{CodeId, DebugId};
use sentry_types::protocol::v7::{
    Addr, AppContext, Breadcrumb, CError, Context, DebugMeta, Event, Exception, Frame, Level,
    LogEntry, Mechanism, MechanismMeta, PosixSignal, RegVal, Request, ResponseContext, Stacktrace,
    SymbolicDebugImage, SystemSdkInfo, Thread, ThreadId, User,
};
use serde_json::json;

use super::{START, assert_event, at, event, map, read};

#[test]
fn an_event_with_everything_is_understood() {
    let (sample, envelope) = read("everything");
    let mut contexts = event(sample).contexts;
    contexts.extend(more_contexts());
    let expected = Event {
        level: Level::Fatal,
        logger: Some("shop.mail".to_owned()),
        culprit: Some("mail::send".to_owned()),
        transaction: Some("send-mails".to_owned()),
        fingerprint: Cow::Owned(vec!["{{ default }}".into(), "mail-server".into()]),
        logentry: Some(LogEntry {
            message: "mail %s not sent".to_owned(),
            params: vec!["7".into()],
        }),
        tags: [("queue", "mails"), ("attempt", "3")].map(own).into(),
        modules: [("serde", "1.0.229"), ("time", "0.3.55")].map(own).into(),
        extra: map(json!({"order": {"id": 4711, "total": 12.5, "items": ["pen", null]}})),
        user: Some(User {
            id: Some("42".to_owned()),
            email: Some("a@example.com".to_owned()),
            username: Some("user-42".to_owned()),
            ip_address: "192.0.2.7".parse().ok(),
            other: map(json!({"plan": "free"})),
        }),
        request: Some(request()),
        contexts,
        breadcrumbs: breadcrumbs().into(),
        exception: vec![cause(), outermost()].into(),
        stacktrace: Some(stack([frame("main")])),
        threads: threads().into(),
        debug_meta: Cow::Owned(debug_meta()),
        ..event(sample)
    };
    assert_event(sample, &envelope, expected);
}

fn own((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

fn more_contexts() -> [(String, Context); 3] {
    let app = AppContext {
        app_start_time: Some(at(1_767_323_000_000)),
        app_name: Some("shop".to_owned()),
        app_version: Some("1.2.3".to_owned()),
        ..AppContext::default()
    };
    let response = ResponseContext {
        status_code: Some(500),
        body_size: Some(12),
        ..ResponseContext::default()
    };
    let printer = Context::Other(map(json!({"tray": 2, "paper": false})));
    [
        ("app".to_owned(), app.into()),
        ("response".to_owned(), response.into()),
        ("printer".to_owned(), printer),
    ]
}

fn request() -> Request {
    Request {
        url: "http://shop.example.com/mails".parse().ok(),
        method: Some("POST".to_owned()),
        data: Some("a=1\r\nb=2".to_owned()),
        query_string: Some("page=2&sort=%C3%BC".to_owned()),
        cookies: None,
        headers: [("Accept", "text/html"), ("X-Trip", "7")].map(own).into(),
        env: [("SERVER_PORT", "80")].map(own).into(),
    }
}

fn breadcrumbs() -> Vec<Breadcrumb> {
    vec![
        Breadcrumb {
            timestamp: at(1_767_323_044_125),
            ty: "http".to_owned(),
            category: Some("mail".to_owned()),
            level: Level::Warning,
            message: Some("GET /mail".to_owned()),
            data: map(json!({"status_code": 503, "tries": [1, 2], "slow": true})),
        },
        Breadcrumb {
            timestamp: at(START),
            message: Some("then nothing".to_owned()),
            ..Breadcrumb::default()
        },
    ]
}

fn cause() -> Exception {
    Exception {
        ty: "ConnectionReset".to_owned(),
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
        ty: "MailError".to_owned(),
        value: Some("could not send".to_owned()),
        module: None,
        stacktrace: Some(Stacktrace {
            frames: vec![frame("main"), full_frame()],
            frames_omitted: Some((1, 3)),
            registers: [("rip".to_owned(), RegVal(0x5555_0000_1234))].into(),
        }),
        raw_stacktrace: Some(stack([raw])),
        thread_id: Some(ThreadId::Int(7)),
        mechanism: Some(mechanism()),
    }
}

fn mechanism() -> Mechanism {
    Mechanism {
        ty: "signalhandler".to_owned(),
        description: Some("a signal came".to_owned()),
        help_link: "https://example.com/signals".parse().ok(),
        handled: Some(false),
        synthetic: Some(true),
        data: map(json!({"relevant_address": "0x1"})),
        meta: MechanismMeta {
            errno: Some(CError {
                number: 104,
                name: Some("ECONNRESET".to_owned()),
            }),
            signal: Some(PosixSignal {
                number: 11,
                code: Some(1),
                name: Some("SIGSEGV".to_owned()),
                code_name: Some("SEGV_MAPERR".to_owned()),
            }),
            mach_exception: None,
        },
    }
}

fn stack<const N: usize>(frames: [Frame; N]) -> Stacktrace {
    Stacktrace {
        frames: frames.into(),
        ..Stacktrace::default()
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
        vars: map(json!({"tries": 3, "to": ["a@example.com"]})),
        image_addr: Some(Addr(0x5555_0000_0000)),
        instruction_addr: Some(Addr(0x5555_0000_1234)),
        symbol_addr: Some(Addr(0x5555_0000_1200)),
        addr_mode: Some("abs".to_owned()),
    }
}

fn threads() -> Vec<Thread> {
    vec![
        Thread {
            id: Some(ThreadId::Int(7)),
            name: Some("mailer".to_owned()),
            crashed: true,
            current: true,
            ..Thread::default()
        },
        Thread {
            id: Some("0xf00".into()),
            stacktrace: Some(stack([frame("idle")])),
            ..Thread::default()
        },
    ]
}

fn debug_meta() -> DebugMeta {
    let image = SymbolicDebugImage {
        name: "/app/shop".to_owned(),
        arch: Some("x86_64".to_owned()),
        image_addr: Addr(0x5555_0000_0000),
        image_size: 8192,
        image_vmaddr: Addr(0x1000),
        id: "df188888-dfda-52d9-a182-8294cbecf3a2"
            .parse::<DebugId>()
            .unwrap(),
        code_id: Some(CodeId::new("888818dfdadfd952a1828294cbecf3a2".to_owned())),
        debug_file: Some("shop.debug".to_owned()),
    };
    DebugMeta {
        sdk_info: Some(SystemSdkInfo {
            sdk_name: "linux".to_owned(),
            version_major: 6,
            version_minor: 1,
            version_patchlevel: 0,
        }),
        images: vec![image.into()],
    }
}
