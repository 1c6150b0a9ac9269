"""How the target database is reached: patient with a server that sleeps or restarts, blunt about everything else."""

from __future__ import annotations

import logging
import random
import re
import threading
import time
import weakref
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812
from sqlalchemy import URL

from pipeline.credentials import credentials_error
from pipeline.errors import DestinationError, LandfallError, TransientError
from pipeline.load.sqlstate import translate

__all__ = ["Connection", "Destination", "cancel_running", "connect", "translate"]

log = logging.getLogger(__name__)

# A resuming Aurora holds the connection attempt open for about 15 s; several short attempts leave room for a signal.
CONNECT_TIMEOUT = 10
SECRET_OPTIONS = ("password", "sslpassword")
UNKNOWN_HOST_WAIT = 15.0

# The client notices a dead server within a minute, also when the network swallows packets.
KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

# The server notices a dead client as soon, so that a lost task's locks do not outlive it by two hours. The time
# limits are off: the ledger's session is idle, holding the object's lock, for as long as the engine works, and a COPY
# lasts as long as its partition.
SESSION_SETTINGS = """
    SELECT set_config(ours.name, ours.setting, false)
    FROM (VALUES ('TimeZone', 'UTC'), ('DateStyle', 'ISO, YMD'), ('bytea_output', 'hex'),
                 ('default_transaction_isolation', 'read committed'), ('statement_timeout', '0'),
                 ('transaction_timeout', '0'),
                 ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'),
                 ('client_connection_check_interval', '10s'),
                 ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0')) AS ours (name, setting)
    JOIN pg_catalog.pg_settings AS theirs ON theirs.name = ours.name
"""

# What libpq and the server say while a server is starting, stopping, asleep or crowded. There is no SQLSTATE before a
# session exists.
BUSY = re.compile(
    r"starting up|shutting down|recovery mode|not yet accepting|too many (clients|connections)|"
    r"connection slots|administrator command|connection limit exceeded",
    re.IGNORECASE,
)
MISCONFIGURED = re.compile(
    r"certificate|does not support SSL|no password supplied|password file|invalid (port|connection|integer|sslmode)|"
    r"sslmode|Permission denied|too long",
    re.IGNORECASE,
)
UNKNOWN_HOST = re.compile(r"could not translate host name.*(not known|No address)", re.IGNORECASE)

_open_connections: weakref.WeakSet[Connection] = weakref.WeakSet()
_registry_lock = threading.Lock()


@dataclass(frozen=True)
class Destination:
    """The target database, as a picklable value that engine workers can connect with.

    `url`: libpq options in its query (sslmode, host, ...) are honoured. `iam_auth`: a fresh RDS token per connection in
    place of a password, `region` being the database's AWS region. `ca_bundle`: path of the PEM file that the server is
    verified with. `wait`: seconds for which a server that does not answer is asked again.
    """

    url: URL = field(repr=False)
    iam_auth: bool = False
    region: str | None = None
    ca_bundle: str | None = None
    wait: float = 180.0
    address: str = field(init=False)

    def __post_init__(self) -> None:
        shown = self.url.difference_update_query(SECRET_OPTIONS)
        object.__setattr__(self, "address", shown.render_as_string(hide_password=True))


def connect(destination: Destination, purpose: str, wait: float | None = None) -> Connection:
    """Open a session (UTC, UTF8, `application_name` landfall:<purpose>), trying for up to `wait` seconds.

    Without `wait`, for as long as the destination says.

    Raises TransientError when the server or the source of AWS credentials stays unreachable, DestinationError at once
    when waiting cannot help (wrong password, unknown database, certificate), as does UsageError without credentials.
    """
    wait = destination.wait if wait is None else wait
    started = time.monotonic()
    pause = 0.2
    while True:
        left = wait - (time.monotonic() - started)
        try:
            return _open(destination, purpose, left)
        except TransientError as error:
            if left <= 0:
                raise
            log.info("no access to the database yet, trying again for %d s: %s", left, error)
        except psycopg2.Error as error:
            failure = _connect_failure(error, destination, waited=time.monotonic() - started)
            if not failure.transient or left <= 0:
                raise failure from error
            log.info("database not reachable yet, trying again for %d s: %s", left, _reason(error, destination))
        time.sleep(min(left, pause * random.uniform(0.5, 1.5)))  # noqa: S311 - a pause, no secret  # nosec B311
        pause = min(pause * 2, 5.0)


