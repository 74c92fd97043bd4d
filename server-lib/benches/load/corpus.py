"""Writes events as sentry-sdk sends them, one JSON document a line.

Usage: corpus.py FILE [--shapes]

Without --shapes: 200 places that fail, 20 events of each, about 17 KB of JSON an event. With it:
events of ten different shapes, from a bare message to a chain of exceptions with a request.
"""

from __future__ import annotations

import importlib
import json
import logging
import random
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

PLACES = 200
VARIANTS = 20
LAYERS = ["views", "forms", "services", "models", "storage", "queries", "pricing", "shipping"]
DEPTH = 10
ERRORS = ["ValueError", "KeyError", "RuntimeError", "LookupError"]


class Keep(Transport):
    """Keeps envelopes instead of sending them."""

    def __init__(self) -> None:
        super().__init__({})
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        if event is not None:
            self.events.append(event)


def write_modules(folder: Path, dice: random.Random) -> None:
    """Writes a package whose modules call each other, ending in places that fail."""
    words = "order invoice parcel basket voucher account ledger supplier label route".split()
    package = folder / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for index, layer in enumerate(LAYERS):
        lines = ["import importlib", "import uuid", ""]
        for place in range(PLACES):
            word = words[(place + index) % len(words)]
            after = LAYERS[(index + 1) % len(LAYERS)]
            lines += [
                f"def load_{word}_{place}(depth, customer, payload):",
                f"    # {layer} hand the {word} on to {after} after a look at its state",
                f"    reference = f'{word}-{{customer}}-{{uuid.uuid4()}}'",
                f"    options = {{'{word}': payload.get('{word}'), 'try': {dice.randint(0, 9)}}}",
                "    state = {'open': True, 'reference': reference, 'depth': depth}",
                "    if depth == 0:",
                f"        limit = len(payload) - {dice.randint(5, 50)}",
                f"        raise {dice.choice(ERRORS)}(",
                f"            f'{word} {{reference}} cannot be read: limit {{limit}}'",
                "        )",
                f"    following = importlib.import_module('shop.{after}')",
                "    total = sum(len(str(value)) for value in payload.values())",
                f"    return following.load_{words[(place + index + 1) % len(words)]}_{place}("
                if index + 1 < len(LAYERS)
                else f"    return following.load_{words[place % len(words)]}_{place}(",
                "        depth - 1, customer, payload",
                "    )",
                "",
                "",
            ]
        (package / f"{layer}.py").write_text("\n".join(lines))


def breadcrumbs(dice: random.Random) -> None:
    """Leaves what a web program leaves before it fails."""
    for _ in range(12):
        order = dice.randint(10_000, 99_999)
        kind = dice.choice(["query", "httplib", "navigation"])
        sentry_sdk.add_breadcrumb(
            type="http" if kind == "httplib" else "default",
            category=kind,
            message=f"SELECT * FROM orders WHERE id = {order} AND state = 'open'",
            data={"duration_ms": dice.randint(1, 400), "order": order},
        )


def fail(place: int, dice: random.Random) -> BaseException:
    """Runs into the error of a place."""
    module = importlib.import_module("shop.views")
    words = "order invoice parcel basket voucher account ledger supplier label route".split()
    payload = {word: str(uuid.UUID(int=dice.getrandbits(128))) for word in words[:5]}
    try:
        getattr(module, f"load_{words[place % len(words)]}_{place}")(
            DEPTH, dice.randint(1, 100_000), payload
        )
    except Exception as error:
        return error
    raise AssertionError("the place did not fail")


def many(dice: random.Random) -> None:
    """Captures every variant of every place."""
    for _ in range(VARIANTS):
        for place in range(PLACES):
            with sentry_sdk.isolation_scope() as scope:
                breadcrumbs(dice)
                scope.set_user({"id": str(dice.randint(1, 5_000))})
                scope.set_tag("shard", str(dice.randint(1, 16)))
                scope.set_context("job", {"id": dice.getrandbits(40), "attempt": 1})
                sentry_sdk.capture_exception(fail(place, dice))


