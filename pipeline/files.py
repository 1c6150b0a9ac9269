"""`landfall new`, `landfall preview` and `landfall ddl`: what can be said of files and contracts without a database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from pipeline.contract.lint import load_contracts, read_files
from pipeline.errors import UsageError
from pipeline.settings import Settings


def new(sample: str, output: Path | None, identity: str | None, schema: str, table: str | None) -> None:
    """Print the contract scaffolded from `sample`, or write it to `output`, which must not exist yet."""
    from pipeline.scaffold import Wanted, scaffold
    from pipeline.source import fetch, named

    sources = list(named((sample,)))
    if len(sources) != 1:
        raise UsageError(f"{sample}: {len(sources)} files; a contract is written from one sample")
    with TemporaryDirectory(prefix="landfall-", ignore_cleanup_errors=True) as work:
        fetched = fetch(sources[0], Path(work))
        found = scaffold(fetched.path, fetched.source.uri, Wanted(identity, schema, table), Path(work))
    if output is None:
        click.echo(found.text, nl=False)
        return
    path = output / f"{found.id}.odcs.yaml" if output.is_dir() else output
    _write(path, found.text)
    click.echo(f"{path}: now `landfall check {path}` and `landfall preview {sample} --contracts {path}`", err=True)


def preview(source: str, settings: Settings, rows: int, as_json: bool) -> None:
    """Print what a load would make of the beginning of `source`."""
    from pipeline.failure import as_landfall_error
    from pipeline.preview import preview as look
    from pipeline.preview import show
    from pipeline.run import Run

    with Run(settings) as this:
        this.warm_up()
        try:
            found = look(source, this, rows)
        except Exception as error:
            if settings.debug:
                raise
            raise as_landfall_error(error) from error
    if as_json:
        click.echo(show.as_json(found))
    else:
        show.show(found)


def ddl(contracts: tuple[Path, ...], environment: Mapping[str, str]) -> None:
    """Print the statements that first loads by these contracts would run."""
    from pipeline.load.printed import printed

    files = [pair for path in contracts for pair in read_files(path)]
    for dataset in load_contracts(files, environment):
        for statement in printed(dataset):
            click.echo(f"{statement};")


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path}: is there already; remove it, or name another file with --output") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
