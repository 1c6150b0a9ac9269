"""The PostgreSQL that everything is loaded into: one embedded server, the same for every case and every peer."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from pipeline.load import embedded

DATABASE = "bench"


class Server:
    """A running server with the database `bench`. `pid`: of the postmaster. `url`: for landfall."""

    def __init__(self, directory: Path) -> None:
        destination = embedded.start(directory, DATABASE)
        self.pid = int((directory / "postmaster.pid").read_text().splitlines()[0])
        self.url = destination.url.render_as_string(hide_password=False)
        self.psql = shlex.split(embedded.psql_command(destination))
        self.socket = str(destination.url.query["host"])

    def run(self, *statements: str) -> str:
        """Run SQL (or psql commands) and return what psql prints, unaligned."""
        command = [*self.psql, "-XqAt", "-v", "ON_ERROR_STOP=1"]
        for statement in statements:
            command += ["-c", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def settle(self) -> None:
        """A checkpoint, so that no case pays for the writes of the one before."""
        self.run("CHECKPOINT")

    @property
    def version(self) -> str:
        """What `SHOW server_version` says."""
        return self.run("SHOW server_version")
