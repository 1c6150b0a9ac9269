"""What `make sbom` lists is what the image holds, and that is what was locked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from tests.cloud.containers import ROOT, docker, engine_answers, image_of

TOOL = ROOT / ".venv-audit" / "bin" / "cyclonedx-py"
pytestmark = [
    pytest.mark.skipif(not engine_answers(), reason="no Docker engine answers here"),
    pytest.mark.skipif(not TOOL.exists(), reason="cyclonedx-py is not installed (make audit-code installs it)"),
    pytest.mark.skipif(shutil.which("syft") is not None, reason="syft lists more than Python's packages"),
]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> set[str]:
    """`package==version` of a lock."""
    found = re.findall(r"^([\w.-]+)==([^ ;\\]+)", (ROOT / "locks" / f"{name}.txt").read_text(), re.M)
    return {f"{canonical(package)}=={version}" for package, version in found}


def test_the_list_is_whole_and_nothing_is_in_the_image_that_was_not_locked() -> None:
    image = image_of("native")
    made = subprocess.run(["make", "sbom", f"IMAGE={image}"], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stderr
    components = json.loads((ROOT / "build" / "sbom.json").read_text())["components"]
    listed = {f"{canonical(item['name'])}=={item['version']}" for item in components}
    folders = docker(
        "run", "--rm", "--entrypoint", "sh", image, "-c", "ls -d /opt/landfall/lib/python3*/site-packages/*.dist-info"
    )
    assert len(listed) == len(folders.stdout.split()) > 20
    assert {item for item in listed if not item.startswith("landfall==")} <= locked("native")
