"""Makes `sentry-sdk` send one case: `python app.py CASE`, with the DSN in `SENTRY_DSN`."""

from __future__ import annotations

import io
import logging
import sys
import time

import sentry_sdk
from sentry_sdk import crons, logger, metrics, traces
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware

MONITOR = {
    "schedule": {"type": "crontab", "value": "5 4 * * *"},
    "timezone": "Europe/Berlin",
    "checkin_margin": 5,
    "max_runtime": 30,
    "failure_issue_threshold": 2,
    "recovery_threshold": 3,
}


class PaymentError(Exception):
    """An error with a cause."""


def init(**options: object) -> None:
    settings = {
        "release": "shop@1.2.3+45",
        "environment": "staging",
        "dist": "45",
        "server_name": "host-1",
        "auto_session_tracking": False,
        "enable_metrics": False,
        "send_client_reports": False,
    }
    sentry_sdk.init(**{**settings, **options})


def load_order(number: int) -> dict[str, int]:
    orders: dict[int, dict[str, int]] = {}
    return orders[number]


def message() -> None:
    init()
    sentry_sdk.set_tag("shop.region", "eu")
    sentry_sdk.set_tags({"feature": "checkout", "attempt": 3})
    sentry_sdk.set_user(
        {"id": "user-42", "email": "a@example.com", "username": "user-42", "ip_address": "192.0.2.7"}
    )
    sentry_sdk.set_context("order", {"id": 4711, "items": ["book", "pen"], "paid": False})
    sentry_sdk.set_extra("cart", {"total": 12.5, "note": "naïve ☂ 🚀"})
    sentry_sdk.add_breadcrumb(category="ui", message="opened the cart", level="info", data={"n": 1})
    with sentry_sdk.new_scope() as scope:
        scope.fingerprint = ["checkout", "{{ default }}"]
        scope.set_transaction_name("checkout", source="task")
        sentry_sdk.capture_message("the cart could not be saved", level="warning")


def exception() -> None:
    init()
    try:
        load_order(4711)
    except KeyError:
        sentry_sdk.capture_exception()


def chained() -> None:
    init()
    try:
        try:
            try:
                int("twelve")
            except ValueError:
                load_order(4711)
        except KeyError as cause:
            raise PaymentError("payment of order 4711 failed") from cause
    except PaymentError as error:
        sentry_sdk.capture_exception(error)


def group() -> None:
    init()
    try:
        inner = ExceptionGroup("lower", [KeyError("a"), OSError(2, "no such file")])
        raise ExceptionGroup("two tasks failed", [ValueError("first"), inner])
    except ExceptionGroup as error:
        sentry_sdk.capture_exception(error)


def unhandled() -> None:
    init(auto_session_tracking=True)
    sentry_sdk.start_session(session_mode="application")
    load_order(4711)


def breadcrumbs() -> None:
    init()
    logging.getLogger("shop.cart").warning("stock of %s is low", "pen")
    sentry_sdk.add_breadcrumb(type="navigation", category="route", data={"from": "/a", "to": "/b"})
    sentry_sdk.add_breadcrumb(
        type="http",
        category="http",
        data={"url": "http://api.example.com/1", "method": "GET", "status_code": 500, "reason": "x"},
    )
    logging.getLogger("shop.cart").error("order %d of %s was lost", 4711, "user-42")


def attachment() -> None:
    init()
    with sentry_sdk.new_scope() as scope:
        scope.add_attachment(bytes=b"line one\nline two\r\n", filename="log.txt")
        scope.add_attachment(
            bytes=bytes(range(256)), filename="raw.bin", content_type="application/octet-stream"
        )
        sentry_sdk.capture_message("with attachments")


def nan() -> None:
    """Today's SDK writes text for these numbers; older ones wrote them bare."""
    init()
    sentry_sdk.capture_event(
        {
            "message": "not a number",
            "extra": {"rates": [float("nan"), float("inf"), float("-inf"), 1.5]},
            "measurements": {"lcp": {"value": float("nan"), "unit": "millisecond"}},
        }
    )


def transaction() -> None:
    init(traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(op="task", name="import orders", source="task") as root:
        root.set_tag("batch", "7")
        root.set_data("rows", 3)
        root.set_measurement("memory", 12.5, "megabyte")
        with sentry_sdk.start_span(op="db", name="SELECT * FROM orders") as span:
            span.set_data("db.system", "sqlite")
            with sentry_sdk.start_span(op="cache.get", name="order:4711") as inner:
                inner.set_status("not_found")
        with sentry_sdk.start_span(op="http.client", name="GET http://api.example.com/1") as span:
            span.set_http_status(500)
        root.set_status("ok")


def request() -> None:
    """Two requests through the WSGI layer: error, transactions, session aggregates."""
    init(auto_session_tracking=True, traces_sample_rate=1.0, send_default_pii=True)

    def shop(environ: dict[str, object], start_response: object) -> list[bytes]:
        if environ["PATH_INFO"] == "/fail":
            raise PaymentError("no money")
        start_response("200 OK", [("Content-Type", "text/plain")])  # type: ignore[operator]
        return [b"ok"]

    app = SentryWsgiMiddleware(shop)
    for path in ("/ok", "/fail"):
        body = b'{"item": "pen"}'
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "QUERY_STRING": "page=2&sort=a%20b",
            "SERVER_NAME": "shop.example.com",
            "SERVER_PORT": "80",
            "HTTP_HOST": "shop.example.com",
            "HTTP_USER_AGENT": "browser/1.0",
            "HTTP_COOKIE": "theme=dark; session=s-1",
            "HTTP_AUTHORIZATION": "Bearer token-1",
            "REMOTE_ADDR": "192.0.2.7",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
        }
        try:
            list(app(environ, lambda _status, _headers, _exc=None: lambda _data: None))
        except PaymentError:
            pass


