"""Marks of the tests that need programs from outside."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks."""
    config.addinivalue_line("markers", "datacontract: needs datacontract-cli, in an environment of its own")
