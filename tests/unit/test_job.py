"""What a load decides before a row is read."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline import job


@pytest.mark.parametrize(
    ("form", "packed", "times"), [("csv", False, 1), ("json", False, 1), ("csv", True, 4), ("parquet", False, 4)]
)
def test_a_packed_file_counts_as_the_text_that_it_holds(tmp_path: Path, form: str, packed: bool, times: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(b"id\n1\n") if packed else b"id\n1\n")
    fetched = SimpleNamespace(path=path, bytes=1000)
    load: Any = SimpleNamespace(fetched=fetched, dataset=SimpleNamespace(read=SimpleNamespace(format=form)))
    assert job._text_bytes(cast(job.Load, load)) == 1000 * times
