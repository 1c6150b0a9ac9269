"""checkov finds nothing in the stack that is not answered in place, with a reason.

checkov pins many libraries, so it lives in an environment of its own; LANDFALL_CHECKOV names its program.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHECKOV = os.environ.get("LANDFALL_CHECKOV") or shutil.which("checkov")
pytestmark = pytest.mark.skipif(CHECKOV is None, reason="checkov is not installed (pipx install checkov)")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    command = [str(CHECKOV), "-d", "terraform", "--framework", "terraform", "--skip-download", "-o", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    return json.loads(done.stdout)


def test_no_finding_is_left(found: dict[str, Any]) -> None:
    failed = [f"{check['check_id']} {check['resource']}" for check in found["results"]["failed_checks"]]
    assert failed == []
    assert found["summary"]["passed"] > 100


def test_every_skip_has_a_reason(found: dict[str, Any]) -> None:
    reasons = {
        f"{check['check_id']} {check['resource']}": check["check_result"]["suppress_comment"]
        for check in found["results"]["skipped_checks"]
    }
    assert all(len(reason) > 20 for reason in reasons.values()), reasons
