"""Checks envelopes against their expected form with the official Python parser.

    check.py DIR

For each `NAME.envelope` in DIR there is a `NAME.expected.json` in the form that
`parsed_form.py` describes. Headers and payloads must be equal, value by value. Only `length`
is not part of what is expected: every item must have one, and it must be the payload's.
"""

from __future__ import annotations

import json
import pathlib
import sys

from parsed_form import parsed


def differences(expected: object, found: object, path: str = "") -> list[str]:
    """One line per place where the two values differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        lines = []
        for key in sorted(expected.keys() | found.keys()):
            inner = f"{path}.{key}" if path else key
            if key not in found:
                lines.append(f"{inner}: missing, expected {short(expected[key])}")
            elif key not in expected:
                lines.append(f"{inner}: not expected, found {short(found[key])}")
            else:
                lines += differences(expected[key], found[key], inner)
        return lines
    if isinstance(expected, list) and isinstance(found, list):
        lines = []
        if len(expected) != len(found):
            lines.append(f"{path}: expected {len(expected)} entries, found {len(found)}")
        for index, (left, right) in enumerate(zip(expected, found)):
            lines += differences(left, right, f"{path}.{index}")
        return lines
    # In Python True equals 1; in JSON it does not.
    if expected == found and isinstance(expected, bool) == isinstance(found, bool):
        return []
    return [f"{path}: expected {short(expected)}, found {short(found)}"]


def short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"


def wrong_lengths(body: bytes) -> list[str]:
    """One line per item whose payload does not end where its length says.

    The parser is content with a length that takes in the line feed behind the payload.
    """
    lines = []
    at = body.index(b"\n") + 1
    while at < len(body) and not lines:
        payload = body.index(b"\n", at) + 1
        length = json.loads(body[at:payload]).get("length")
        if type(length) is not int or length <= 0:
            lines.append(f"the item at byte {at} has the length {short(length)}")
        elif body[payload + length : payload + length + 1] != b"\n":
            lines.append(f"the item at byte {at} is not {length} bytes long")
        else:
            at = payload + length + 1
    return lines


def without_lengths(form: dict[str, object]) -> dict[str, object]:
    for item in form["items"]:
        item["header"].pop("length", None)
    return form


def check(envelope: pathlib.Path) -> list[str]:
    """What is wrong with one envelope; empty when nothing is."""
    expected = envelope.with_suffix(".expected.json")
    try:
        wanted = json.loads(expected.read_text(encoding="utf-8"))
        body = envelope.read_bytes()
        found = without_lengths(parsed(body))
        return wrong_lengths(body) + differences(wanted, found)
    except Exception as error:  # whatever the parser throws is a finding about this file
        return [f"{type(error).__name__}: {error}"]


def main(folder: pathlib.Path) -> int:
    envelopes = sorted(folder.glob("*.envelope"))
    names = {envelope.stem for envelope in envelopes}
    passed = failed = 0
    for envelope in envelopes:
        lines = check(envelope)
        if not lines:
            passed += 1
        else:
            failed += 1
            print(f"{envelope.name}:", *lines, sep="\n  ")
    for expected in sorted(folder.glob("*.expected.json")):
        if expected.name.removesuffix(".expected.json") not in names:
            failed += 1
            print(f"{expected.name}: has no envelope")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not envelopes else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: check.py DIR")
    sys.exit(main(pathlib.Path(sys.argv[1])))
