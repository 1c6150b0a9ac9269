"""What a destination shows, what it connects with, and how unreachable servers are reported. No server needed."""

from __future__ import annotations

import pickle
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import NoReturn

import psycopg2
import pytest
from botocore import exceptions
from sqlalchemy import make_url

from pipeline.errors import DestinationError, TransientError, UsageError
from pipeline.load import connect as room
from pipeline.load.connect import Destination, connect
from pipeline.s3.client import explained

SECRET = "hunter2-very-secret"


def destination(url: str, **facts: str | bool) -> Destination:
    return Destination(make_url(url), **facts)  # type: ignore[arg-type]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://loader:{SECRET}@db.example/dwh",
        f"postgresql://loader@db.example/dwh?password={SECRET}",
        f"postgresql://loader@db.example/dwh?sslkey=k&sslpassword={SECRET}",
    ],
)
def test_no_secret_is_shown(url: str) -> None:
    shown = destination(url)
    assert SECRET not in repr(shown) + str(shown) + shown.address
    assert "db.example" in repr(shown)


def test_a_destination_travels_to_a_worker_with_its_secret() -> None:
    sent = destination(f"postgresql://loader:{SECRET}@db.example/dwh", iam_auth=False, region="eu-central-1")
    assert pickle.loads(pickle.dumps(sent)) == sent
    assert pickle.loads(pickle.dumps(sent)).url.password == SECRET


def test_the_url_decides_over_our_defaults() -> None:
    url = "postgresql+psycopg2://loader@h:6432/dwh?sslmode=verify-ca&keepalives_idle=7&application_name=other"
    options = room._options(destination(url, ca_bundle="/etc/ca.pem"), "ledger", left=100.0)
    expected = {"host": "h", "port": 6432, "user": "loader", "dbname": "dwh", "sslmode": "verify-ca"}
    assert options | expected == options
    assert (options["keepalives_idle"], options["keepalives_interval"], options["tcp_user_timeout"]) == (
        "7",
        10,
        60_000,
    )
    assert (options["application_name"], options["sslrootcert"]) == ("landfall:ledger", "/etc/ca.pem")


@pytest.mark.parametrize("query", ["", "?sslmode=disable", "?sslmode=prefer", "?sslmode=require"])
def test_a_bundle_is_not_given_to_a_mode_that_does_not_verify(query: str) -> None:
    url = f"postgresql://loader@h/dwh{query}"
    assert "sslrootcert" not in room._options(destination(url, ca_bundle="/etc/ca.pem"), "ledger", left=100.0)


def test_the_urls_own_bundle_comes_first() -> None:
    url = "postgresql://loader@h/dwh?sslmode=verify-full&sslrootcert=/own.pem"
    options = room._options(destination(url, ca_bundle="/etc/ca.pem"), "ledger", left=100.0)
    assert options["sslrootcert"] == "/own.pem"


def test_each_iam_connection_has_a_token_of_its_own_and_verifies_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    rds = destination("postgresql://loader:old@db.example:5433/dwh", iam_auth=True, region="eu-central-1")
    options = room._options(rds, "staging", left=100.0)
    assert options["password"].startswith("db.example:5433/?Action=connect&DBUser=loader&")
    assert "eu-central-1" in options["password"]
    assert SECRET not in options["password"]
    assert options["sslmode"] == "verify-full"
    explicit = replace(rds, url=rds.url.update_query_dict({"sslmode": "require"}))
    assert room._options(explicit, "staging", left=100.0)["sslmode"] == "require"


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (exceptions.CredentialRetrievalError(provider="container", error_msg="timeout"), TransientError, "be fetched"),
        (exceptions.ConnectTimeoutError(endpoint_url="http://169.254.170.2"), TransientError, "ConnectTimeoutError"),
        (exceptions.NoCredentialsError(), UsageError, "set AWS_PROFILE or"),
        (exceptions.NoRegionError(), UsageError, "set AWS_REGION"),
    ],
)
def test_what_keeps_aws_from_letting_us_in(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, kind: type[Exception], said: str
) -> None:
    def client(*_: object, **__: object) -> NoReturn:
        raise raised

    monkeypatch.setattr("boto3.client", client)
    rds = destination("postgresql://loader@db.example/dwh", iam_auth=True)
    with pytest.raises(kind, match=rf"IAM login at postgresql://loader@db\.example/dwh: .*{said}"):
        connect(rds, "test", wait=0)
    with pytest.raises(kind, match=f"s3://b/k: .*{said}"), explained("s3://b/k"):
        raise raised


