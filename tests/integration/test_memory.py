"""One process that loads many files needs no more memory for the last than for the tenth."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.integration.command_line import ROOT, environment

PARTS = """
import sys, pyarrow, pyarrow.parquet
from pipeline.session import engine_session
from tests.memory import resident_kb

def counted(batches):
    texts = [batch.column(0).to_pylist() for batch in batches]
    yield pyarrow.RecordBatch.from_pylist([{"rows": sum(map(len, texts))}])

cells = [f"{number:08} of a common length" for number in range(50_000)]
pyarrow.parquet.write_table(pyarrow.table({name: cells for name in "abcd"}), sys.argv[1])
with engine_session("sail", 1) as session:
    for number in range(80):
        session.read.parquet(sys.argv[1]).mapInArrow(counted, "rows bigint").collect()
        if number == 10:
            before = resident_kb()
    print((resident_kb() - before) // 1024)
"""


def test_a_part_leaves_nothing_behind_in_the_engine(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PARTS, str(tmp_path / "part.parquet")],
        env=environment(), cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert int(done.stdout) < 50, f"{done.stdout} MB more after 70 parts"
