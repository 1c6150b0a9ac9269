"""What a load decides before a row is read."""

from __future__ import annotations

import gzip
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline import job, through


@pytest.mark.parametrize(
    ("form", "packed", "times"), [("csv", False, 1), ("json", False, 1), ("csv", True, 4), ("parquet", False, 4)]
)
def test_a_packed_file_counts_as_the_text_that_it_holds(tmp_path: Path, form: str, packed: bool, times: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(b"id\n1\n") if packed else b"id\n1\n")
    fetched = SimpleNamespace(path=path, bytes=1000)
    load: Any = SimpleNamespace(fetched=fetched, dataset=SimpleNamespace(read=SimpleNamespace(format=form)))
    assert job._text_bytes(cast(job.Load, load)) == 1000 * times


def test_a_part_that_fails_ends_the_extraction_of_those_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(through, "staged_part", fail)
    extraction = SimpleNamespace(parts=lambda: iter(range(1000)), schema=None)
    this = SimpleNamespace(engine=None, settings=SimpleNamespace(streams=1))
    fetched = SimpleNamespace(source=SimpleNamespace(name="f", uri="f"), bytes=1)
    load: Any = SimpleNamespace(fetched=fetched, run=this, dataset=None)
    with pytest.raises(ValueError, match="broken") as kept:  # and with it the frames that it came through
        job._stage(cast(Any, extraction), load, cast(Any, None))
    assert "landfall-ahead" not in [thread.name for thread in threading.enumerate()]
    assert kept.tb
