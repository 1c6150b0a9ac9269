"""`landfall load`: one source after the other with one engine, on after a failure, at the end the worst exit code."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import click

from pipeline import account, progress, receipt
from pipeline.errors import ConnectionLostError, InterruptedLoadError, SourceError, UsageError
from pipeline.job import run
from pipeline.lake import check_lake, keep
from pipeline.load.cancel import cancelling
from pipeline.notify import check_channel, metrics, notify
from pipeline.progress import Progress
from pipeline.receipt import Receipt
from pipeline.run import Run
from pipeline.settings import Settings
from pipeline.source import SourceObject, from_json, named

# From bad to worse. 75 is last: what a retry can mend must be retried, and loading the others again has no effect.
_WORST = (0, 65, 66, 64, 2, 70, 75)
# From the orchestrator, from a terminal.
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def load_all(sources: tuple[str, ...], objects_json: str | None, settings: Settings, as_json: bool, quiet: bool) -> int:
    """Load every source and print its receipt. Returns the exit code."""
    wanted = list(_wanted(sources, objects_json))
    if not wanted:
        raise UsageError("nothing to load: name a file, a directory, a pattern, s3://bucket/key, or --objects-json")
    check_told(settings)
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    worst = 0
    with cancelling(*_SIGNALS), Run(settings) as this, progress.chosen(quiet) as shown:
        if settings.database_url is None and not settings.pg_variables:
            click.echo(f"landfall: no database named: using the embedded server in {settings.data_dir}", err=True)
        this.warm_up()
        for source in wanted:
            found = source if isinstance(source, Receipt) else _load(source, this, shown)
            _report(found, as_json)
            tell(found, this, shown)
            worst = max(worst, found.exit_code, key=_WORST.index)
            if found.error and found.error["kind"] == InterruptedLoadError.kind:
                break
    return worst


def _load(source: SourceObject, this: Run, shown: Progress) -> Receipt:
    """Load one source object; once more if the database went away meanwhile: it may only have restarted."""
    receipt = run(source, this, shown)
    if receipt.error and receipt.error["kind"] == ConnectionLostError.kind:
        shown.stage("again", source.uri)
        receipt = run(source, this, shown)
    return receipt


def _wanted(sources: tuple[str, ...], objects_json: str | None) -> Iterator[SourceObject | Receipt]:
    """The source objects; for an argument that names none, the receipt of a failed load in its place."""
    for argument in sources:
        try:
            yield from named((argument,))
        except SourceError as error:
            shown = argument.encode("utf-8", "backslashreplace").decode()
            yield account.failed(account.opened(shown, None), error)
    if objects_json:
        yield from from_json(objects_json)


def _report(found: Receipt, as_json: bool) -> None:
    if not as_json:
        click.echo("\n".join(receipt.lines(found)))
        return
    click.echo(found.as_json())
    if found.error:
        click.echo(f"landfall: {receipt.shown_error(found)}", err=True)


def check_told(settings: Settings) -> None:
    """Raise `UsageError` if the lake or a channel to notify is none."""
    for channel in settings.notify:
        check_channel(channel)
    if settings.lake:
        check_lake(settings.lake)


def tell(found: Receipt, this: Run, shown: Progress) -> None:
    """Whoever else wants to know: CloudWatch, the lake, a topic or webhook."""
    shown.metrics(metrics(found))
    keep(found, this)
    notify(found, this.settings.notify, this.settings.notify_successes)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """The load ends as transient. Meanwhile `cancelling` has stopped what the server does for us."""
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_DFL)  # who asks twice does not want to wait for the ledger's entry
    name = signal.Signals(number).name
    raise InterruptedLoadError(
        f"interrupted by {name}: load again; what was published is noticed, and not loaded twice"
    )
