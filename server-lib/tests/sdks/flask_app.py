"""A Flask program whose route fails; calls it once and prints what was sent, as JSON."""

from __future__ import annotations

import json
import os
from typing import Any

import flask
import sentry_sdk

sent: list[dict[str, Any]] = []


def remember(event: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
    """Notes what is about to be sent."""
    sent.append(event)
    return event


sentry_sdk.init(
    dsn=os.environ["SENTRY_DSN"],
    release="shop@1.2.3",
    before_send=remember,
    send_default_pii=True,
)
app = flask.Flask("shop")


@app.route("/orders/<int:number>", methods=["POST"])
def order(number: int) -> str:
    """Fails for every order."""
    articles: dict[int, str] = {}
    return articles[number]


def main() -> None:
    """Calls the route."""
    client = app.test_client()
    client.post(
        "/orders/17?coupon=WINTER",
        json={"quantity": 3, "credit_card": "4111111111111111"},
        headers={"Authorization": "Bearer s3cret-value", "X-Request-Id": "abc"},
        environ_base={"REMOTE_ADDR": "192.0.2.9"},
    )
    sentry_sdk.flush()
    print(json.dumps({"exception": sent[0]["event_id"]}))


if __name__ == "__main__":
    main()
