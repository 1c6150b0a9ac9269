"""Contracts that are kept in S3."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.errors import ContractError
from pipeline.s3.client import client, explained

_SUFFIXES = (".odcs.yaml", ".odcs.yml")
_RIGHTS = "s3:GetObject and, for a prefix, s3:ListBucket"


def read_contracts(uri: str) -> Iterator[tuple[str, str]]:
    """`(uri, text)` of the contract that `s3://bucket/key` names, or of every `*.odcs.yaml` under a prefix.

    Raises `ContractError` when there is none or one is no text, else as `explained` does.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    keys = [key] if key.endswith(_SUFFIXES) else sorted(_under(bucket, key, uri))
    if not keys:
        raise ContractError(f"{uri}: there are no contracts (*.odcs.yaml) under this prefix")
    for each in keys:
        name = f"s3://{bucket}/{each}"
        with explained(name, _RIGHTS):
            body = client().get_object(Bucket=bucket, Key=each)["Body"].read()
        try:
            yield name, body.decode("utf-8")
        except UnicodeDecodeError:
            raise ContractError(f"{name}: is not UTF-8 text") from None


def _under(bucket: str, prefix: str, uri: str) -> Iterator[str]:
    """Keys of contracts below a prefix, which is a directory: `contracts` does not mean `contracts-old/`."""
    directory = prefix.rstrip("/") + "/" if prefix.strip("/") else ""
    with explained(uri, _RIGHTS):
        for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=directory):
            yield from (item["Key"] for item in page.get("Contents", []) if item["Key"].endswith(_SUFFIXES))
