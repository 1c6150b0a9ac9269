"""A headless Chromium that is told what to do over a pipe (DevTools protocol), and that says what it asked the network for."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

CHROMIUM = os.environ.get("LANDFALL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
# The protocol goes over descriptors 3 (to the browser) and 4 (from it), each message ended by NUL.
_START = 'exec "$0" "$@" 3<&{read} 4>&{write}'
_OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe",
            "--no-first-run", "--hide-scrollbars")  # fmt: skip


class Browser:
    """One page. `requests`: the URLs that it asked for. `said`: what it wrote to its console or showed in a dialog."""

    def __init__(self, out: IO[bytes], inward: IO[bytes]) -> None:
        self._out, self._in, self._number = out, inward, 0
        self._session: str | None = None
        self.requests: list[str] = []
        self.said: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """The result of one command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while (got := self._next()).get("id") != self._number:
            self._note(got)
        assert "error" not in got, (method, got)
        return dict(got["result"])

    def open(self, path: Path, scheme: str, width: int = 1100) -> None:
        """Show a local file in the colour scheme `light` or `dark`, to the end of its loading."""
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.ask("Page.navigate", url=path.as_uri())
        while self._note(self._next()) != "Page.loadEventFired":
            pass

    def read(self, script: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, path: Path) -> None:
        """The whole page as PNG."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _next(self) -> dict[str, Any]:
        message = bytearray()
        while (byte := self._in.read(1)) != b"\0":
            assert byte, "the browser ended"
            message += byte
        return dict(json.loads(message))

    def _note(self, event: dict[str, Any]) -> str:
        method, params = str(event.get("method")), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method in ("Runtime.consoleAPICalled", "Page.javascriptDialogOpening"):
            self.said.append(json.dumps(params))
        return method


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a profile of its own, ended afterwards."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    start = _START.format(read=to_read, write=from_write)
    with TemporaryDirectory(prefix="landfall-browser-", ignore_cleanup_errors=True) as profile:
        command = ["bash", "-c", start, str(CHROMIUM), *_OPTIONS, f"--user-data-dir={profile}"]
        process = subprocess.Popen(command, pass_fds=(to_read, from_write), stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        try:
            with os.fdopen(to_write, "wb") as out, os.fdopen(from_read, "rb") as inward:
                yield Browser(out, inward)
        finally:
            process.terminate()
            process.wait(timeout=20)
