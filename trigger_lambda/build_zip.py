"""Pack the trigger for Lambda: `python trigger_lambda/build_zip.py [build/trigger.zip]`.

The same sources give the same bytes on every machine (fixed dates, modes and order), so Terraform sees no change where
there is none. boto3 is not packed: the Lambda runtime has it.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
MODULES = ("__init__.py", "events.py", "handler.py")


def build(target: Path) -> Path:
    """Write the zip to `target` and return it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for name in MODULES:
            entry = zipfile.ZipInfo(f"{HERE.name}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, whatever the machine: the mode below is read only then
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (HERE / name).read_bytes())
    return target


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "build" / "trigger.zip")))
