"""The command line: arguments and environment in, receipts and an exit code out; no logic of its own."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import click

from pipeline import cli_files, cli_ledger
from pipeline import settings as s
from pipeline.options import database_options, settings_of, telling_options
from pipeline.visible import visible


class Group(click.Group):
    """Turns every error into one message on stderr and its exit code; `--debug` also shows where it came from."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - a traceback of Python's own would quote what it must not
            from pipeline.failure import as_landfall_error
            from pipeline.frames import frames

            if "--debug" in sys.argv:
                click.echo(frames(error), err=True)
            found = as_landfall_error(error)
            click.echo(f"landfall: {visible(str(found))}", err=True)
            ctx.exit(found.exit_code)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="landfall")
def main() -> None:
    """Files become validated rows in PostgreSQL, exactly once, each one accounted for."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="landfall: %(message)s")


@main.command()
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option("--objects-json", metavar="JSON", help="S3 objects as the trigger passes them.")
@click.option(
    "--contracts",
    envvar="LANDFALL_CONTRACTS",
    metavar="PATH",
    help="A contract, a directory of *.odcs.yaml, or an s3:// prefix.",
)
@database_options
@click.option(
    "--engine",
    envvar="LANDFALL_ENGINE",
    type=click.Choice(["sail", "spark"]),
    default="sail",
    show_default=True,
    help="What runs the PySpark code: in process, or a JVM.",
)
@click.option("--master", envvar="LANDFALL_MASTER", metavar="URL", help="Spark master, for engine spark.")
@click.option(
    "--work-dir",
    envvar="LANDFALL_WORK_DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where temporary files go.",
)
@click.option(
    "--streams",
    envvar="LANDFALL_STREAMS",
    type=click.IntRange(1, 64),
    default=s.default_streams,
    help="Partitions worked on at a time, each with its own connection.  [default: processors, at most 8]",
)
@click.option("--force", is_flag=True, help="Load even what was loaded before.")
@telling_options
@click.option("--json", "as_json", is_flag=True, help="One receipt per source, one a line, on stdout.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def load(
    sources: tuple[str, ...], objects_json: str | None, as_json: bool, quiet: bool, **options: Any
) -> None:  # fmt: skip
    """Load files, directories, globs or s3://bucket/key[?versionId=...] objects, each in its own transaction."""
    from pipeline.loading import load_all

    sys.exit(load_all(sources, objects_json, settings_of(**options), as_json, quiet))


@main.command()
@click.argument("contracts", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def check(contracts: tuple[Path, ...]) -> None:
    """Check contracts: every mistake with file, line and a suggestion."""
    from pipeline.checking import check_contracts

    sys.exit(check_contracts(contracts, s.environment()))


@main.command()
@database_options
@click.option("--bootstrap-role", metavar="ROLE", help="First create this role, which logs in by IAM on RDS.")
@click.option("--admin-secret", envvar="LANDFALL_ADMIN_SECRET", metavar="JSON", help="Login for --bootstrap-role.")
def init(bootstrap_role: str | None, admin_secret: str | None, **options: Any) -> None:
    """Create the ledger (schema landfall) in the database."""
    from pipeline import history

    history.init(settings_of(**options), bootstrap_role, admin_secret)


@main.command()
@database_options
@click.option("--dataset", help="Only this dataset.")
@click.option("--status", help="Only this status: loaded, already_loaded, refused, failed, stale, undone or running.")
@click.option("--since", type=click.DateTime(), help="Only loads started at or after this time (UTC).")
@click.option("--json", "as_json", is_flag=True, help="One load a line, as JSON.")
def loads(dataset: str | None, status: str | None, since: Any, as_json: bool, **options: Any) -> None:
    """The history of loads, newest first."""
    from pipeline import history

    history.loads(settings_of(**options), dataset, status, since, as_json)


@main.command()
@database_options
@click.argument("load_id")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(load_id: str, as_json: bool, **options: Any) -> None:
    """The receipt of one load."""
    from pipeline import history

    history.show(settings_of(**options), load_id, as_json)


@main.command()
@database_options
@click.argument("load_id")
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="The sender's own lines of what is still open, header included, plus a reason column.",
)
@click.option(
    "--raw", is_flag=True, help="With --csv: no apostrophe before cells that a spreadsheet would run as formulas."
)
def rejects(load_id: str, as_csv: bool, raw: bool, **options: Any) -> None:
    """The rejects of one load with their reasons."""
    from pipeline import history

    if raw and not as_csv:
        raise click.UsageError("--raw goes with --csv")
    history.rejects(settings_of(**options), load_id, as_csv, raw)


for command in (*cli_files.COMMANDS, *cli_ledger.COMMANDS):
    main.add_command(command)


if __name__ == "__main__":
    main()
