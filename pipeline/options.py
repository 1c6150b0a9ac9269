"""The options that several commands share, and the settings that they make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline import settings as s

_URL = "Database URL, postgresql://user:password@host:5432/name."


def database_options(command: Any) -> Any:
    """The options with which a command finds the database."""
    for option in (
        click.option("--database-wait", envvar="LANDFALL_DATABASE_WAIT", type=click.FloatRange(0), default=180.0,
                     show_default=True, metavar="SECONDS", help="How long to try a database that does not answer."),
        click.option("--data-dir", envvar="LANDFALL_DATA_DIR", type=click.Path(path_type=Path),
                     default=Path("landfall-data"), show_default=True, help="Data of the embedded server."),
        click.option("--iam-auth", envvar="LANDFALL_IAM_AUTH", is_flag=True,
                     help="A fresh RDS IAM token per connection, TLS verified in full."),
        click.option("--database-url", envvar="LANDFALL_DATABASE_URL", metavar="URL",
                     help=f"{_URL} Without it: the PG* variables, else an embedded server."),
    ):  # fmt: skip
        command = option(command)
    return command


def run_options(command: Any) -> Any:
    """The options of a command that reads files by contracts with an engine, and of its database."""
    for option in (
        click.option("--debug", is_flag=True, help="Show tracebacks."),
        click.option("--streams", envvar="LANDFALL_STREAMS", type=click.IntRange(1, 64), default=s.default_streams,
                     help="Partitions worked on at a time.  [default: processors, at most 8]"),
        click.option("--work-dir", envvar="LANDFALL_WORK_DIR", type=click.Path(path_type=Path, file_okay=False),
                     help="Where temporary files go."),
        click.option("--master", envvar="LANDFALL_MASTER", metavar="URL", help="Spark master, for engine spark."),
        click.option("--engine", envvar="LANDFALL_ENGINE", type=click.Choice(["sail", "spark"]), default="sail",
                     show_default=True, help="What runs the PySpark code."),
        click.option("--contracts", envvar="LANDFALL_CONTRACTS", metavar="PATH",
                     help="A contract, a directory of *.odcs.yaml, or an s3:// prefix."),
    ):  # fmt: skip
        command = option(command)
    return database_options(command)


def telling_options(command: Any) -> Any:
    """The options of a command that loads rows: who else is told of it."""
    for option in (
        click.option("--notify-successes", envvar="LANDFALL_NOTIFY_SUCCESSES", is_flag=True,
                     help="Tell it of all loads."),
        click.option("--notify", envvar="LANDFALL_NOTIFY", multiple=True, metavar="ARN|URL",
                     help="Tell this SNS topic or webhook of loads that were refused, failed or had rejects."),
        click.option("--lake", envvar="LANDFALL_LAKE", metavar="S3URI",
                     help="Keep receipts and rejects under s3://bucket/prefix, too."),
    ):  # fmt: skip
        command = option(command)
    return command


def settings_of(**options: Any) -> s.Settings:
    """`Settings` from a command's options and the environment."""
    url = s.database_url(options.pop("database_url", None))
    environment = s.environment()
    return s.Settings(
        database_url=url,
        pg_variables=s.uses_pg_variables(),
        region=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION"),
        ca_bundle=environment.get("LANDFALL_CA_BUNDLE"),
        environment=environment,
        **options,
    )
