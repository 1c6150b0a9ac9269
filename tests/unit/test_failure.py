"""Any exception becomes an error with the right exit code, and no row is quoted on the way."""

from __future__ import annotations

import errno

import psycopg2
import pytest
from pyspark.errors import AnalysisException, ParseException, PySparkException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException, UnsupportedOperationException

from pipeline import errors
from pipeline.failure import as_landfall_error

TRACEBACK = """PythonException: Traceback (most recent call last):
  File "copy.py", line 7, in write
pipeline.errors.TransientError: the database went away; load again

The above exception was the direct cause of the following exception:
  File "partition.py", line 9, in stage
pipeline.errors.{}: {}
"""


def test_our_own_errors_stay_as_they_are() -> None:
    error = errors.RefusedError("no")
    assert as_landfall_error(error) is error


@pytest.mark.parametrize(
    ("name", "code"), [("TransientError", 75), ("DestinationError", 65), ("SourceError", 66), ("ContractError", 64)]
)
def test_an_error_of_a_worker_arrives_as_text(name: str, code: int) -> None:
    found = as_landfall_error(SparkConnectGrpcException(TRACEBACK.format(name, "disk is full; make room")))
    assert (type(found).__name__, found.exit_code, str(found)) == (name, code, "disk is full; make room")


@pytest.mark.parametrize("name", ["annotations", "NoSuchError"])
def test_a_name_that_is_no_error_of_ours_is_a_bug(name: str) -> None:
    assert as_landfall_error(SparkConnectGrpcException(TRACEBACK.format(name, "x"))).exit_code == 70


@pytest.mark.parametrize("kind", [AnalysisException, ParseException, UnsupportedOperationException])
def test_an_expression_that_an_engine_does_not_know_is_the_contract_s(kind: type[PySparkException]) -> None:
    found = as_landfall_error(kind("unknown function: frobnicate\nwith a plan"))
    assert (found.exit_code, found.kind) == (64, "contract")
    assert str(found).endswith("contract: unknown function: frobnicate")


def test_what_is_unknown_is_a_bug_and_is_not_quoted() -> None:
    for error in (ValueError("row: secret"), PySparkException("row: secret")):
        found = as_landfall_error(error)
        assert (found.exit_code, found.kind) == (70, "bug")
        assert "secret" not in str(found)
        assert type(error).__name__ in str(found)


def test_a_full_disk_is_for_the_operator() -> None:
    found = as_landfall_error(OSError(errno.ENOSPC, "No space left on device", "/tmp/part"))
    assert (found.exit_code, "--work-dir" in str(found)) == (2, True)
    assert as_landfall_error(OSError(errno.EIO, "x")).exit_code == 70


def test_an_interruption_is_transient() -> None:
    found = as_landfall_error(KeyboardInterrupt())
    assert (found.exit_code, found.kind) == (75, "interrupted")


def test_a_lost_connection_is_transient() -> None:
    assert as_landfall_error(psycopg2.OperationalError("server closed the connection unexpectedly")).exit_code == 75


def test_a_worker_that_was_killed_is_transient() -> None:
    found = as_landfall_error(SparkConnectGrpcException("SparkException: Python worker exited unexpectedly (crashed)."))
    assert (found.exit_code, found.kind) == (75, "transient")


def test_an_error_that_cannot_be_read_since_its_jvm_is_gone_is_a_bug() -> None:
    class UnreadableError(Exception):
        def __str__(self) -> str:
            raise ConnectionRefusedError

    UnreadableError.__module__ = "py4j.protocol"
    assert as_landfall_error(UnreadableError()).exit_code == 70
