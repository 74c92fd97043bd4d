"""Lets generated requests name what the server has.

`MINI_SENTRY_NAMES` is a JSON object: names of parameters, each with a list of values. A parameter
then is one of these, or any text.
"""

from __future__ import annotations

import json
import os
from typing import Any

import schemathesis

NAMES = json.loads(os.environ.get("MINI_SENTRY_NAMES", "{}"))


@schemathesis.hook
def before_load_schema(_context: object, raw_schema: dict[str, Any]) -> None:
    """Puts the names into the document before requests are made of it."""
    for path in raw_schema["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                known = NAMES.get(parameter["name"])
                if known:
                    parameter["schema"] = {"anyOf": [{"enum": known}, {"type": "string"}]}


@schemathesis.serializer(
    "application/csp-report", "application/reports+json", "application/x-sentry-envelope"
)
def write_body(_context: object, value: object) -> bytes:
    """Sends texts as they are and everything else as JSON."""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()
