"""A Spark session for the chosen engine; every engine setting lives here."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

from pipeline.errors import TransientError, UsageError
from pipeline.settings import Engine

BATCH_ROWS = 65_536
_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h
_ARENAS = 2
# Both engines: times are UTC, and a value that does not convert is NULL, not an error (see `expression`).
_SEMANTICS = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "false"}
# PySpark would look for the place in the code that made each Column, to name it in errors that we do not show.
_DEBUGGING = "spark.python.sql.dataFrameDebugging.enabled"


@contextmanager
def engine_session(engine: Engine, streams: int, master: str | None = None) -> Iterator[SparkSession]:
    """A session that works on `streams` partitions at a time, closed at the end.

    `sail` runs in this process; `spark` starts a JVM for `master` (default `local[streams]`). Raises `UsageError` when
    the engine is not installed.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # gRPC remarks on every fork of a process that uses it
    opened = _sail(streams) if engine == "sail" else _spark(streams, master)
    with opened as session:
        for name, value in _SEMANTICS.items():
            session.conf.set(name, value)
        yield session


@contextmanager
def answering(session: SparkSession) -> Iterator[None]:
    """Raise TransientError if what the block asks of the engine goes wrong since the engine is no more."""
    try:
        yield
    except Exception as error:
        if not _is_about_the_jvm(error) or _answers(session):
            raise
        raise TransientError(
            "the JVM of engine spark was killed; nothing was published. If memory was short, give the load more of it "
            "or fewer --streams; load again"
        ) from error


def _answers(session: SparkSession) -> bool:
    try:
        return bool(session.version)
    except Exception as error:
        if not _is_about_the_jvm(error):
            raise
        return False


def _not_by_py4j(record: logging.LogRecord) -> bool:
    """When the JVM is gone it logs a traceback, under no name of its own."""
    return record.module != "java_gateway"


def _is_about_the_jvm(error: Exception) -> bool:
    # By name: where there is only Sail, there is no py4j.
    return isinstance(error, ConnectionError) or type(error).__module__.startswith("py4j")


@contextmanager
def _sail(streams: int) -> Iterator[SparkSession]:
    # Sail takes its settings from the environment only (https://docs.lakesail.com/sail/latest/reference/configuration).
    os.environ["SAIL_EXECUTION__DEFAULT_PARALLELISM"] = str(streams)
    os.environ["SAIL_EXECUTION__BATCH_SIZE"] = str(BATCH_ROWS)
    os.environ.setdefault("RUST_LOG", "off")
    # Each worker starts on a thread of its own, and what that had allocated was given back late or never: 1 to 2 MB a
    # part (https://microsoft.github.io/mimalloc/environment.html).
    os.environ.setdefault("MIMALLOC_ALLOW_THP", "0")
    os.environ.setdefault("MIMALLOC_PURGE_DELAY", "0")
    _bound_arenas()
    try:
        from pysail.spark import SparkConnectServer
    except ImportError as error:
        raise UsageError(
            "engine sail is not installed: pip install 'landfall[native]', or use --engine spark"
        ) from error
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    try:
        session = SparkSession.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}").getOrCreate()
        # The server is in this process, and ends by itself on SIGINT: to ask it again, for minutes, helps nobody.
        session.client.set_retry_policies([])
        session.client.disable_reattachable_execute()
        session.conf.set(_DEBUGGING, "false")
        session.release_session_on_close = False  # type: ignore[attr-defined]
        try:
            yield session
        finally:
            session.stop()
    finally:
        server.stop()


def _bound_arenas() -> None:
    """glibc gives each new thread an arena of its own, up to 8 per core, and each kept the largest part's memory."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none, and no such arenas
    if set_option is not None and "MALLOC_ARENA_MAX" not in os.environ:
        set_option(_ARENA_MAX, _ARENAS)


@contextmanager
def _spark(streams: int, master: str | None) -> Iterator[SparkSession]:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else workers are whatever python3 comes first in PATH
    builder = SparkSession.builder.master(master or f"local[{streams}]").appName("landfall")
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties')}",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
        # A part is written for this load alone: its footer is read once, and every column of it is wanted.
        "spark.sql.parquet.filterPushdown": "false",
        "spark.sql.files.maxPartitionBytes": str(32 << 20),
        _DEBUGGING: "false",
        **_SEMANTICS,
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:  # PySpark raises many kinds when there is no Java
        raise UsageError(f"engine spark could not start ({type(error).__name__}): is Java 17 installed?") from error
    logging.getLogger().addFilter(_not_by_py4j)
    try:
        yield session
    finally:
        if _answers(session):
            session.stop()
