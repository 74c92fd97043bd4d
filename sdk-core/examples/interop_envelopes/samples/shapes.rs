//! An event in the forms that the `sentry-types` crate does not know: pairs, groups, images by
//! format, unknown fields; and with secrets, which must not arrive.

use mini_sentry::protocol::{
    Addr, Context, DebugImage, DebugMeta, Event, Exception, Geo, Level, Mechanism, Pairs, Request,
    User,
};
use serde_json::{Value, json};

use super::everything::object;
use super::expected::{Spelled, TraceIds, facts, with};
use super::stage::{SERVER, Stage};
use super::{Sample, Samples};

pub(super) fn samples() -> Samples {
    let stage = Stage::new(|options| options.server_name(SERVER));
    let ((id, trace), bytes) = stage.play_one(|| {
        let id = mini_sentry::capture_event(event());
        (id, TraceIds::current())
    })?;
    let payload = with(facts(&id, &trace.context()), expected());
    let spelled = Spelled::of_event(&id, &trace.header()).item("event", payload);
    Ok(vec![Sample::new("shapes", bytes, spelled)])
}

fn event() -> Event {
    let child = |id, source: &str| Mechanism {
        ty: Some("chained".to_owned()),
        exception_id: Some(id),
        parent_id: Some(0),
        source: Some(source.to_owned()),
        ..Mechanism::default()
    };
    let root = Mechanism {
        ty: Some("generic".to_owned()),
        handled: Some(true),
        exception_id: Some(0),
        is_exception_group: Some(true),
        ..Mechanism::default()
    };
    Event {
        level: Some(Level::Debug),
        user: Some(User {
            name: Some("user-42".to_owned()),
            segment: Some("free".to_owned()),
            geo: Some(Geo {
                country_code: Some("DE".to_owned()),
                city: Some("Köln".to_owned()),
                ..Geo::default()
            }),
            data: object(json!({"seats": 5})),
            ..User::default()
        }),
        request: Some(Request {
            query_string: pairs(&[("tag", "a"), ("tag", "b")]),
            headers: pairs(&[
                ("Accept", "text/html"),
                ("Authorization", "Basic dXNlcjo0Mg=="),
            ]),
            cookies: pairs(&[("theme", "dark")]),
            data: Some(json!({"item": "pen", "password": "hunter2"})),
            fragment: Some("top".to_owned()),
            api_target: Some("rest".to_owned()),
            ..Request::default()
        }),
        exception: vec![
            exception("ParseError", child(2, "errors[1]")),
            exception("IoError", child(1, "errors[0]")),
            exception("ErrorGroup", root),
        ]
        .into(),
        contexts: [
            ("flags".to_owned(), Context::Value(json!(["a", "b"]))),
            (
                "replay".to_owned(),
                Context::Other(object(json!({"on": true}))),
            ),
        ]
        .into(),
        debug_meta: Some(DebugMeta {
            images: vec![elf(), source_map()],
            ..DebugMeta::default()
        }),
        other: object(json!({"time_spent": 12, "site": null, "nested": {"deep": [[1, [2]]]}})),
        ..Event::default()
    }
}

fn exception(ty: &str, mechanism: Mechanism) -> Exception {
    Exception {
        ty: Some(ty.to_owned()),
        mechanism: Some(mechanism),
        ..Exception::default()
    }
}

fn pairs(list: &[(&str, &str)]) -> Pairs {
    list.iter().copied().collect()
}

fn elf() -> DebugImage {
    DebugImage {
        ty: Some("elf".to_owned()),
        debug_id: Some("df188888-dfda-52d9-a182-8294cbecf3a2".to_owned()),
        code_id: Some("888818dfdadfd952a1828294cbecf3a24f3b7e60".to_owned()),
        code_file: Some("/app/shop".to_owned()),
        image_addr: Some(Addr(0x5640_d76e_8000)),
        image_size: Some(7_316_384),
        ..DebugImage::default()
    }
}

fn source_map() -> DebugImage {
    DebugImage {
        ty: Some("sourcemap".to_owned()),
        debug_id: Some("831225e0-ce45-b765-19da-b776555f2b64".to_owned()),
        code_file: Some("http://shop.example.com/app.js".to_owned()),
        ..DebugImage::default()
    }
}

fn expected() -> Value {
    json!({
        "level": "debug",
        "user": {
            "name": "user-42",
            "segment": "free",
            "geo": {"country_code": "DE", "city": "Köln"},
            "data": {"seats": 5},
        },
        "request": {
            "query_string": [["tag", "a"], ["tag", "b"]],
            "headers": {"Accept": "text/html", "Authorization": "[Filtered]"},
            "cookies": {"theme": "[Filtered]"},
            "data": {"item": "pen", "password": "[Filtered]"},
            "fragment": "top",
            "api_target": "rest",
        },
        "exception": {"values": [
            {
                "type": "ParseError",
                "mechanism": {
                    "type": "chained",
                    "exception_id": 2,
                    "parent_id": 0,
                    "source": "errors[1]",
                },
            },
            {
                "type": "IoError",
                "mechanism": {
                    "type": "chained",
                    "exception_id": 1,
                    "parent_id": 0,
                    "source": "errors[0]",
                },
            },
            {
                "type": "ErrorGroup",
                "mechanism": {
                    "type": "generic",
                    "handled": true,
                    "exception_id": 0,
                    "is_exception_group": true,
                },
            },
        ]},
        "contexts": {"flags": ["a", "b"], "replay": {"on": true}},
        "debug_meta": {"images": [
            {
                "type": "elf",
                "debug_id": "df188888-dfda-52d9-a182-8294cbecf3a2",
                "code_id": "888818dfdadfd952a1828294cbecf3a24f3b7e60",
                "code_file": "/app/shop",
                "image_addr": "0x5640d76e8000",
                "image_size": 7_316_384,
            },
            {
                "type": "sourcemap",
                "debug_id": "831225e0-ce45-b765-19da-b776555f2b64",
                "code_file": "http://shop.example.com/app.js",
            },
        ]},
        "time_spent": 12,
        "site": null,
        "nested": {"deep": [[1, [2]]]},
    })
}
