"""Sends one of everything with sentry-sdk and prints what it sent, as JSON."""

from __future__ import annotations

import json
import os

import sentry_sdk
from sentry_sdk.crons import capture_checkin
from sentry_sdk.crons.consts import MonitorStatus


def divide(dividend: int, divisor: int) -> float:
    """Fails for a divisor of zero."""
    password = "hunter2"
    return dividend / divisor + len(password) * 0


def chained() -> str | None:
    """Captures an exception with a cause."""
    try:
        try:
            divide(1, 0)
        except ZeroDivisionError as error:
            raise ValueError("no ratio for order 4711") from error
    except ValueError as error:
        return sentry_sdk.capture_exception(error)
    return None


def main() -> None:
    """Captures and prints."""
    sentry_sdk.init(
        dsn=os.environ["SENTRY_DSN"],
        release="shop@1.2.3",
        environment="staging",
        server_name="web-7",
        traces_sample_rate=1.0,
        enable_logs=True,
    )
    ids: dict[str, str | None] = {}
    with sentry_sdk.isolation_scope() as scope:
        scope.set_tag("shard", "eu-3")
        scope.set_user({"id": "42", "email": "a@example.com", "ip_address": "192.0.2.7"})
        scope.set_context("order", {"number": 4711, "open": True})
        scope.set_extra("attempt", 3)
        sentry_sdk.add_breadcrumb(category="cart", message="opened the cart", level="info")
        sentry_sdk.add_breadcrumb(category="query", message="SELECT 1", data={"rows": 1})
        ids["exception"] = chained()
    with sentry_sdk.isolation_scope() as scope:
        scope.add_attachment(bytes=b"line one\nline two\n", filename="shop.log")
        ids["message"] = sentry_sdk.capture_message("stock of article 12 is low", level="warning")
    with sentry_sdk.isolation_scope() as scope:
        scope.fingerprint = ["payment", "timeout"]
        ids["fingerprint"] = sentry_sdk.capture_message("payment 8 timed out", level="error")
        ids["same_fingerprint"] = sentry_sdk.capture_message("payment of 9 EUR late", level="error")
    with sentry_sdk.start_transaction(op="task", name="nightly import") as transaction:
        with sentry_sdk.start_span(op="db.query", name="SELECT 2"):
            pass
        ids["trace"] = transaction.trace_id
    ids["check_in"] = capture_checkin(monitor_slug="nightly", status=MonitorStatus.OK)
    sentry_sdk.logger.info("imported {count} rows", count=12)
    sentry_sdk.flush()
    print(json.dumps(ids))


if __name__ == "__main__":
    main()
