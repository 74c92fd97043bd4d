"""The neutral parsed form of an envelope, made by the official Python parser.

`{"header": {…}, "items": [{"header": {…}, "payload": …}]}`, where a payload is its JSON
where the item holds JSON, else `{"text": …}`, else `{"base64": …}`. As a program it reads
an envelope on stdin and writes the form to stdout. No code of this project is involved.
"""

from __future__ import annotations

import base64
import json
import sys

from sentry_sdk.envelope import Envelope, Item

BINARY = {"attachment", "replay_recording", "replay_video", "unreal_report"}


class RecordedItem(Item):
    """An item that remembers the header as sent: the parser adds a content type to it."""

    def __init__(self, payload: object, headers: dict[str, object], **rest: object) -> None:
        self.sent = dict(headers)
        super().__init__(payload, headers=headers, **rest)


class RecordedEnvelope(Envelope):
    """The official envelope reader, with items of the recording kind."""

    @classmethod
    def deserialize_from(cls, f: object) -> RecordedEnvelope:
        header = json.loads(f.readline())
        items = []
        while (item := RecordedItem.deserialize_from(f)) is not None:
            items.append(item)
        return cls(headers=header, items=items)


def parsed(body: bytes) -> dict[str, object]:
    """The envelope in the neutral form; the plain `Envelope.deserialize` must see the same."""
    envelope = RecordedEnvelope.deserialize(body)
    plain = Envelope.deserialize(body)
    payloads = [payload(item) for item in envelope.items]
    if envelope.headers != plain.headers or payloads != [payload(item) for item in plain.items]:
        raise ValueError("the recording reader and the plain one differ")
    items = [
        {"header": item.sent, "payload": content}
        for item, content in zip(envelope.items, payloads, strict=True)
    ]
    return {"header": envelope.headers, "items": items}


def payload(item: Item) -> object:
    """JSON where the item holds JSON, else text, else base64."""
    if item.payload.json is not None:
        return without_nan(item.payload.json)
    content = item.get_bytes()
    if item.type not in BINARY:
        try:
            return without_nan(json.loads(content))
        except ValueError:
            pass
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def without_nan(value: object) -> object:
    """JSON has no NaN and no infinity; the form says null."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_nan(inner) for inner in value]
    return value


if __name__ == "__main__":
    json.dump(parsed(sys.stdin.buffer.read()), sys.stdout, ensure_ascii=False)
