"""An outside judge of our loads: `datacontract test` finds in the tables of every sample what their contracts say.

It pins many libraries, so it lives in an environment of its own; LANDFALL_DATACONTRACT names its program.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline.load.connect import Connection, Destination
from tests.integration.command_line import ROOT, environment
from tests.integration.loader import Loader

DATACONTRACT = os.environ.get("LANDFALL_DATACONTRACT") or shutil.which("datacontract")
CONTRACTS = ROOT / "samples" / "contracts"
SAMPLES = {"orders": "acme", "flights": "flights", "events": "web", "trips": "trips"}
pytestmark = pytest.mark.skipif(
    DATACONTRACT is None, reason="datacontract is not installed (pipx install 'datacontract-cli[postgres]')"
)


def judged(name: str, destination: Destination, report: Path) -> tuple[int, list[dict[str, Any]]]:
    """The judge's exit code and checks of one sample's table."""
    url = destination.url
    host = url.host or url.query["host"]
    variables = {
        "PGHOST": host, "PGPORT": str(url.port or 5432), "PGDATABASE": url.database,
        "DATACONTRACT_POSTGRES_USERNAME": url.username, "DATACONTRACT_POSTGRES_PASSWORD": url.password or "none",
    }  # fmt: skip
    command = [str(DATACONTRACT), "test", "--server", "target", "--output-format", "json", "--output", str(report)]
    done = subprocess.run(
        [*command, str(CONTRACTS / f"{name}.odcs.yaml")], cwd=ROOT, env=environment(**variables), capture_output=True,
        text=True, timeout=300,
    )  # fmt: skip
    assert report.exists(), done.stdout + done.stderr
    return done.returncode, json.loads(report.read_text())["checks"]


def test_there_is_a_sample_of_every_contract() -> None:
    assert {path.name.removesuffix(".odcs.yaml") for path in CONTRACTS.iterdir()} == set(SAMPLES)
    assert {path.name for path in CONTRACTS.parent.iterdir() if path.is_dir()} == {*SAMPLES.values(), "contracts"}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_as_its_contract_says(sail: Loader, tmp_path: Path, name: str) -> None:
    for receipt in sail(ROOT / "samples" / SAMPLES[name], contracts=CONTRACTS):
        assert receipt.error is None
    code, checks = judged(name, sail.destination, tmp_path / "report.json")
    assert [check for check in checks if check["result"] != "passed"] == []
    assert code == 0
    assert len(checks) > 10


def test_the_judge_looks_at_the_table(sail: Loader, conn: Connection, tmp_path: Path) -> None:
    sail(ROOT / "samples" / "acme", contracts=CONTRACTS)
    with conn, conn.cursor() as cursor:
        cursor.execute("UPDATE sales.orders SET status = 'lost' WHERE order_no = 'ORD-10001'")
    code, checks = judged("orders", sail.destination, tmp_path / "report.json")
    assert code != 0
    (failed,) = [check for check in checks if check["result"] != "passed"]
    assert failed["field"] == "status"
