"""What an engine is told before it starts; no engine is started here."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline import session
from pipeline.errors import UsageError


class Conf(dict[str, str]):
    def set(self, name: str, value: str) -> None:
        self[name] = value


class Session:
    version = "4.2.1"

    def __init__(self) -> None:
        self.conf, self.stopped = Conf(), False
        self.client = SimpleNamespace(
            set_retry_policies=lambda policies: None, disable_reattachable_execute=lambda: None
        )

    def stop(self) -> None:
        self.stopped = True


class Builder:
    """Stands for SparkSession.builder: keeps what it is told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.told: dict[str, Any] = {}
        self.made, self.failure = Session(), failure

    def remote(self, url: str) -> Builder:
        self.told["remote"] = url
        return self

    def master(self, master: str) -> Builder:
        self.told["master"] = master
        return self

    def appName(self, name: str) -> Builder:  # noqa: N802 - PySpark's name
        self.told["name"] = name
        return self

    def config(self, name: str, value: str) -> Builder:
        self.told[name] = value
        return self

    def getOrCreate(self) -> Session:  # noqa: N802 - PySpark's name
        if self.failure:
            raise self.failure
        return self.made


class Server:
    """Stands for Sail's server."""

    started: list[Server] = []  # noqa: RUF012

    def __init__(self, host: str, port: int) -> None:
        self.listening_address, self.running = (host, 4711), False
        Server.started.append(self)

    def start(self, background: bool) -> None:
        self.running = background

    def stop(self) -> None:
        self.running = False


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> Builder:
    made = Builder()
    monkeypatch.setattr(session, "SparkSession", SimpleNamespace(builder=made))
    monkeypatch.setitem(sys.modules, "pysail.spark", SimpleNamespace(SparkConnectServer=Server))
    for name in (
        "SAIL_EXECUTION__DEFAULT_PARALLELISM",
        "SAIL_EXECUTION__BATCH_SIZE",
        "PYSPARK_PYTHON",
        "RUST_LOG",
        "MIMALLOC_ALLOW_THP",
        "MIMALLOC_PURGE_DELAY",
    ):
        monkeypatch.setenv(name, "before")
        monkeypatch.delenv(name)
    return made


def test_sail_runs_in_this_process_and_ends_with_its_session(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    with session.engine_session("sail", 3) as opened:
        assert opened is builder.made  # type: ignore[comparison-overlap]
        assert session.os.environ["SAIL_EXECUTION__DEFAULT_PARALLELISM"] == "3"
        assert builder.told == {"remote": "sc://127.0.0.1:4711"}
        assert Server.started[-1].running
    assert builder.made.stopped
    assert not Server.started[-1].running


def test_both_engines_mean_the_same_by_times_and_bad_values(builder: Builder) -> None:
    for engine in ("sail", "spark"):
        with session.engine_session(engine, 1):  # type: ignore[arg-type]
            assert builder.made.conf.items() >= {
                ("spark.sql.session.timeZone", "UTC"),
                ("spark.sql.ansi.enabled", "false"),
            }


def test_spark_is_local_unless_a_master_is_named(builder: Builder) -> None:
    with session.engine_session("spark", 5):
        assert builder.told["master"] == "local[5]"
        assert session.os.environ["PYSPARK_PYTHON"] == sys.executable
    with session.engine_session("spark", 5, "spark://host:7077"):
        assert builder.told["master"] == "spark://host:7077"
    assert builder.made.stopped


def test_an_engine_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, builder: Builder) -> None:
    builder.failure = RuntimeError("JAVA_GATEWAY_EXITED")
    with pytest.raises(UsageError, match=r"engine spark could not start \(RuntimeError\): is Java 17 installed"):
        session.engine_session("spark", 1).__enter__()
    monkeypatch.setitem(sys.modules, "pysail.spark", None)
    with pytest.raises(UsageError, match=r"pip install 'landfall\[native\]'"):
        session.engine_session("sail", 1).__enter__()


def test_a_session_that_fails_to_open_leaves_no_server(builder: Builder) -> None:
    builder.failure = RuntimeError("no")
    with pytest.raises(RuntimeError):
        session.engine_session("sail", 1).__enter__()
    assert not Server.started[-1].running
