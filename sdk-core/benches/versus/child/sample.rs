//! The 25 KB event that both sides serialise, with everything that a busy service sends.

use serde_json::{Value, json};

/// What the model calls the two fields of a loaded image whose names differ between the sides.
pub struct ImageKeys {
    pub id: &'static str,
    pub file: &'static str,
}

/// The event as JSON; each side parses it into its own model.
pub fn event(keys: &ImageKeys) -> Value {
    json!({
        "event_id": "fc6d8c0c43fc4630ad850ee518f1b9d0",
        "level": "warning",
        "timestamp": 1_700_000_000.123,
        "platform": "rust",
        "logger": "shop::checkout",
        "transaction": "POST /api/orders/{id}/payments",
        "server_name": "checkout-7f9c4d5b8-x2lvq",
        "release": "shop@4.17.2+20231114",
        "dist": "20231114",
        "environment": "production",
        "fingerprint": ["{{ default }}", "payment-declined"],
        "user": {"id": "user-42", "email": "a@example.com", "username": "user-42"},
        "request": {
            "method": "POST",
            "url": "https://shop.example.com/api/orders/1837465/payments",
            "query_string": "retry=1&locale=de-DE&currency=EUR",
            "headers": {
                "accept": "application/json",
                "accept-encoding": "gzip, deflate, br",
                "content-length": "482",
                "content-type": "application/json",
                "host": "shop.example.com",
                "traceparent": "00-771a43a4192642f0b136d5159a501700-f4a2b1c0d9e8f7a6-01",
                "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
                "x-request-id": "9f2d6c1e-5b0a-4c39-8a57-0d0f6f0c2a11",
            },
            "env": {"REMOTE_ADDR": "203.0.113.7", "SERVER_NAME": "checkout"},
        },
        "tags": tags(),
        "extra": {
            "order": {"id": 1_837_465, "total_cents": 12_990, "currency": "EUR", "items": [3, 5, 8]},
            "attempt": 2,
            "note": "the card issuer answered \"do not honour\"; asked the customer for another card",
        },
        "contexts": contexts(),
        "breadcrumbs": {"values": (0..25).map(breadcrumb).collect::<Vec<_>>()},
        "exception": {"values": [exception()]},
        "debug_meta": {"images": (0..8).map(|n| image(keys, n)).collect::<Vec<_>>()},
        "sdk": {"name": "sdk.rust", "version": "1.2.3", "packages": [{"name": "cargo:sdk", "version": "1.2.3"}]},
    })
}

fn tags() -> Value {
    json!({
        "region": "eu-central-1",
        "zone": "eu-central-1b",
        "tenant": "tenant-0815",
        "payment.provider": "example-pay",
        "payment.method": "card",
        "feature.new_checkout": "true",
        "http.status_code": "502",
        "queue": "payments-high",
        "deployment": "blue",
        "locale": "de-DE",
    })
}

fn contexts() -> Value {
    json!({
        "os": {"type": "os", "name": "Linux", "version": "6.1.0-18-amd64", "kernel_version": "6.1.0-18-amd64"},
        "runtime": {"type": "runtime", "name": "rustc", "version": "1.90.0"},
        "device": {"type": "device", "arch": "x86_64", "family": "server", "model": "generic"},
        "app": {"type": "app", "app_name": "shop", "app_version": "4.17.2", "app_build": "20231114"},
        "trace": {
            "type": "trace",
            "trace_id": "771a43a4192642f0b136d5159a501700",
            "span_id": "f4a2b1c0d9e8f7a6",
            "parent_span_id": "0a1b2c3d4e5f6071",
            "op": "http.server",
            "description": "POST /api/orders/{id}/payments",
        },
    })
}

fn breadcrumb(n: u32) -> Value {
    json!({
        "timestamp": 1_699_999_990.125 + f64::from(n) / 4.0,
        "type": "http",
        "category": "http.client",
        "level": "debug",
        "message": format!("asked the ledger for account {} and got {} entries", 9_100 + n, n * 3),
        "data": {
            "method": "GET",
            "url": format!("https://ledger.example.com/accounts/{}/entries?limit=50", 9_100 + n),
            "status_code": 200,
        },
    })
}

fn exception() -> Value {
    json!({
        "type": "PaymentDeclined",
        "value": "payment 88123 was declined by the provider: do not honour (code 05)",
        "module": "shop::checkout::payments",
        "mechanism": {"type": "generic", "handled": true},
        "stacktrace": {"frames": (0..38).map(frame).collect::<Vec<_>>()},
    })
}

fn frame(n: u64) -> Value {
    let own = n.is_multiple_of(3);
    let function = if own {
        format!("shop::checkout::payments::provider::Client::charge_step_{n}")
    } else {
        format!(
            "<tokio::task::local::RunUntil<T> as core::future::future::Future>::poll::{{closure}}::h{n}"
        )
    };
    let file = if own { "provider.rs" } else { "local.rs" };
    json!({
        "function": function,
        "module": if own { "shop::checkout::payments" } else { "tokio::task::local" },
        "package": if own { "shop" } else { "tokio" },
        "filename": file,
        "abs_path": format!("/build/shop/crates/checkout/src/payments/{file}"),
        "lineno": 100 + n * 7,
        "in_app": own,
        "instruction_addr": format!("{:#x}", 0x55d0_c0de_1000_u64 + n * 0x123),
        "symbol_addr": format!("{:#x}", 0x55d0_c0de_0f00_u64 + n * 0x123),
    })
}

fn image(keys: &ImageKeys, n: u64) -> Value {
    json!({
        "type": "symbolic",
        (keys.file): format!("/usr/lib/x86_64-linux-gnu/libexample{n}.so.1.2.{n}"),
        (keys.id): format!("c0bcc3f1-9827-fe65-3058-404b2831d9e{n}-0"),
        "code_id": format!("f1c3bcc027986{n}5fe3058404b2831d9e61f57aa43"),
        "debug_file": format!("/usr/lib/debug/.build-id/f1/c3bcc02798{n}.debug"),
        "image_addr": format!("{:#x}", 0x7f00_0000_0000_u64 + n * 0x20_0000),
        "image_size": 1_835_008 + n * 4096,
        "arch": "x86_64",
    })
}
