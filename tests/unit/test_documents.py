"""README and docs/: links lead somewhere, commands and options exist, exit codes and kinds of errors are all there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from pipeline.cli import main
from pipeline.errors import LandfallError
from pipeline.loading import _WORST

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
CODES = (ROOT / "docs" / "exit-codes.md").read_text()


def links(page: Path) -> list[str]:
    """The targets of a page's links that stay within the repository."""
    found = re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", page.read_text()))
    return [target for target in found if not target.startswith(("https://", "http://", "mailto:"))]


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading.strip()).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return set(found)


def commands(page: Path) -> list[str]:
    """Every `landfall ...` of a page: lines of its console and shell blocks, and inline code."""
    text = page.read_text()
    blocks = re.findall(r"^```(?:console|sh|bash)?\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    inline = re.findall(r"`(landfall [^`\n]+)`", FENCED.sub("", text))
    return [
        re.split(r"\s+#|\s[|>]\s", line)[0] for line in [*lines, *inline] if re.match(r"landfall [a-z]+( |$)", line)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    for line in commands(page):
        name, *arguments = shlex.split(line.replace("...", "x"))[1:]
        command = main.commands.get(name)
        assert command, line
        context = click.Context(command)
        options, *_ = command.make_parser(context).parse_args(list(arguments))
        assert options is not None


def test_there_are_links_and_commands_to_look_at() -> None:
    assert sum(len(links(page)) for page in PAGES) > 20
    assert {shlex.split(line.replace("...", ""))[1] for page in PAGES for line in commands(page)} == set(main.commands)
    assert "kinds-of-errors" in anchors(ROOT / "docs" / "exit-codes.md")


def classes(base: type[LandfallError] = LandfallError) -> list[type[LandfallError]]:
    return [base, *(found for each in base.__subclasses__() for found in classes(each))]


def test_every_kind_of_error_is_described_with_its_exit_code() -> None:
    described = {(kind, int(code)) for kind, code in re.findall(r"^\| `(\w+)` \| (\d+) \|", CODES, re.MULTILINE)}
    known = {(each.kind, each.exit_code) for each in classes() if each.__module__ == "pipeline.errors"}
    assert described == known


def test_every_exit_code_is_described() -> None:
    for page in (CODES, (ROOT / "README.md").read_text()):
        described = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
        assert described - {3} == {0, *(each.exit_code for each in classes())}
    assert f"{', '.join(map(str, _WORST))}." in CODES
