"""What a registry transfers of each image: within its limit, and as the documentation says."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.cloud.containers import ROOT, engine_answers, image_of

pytestmark = pytest.mark.skipif(not engine_answers(), reason="no Docker engine answers here")

LARGEST = {"native": 250, "spark": 450}  # megabytes, compressed


@pytest.mark.parametrize("target", ["native", "spark"])
def test_the_image_stays_small_and_its_documented_size_is_true(target: str) -> None:
    image = image_of(target)
    measure = 'set -o pipefail; docker save "$0" | "$1" image/size.py'
    done = subprocess.run(["bash", "-c", measure, image, sys.executable], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    size = int(done.stdout.split()[-2])
    assert size <= LARGEST[target]
    row = re.search(r"transferred \(gzip\) \| (\d+) MB \| (\d+) MB", (ROOT / "docs/docker.md").read_text())
    told = re.search(r"# (\d+) MB compressed; landfall:spark, with a JVM, (\d+) MB", (ROOT / "README.md").read_text())
    assert row and told
    for documented in (row, told):
        assert abs(int(documented[1 if target == "native" else 2]) - size) <= 0.02 * size, (size, documented[0])
