"""The commands that need no database: a contract from a sample, a preview of a file, the DDL of a contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline import settings as s


@click.command()
@click.argument("sample")
@click.option("--id", "identity", metavar="ID", help="The dataset's id.  [default: from the sample's name]")
@click.option("--schema", default="public", show_default=True, help="The schema of the target table.")
@click.option("--table", help="The target table.  [default: from the sample's name]")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A file, or a directory to write ID.odcs.yaml into.  [default: stdout]",
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def new(sample: str, debug: bool, output: Path | None, **wanted: Any) -> None:
    """Write a contract for files like SAMPLE (a path or s3://bucket/key), the evidence beside each guess."""
    from pipeline import files

    files.new(sample, output, wanted["identity"], wanted["schema"], wanted["table"])


@click.command()
@click.argument("source")
@click.option(
    "--contracts",
    envvar="LANDFALL_CONTRACTS",
    metavar="PATH",
    help="A contract, a directory of *.odcs.yaml, or an s3:// prefix. Without it: what `landfall new` would write.",
)
@click.option("--rows", type=click.IntRange(0, 1000), default=10, show_default=True, help="Rows and rejects to show.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
@click.option(
    "--engine", envvar="LANDFALL_ENGINE", type=click.Choice(["sail", "spark"]), default="sail", show_default=True,
    help="What runs the PySpark code.",
)  # fmt: skip
@click.option("--work-dir", envvar="LANDFALL_WORK_DIR", type=click.Path(path_type=Path, file_okay=False),
              help="Where temporary files go.")  # fmt: skip
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def preview(source: str, rows: int, as_json: bool, **options: Any) -> None:
    """The first rows of SOURCE as they would be loaded, the first rejects, a profile of each column. No database."""
    from pipeline import files

    files.preview(source, s.Settings(environment=s.environment(), **options), rows, as_json)


@click.command()
@click.argument("contracts", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def ddl(contracts: tuple[Path, ...], debug: bool) -> None:
    """Print the CREATE TABLE that a first load would run. No database."""
    from pipeline import files

    files.ddl(contracts, s.environment())


COMMANDS = (new, preview, ddl)