def shapes(dice: random.Random) -> None:
    """Captures ten different shapes, some variants of each."""
    log = logging.getLogger("shop.audit")
    log.addHandler(logging.NullHandler())
    for number in range(VARIANTS * 10):
        with sentry_sdk.isolation_scope() as scope:
            sentry_sdk.capture_message(f"stock of article {number} is low", level="warning")
        with sentry_sdk.isolation_scope() as scope:
            breadcrumbs(dice)
            sentry_sdk.capture_message(f"import {number} finished late")
        with sentry_sdk.isolation_scope() as scope:
            sentry_sdk.capture_exception(fail(number % 7, dice))
        with sentry_sdk.isolation_scope() as scope:
            try:
                raise RuntimeError(f"batch {number} failed") from fail(7 + number % 5, dice)
            except RuntimeError as error:
                sentry_sdk.capture_exception(error)
        with sentry_sdk.isolation_scope() as scope:
            log.error("order %s of customer %s refused", number, dice.randint(1, 900))
        with sentry_sdk.isolation_scope() as scope:
            scope.set_user({"id": str(number), "username": f"user-{number}"})
            for tag in range(20):
                scope.set_tag(f"tag-{tag}", str(dice.randint(0, 99)))
            sentry_sdk.capture_exception(ValueError(f"field {number} is missing"))
        with sentry_sdk.isolation_scope() as scope:
            sentry_sdk.capture_event(
                {
                    "platform": "javascript",
                    "exception": {
                        "values": [
                            {
                                "type": "TypeError",
                                "value": "undefined is not a function",
                                "stacktrace": {
                                    "frames": [
                                        {
                                            "filename": f"https://shop.example.com/assets/{file}.js",
                                            "function": dice.choice("abcdefgh"),
                                            "lineno": 1,
                                            "colno": dice.randint(1, 90_000),
                                        }
                                        for file in ["vendor", "vendor", "app", "app", "cart"]
                                    ]
                                },
                            }
                        ]
                    },
                    "request": {"url": f"https://shop.example.com/cart/{number}"},
                }
            )
        with sentry_sdk.isolation_scope() as scope:
            sentry_sdk.capture_exception(
                ExceptionGroup(  # noqa: F821
                    f"{number} tasks", [fail(20, dice), ValueError("no such task")]
                )
            )
        with sentry_sdk.isolation_scope() as scope:
            scope.set_extra("rows", [[dice.random() for _ in range(8)] for _ in range(40)])
            sentry_sdk.capture_exception(fail(40 + number % 3, dice))
        with sentry_sdk.isolation_scope() as scope:
            sentry_sdk.capture_event(
                {
                    "logger": "csp",
                    "message": f"Blocked 'script' from 'cdn-{number % 9}.example.com'",
                    "request": {
                        "url": f"https://shop.example.com/page/{number}",
                        "method": "POST",
                        "headers": {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"},
                        "data": {"lines": [f"line {line} of {number}" for line in range(60)]},
                    },
                }
            )


def main() -> None:
    """Captures and writes."""
    target = Path(sys.argv[1])
    dice = random.Random(20)
    keep = Keep()
    with tempfile.TemporaryDirectory(prefix="shop-") as name:
        folder = Path(name)
        write_modules(folder, dice)
        sys.path.insert(0, name)
        sentry_sdk.init(
            dsn="http://0123456789abcdef0123456789abcdef@localhost/1",
            transport=keep,
            release="shop@2.4.1",
            environment="production",
            server_name="web-1",
            project_root=name,
            auto_session_tracking=False,
        )
        (shapes if "--shapes" in sys.argv else many)(dice)
        sentry_sdk.flush()
    with target.open("w") as lines:
        for event in keep.events:
            lines.write(json.dumps(event, separators=(",", ":"), default=str) + "\n")
    sizes = [len(line) for line in target.open()]
    print(f"{len(sizes)} events, {sum(sizes) // len(sizes)} bytes on average")


if __name__ == "__main__":
    main()
