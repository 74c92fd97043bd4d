"""Captures what the three official SDKs send, and writes the golden vectors.

    capture.py all                 # build, run, sanitise, parse
    capture.py parse NAME...       # only (re)make the parsed form of some envelopes

Run it with the Python that has `python/requirements.txt` installed, after `npm ci`
in `node/` and in `../../tests/interop/`. Not part of the test suite: a capture is made by hand and reviewed.
"""

from __future__ import annotations

import json
import os
import pathlib
import socket
import subprocess
import sys
import sysconfig
import tempfile

from sanitise import rules, sanitise, split
from sink import Sink

HERE = pathlib.Path(__file__).resolve().parent
INTEROP = HERE.parent.parent / "tests" / "interop"
sys.path.insert(0, str(INTEROP))

import parsed_form  # noqa: E402  (its folder is not a package)

VECTORS = HERE.parent / "envelopes" / "ok"

# Where the two parsers cannot agree, with the reason: here the Python one is believed.
ONE_PARSER = {
    "doc-nan": "JSON.parse refuses NaN; the expected form has null",
    "doc-empty-payload": "parseEnvelope reads a length of 0 as a missing length",
    "doc-empty-payload-at-end": "parseEnvelope reads a length of 0 as a missing length",
    "doc-empty-payload-no-newline": "parseEnvelope reads a length of 0 as a missing length",
    "doc-missing-length-text": "parseEnvelope reads a payload without length as JSON only",
    "doc-missing-length-empty": "parseEnvelope reads a payload without length as JSON only",
    "doc-trailing-blank-lines": "parseEnvelope reads a blank line as an item header",
}


def sdks(work: pathlib.Path) -> dict[str, list[str]]:
    """The command per SDK; the Rust program is built into the work folder."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", work / "target"))
    manifest = HERE / "rust" / "Cargo.toml"
    subprocess.run(
        ["cargo", "build", "--locked", "--manifest-path", manifest, "--target-dir", target],
        check=True,
    )
    return {
        "python": [sys.executable, str(HERE / "python" / "app.py")],
        "node": ["node", str(HERE / "node" / "app.cjs")],
        "rust": [str(target / "debug" / "capture-rust")],
    }


def machine(work: pathlib.Path) -> dict[str, str]:
    """Path prefixes of this machine and what to write in their place."""
    return {
        str(HERE): "/app",
        str(work): "/app/work",
        sysconfig.get_paths()["purelib"]: "/app/site-packages",
        sysconfig.get_paths()["stdlib"]: "/usr/lib/python3",
        sys.prefix: "/app/venv",
        sys.base_prefix: "/usr",
        os.environ.get("CARGO_TARGET_DIR", str(work / "target")): "/app/target",
        os.environ.get("CARGO_HOME", str(pathlib.Path.home() / ".cargo")): "/app/.cargo",
        str(pathlib.Path.home()): "/home/app",
    }


def capture() -> None:
    """Runs every case of every SDK against a sink and stores the sanitised bodies."""
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        raw = work / "raw"
        raw.mkdir()
        sink = Sink(raw)
        key = "0123456789abcdef0123456789abcdef"
        environment = {
            name: text
            for name, text in os.environ.items()
            if not name.upper().endswith("_PROXY") and not name.startswith("SENTRY_")
        } | {"SENTRY_DSN": f"http://{key}@127.0.0.1:{sink.port}/42", "TZ": "UTC", "LANG": "C.UTF-8"}
        printed = {}
        for sdk, command in sdks(work).items():
            listed = subprocess.run([*command, "--list"], check=True, capture_output=True, text=True)
            for case in listed.stdout.split():
                sink.begin(f"{sdk}-{case}")
                done = subprocess.run(
                    [*command, case], env=environment, cwd=HERE, capture_output=True, text=True, timeout=90
                )
                if done.returncode not in (0, 1, 101) or (not sink.cases[f"{sdk}-{case}"] and case != "headers"):
                    raise SystemExit(f"{sdk} {case}: exit {done.returncode}\n{done.stderr}")
                if case == "headers":
                    printed[sdk] = done.stdout.splitlines()
        sink.close()
        found = rules(machine(work), {socket.gethostname(): "host-1", os.uname().release: "6.1.0"})
        for old in VECTORS.glob("*"):
            if old.name.split("-")[0] in ("python", "node", "rust"):
                old.unlink()
        for case, arrived in sink.cases.items():
            if case.endswith("-headers"):
                continue
            for name, path in named(case, arrived).items():
                (VECTORS / f"{name}.envelope").write_bytes(sanitise(path.read_bytes(), found))
                write_parsed(name)
        report(printed, sink)


def named(case: str, arrived: list[pathlib.Path]) -> dict[str, pathlib.Path]:
    """Names for the envelopes of one case: by the first item's type where there are several."""
    names: dict[str, pathlib.Path] = {}
    for path in arrived:
        kind = json.loads(split(path.read_bytes())[1][0][0])["type"].replace("_", "-")
        same = kind.replace("-", "") == case.split("-", 1)[1].replace("-", "")
        name = case if same or len(arrived) == 1 else f"{case}-{kind}"
        number = 1
        while (free := name if number == 1 else f"{name}-{number}") in names:
            number += 1
        names[free] = path
    return names


def report(printed: dict[str, list[str]], sink: Sink) -> None:
    """Prints request heads and trace headers, from which auth.json and traces.json are written."""
    for sdk, lines in printed.items():
        print(f"{sdk} trace headers:", *lines, sep="\n  ")
    seen = set()
    for request in sink.requests:
        headers = {k.lower(): v for k, v in request["headers"].items()}  # type: ignore[attr-defined]
        kept = ("x-sentry-auth", "authorization", "content-type", "content-encoding", "user-agent")
        line = json.dumps([request["path"], {name: headers[name] for name in kept if name in headers}])
        if line not in seen:
            seen.add(line)
            print(line)


def write_parsed(name: str) -> None:
    """Writes NAME.json from the official parsers, which must agree."""
    body = (VECTORS / f"{name}.envelope").read_bytes()
    form = parsed_form.parsed(body)
    other = subprocess.run(["node", INTEROP / "parsed-form.mjs"], input=body, capture_output=True)
    agree = other.returncode == 0 and json.loads(other.stdout) == form
    if agree == (name in ONE_PARSER):
        raise SystemExit(f"{name}: the parsers {'agree' if agree else 'differ'}\n{other.stderr.decode()}")
    text = json.dumps(form, ensure_ascii=False, indent=1, allow_nan=False)
    (VECTORS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["all"]:
        VECTORS.mkdir(parents=True, exist_ok=True)
        capture()
    elif sys.argv[1:2] == ["parse"]:
        for vector in sys.argv[2:]:
            write_parsed(vector)
    else:
        raise SystemExit(__doc__)
