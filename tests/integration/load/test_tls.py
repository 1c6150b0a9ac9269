"""verify-full and passwords against a private server with TLS, where PostgreSQL's own binaries and openssl are
installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import URL

from pipeline.errors import DestinationError, LandfallError
from pipeline.load import connect as room
from pipeline.load.connect import Destination, connect

PASSWORD = "hunter2-very-secret"


@dataclass(frozen=True)
class TlsServer:
    """A running server that takes TLS and passwords only, and the directory of its certificates."""

    destination: Destination
    certificates: Path


def binaries() -> Path | None:
    """The directory of PostgreSQL binaries that were built with OpenSSL, if any are installed."""
    found = [Path(shutil.which("postgres") or "/nowhere/postgres").parent, *Path("/usr/lib/postgresql").glob("*/bin")]
    for directory in found:
        if (directory / "postgres").exists() and (directory / "pg_config").exists():
            built = subprocess.run([directory / "pg_config", "--configure"], capture_output=True, text=True).stdout
            if "openssl" in built:
                return directory
    return None


def unprivileged() -> str | None:
    """PostgreSQL does not run as root: the user to run it as instead, None for the present one."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@pytest.fixture(scope="module")
def tls() -> Iterator[TlsServer]:
    directory = binaries()
    if directory is None or shutil.which("openssl") is None:
        pytest.skip("no PostgreSQL binaries with TLS, or no openssl, on this machine")
    with TemporaryDirectory(prefix="landfall-tls-") as scratch:
        work = Path(scratch)
        work.chmod(0o755)
        certificates = work / "certificates"
        certificates.mkdir()
        make_certificates(certificates)
        with running(directory, work, certificates) as server:
            yield server


def make_certificates(into: Path) -> None:
    """An authority, a server certificate of it for `localhost`, and an authority of somebody else."""
    for name in ("authority", "stranger"):
        openssl(into, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.pem")  # fmt: skip
    openssl(
        into,
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
    )
    (into / "san").write_text("subjectAltName=DNS:localhost")
    openssl(into, "x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key", "-days", "2",
            "-extfile", "san", "-out", "server.pem")  # fmt: skip


def openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


class running:  # noqa: N801
    """The server, for as long as the `with` block lasts."""

    def __init__(self, binaries: Path, work: Path, certificates: Path) -> None:
        self.binaries, self.work, self.certificates = binaries, work, certificates
        self.user = unprivileged()

    def __enter__(self) -> TlsServer:
        data, port = self.work / "data", free_port()
        (self.work / "password").write_text(PASSWORD)
        data.mkdir()
        if self.user is not None:
            shutil.chown(data, self.user)
            shutil.chown(self.certificates / "server.key", self.user)
        self.run("initdb", "-D", data, "-U", "loader", "--auth=scram-sha-256", "--pwfile", self.work / "password")
        (data / "pg_hba.conf").write_text("hostssl all all all scram-sha-256\n")
        self.process = subprocess.Popen(
            [
                self.binaries / "postgres", "-D", data, "-p", str(port), "-k", data, "-c", "listen_addresses=localhost",
                "-c", "ssl=on", "-c", f"ssl_cert_file={self.certificates / 'server.pem'}",
                "-c", f"ssl_key_file={self.certificates / 'server.key'}", "-c", "fsync=off",
            ],
            user=self.user, cwd=data, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for_port(port)
        url = URL.create("postgresql", "loader", PASSWORD, "localhost", port, "postgres", {"sslmode": "verify-full"})
        return TlsServer(Destination(url, ca_bundle=str(self.certificates / "authority.pem")), self.certificates)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def run(self, program: str, *arguments: object) -> None:
        command = [str(self.binaries / program), *map(str, arguments)]
        subprocess.run(command, user=self.user, cwd=self.work, check=True, capture_output=True)


def free_port() -> int:
    with socket.create_server(("localhost", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("localhost", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, "the TLS server does not start"
            time.sleep(0.1)


def refusal(destination: Destination) -> str:
    """The message with which the connection is refused, at once."""
    started = time.monotonic()
    with pytest.raises(LandfallError) as caught:
        connect(destination, "test", wait=60)
    assert isinstance(caught.value, DestinationError)
    assert time.monotonic() - started < 10
    assert PASSWORD not in str(caught.value) + str(caught.value.__cause__)
    return str(caught.value)


def test_verify_full_with_the_right_authority_connects_encrypted(tls: TlsServer) -> None:
    with closing(connect(tls.destination, "test", wait=20)) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert cursor.fetchone() == (True,)


def test_an_unknown_authority_is_refused_at_once(tls: TlsServer) -> None:
    stranger = replace(tls.destination, ca_bundle=str(tls.certificates / "stranger.pem"))
    assert "certificate verify failed" in refusal(stranger)


@pytest.mark.parametrize("mode", ["prefer", "require"])
def test_a_bundle_for_other_servers_does_not_cost_the_encryption(tls: TlsServer, mode: str) -> None:
    url = tls.destination.url.update_query_dict({"sslmode": mode})
    stranger = replace(tls.destination, url=url, ca_bundle=str(tls.certificates / "stranger.pem"))
    with closing(connect(stranger, "test", wait=20)) as conn:
        assert conn.info.ssl_in_use


def test_another_host_name_is_refused_at_once(tls: TlsServer) -> None:
    other = replace(
        tls.destination, url=tls.destination.url.update_query_dict({"hostaddr": "127.0.0.1"}).set(host="db.example")
    )
    assert "does not match host name" in refusal(other)


def test_a_missing_bundle_is_refused_at_once(tls: TlsServer) -> None:
    assert "/nowhere/ca.pem" in refusal(replace(tls.destination, ca_bundle="/nowhere/ca.pem"))


def test_no_encryption_is_refused_by_the_server_at_once(tls: TlsServer) -> None:
    plain = tls.destination.url.update_query_dict({"sslmode": "disable"})
    assert "no pg_hba.conf entry" in refusal(Destination(plain))


def test_a_wrong_password_is_refused_at_once_and_not_shown(tls: TlsServer) -> None:
    wrong = PASSWORD + "-wrong"
    said = refusal(replace(tls.destination, url=tls.destination.url.set(password=wrong)))
    assert "password authentication failed" in said
    assert wrong not in said


def test_no_password_is_refused_at_once(tls: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", "/nowhere")
    url = tls.destination.url
    anonymous = URL.create(url.drivername, url.username, None, url.host, url.port, url.database, url.query)
    assert "no password supplied" in refusal(replace(tls.destination, url=anonymous))


def test_a_token_is_only_sent_to_a_verified_server(tls: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_iam_token", lambda destination: PASSWORD)
    url = tls.destination.url.difference_update_query(["sslmode"]).set(password="stale")
    rds = replace(tls.destination, url=url, iam_auth=True, region="eu-central-1")
    connect(rds, "test", wait=20).close()
    assert "certificate verify failed" in refusal(replace(rds, ca_bundle=str(tls.certificates / "stranger.pem")))
