"""A process that loads files as `landfall load` does, with its engine running already, and that a fault may end."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg2
from sqlalchemy import make_url

from pipeline.load import embedded
from pipeline.load.connect import Destination
from tests.faults import steps
from tests.faults.steps import Step, Steps, Strike
from tests.proxy import Proxy, proxied

# One clean process imports what the workers need, and each worker is a fork of it.
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.worker", "pipeline.loading", "pipeline.partition"])
PATIENCE = 90.0  # seconds for one load
ACTING = 0.1  # seconds in which the server is done with any statement on a few rows


@dataclass(frozen=True)
class Order:
    """Load `sources` (paths) or `objects` (JSON, as the trigger passes them) by `contract` into the database `url`.

    `strike`: what befalls the load; `server`: the directory of the embedded server, should it befall the server.
    `environment`: further variables. `work`: where temporary files go.
    """

    sources: tuple[str, ...]
    contract: Path
    url: str
    server: Path = Path()
    strike: Strike | None = None
    objects: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    work: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of an order. `code`: the exit code, None when the process was killed. `receipts`: as printed, by
    source object. `steps`: names of the steps; `struck`: that of the one struck, if the load came so far."""

    code: int | None
    receipts: tuple[dict[str, Any], ...] = ()
    steps: tuple[str, ...] = ()
    struck: str | None = None
    errors: str = ""

    @property
    def statuses(self) -> tuple[str, ...]:
        return tuple(receipt["status"] for receipt in self.receipts)

    @property
    def acknowledged(self) -> bool:
        """Whether the load of one object said that its rows are there."""
        return self.statuses == ("loaded",)


class Worker:
    """A process and the pipe to it."""

    def __init__(self) -> None:
        self._pipe, far = FORKS.Pipe()
        self._process = FORKS.Process(target=_work, args=(far,), daemon=True)
        self._process.start()
        far.close()

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def begin(self, order: Order) -> None:
        """Hand the order over, without waiting for what becomes of it."""
        self._pipe.send(order)

    def end(self) -> Outcome:
        """What became of the order. Raises TimeoutError if nothing has after PATIENCE."""
        while True:
            if not self._pipe.poll(PATIENCE):
                os.kill(self.pid, signal.SIGUSR1)  # shows on stderr where it hangs
                raise TimeoutError("a load neither ends nor dies")
            try:
                found: Outcome | Path = self._pipe.recv()
            except (EOFError, ConnectionResetError):
                self._process.join()
                return Outcome(None)
            if isinstance(found, Outcome):
                return found
            crash(found)
            self._pipe.send("crashed")

    def load(self, order: Order) -> Outcome:
        """Obey, to the end of the load or of the process."""
        self.begin(order)
        return self.end()

    def load_until(self, order: Order, seconds: float) -> Outcome:
        """Obey, unless the process is killed (SIGKILL) before it is done, `seconds` from now."""
        self.begin(order)
        if not self._pipe.poll(seconds):
            self._process.kill()
        return self.end()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _work(pipe: Pipe) -> None:
    import pipeline.session
    from pipeline.session import engine_session

    faulthandler.register(signal.SIGUSR1)
    steps.install()
    with engine_session("sail", 1) as session:

        @contextlib.contextmanager
        def warm(*_: object) -> Iterator[Any]:
            yield session

        pipeline.session.engine_session = warm  # type: ignore[assignment]
        with contextlib.suppress(EOFError):
            while True:
                pipe.send(_obey(pipe.recv(), pipe))


def _obey(order: Order, pipe: Pipe) -> Outcome:
    destination = Destination(make_url(order.url))
    os.environ.update(dict(order.environment))
    with contextlib.ExitStack() as stack:
        proxy = None
        if order.strike and order.strike.fault == "reset":
            proxy, destination = stack.enter_context(proxied(destination))
        befalling = _Befalling(order, proxy, pipe)
        counted = Steps(order.strike, befalling.befall, befalling.settle)
        steps.watch(counted)
        stack.callback(steps.watch, None)
        code, printed, errors = _loaded(order, destination)
        receipts = tuple(map(json.loads, printed.splitlines()))
        return Outcome(code, receipts, tuple(counted.seen), counted.struck, errors)


def _loaded(order: Order, destination: Destination) -> tuple[int, str, str]:
    from pipeline.errors import LandfallError
    from pipeline.loading import load_all
    from pipeline.settings import Settings

    settings = Settings(
        contracts=str(order.contract),
        database_url=destination.url,
        database_wait=60,
        streams=1,
        work_dir=order.work,
    )
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = load_all(order.sources, order.objects, settings, as_json=True, quiet=True)
        except LandfallError as error:  # as the command line does
            code = error.exit_code
            err.write(str(error))
    return code, out.getvalue(), err.getvalue()


class _Befalling:
    """How each fault is done, in the process of the load itself and at the very step."""

    def __init__(self, order: Order, proxy: Proxy | None, pipe: Pipe) -> None:
        self._order = order
        self._proxy = proxy
        self._pipe = pipe

    def befall(self, strike: Strike, step: Step) -> None:
        """The step's session or process, or the whole server, does not live to see what comes next."""
        if strike.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif strike.fault == "term":
            os.kill(os.getpid(), signal.SIGTERM)
        elif strike.fault == "terminate":
            self._terminate(step.session.info.backend_pid)
        elif strike.fault == "stop":
            self._pipe.send(self._order.server)  # not from here: gRPC does not like its process to fork
            self._pipe.recv()
        elif self._proxy is not None:
            self._proxy.deliver, self._proxy.acting = strike.moment == "after", ACTING
            self._proxy.cut_at = step.text[:200]

    def settle(self) -> None:
        """The step is over: what else has the same text passes."""
        if self._proxy is not None:
            self._proxy.cut_at = None

    def _terminate(self, backend: int) -> None:
        conn = steps.unwatched(self._order.url)
        conn.autocommit = True
        with conn.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", (backend,))
        conn.close()


def crash(directory: Path) -> None:
    """The server of `directory` stops at once, without a checkpoint, and recovers."""
    server = embedded._package().get_server(directory, cleanup_mode=None, start=False)
    arguments = ("-w", "-m", "immediate", "-D", str(directory.resolve()), "stop")
    embedded._pgexec()("pg_ctl", arguments, server.bin_path, user=server.system_user)
    with mock.patch.object(psycopg2, "connect", steps.unwatched):
        embedded.start(directory, database="postgres")
