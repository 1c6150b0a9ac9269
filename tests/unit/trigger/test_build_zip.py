from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

from trigger_lambda.build_zip import HERE, build


def test_the_zip_is_the_same_every_time(tmp_path: Path) -> None:
    """Also on another day: no entry carries the time of its file."""
    first, second = build(tmp_path / "a.zip"), build(tmp_path / "deep" / "b.zip")
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()
    assert {entry.date_time for entry in zipfile.ZipFile(first).infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_zip_holds_every_module_of_the_trigger(tmp_path: Path) -> None:
    packed = set(zipfile.ZipFile(build(tmp_path / "a.zip")).namelist())
    written = {f"trigger_lambda/{module.name}" for module in HERE.glob("*.py")}
    assert packed == written - {"trigger_lambda/build_zip.py"}


def test_the_handler_imports_from_the_zip_alone(tmp_path: Path) -> None:
    """As Lambda does: the zip on the path, the project elsewhere."""
    archive = build(tmp_path / "a.zip")
    program = f"import sys; sys.path.insert(0, {str(archive)!r}); import trigger_lambda.handler as h; print(h.__file__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{archive}/trigger_lambda/handler.py"
