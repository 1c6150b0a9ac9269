"""Each test that docs/security.md names exists where it says."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "security.md"


def test_every_threat_names_tests_that_exist() -> None:
    threats = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "what stops it" not in line]
    assert len(threats) > 25
    for threat in threats:
        named = re.findall(r"\[(test_\w+)\]\(([^)]+)\)", threat)
        assert named, f"no test: {threat}"
        for test, link in named:
            assert re.search(rf"^ *def {test}\(", (PAGE.parent / link).read_text(), re.MULTILINE), f"{test} in {link}"
