"""Removes traces of the capturing machine from an envelope and re-frames it.

Works on the bytes, so that everything else stays exactly as the SDK wrote it
(order of keys, spacing, form of numbers); only `length` headers are rewritten.
"""

from __future__ import annotations

import json
import re

Rule = tuple[re.Pattern[bytes], bytes]
LENGTH = re.compile(rb'("length"\s*:\s*)\d+')


def rules(paths: dict[str, str], words: dict[str, str]) -> list[Rule]:
    """Patterns for the given path prefixes (longest first) and whole words (host, kernel)."""
    found: list[Rule] = [
        (re.compile(re.escape(prefix.encode())), neutral.encode())
        for prefix, neutral in sorted(paths.items(), key=lambda pair: -len(pair[0]))
    ]
    # Crates are unpacked below a folder that is named after the registry.
    found.append((re.compile(rb"/registry/src/[^/\"]+/"), b"/registry/src/crates/"))
    for word, neutral in words.items():
        text = re.escape(word.encode())
        found.append((re.compile(rb"(?<![\w.-])" + text + rb"(?![\w.-])"), neutral.encode()))
    return found


def split(body: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Cuts an envelope into its header line and (item header line, payload) pairs."""
    head, _, rest = body.partition(b"\n")
    items = []
    while rest.strip(b"\n"):
        line, _, rest = rest.partition(b"\n")
        length = json.loads(line).get("length")
        if length is None:
            payload, _, rest = rest.partition(b"\n")
        else:
            payload, rest = rest[:length], rest[length:]
            if rest[:1] not in (b"", b"\n"):
                raise ValueError("payload is not followed by a line feed")
            rest = rest[1:]
        items.append((line, payload))
    return head, items


def sanitise(body: bytes, found: list[Rule]) -> bytes:
    """The envelope with every rule applied and with right lengths."""
    head, items = split(body)
    parts = [apply(head, found)]
    for line, payload in items:
        payload = apply(payload, found)
        length = str(len(payload)).encode()
        parts.append(LENGTH.sub(rb"\g<1>" + length, apply(line, found)))
        parts.append(payload)
    end = b"\n" if body.endswith(b"\n") else b""
    return b"\n".join(parts) + end


def apply(text: bytes, found: list[Rule]) -> bytes:
    for pattern, neutral in found:
        text = pattern.sub(neutral, text)
    return text
