"""`landfall check`: every mistake of every contract, one a line, as compilers print them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from pipeline.contract.lint import check, read_files
from pipeline.errors import ContractError


def check_contracts(paths: tuple[Path, ...], environment: Mapping[str, str]) -> int:
    """Print `file:line:column: message` for each mistake. Returns 0, or 64 when there was one."""
    mistakes = contracts = 0
    for path in paths:
        for name, text in read_files(path):
            contracts += 1
            for problem in check(text, name, environment):
                mistakes += 1
                click.echo(str(problem))
    if mistakes:
        click.echo(f"{mistakes} mistake{'s' if mistakes > 1 else ''} in {contracts} contract(s)", err=True)
        return ContractError.exit_code
    click.echo(f"{contracts} contract(s): no mistakes", err=True)
    return 0
