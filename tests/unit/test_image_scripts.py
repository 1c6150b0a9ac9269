"""What the image's build does to jars, and how it comes by the CA bundle."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

IMAGE = Path(__file__).parents[2] / "image"
BUNDLE = b"-----BEGIN CERTIFICATE-----\n"


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(IMAGE / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_reviewed_bundle_is_written(tmp_path: Path) -> None:
    (tmp_path / "bundle").write_bytes(BUNDLE)
    digest = hashlib.sha256(BUNDLE).hexdigest()
    done = run("fetch_ca_bundle.py", (tmp_path / "bundle").as_uri(), digest, tmp_path / "new/ca.pem")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "new/ca.pem").read_bytes() == BUNDLE


def test_another_bundle_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "bundle").write_bytes(BUNDLE)
    done = run("fetch_ca_bundle.py", (tmp_path / "bundle").as_uri(), "0" * 64, tmp_path / "ca.pem")
    assert done.returncode == 1
    assert hashlib.sha256(BUNDLE).hexdigest() in done.stderr
    assert not (tmp_path / "ca.pem").exists()


def test_an_unreachable_bundle_is_a_warning(tmp_path: Path) -> None:
    done = run("fetch_ca_bundle.py", (tmp_path / "nowhere").as_uri(), "0" * 64, tmp_path / "ca.pem")
    assert done.returncode == 0
    assert "WARNING: no RDS CA bundle in this image" in done.stderr
    assert not (tmp_path / "ca.pem").exists()


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    """A Spark home in which jars that stay and jars that go are named like Spark's own."""
    (tmp_path / "jars/connect-repl").mkdir(parents=True)
    for name in ("hive-exec-2.jar", "rocksdbjni-9.jar", "netty-native-osx-x86_64.jar", "connect-repl/ammonite.jar"):
        (tmp_path / "jars" / name).write_bytes(b"")
    for number in range(40):
        (tmp_path / f"jars/spark-part-{number}_2.13-4.2.1.jar").write_bytes(b"")
    done = run("trim_jars.py", tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "jars"


def test_only_the_jars_of_a_load_stay(jars: Path) -> None:
    assert {path.name for path in jars.iterdir()} == {"lib", "spark.jar"}
    kept = {path.name for path in (jars / "lib").iterdir()}
    assert kept == {f"spark-part-{number}_2.13-4.2.1.jar" for number in range(40)}


def test_the_manifest_names_the_jars_in_order(jars: Path) -> None:
    text = zipfile.ZipFile(jars / "spark.jar").read("META-INF/MANIFEST.MF").decode()
    assert max(len(line.encode()) for line in text.splitlines()) <= 72
    (entry,) = [line for line in text.replace("\r\n ", "").splitlines() if line.startswith("Class-Path: ")]
    found = entry.removeprefix("Class-Path: ").split(" ")
    assert found == sorted(f"lib/{path.name}" for path in (jars / "lib").iterdir())