def session() -> None:
    """An application session that sees a handled error and then ends."""
    init(auto_session_tracking=True)
    sentry_sdk.set_user({"id": "user-42"})
    sentry_sdk.start_session(session_mode="application")
    try:
        load_order(1)
    except KeyError:
        sentry_sdk.capture_exception()
    sentry_sdk.end_session()


def sessions() -> None:
    init(auto_session_tracking=True)
    for number in range(4):
        with sentry_sdk.isolation_scope() as scope:
            scope.start_session(session_mode="request")
            if number == 2:
                sentry_sdk.capture_message("x", level="error")
            if number == 3:
                scope._session.update(status="crashed")
            scope.end_session()


def checkin() -> None:
    init()
    number = crons.capture_checkin(
        monitor_slug="nightly", status="in_progress", monitor_config=MONITOR
    )
    crons.capture_checkin(
        monitor_slug="nightly",
        check_in_id=number,
        status="ok",
        duration=12.25,
        monitor_config=MONITOR,
    )


def logs() -> None:
    init(enable_logs=True)
    sentry_sdk.set_user({"id": "user-42"})
    logger.trace("very fine")
    logger.debug("fine")
    logger.info("order {order} saved in {ms} ms", order=4711, ms=2.5)
    logger.warning("stock is low", attributes={"item": "pen", "left": 2, "urgent": True})
    logger.error("order lost")
    logger.fatal("no disk left ☂")


def metric() -> None:
    init(enable_metrics=True)
    metrics.count("orders", 2, attributes={"region": "eu", "retry": False})
    metrics.gauge("queue.depth", 17, unit="item")
    metrics.distribution("order.time", 12.5, unit="millisecond", attributes={"n": 3})


def spans() -> None:
    """Streamed spans, the v2 container."""
    init(traces_sample_rate=1.0, trace_lifecycle="stream")
    with traces.start_span(name="import orders", attributes={"sentry.op": "task", "rows": 3}):
        with traces.start_span(name="SELECT * FROM orders", attributes={"sentry.op": "db"}):
            pass
        with traces.start_span(name="GET /1", attributes={"sentry.op": "http.client"}) as span:
            span.status = "error"


def profile() -> None:
    """A transaction with a sampled profile bound to it."""
    init(traces_sample_rate=1.0, profiles_sample_rate=1.0)
    with sentry_sdk.start_transaction(op="task", name="busy"):
        busy(0.12)


def profile_chunk() -> None:
    init(profile_session_sample_rate=1.0)
    sentry_sdk.profiler.start_profiler()
    busy(0.1)
    sentry_sdk.profiler.stop_profiler()
    busy(0.1)


def busy(seconds: float) -> int:
    """Keeps the profiler something to see."""
    until, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        rounds += 1
    return rounds


def client_report() -> None:
    init(send_client_reports=True, before_send=lambda _event, _hint: None, traces_sample_rate=0.0)
    sentry_sdk.capture_message("never sent")
    sentry_sdk.capture_message("never sent")
    with sentry_sdk.start_transaction(op="task", name="not sampled"):
        pass


def headers() -> None:
    """Prints the trace headers that outgoing requests would carry."""
    init(traces_sample_rate=1.0, org_id="7")
    with sentry_sdk.start_transaction(op="task", name="import orders, all", source="task"):
        print("sentry-trace:", sentry_sdk.get_traceparent())
        print("baggage:", sentry_sdk.get_baggage())
    init()
    print("sentry-trace:", sentry_sdk.get_traceparent())
    print("baggage:", sentry_sdk.get_baggage())


CASES = {
    "message": message,
    "exception": exception,
    "chained": chained,
    "group": group,
    "unhandled": unhandled,
    "breadcrumbs": breadcrumbs,
    "attachment": attachment,
    "nan": nan,
    "transaction": transaction,
    "request": request,
    "session": session,
    "sessions": sessions,
    "checkin": checkin,
    "logs": logs,
    "metrics": metric,
    "spans": spans,
    "profile": profile,
    "profile-chunk": profile_chunk,
    "client-report": client_report,
    "headers": headers,
}

if __name__ == "__main__":
    if sys.argv[1] == "--list":
        print("\n".join(CASES))
    else:
        CASES[sys.argv[1]]()
        sentry_sdk.flush(timeout=5)
