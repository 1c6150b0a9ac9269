"""The trigger retries and explains exactly the exit codes that the pipeline has."""

from __future__ import annotations

from pipeline import errors
from trigger_lambda import handler


def kinds(parent: type[errors.LandfallError] = errors.LandfallError) -> list[type[errors.LandfallError]]:
    return [parent, *(kind for child in parent.__subclasses__() for kind in kinds(child))]


def test_every_exit_code_of_the_pipeline_is_explained() -> None:
    assert {kind.exit_code for kind in kinds()} <= set(handler.EXIT_MEANING)


def test_transient_errors_are_retried_and_no_others() -> None:
    assert all((kind.exit_code in handler.RETRY_EXIT_CODES) == kind.transient for kind in kinds())
