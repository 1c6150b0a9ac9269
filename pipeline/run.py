"""What the loads of one run share, each opened at its first use: contracts, database sessions, the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from threading import Lock, Thread
from typing import TYPE_CHECKING

from pipeline.contract.dataset import Dataset
from pipeline.contract.lint import load_contracts, read_files
from pipeline.errors import LandfallError, TransientError, UsageError
from pipeline.load import embedded, ledger
from pipeline.load.connect import Connection, Destination, connect
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LARGE = 64 << 20  # bytes that take as long to read and hash as Sail's client to be imported


class Run:
    """A context manager: what was opened is closed at its end, and temporary files are gone."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stack = ExitStack()
        self._connection: Connection | None = None
        self._engine: SparkSession | None = None
        self._starting = Lock()
        self._closed = False
        self._waited = False

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
        self._closed = True
        if self._starting.acquire(blocking=False):  # else whoever starts the engine closes it
            try:
                self._stack.close()
            finally:
                self._starting.release()

    @cached_property
    def datasets(self) -> tuple[Dataset, ...]:
        """The compiled contracts. Raises `ContractError` for an invalid one, `UsageError` when none was named."""
        path = self.settings.contracts
        if not path:
            raise UsageError("no contracts: pass --contracts PATH, or set LANDFALL_CONTRACTS")
        return load_contracts(_contract_files(path), self.settings.environment)

    @property
    def only_contract(self) -> bool:
        """Whether `--contracts` names one file: then it describes every local file given."""
        return not (self.settings.contracts or "").startswith("s3://") and Path(self.settings.contracts or "").is_file()

    @cached_property
    def destination(self) -> Destination:
        """The target database; the embedded server when none was named."""
        settings = self.settings
        if settings.database_url is None and not settings.pg_variables:
            with _usable(settings.data_dir, "--data-dir"):
                return embedded.start(settings.data_dir)
        return destination_of(settings)

    @property
    def connection(self) -> Connection:
        """The session that keeps the ledger and publishes; a new one if the last was lost.

        A database that stayed away is not waited for again: the next object of the run asks it once.
        """
        if self._connection is None or self._connection.closed:
            try:
                self._connection = connect(self.destination, "ledger", 0.0 if self._waited else None)
            except TransientError:
                self._waited = True
                raise
            self._waited = False
            ledger.ensure(self._connection)
            ledger.sweep(self._connection)
        return self._connection

    @property
    def engine(self) -> SparkSession:
        """The engine's session, started at its first use, by whichever thread comes first."""
        with self._starting:
            if self._closed:
                raise LandfallError("the run is over")
            if self._engine is None:
                from pipeline.session import engine_session

                settings = self.settings
                session = engine_session(settings.engine, settings.streams, settings.master)
                self._engine = self._stack.enter_context(session)
            if self._closed:
                self._stack.close()
            return self._engine

    def use_engine(self, session: SparkSession) -> None:
        """Work with a session that somebody else opened, and will close."""
        self._engine = session

    def warm_up(self, size: int = 0) -> None:
        """Start the engine in the background, while an object of `size` bytes is fetched and the database wakes.

        Sail starts in less time than it takes to say that a small object was loaded before.
        """
        if self._engine is None and (self.settings.engine == "spark" or size >= _LARGE):
            Thread(target=self._start, name="landfall-engine", daemon=True).start()

    def _start(self) -> None:
        with suppress(LandfallError):  # whoever needs the engine meets the same error, and reports it
            self.engine  # noqa: B018

    def work_area(self) -> TemporaryDirectory[str]:
        """A directory for one load's temporary files, removed at its end."""
        parent = self.settings.work_dir
        with _usable(parent or Path(gettempdir()), "--work-dir"):
            if parent is not None:
                parent.mkdir(parents=True, exist_ok=True)
            return TemporaryDirectory(prefix="landfall-", dir=parent, ignore_cleanup_errors=True)


@contextmanager
def _usable(directory: Path, option: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{directory} cannot be used ({error.strerror}); name another with {option}") from error


def _contract_files(path: str) -> Iterable[tuple[str, str]]:
    if not path.startswith("s3://"):
        return read_files(Path(path))
    from pipeline.s3.contracts import read_contracts

    return read_contracts(path)


def destination_of(settings: Settings) -> Destination:
    """The database that the settings name; with neither URL nor PG* variables, libpq's defaults."""
    from sqlalchemy import URL

    return Destination(
        settings.database_url or URL.create("postgresql"),
        iam_auth=settings.iam_auth,
        region=settings.region,
        ca_bundle=settings.ca_bundle,
        wait=settings.database_wait,
    )