def test_a_hiccup_of_the_credentials_is_waited_out(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    answers: Iterator[Exception | str] = iter([TransientError("not now"), "token"])

    def token(_: Destination) -> str:
        answer = next(answers, "token")
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(room, "_iam_token", token)
    rds = destination(f"postgresql://loader@127.0.0.1:{closed_port}/dwh", iam_auth=True)
    with pytest.raises(TransientError, match="Connection refused"):
        connect(rds, "test", wait=1.0)


def test_a_server_that_never_comes_up_is_transient_and_waited_for(closed_port: int) -> None:
    started = time.monotonic()
    nowhere = destination(f"postgresql://loader:{SECRET}@127.0.0.1:{closed_port}/dwh")
    with pytest.raises(TransientError, match=rf"127\.0\.0\.1:{closed_port}/dwh after .* Connection refused") as caught:
        connect(nowhere, "test", wait=1.0)
    assert 1.0 <= time.monotonic() - started < 3
    assert SECRET not in str(caught.value)


def test_a_server_that_accepts_and_says_nothing_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(TransientError, match="timeout expired"):
            connect(destination(f"postgresql://loader@127.0.0.1:{port}/dwh"), "test", wait=1.0)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://loader@127.0.0.1:1/dwh?sslmode=sometimes", "sslmode"),
        ("postgresql://loader@127.0.0.1:1/dwh?no_such_option=1", "no_such_option"),
    ],
)
def test_a_mistake_in_the_url_is_not_waited_for(url: str, said: str) -> None:
    started = time.monotonic()
    with pytest.raises(DestinationError, match=said):
        connect(destination(url), "test", wait=60.0)
    assert time.monotonic() - started < 5


def test_an_unknown_host_is_a_mistake_after_a_short_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "UNKNOWN_HOST_WAIT", 0.0)
    with pytest.raises((DestinationError, TransientError), match=r"no-such-host\.invalid"):
        connect(destination("postgresql://loader@no-such-host.invalid/dwh"), "test", wait=1.0)


FATAL = 'connection to server at "db.example" (10.0.0.7), port 5432 failed: FATAL:  '


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FATAL + "the database system is starting up", TransientError),
        (FATAL + "the database system is shutting down", TransientError),
        (FATAL + "the database system is in recovery mode", TransientError),
        (FATAL + "the database system is not yet accepting connections\nDETAIL:  x", TransientError),
        (FATAL + "sorry, too many clients already", TransientError),
        (FATAL + "connection limit exceeded for non-superusers", TransientError),
        (FATAL + 'too many connections for role "loader"', TransientError),
        (FATAL + "remaining connection slots are reserved for roles with the SUPERUSER attribute", TransientError),
        (FATAL + "terminating connection due to administrator command", TransientError),
        ('connection to server at "db.example" failed: timeout expired', TransientError),
        ('connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory', TransientError),
        ('could not translate host name "db.example" to address: Temporary failure in name resolution', TransientError),
        ("SSL SYSCALL error: EOF detected", TransientError),
        ("server closed the connection unexpectedly", TransientError),
        (FATAL + 'password authentication failed for user "loader"', DestinationError),
        (FATAL + 'PAM authentication failed for user "loader"', DestinationError),
        (FATAL + 'database "dwh" does not exist', DestinationError),
        (FATAL + 'role "loader" is not permitted to log in', DestinationError),
        (
            FATAL + 'no pg_hba.conf entry for host "10.0.0.9", user "loader", database "dwh", no encryption',
            DestinationError,
        ),
        (FATAL + 'permission denied for database "dwh"', DestinationError),
        ('connection to server at "db.example" failed: fe_sendauth: no password supplied', DestinationError),
        ('connection failed: server certificate for "x" does not match host name "db.example"', DestinationError),
        ("connection failed: server does not support SSL, but SSL was required", DestinationError),
    ],
)
def test_what_the_server_said_decides_whether_to_wait(text: str, expected: type[Exception]) -> None:
    wanted = destination(f"postgresql://loader:{SECRET}@db.example/dwh")
    failure = room._connect_failure(psycopg2.OperationalError(text + SECRET), wanted, waited=1.0)
    assert type(failure) is expected
    assert SECRET not in str(failure)


def test_a_host_name_that_stays_unknown_is_a_mistake() -> None:
    error = psycopg2.OperationalError(
        'could not translate host name "db.exmaple" to address: Name or service not known'
    )
    wanted = destination("postgresql://loader@db.exmaple/dwh")
    assert isinstance(room._connect_failure(error, wanted, waited=1.0), TransientError)
    late = room._connect_failure(error, wanted, waited=20.0)
    assert isinstance(late, DestinationError)
    assert "db.exmaple" in str(late)
