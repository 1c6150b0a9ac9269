"""Marks of the tests that need programs from outside, and the two local AWS whose difference are our patches."""

from __future__ import annotations

import pytest

from tests.cloud.local_aws import patched, stock
from tests.cloud.scripts import scripts

__all__ = ["patched", "scripts", "stock"]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks."""
    config.addinivalue_line("markers", "datacontract: needs datacontract-cli, in an environment of its own")
