"""Any exception of a load as an error of ours, so that its exit code and its message are right."""

from __future__ import annotations

import errno
import re

import psycopg2

from pipeline import errors
from pipeline.contract.dataset import Dataset
from pipeline.direct import has_sql
from pipeline.errors import ContractError, LandfallError, TransientError
from pipeline.load.connect import translate

# An engine hands over what a worker raised as text: the last line of its traceback names our class and its message.
_OURS = re.compile(r"pipeline\.errors\.(\w+): (.*)")
# What Spark says of a worker that did not end by itself: most often the system took it when memory was short.
_KILLED = "Python worker exited unexpectedly"
# Raised while an engine plans, before it has seen a row: their text quotes the contract.
_ABOUT_THE_EXPRESSION = (
    "AnalysisException",
    "IllegalArgumentException",
    "ParseException",
    "UnsupportedOperationException",
)


def as_landfall_error(error: BaseException) -> LandfallError:
    """`error` itself if it is ours; else what it means. An unknown error's text is not shown: it may quote rows."""
    if isinstance(error, LandfallError):
        return error
    if isinstance(error, psycopg2.Error):
        return translate(error)
    if isinstance(error, KeyboardInterrupt):
        return errors.InterruptedLoadError(
            "interrupted: load again; what was published is noticed, and not loaded twice"
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return errors.UsageError(
            "no space is left on the disk; nothing was published. Free some, or name another directory with --work-dir"
        )
    return _from_engine(error) or LandfallError(
        f"an unexpected {type(error).__name__} stopped the load; nothing was published. "
        "Run again with --debug to see where, and please report it"
    )


def worker_killed(error: BaseException) -> bool:
    """Whether the engine says that somebody ended a worker of it."""
    return type(error).__module__.startswith(("pyspark", "py4j")) and _KILLED in _text(error)


def by_sql(error: BaseException, dataset: Dataset) -> bool:
    """Whether it may be a row at which the engine stopped, as it computed what SQL there is in the contract."""
    return by_engine(error) and has_sql(dataset)


def by_engine(error: BaseException) -> bool:
    """Whether an engine stopped of its own accord: it was not killed, and no error of ours stopped it."""
    if not type(error).__module__.startswith(("pyspark", "py4j")):
        return False
    found = _from_engine(error)
    return found is None or type(error).__name__ in _ABOUT_THE_EXPRESSION


def _from_engine(error: BaseException) -> LandfallError | None:
    if not type(error).__module__.startswith(("pyspark", "py4j")):
        return None
    text = _text(error)
    if _KILLED in text:
        return TransientError(
            "a worker of engine spark was killed; nothing was published. If memory was short, give the load more of it "
            "or fewer --streams; load again"
        )
    found = _OURS.findall(text)
    if found:
        name, message = found[-1]
        kind = getattr(errors, name, LandfallError)
        return kind(message.strip()) if isinstance(kind, type) and issubclass(kind, LandfallError) else None
    if type(error).__name__ in _ABOUT_THE_EXPRESSION:
        return ContractError(f"the engine cannot resolve an expression of the contract: {text.strip().splitlines()[0]}")
    return None


def _text(error: BaseException) -> str:
    """The error's text, which has to be asked of the JVM, as long as there is one."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - whatever the way to a dead JVM raises
        return ""