def cancel_running() -> None:
    """Ask the server to cancel what this process's sessions are running (callable from any thread, e.g. on SIGTERM)."""
    with _registry_lock:
        sessions = list(_open_connections)
    for session in sessions:
        if not session.closed:
            try:
                session.cancel()
            except psycopg2.Error as error:
                log.info("could not cancel a running statement: %s", type(error).__name__)


def _open(destination: Destination, purpose: str, left: float) -> Connection:
    session: Connection = psycopg2.connect(**_options(destination, purpose, left))
    try:
        with session.cursor() as cursor:
            cursor.execute(SESSION_SETTINGS)
        session.commit()
    except psycopg2.Error:
        session.close()
        raise
    with _registry_lock:
        _open_connections.add(session)
    return session


def _options(destination: Destination, purpose: str, left: float) -> dict[str, Any]:
    """libpq's keywords: our defaults, then what the URL says, then what IAM authentication demands."""
    url = destination.url
    options: dict[str, Any] = {**KEEPALIVES, "connect_timeout": max(2, min(CONNECT_TIMEOUT, int(left)))}
    options |= url.translate_connect_args(username="user", database="dbname")
    options |= {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
    options |= {"client_encoding": "UTF8", "application_name": f"landfall:{purpose}"}
    if destination.iam_auth:
        options |= {"password": _iam_token(destination), "sslmode": url.query.get("sslmode", "verify-full")}
    if destination.ca_bundle and str(options.get("sslmode")).startswith("verify-"):
        # Only then: given a bundle, libpq verifies in every mode, and where that fails `prefer` goes on unencrypted.
        options.setdefault("sslrootcert", destination.ca_bundle)
    return options


def _iam_token(destination: Destination) -> str:
    """An RDS authentication token; it is valid for 15 minutes, so each connection gets its own."""
    import boto3
    from botocore.exceptions import BotoCoreError

    url, what = destination.url, f"IAM login at {destination.address}"
    try:
        client = boto3.client("rds", region_name=destination.region)
        token: str = client.generate_db_auth_token(
            DBHostname=url.host or "", Port=url.port or 5432, DBUsername=url.username or "", Region=destination.region
        )
    except BotoCoreError as error:
        other = TransientError(f"{what}: AWS gives no token ({type(error).__name__}). Check the network")
        raise credentials_error(error, what) or other from error
    return token


def _connect_failure(error: psycopg2.Error, destination: Destination, waited: float) -> LandfallError:
    text = str(error)
    if error.pgcode:
        return translate(error)
    reason, where = _reason(error, destination), destination.address
    if UNKNOWN_HOST.search(text) and waited > UNKNOWN_HOST_WAIT:
        return DestinationError(f"no such database host: {reason}. Check the host name in the database URL {where}")
    refused = "FATAL:" in text and not BUSY.search(text)
    # A server that stops just after it has let us in: the driver then raises no more than a DatabaseError.
    lost = isinstance(error, psycopg2.OperationalError) or "server closed the connection" in text
    if refused or MISCONFIGURED.search(text) or not lost:
        return DestinationError(f"the database refused the connection: {reason}. Check the database URL {where}")
    return TransientError(
        f"no database at {where} after {waited:.0f} s: {reason}. Start it or correct the URL, then load again"
    )


def _reason(error: psycopg2.Error, destination: Destination) -> str:
    """libpq's text on one line, without the password should it ever be in there."""
    text = " ".join(str(error).split()).split(" Is the server running")[0]
    for secret in (destination.url.password, *(destination.url.query.get(name) for name in SECRET_OPTIONS)):
        text = text.replace(str(secret), "***") if secret else text
    return text
