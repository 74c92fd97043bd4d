"""A local envelope sink: keeps every request body, decompressed, as one file.

Used as a library by `capture.py`. It answers like a server that accepts
everything, so that the SDK under observation behaves as in normal operation.
"""

from __future__ import annotations

import gzip
import http.server
import pathlib
import threading
import zlib


class Sink:
    """Runs the HTTP server on a free port and files bodies under the current case."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.case = "none"
        self.cases: dict[str, list[pathlib.Path]] = {}
        self.requests: list[dict[str, object]] = []
        self.lock = threading.Lock()
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = decompress(self.headers.get("Content-Encoding"), self.read_body())
                sink.keep(self.path, dict(self.headers), body)
                answer = b"{}"
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def read_body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", "0")))
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

            def log_message(self, *_args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def begin(self, case: str) -> None:
        """Files everything that arrives from now on under this name."""
        with self.lock:
            self.case = case
            self.cases[case] = []

    def keep(self, path: str, headers: dict[str, str], body: bytes) -> None:
        with self.lock:
            arrived = self.cases[self.case]
            file = self.folder / f"{self.case}.{len(arrived)}"
            file.write_bytes(body)
            arrived.append(file)
            self.requests.append({"path": path, "headers": headers})

    def close(self) -> None:
        """Stops the server."""
        self.server.shutdown()


def decompress(encoding: str | None, body: bytes) -> bytes:
    """Undoes a content encoding; one that is not known is an error, not a guess."""
    if encoding in (None, "", "identity"):
        return body
    if encoding in ("gzip", "x-gzip"):
        return gzip.decompress(body)
    if encoding == "deflate":
        return zlib.decompress(body)
    raise ValueError(f"content encoding {encoding} is not supported by the sink")
