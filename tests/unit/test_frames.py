"""A traceback shows where an error came from, and nothing of a row."""

from __future__ import annotations

import psycopg2
import pytest

from pipeline.errors import DestinationError
from pipeline.frames import frames

VALUE = "4111111111111111"
FRAME = '  File "pipeline/worker.py", line 7, in stage'
MESSAGE = f"Failing row: {VALUE}\n{FRAME}\n    x = {VALUE!r}"


class PythonException(Exception):  # noqa: N818 - PySpark's own name
    """As an engine raises it: a worker's traceback in the message."""

    __module__ = "pyspark.errors"


@pytest.mark.parametrize("kind", [psycopg2.DataError, ValueError, KeyError, PythonException, RuntimeError])
def test_what_a_driver_or_an_engine_says_is_withheld(kind: type[Exception]) -> None:
    def guilty() -> None:
        raise kind(MESSAGE)

    try:
        try:
            guilty()
        except Exception as error:
            raise DestinationError("the check constraint fair of people.target") from error
    except DestinationError as error:
        shown = frames(error)
    assert VALUE not in shown
    assert ", in guilty\n" in shown
    assert shown.count("Traceback (most recent call last):") == 2
    assert shown.index(kind.__name__) < shown.index("which led to") < shown.index("check constraint fair")
    assert (FRAME in shown) == (kind is PythonException)


def test_what_is_about_the_program_is_said() -> None:
    try:
        None.x  # type: ignore[attr-defined]  # noqa: B018
    except AttributeError as error:
        assert "'NoneType' object has no attribute 'x'" in frames(error)


def test_a_cause_that_was_suppressed_is_left_out() -> None:
    def convert(text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise DestinationError("no number") from None

    with pytest.raises(DestinationError) as caught:
        convert("x")
    assert "ValueError" not in frames(caught.value)
