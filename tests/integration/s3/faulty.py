"""A small S3 with one object that misbehaves as told: bodies that break off, bursts of 503, wrong bytes, no rights."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]+)")
_ERROR = '<?xml version="1.0"?><Error><Code>{}</Code><Message>{}</Message></Error>'


class FaultyS3:
    """Serves `content` under any bucket and key. Each fault strikes as many requests as its number says, then no more.

    `busy`: 503. `broken`: GET bodies that end halfway. `flipped`: GET bodies with a wrong first byte. `replaced`:
    number of the GET before which the object is overwritten. `refusal`: (status, code, message) for every request.
    `pause`: seconds before each 64 kB of a body.
    """

    def __init__(self, content: bytes = b"") -> None:
        self.content = content
        self.headers: dict[str, str] = {}
        self.plain_etag = True
        self.busy = self.broken = self.flipped = 0
        self.replaced: tuple[int, bytes] | None = None
        self.refusal: tuple[int, str, str] | None = None
        self.ignores_ranges = False
        self.pause = 0.0
        self.requests: Counter[str] = Counter()
        self.lock = threading.Lock()
        owner = self

        class Handler(_Handler):
            server_of = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FaultyS3:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def content(self) -> bytes:
        return self._content

    @content.setter
    def content(self, content: bytes) -> None:
        self._content, self._md5 = content, hashlib.md5(content).hexdigest()

    @property
    def etag(self) -> str:
        return f'"{self._md5}"' if self.plain_etag else f'"{self._md5[::-1]}"'

    def strikes(self, fault: str) -> bool:
        """Whether the fault is due, once less from now on."""
        with self.lock:
            left = getattr(self, fault)
            setattr(self, fault, max(0, left - 1))
            return bool(left > 0)

    def count(self, method: str) -> None:
        with self.lock:
            self.requests[method] += 1
            if self.replaced and method == "GET" and self.requests["GET"] == self.replaced[0]:
                self.content = self.replaced[1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of: FaultyS3

    def do_HEAD(self) -> None:
        s3 = self.server_of
        s3.count("HEAD")
        if self._refused():
            return
        self._start(200, len(s3.content), s3.headers)

    def do_GET(self) -> None:
        s3 = self.server_of
        s3.count("GET")
        if self._refused():
            return
        if self.headers.get("If-Match", s3.etag) != s3.etag:
            self._error(412, "PreconditionFailed", "overwritten")
            return
        asked = _RANGE.fullmatch(self.headers.get("Range", "")) if not s3.ignores_ranges else None
        first, last = (int(asked[1]), int(asked[2])) if asked else (0, len(s3.content) - 1)
        body = s3.content[first : last + 1]
        if s3.strikes("flipped"):
            body = bytes([body[0] ^ 1]) + body[1:]
        extra = {"Content-Range": f"bytes {first}-{last}/{len(s3.content)}"} if asked else {}
        self._start(206 if asked else 200, len(body), extra)
        if s3.strikes("broken"):
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            self.connection.close()
            return
        for start in range(0, len(body), 1 << 16 if s3.pause else len(body)):
            time.sleep(s3.pause)
            self.wfile.write(body[start : start + (1 << 16 if s3.pause else len(body))])

    def _refused(self) -> bool:
        s3 = self.server_of
        if s3.refusal:
            self._error(*s3.refusal)
        elif s3.strikes("busy"):
            self._error(503, "SlowDown", "Please reduce your request rate.")
        else:
            return False
        return True

    def _error(self, status: int, code: str, message: str) -> None:
        body = _ERROR.format(code, message).encode() if self.command != "HEAD" else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _start(self, status: int, length: int, extra: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("ETag", self.server_of.etag)
        self.send_header("Content-Length", str(length))
        for name, value in extra.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests' output is the tests'."""
