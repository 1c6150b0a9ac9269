"""The client of S3, and what its errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pipeline.credentials import credentials_error
from pipeline.errors import LandfallError, SourceError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STREAMS = 8
"""Ranges of one object that are read at a time, each on its own connection."""

# What S3 says when a retry may help; botocore has retried these already.
_TRANSIENT = frozenset(
    {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "RequestTimeTooSkewed", "Throttling",
     "ThrottlingException", "RequestLimitExceeded", "BandwidthLimitExceeded", "OperationAborted", "500", "502", "503",
     "504"}
)  # fmt: skip
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_FORBIDDEN = frozenset({"403", "AccessDenied", "Forbidden", "AllAccessDisabled", "AccountProblem"})
_CREDENTIALS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthFailure", "401"})
_ABSENT = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound"})


@lru_cache(maxsize=1)
def client() -> S3Client:
    """One client for the process; clients are thread-safe (boto3's guide, "Clients"). Raises as `explained` does."""
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "total_max_attempts": 5},
        connect_timeout=5,
        read_timeout=20,
        max_pool_connections=2 * STREAMS,
        # Checksums are ours to verify: over the whole file, whatever the ranges that it came in.
        response_checksum_validation="when_required",
        request_checksum_calculation="when_required",
    )
    session = boto3.Session()
    with explained("S3"):
        found = session.client("s3", config=config)
        if "amazonaws.com" in found.meta.endpoint_url:
            return found
        # A server of one's own seldom has a host name per bucket.
        return session.client("s3", config=config.merge(Config(s3={"addressing_style": "path"})))


@contextmanager
def explained(what: str, needs: str = "s3:GetObject and s3:GetObjectVersion") -> Iterator[None]:
    """Turn botocore's errors within the block into ours. `what`: the object, as messages call it. `needs`: the rights.

    Raises `SourceError` when the object is missing or may not be used, `TransientError` when S3 is busy or unreachable,
    `UsageError` without credentials.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _said_by_s3(error.response, what, needs) from error
    except BotoCoreError as error:
        raise credentials_error(error, what) or _said_by_client(type(error).__name__, what) from error


def _said_by_s3(response: Any, what: str, needs: str) -> LandfallError:
    code = str(response.get("Error", {}).get("Code", ""))
    message = str(response.get("Error", {}).get("Message", ""))
    if code in _TRANSIENT:
        return TransientError(f"{what}: S3 is busy ({code}) and stayed so after several tries; load again")
    if code in _EXPIRED:
        return TransientError(f"{what}: the AWS credentials have expired ({code}); renew them, then load again")
    if code == "NoSuchBucket":
        return SourceError(f"{what}: there is no such bucket. Is its name misspelt, or AWS_ENDPOINT_URL set wrongly?")
    if code in _ABSENT:
        return SourceError(f"{what}: no such object ({code}). Was it deleted, or is the name misspelt?")
    if code in ("405", "MethodNotAllowed"):
        return SourceError(f"{what}: this version is a delete marker: the object was deleted")
    if code in _CREDENTIALS:
        return SourceError(f"{what}: S3 does not accept the AWS credentials ({code}); check them")
    if code in _FORBIDDEN:
        return SourceError(f"{what}: not allowed. {_rights(message, needs)}")
    if code == "InvalidObjectState":
        return SourceError(f"{what}: the object is in an archive storage class; restore it in S3, then load again")
    return SourceError(f"{what}: S3 refused ({code}{': ' + message if message else ''})")


def _rights(message: str, needs: str) -> str:
    if "kms:" in message:
        return f"The object is encrypted with a KMS key that the role may not use: it needs kms:Decrypt; {needs}, too"
    hint = "" if "Put" in needs else ". Without s3:ListBucket, S3 says this of an object that does not exist, too"
    return f"The role needs {needs}{hint}"


def _said_by_client(kind: str, what: str) -> LandfallError:
    if kind in ("ParamValidationError", "InvalidRegionError", "InvalidEndpointConfigurationError"):
        return SourceError(
            f"{what}: S3 cannot be asked for this ({kind}); check the name, AWS_REGION and AWS_ENDPOINT_URL"
        )
    return TransientError(f"{what}: S3 does not answer ({kind}). Check network and AWS_ENDPOINT_URL, then load again")
