"""A file that is one line: a reject or an error that says so, in memory that does not grow with it.

The line has 100 MB; LANDFALL_TEST_LINE_MB=1000 makes it longer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import figures

MEGABYTES = int(os.environ.get("LANDFALL_TEST_LINE_MB", "100"))
# Of the process: Python and Arrow, and a record of up to 64 MiB with its working copies.
MOST_MEMORY_MB = 400

READ = """
import json, sys
from pathlib import Path
from typing import Any
from pipeline.errors import SourceError
from tests.memory import peak_kb
from tests.unit.extract.reading import dataset, read
found = {}
try:
    outcome = read(Path(sys.argv[1]), dataset(["a", "b"], format=sys.argv[2]))
    found["rows"] = outcome.rows
    found["rejects"] = [(r.line, r.rule, r.message, len(r.raw)) for r in outcome.rejects]
except SourceError as error:
    found["error"] = str(error)
print(json.dumps({**found, "mb": peak_kb() // 1024}))
"""
LINES = {
    "csv": ("csv", b"a,b\n1,2\n3,", b"x", b"\n4,5\n", [(3, "structure")]),
    "csv in a quote": ("csv", b'a,b\n1,2\n3,"', b"x", b"\n4,5\n", [(3, "structure")]),
    "csv of delimiters": ("csv", b"a,b\n1,2\n3", b",", b"\n4,5\n", [(3, "structure")]),
    "csv of quotes": ("csv", b"a,b\n1,2\n3", b'"', b"\n4,5\n", [(3, "structure")]),
    "csv of NULs": ("csv", b"a,b\n1,2\n3,", b"\0", b"\n4,5\n", [(3, "structure")]),
    "json": ("json", b'{"a":1,"b":2}\n{"a":"', b"x", b'"}\n{"a":4,"b":5}\n', [(2, "structure")]),
    "json of brackets": ("json", b'{"a":1,"b":2}\n', b"[", b'\n{"a":4,"b":5}\n', [(2, "structure")]),
}


@pytest.mark.parametrize("case", LINES)
def test_a_line_of_a_file_s_size_is_one_reject(tmp_path: Path, case: str) -> None:
    form, before, filling, after, rejects = LINES[case]
    found = _read(tmp_path, form, before, filling, after)
    assert found["rows"] == [["1", "2"], ["4", "5"]]
    assert [(line, rule) for line, rule, _, _ in found["rejects"]] == rejects
    (message,) = (message for _, _, message, _ in found["rejects"])
    assert "longer than" in message
    assert found["mb"] < MOST_MEMORY_MB
    figures.record("Endless lines", case, line_mb=MEGABYTES, memory_mb=found["mb"], rows=2, rejected=1)


def test_an_array_whose_element_never_ends_is_an_error(tmp_path: Path) -> None:
    found = _read(tmp_path, "json", b'[{"a":"', b"x", b'"}]')
    assert "element longer than" in found["error"]
    assert found["mb"] < MOST_MEMORY_MB


@pytest.mark.parametrize("header", [b"a,b,", b'a,"'])
def test_a_header_that_never_ends_is_an_error(tmp_path: Path, header: bytes) -> None:
    found = _read(tmp_path, "csv", header, b"x", b"\n1,2\n")
    assert "the first line is too long to be a header" in found["error"]
    assert found["mb"] < MOST_MEMORY_MB


def _read(directory: Path, form: str, before: bytes, filling: bytes, after: bytes) -> dict[str, Any]:
    path = directory / "long"
    with path.open("wb") as out:
        out.write(before)
        for _ in range(MEGABYTES):
            out.write(filling * 1_000_000)
        out.write(after)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), form],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    path.unlink()
    found: dict[str, Any] = json.loads(done.stdout)
    return found
