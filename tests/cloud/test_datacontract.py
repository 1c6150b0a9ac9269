"""An outside judge: datacontract-cli takes our contracts for what the standard says they are.

It pins many libraries, so it lives in an environment of its own; LANDFALL_DATACONTRACT names its program.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATACONTRACT = os.environ.get("LANDFALL_DATACONTRACT") or shutil.which("datacontract")
CONTRACTS = sorted([*ROOT.glob("tests/data/contracts/*.odcs.yaml"), *ROOT.glob("samples/contracts/*.odcs.yaml")])
pytestmark = [
    pytest.mark.datacontract,
    pytest.mark.skipif(DATACONTRACT is None, reason="datacontract is not installed (pipx install datacontract-cli)"),
]


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    command = [str(DATACONTRACT), "lint", "--no-inline-references", str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_there_are_contracts_to_judge() -> None:
    assert len(CONTRACTS) >= 4


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_standard_accepts(path: Path) -> None:
    done = lint(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Data contract is valid" in done.stdout


def test_the_judge_is_no_rubber_stamp(tmp_path: Path) -> None:
    broken = tmp_path / "broken.odcs.yaml"
    broken.write_text(
        CONTRACTS[0].read_text(encoding="utf-8").replace("kind: DataContract", "kind: Letter"), encoding="utf-8"
    )
    assert lint(broken).returncode != 0
